//! The one capability that an intent may run.

use pml_entity::values::Decision;
use pml_service::Db;
use pml_service::Principal;
use pml_service::capabilities::{Match, MatchOptions, best_match};
use pml_testkit::database;

use super::data::{Degrees, capability, close, edge, user};

async fn matched(db: &Db, who: &Principal, intent: &str) -> Match {
    best_match(db, &Degrees, who, intent, &MatchOptions::default())
        .await
        .unwrap()
}

fn degrees(cosine: f64) -> f64 {
    cosine.acos().to_degrees()
}

/// AT-67.
#[tokio::test]
async fn a_capability_that_mostly_fails_is_filtered_by_its_reliability() {
    let test = database().await;
    capability("a", degrees(0.90))
        .record(10, 4)
        .add(test.db())
        .await;
    let found = matched(test.db(), &Principal::Local, "0").await;
    assert_eq!(found.decision, Decision::FilteredByReliability);
    assert!(close(found.candidate.as_ref().unwrap().score, 0.09));
    assert_eq!(found.accepted(), None);
}

/// AT-69, with enough uses for the boost (D15).
#[tokio::test]
async fn a_failing_dependency_makes_a_good_match_miss_the_threshold() {
    let test = database().await;
    let main = capability("a", degrees(0.90))
        .record(20, 19)
        .add(test.db())
        .await;
    let target = capability("b", 90.0).record(10, 5).add(test.db()).await;
    edge(test.db(), main, target, "dependency", 1.0).await;
    let found = matched(test.db(), &Principal::Local, "0").await;
    assert_eq!(found.decision, Decision::RejectedByThreshold);
    assert!(close(found.candidate.unwrap().score, 0.54));
}

#[tokio::test]
async fn the_best_scored_of_the_nearest_is_accepted() {
    let test = database().await;
    capability("near", degrees(0.85))
        .record(10, 9)
        .add(test.db())
        .await;
    let proven = capability("proven", degrees(0.75))
        .record(100, 99)
        .add(test.db())
        .await;
    let found = matched(test.db(), &Principal::Local, "0").await;
    assert_eq!(found.decision, Decision::Accepted);
    assert!(close(found.accepted().unwrap().score, 0.75 * 1.2));
    assert_eq!(found.accepted().unwrap().id, proven.id);
    assert!(close(found.threshold, 0.70));
}

/// Its boost would carry it over the threshold, but it is no candidate.
#[tokio::test]
async fn what_is_not_similar_enough_is_no_candidate_whatever_its_record() {
    let test = database().await;
    capability("a", degrees(0.64))
        .record(100, 100)
        .add(test.db())
        .await;
    let found = matched(test.db(), &Principal::Local, "0").await;
    assert_eq!(
        (found.decision, found.candidate),
        (Decision::RejectedByThreshold, None)
    );
}

#[tokio::test]
async fn the_threshold_is_inclusive_and_can_be_another() {
    let test = database().await;
    capability("a", degrees(0.68)).add(test.db()).await;
    let rejected = matched(test.db(), &Principal::Local, "0").await;
    assert_eq!(rejected.decision, Decision::RejectedByThreshold);
    let score = rejected.candidate.unwrap().score;
    let options = MatchOptions {
        threshold: score,
        ..MatchOptions::default()
    };
    let found = best_match(test.db(), &Degrees, &Principal::Local, "0", &options)
        .await
        .unwrap();
    assert_eq!(found.decision, Decision::Accepted);
}

#[tokio::test]
async fn nobody_runs_what_they_may_not_see() {
    let test = database().await;
    let alice = user(test.db(), "alice", "acme", "default").await;
    let bob = user(test.db(), "bob", "acme", "default").await;
    capability("a", 0.0)
        .of(&alice, "private")
        .add(test.db())
        .await;
    assert!(matched(test.db(), &alice, "0").await.accepted().is_some());
    assert_eq!(matched(test.db(), &bob, "0").await.candidate, None);
    assert_eq!(
        matched(test.db(), &Principal::Anonymous, "0")
            .await
            .candidate,
        None
    );
}

#[tokio::test]
async fn bad_intents_and_options_are_refused_and_letters_are_no_match() {
    let test = database().await;
    let db = test.db();
    capability("word", 0.0).add(db).await;
    assert_eq!(matched(db, &Principal::Local, " ").await.candidate, None);
    let code = async |intent: &str, options: MatchOptions| {
        best_match(db, &Degrees, &Principal::Local, intent, &options)
            .await
            .unwrap_err()
            .code()
    };
    let options = MatchOptions::default();
    assert_eq!(code("word", options).await, "embedder_failed");
    assert_eq!(code("a\0b", options).await, "invalid_query");
    assert_eq!(
        code(
            "0",
            MatchOptions {
                threshold: f64::NAN,
                ..options
            }
        )
        .await,
        "invalid_filter"
    );
    assert_eq!(
        code(
            "0",
            MatchOptions {
                min_semantic: 1.5,
                ..options
            }
        )
        .await,
        "invalid_filter"
    );
    assert_eq!(
        code(
            "0",
            MatchOptions {
                candidates: 0,
                ..options
            }
        )
        .await,
        "invalid_limit"
    );
}

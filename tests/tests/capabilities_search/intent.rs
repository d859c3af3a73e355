//! Search by intent: scores, order, limits, and what happens without an embedder.

use pml_service::Principal;
use pml_service::capabilities::{SearchRequest, reliability, search};
use pml_service::tools::SearchMode;
use pml_testkit::database;
use sea_orm::ConnectionTrait;

use super::data::{Degrees, around, at, capability, close, edge, hits, names, run};

const LOCAL: &Principal = &Principal::Local;

#[tokio::test]
async fn a_hit_carries_its_entry_its_scores_and_its_tools() {
    let test = database().await;
    let mut made = capability("files:read", 30.0).record(10, 8).tools(&[
        "pml.mcp.std.psql_query.db48",
        "a:b",
        "a:b",
    ]);
    made.description = Some("Reads");
    let stored = made.add(test.db()).await;
    let before = test.db().statements().snapshot();
    let answer = search(test.db(), &Degrees, LOCAL, &SearchRequest::query("0"))
        .await
        .unwrap();
    assert!(test.db().statements().since(&before).statements <= 2);
    assert_eq!(answer.mode, SearchMode::Semantic);
    let hit = &answer.results[0];
    assert_eq!((hit.id, hit.pattern_id), (stored.id, stored.pattern_id));
    assert_eq!(hit.fqdn, "local.default.files.read.abcd");
    assert_eq!(hit.display_name, "files:read");
    assert_eq!(hit.description.as_deref(), Some("Reads"));
    assert_eq!(hit.tools, ["a:b", "std:psql_query"]);
    assert_eq!(hit.usage_count, 10);
    let cosine = 30.0_f64.to_radians().cos();
    assert!(close(hit.semantic_score, cosine) && close(hit.score, cosine));
    assert!(close(hit.reliability, 1.0) && close(hit.success_rate, 0.8));
}

#[tokio::test]
async fn one_statement_finds_everything_of_a_local_installation() {
    let test = database().await;
    for number in 0..30 {
        capability("x", f64::from(number))
            .named(number)
            .add(test.db())
            .await;
    }
    for limit in [1, 5, 20] {
        let before = test.db().statements().snapshot();
        assert_eq!(
            hits(test.db(), LOCAL, &around(0.0, limit)).await.len(),
            usize::try_from(limit).unwrap()
        );
        assert_eq!(test.db().statements().since(&before).statements, 1);
    }
}

#[tokio::test]
async fn a_better_record_beats_a_little_more_likeness() {
    let test = database().await;
    capability("near_but_failing", 5.0)
        .record(10, 4)
        .add(test.db())
        .await;
    capability("plain", 40.0).record(10, 9).add(test.db()).await;
    capability("proven", 45.0)
        .record(20, 19)
        .add(test.db())
        .await;
    let found = hits(test.db(), LOCAL, &around(0.0, 5)).await;
    let names: Vec<&str> = found.iter().map(|hit| hit.display_name.as_str()).collect();
    assert_eq!(names, ["ns:proven", "ns:plain", "ns:near_but_failing"]);
    assert!(close(found[0].score, 45.0_f64.to_radians().cos() * 1.2));
    assert!(close(found[2].score, 5.0_f64.to_radians().cos() * 0.1));
}

#[tokio::test]
async fn no_score_is_above_the_cap() {
    let test = database().await;
    capability("a", 0.0).record(20, 20).add(test.db()).await;
    let found = hits(test.db(), LOCAL, &around(0.0, 5)).await;
    assert!(close(found[0].score, 0.95) && close(found[0].semantic_score, 1.0));
}

/// AT-69, in the statement: `min(0.95, semantic × base × transitive)`.
#[tokio::test]
async fn the_worst_direct_dependency_pulls_the_score_down_and_no_other_edge_does() {
    let test = database().await;
    let db = test.db();
    let degrees = 0.9_f64.acos().to_degrees();
    let main = capability("main", degrees).record(20, 19).add(db).await;
    let half = capability("half", 100.0).record(10, 5).add(db).await;
    let good = capability("good", 100.0).record(10, 8).add(db).await;
    let bad = capability("bad", 100.0).record(10, 1).add(db).await;
    let unused = capability("unused", 100.0).record(0, 0).add(db).await;
    edge(db, main, half, "dependency", 1.0).await;
    edge(db, main, good, "dependency", 1.0).await;
    edge(db, main, unused, "dependency", 1.0).await;
    // Neither another kind of edge, nor an incoming one, nor one further on counts.
    edge(db, main, bad, "sequence", 1.0).await;
    edge(db, bad, main, "dependency", 1.0).await;
    edge(db, half, bad, "dependency", 1.0).await;
    let found = hits(db, LOCAL, &around(0.0, 5)).await;
    assert!(close(found[0].score, 0.54), "{found:?}");
    assert!(close(found[0].reliability, 0.6));
}

#[tokio::test]
async fn the_statement_and_the_functions_agree_on_every_record() {
    let test = database().await;
    let cases = [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (10, 9),
        (11, 10),
        (2, 1),
        (100, 91),
        (100, 49),
    ];
    for (number, (uses, successes)) in cases.into_iter().enumerate() {
        capability("x", 10.0)
            .named(number)
            .record(uses, successes)
            .add(test.db())
            .await;
    }
    let found = hits(test.db(), LOCAL, &around(0.0, 50)).await;
    assert_eq!(found.len(), cases.len());
    for hit in found {
        let successes = (hit.success_rate * hit.usage_count as f64).round() as i64;
        assert!(close(
            hit.reliability,
            reliability::base(successes, hit.usage_count)
        ));
        assert!(close(
            hit.success_rate,
            reliability::success_rate(successes, hit.usage_count)
        ));
        assert!(close(
            hit.score,
            reliability::score(hit.semantic_score, hit.reliability)
        ));
    }
}

#[tokio::test]
async fn the_lowest_score_is_inclusive_and_compared_with_the_final_score() {
    let test = database().await;
    capability("near", 0.0).record(10, 1).add(test.db()).await;
    capability("far", 60.0).add(test.db()).await;
    let all = hits(test.db(), LOCAL, &around(0.0, 5)).await;
    assert_eq!(all.len(), 2);
    let exactly = SearchRequest {
        min_score: Some(all[0].score),
        ..around(0.0, 5)
    };
    assert_eq!(names(test.db(), LOCAL, &exactly).await, ["far"]);
    // A text asks the embedder for its threshold, 0.5 here: the cosine of 60 degrees, of which these are a little more.
    let by_text = SearchRequest::query("-0.1");
    assert!(names(test.db(), LOCAL, &by_text).await.is_empty());
}

/// The nearest ones are all failing; those that match stand far behind them.
#[tokio::test]
async fn a_threshold_never_hides_what_matches_behind_what_fails() {
    let test = database().await;
    for number in 0..40 {
        capability("failing", 1.0)
            .named(number)
            .record(10, 0)
            .add(test.db())
            .await;
    }
    for number in 0..3 {
        capability("good", 20.0).named(number).add(test.db()).await;
    }
    let request = SearchRequest {
        min_score: Some(0.5),
        ..around(0.0, 5)
    };
    let before = test.db().statements().snapshot();
    assert_eq!(names(test.db(), LOCAL, &request).await.len(), 3);
    assert_eq!(test.db().statements().since(&before).statements, 2);
    let request = SearchRequest {
        min_score: Some(0.99),
        ..around(0.0, 5)
    };
    assert!(names(test.db(), LOCAL, &request).await.is_empty());
}

#[tokio::test]
async fn equal_ones_come_in_the_same_order_each_time() {
    let test = database().await;
    for number in 0..12 {
        capability("same", 10.0).named(number).add(test.db()).await;
    }
    let first = hits(test.db(), LOCAL, &around(0.0, 12)).await;
    assert!(
        first
            .windows(2)
            .all(|pair| pair[0].pattern_id < pair[1].pattern_id)
    );
    let few = hits(test.db(), LOCAL, &around(0.0, 2)).await;
    assert_eq!(few, first[..2]);
}

/// SEARCH-2: a zero vector cannot be written any more; one that an older system left is never found, and neither is a plain pattern.
#[tokio::test]
async fn vectors_without_direction_and_patterns_without_code_are_never_found() {
    assert!(pml_entity::values::Embedding::new(vec![0.0; 1024]).is_err());
    assert!(pml_entity::values::Embedding::new(vec![f32::NAN; 1024]).is_err());
    let test = database().await;
    let zero = capability("zero", 0.0).add(test.db()).await;
    let plain = capability("plain", 0.0).add(test.db()).await;
    capability("good", 0.0).add(test.db()).await;
    run(test.db(), "UPDATE workflow_pattern SET intent_embedding = array_fill(0::real, array[1024])::vector WHERE pattern_id = $1", [zero.pattern_id.as_uuid().into()]).await;
    run(
        test.db(),
        "UPDATE workflow_pattern SET code_hash = NULL WHERE pattern_id = $1",
        [plain.pattern_id.as_uuid().into()],
    )
    .await;
    for limit in [1, 5, 100] {
        assert_eq!(names(test.db(), LOCAL, &around(0.0, limit)).await, ["good"]);
    }
    assert_eq!(
        names(test.db(), LOCAL, &SearchRequest::query("text zero")).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_blank_query_finds_nothing_and_asks_nobody() {
    let test = database().await;
    capability("a", 0.0).add(test.db()).await;
    let before = test.db().statements().snapshot();
    assert!(
        hits(test.db(), LOCAL, &SearchRequest::query(" \n\t "))
            .await
            .is_empty()
    );
    assert_eq!(test.db().statements().since(&before).statements, 0);
}

#[tokio::test]
async fn an_empty_database_answers_with_nothing() {
    let test = database().await;
    for who in [Principal::Local, Principal::Anonymous] {
        assert!(
            hits(test.db(), &who, &SearchRequest::query("0"))
                .await
                .is_empty()
        );
    }
}

#[tokio::test]
async fn bad_requests_have_their_own_codes() {
    let test = database().await;
    let code = |request: SearchRequest| {
        let db = test.db().clone();
        async move {
            search(&db, &Degrees, LOCAL, &request)
                .await
                .unwrap_err()
                .code()
        }
    };
    for limit in [0, -1, 501, i64::MAX] {
        assert_eq!(
            code(SearchRequest {
                limit: Some(limit),
                ..SearchRequest::query("0")
            })
            .await,
            "invalid_limit"
        );
    }
    for min_score in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(
            code(SearchRequest {
                min_score: Some(min_score),
                ..SearchRequest::query("0")
            })
            .await,
            "invalid_min_score"
        );
    }
    assert_eq!(code(SearchRequest::query("a\0b")).await, "invalid_query");
    assert_eq!(
        code(SearchRequest::query("x".repeat(40_000))).await,
        "invalid_query"
    );
}

#[tokio::test]
async fn without_an_embedding_the_letters_of_name_and_description_are_searched() {
    let test = database().await;
    let db = test.db();
    let mut read = capability("files:read", 80.0).record(1, 0);
    read.description = Some("Is 100%_certain");
    let read = read.add(db).await;
    super::data::entry(db, read.pattern_id, &capability("files:Certainly", 0.0)).await;
    capability("mail:send", 0.0).add(db).await;
    let answer = search(db, &Degrees, LOCAL, &SearchRequest::query("CERTAIN"))
        .await
        .unwrap();
    assert_eq!(answer.mode, SearchMode::Literal);
    assert_eq!(
        answer.results.len(),
        1,
        "one row for a pattern with two names"
    );
    assert!(close(answer.results[0].score, 0.5) && close(answer.results[0].semantic_score, 0.5));
    for (text, expected) in [
        ("files:r", 1),
        ("100%_", 1),
        ("100x", 0),
        ("%", 1),
        ("_", 1),
        ("mail:s", 1),
        ("\\", 0),
    ] {
        let request = SearchRequest {
            min_score: Some(0.9),
            ..SearchRequest::query(text)
        };
        let before = db.statements().snapshot();
        assert_eq!(hits(db, LOCAL, &request).await.len(), expected, "{text}");
        assert_eq!(db.statements().since(&before).statements, 1);
    }
}

#[tokio::test]
async fn vectors_of_another_model_are_refused_and_those_without_a_model_are_not() {
    let test = database().await;
    let db = test.db();
    let mut passed = capability("passed", 0.0);
    passed.model = None;
    passed.add(db).await;
    assert_eq!(
        names(db, LOCAL, &SearchRequest::query("0")).await,
        ["passed"]
    );
    let mut other = capability("other", 10.0);
    other.model = Some("other");
    other.add(db).await;
    let error = search(db, &Degrees, LOCAL, &SearchRequest::query("0"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "mixed_embedding_models");
    // Who passes a vector says that it fits.
    assert_eq!(names(db, LOCAL, &around(0.0, 5)).await, ["passed", "other"]);
}

#[tokio::test]
async fn a_search_inside_a_transaction_sees_what_it_wrote() {
    use sea_orm::TransactionTrait;
    let test = database().await;
    capability("a", 0.0).add(test.db()).await;
    let tx = test.db().begin().await.unwrap();
    tx.execute_unprepared("UPDATE capability_records SET action = 'b'")
        .await
        .unwrap();
    let found = search(&tx, &Degrees, LOCAL, &SearchRequest::embedding(at(0.0)))
        .await
        .unwrap();
    assert_eq!(found.results[0].display_name, "ns:b");
    tx.rollback().await.unwrap();
}

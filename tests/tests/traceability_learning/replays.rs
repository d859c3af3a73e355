//! What replays count.

use pml_entity::values::{CorrelationId, PatternUsageId, SuccessPatternId, UsageOutcome};
use pml_service::traceability::learning::{
    Deviation, FinishedReplay, NewUsage, TopPatterns, finish_replay, log_usage, replay_plan,
    update_pattern_stats,
};
use pml_testkit::{TestDatabase, database};

use crate::data::{count, one, pattern, trace};

fn replay(pattern_id: SuccessPatternId) -> FinishedReplay {
    FinishedReplay {
        id: None,
        pattern_id,
        correlation_id: CorrelationId::generate(),
        user_request: "Fix the login".to_owned(),
        match_score: 0.878,
        success: true,
        deviations: Vec::new(),
        expected_duration_ms: Some(1_000),
        actual_duration_ms: Some(1_250),
    }
}

fn usage(pattern_id: SuccessPatternId) -> NewUsage {
    NewUsage {
        id: None,
        pattern_id,
        correlation_id: CorrelationId::generate(),
        user_request: "Fix the login".to_owned(),
        match_score: 0.8,
        used: false,
        outcome: None,
        deviations: Vec::new(),
        expected_duration_ms: None,
        actual_duration_ms: None,
        user_feedback: None,
    }
}

/// Example 41, and the rest of what the end of a replay writes.
#[tokio::test]
async fn the_end_of_a_replay_is_one_entry_and_one_count() {
    let database = database().await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let correlation_id = trace("Fix the login").insert(db).await;
    let record = finish_replay(
        db,
        &FinishedReplay {
            correlation_id,
            ..replay(id)
        },
    )
    .await
    .unwrap();
    assert_eq!(record.usage.performance_variance, Some(0.25));
    assert_eq!(
        (record.usage.outcome, record.usage.success),
        (Some(UsageOutcome::Success), Some(true))
    );
    assert!(record.usage.trace_id.is_some() && record.usage.used);
    let stats = record.stats.unwrap();
    assert_eq!(
        (
            stats.total_usage_count,
            stats.success_count,
            stats.avg_duration_ms
        ),
        (1, 1, 1_125)
    );
    let nothing_expected = finish_replay(
        db,
        &FinishedReplay {
            expected_duration_ms: Some(0),
            ..replay(id)
        },
    )
    .await
    .unwrap();
    assert_eq!(nothing_expected.usage.performance_variance, None);
}

#[tokio::test]
async fn deviations_make_a_success_partial() {
    let database = database().await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let deviations = vec![Deviation::IntelligenceMissing {
        function: "IC-001".to_owned(),
    }];
    let record = finish_replay(
        db,
        &FinishedReplay {
            deviations,
            ..replay(id)
        },
    )
    .await
    .unwrap();
    assert_eq!(record.usage.outcome, Some(UsageOutcome::PartialSuccess));
    assert_eq!(
        record.usage.deviations,
        Some(serde_json::json!([{"kind": "intelligence_missing", "function": "IC-001"}]))
    );
    let stats = record.stats.unwrap();
    assert_eq!(
        (
            stats.total_usage_count,
            stats.success_count,
            stats.failure_count
        ),
        (1, 0, 0)
    );
    let failed = finish_replay(
        db,
        &FinishedReplay {
            success: false,
            ..replay(id)
        },
    )
    .await
    .unwrap();
    assert_eq!(failed.stats.unwrap().failure_count, 1);
}

#[tokio::test]
async fn a_match_that_is_not_replayed_changes_no_counter() {
    let database = database().await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let logged = log_usage(db, &usage(id)).await.unwrap();
    assert_eq!(
        (logged.used, logged.outcome, logged.success, logged.trace_id),
        (false, None, None, None)
    );
    assert_eq!(
        one::<_, i32>(db, "SELECT total_usage_count FROM success_patterns", []).await,
        0
    );
}

#[tokio::test]
async fn the_same_end_reported_twice_counts_once() {
    let database = database().await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let replay = FinishedReplay {
        id: Some(PatternUsageId::generate()),
        ..replay(id)
    };
    finish_replay(db, &replay).await.unwrap();
    let again = finish_replay(db, &replay).await.unwrap();
    assert_eq!(again.stats, None);
    assert_eq!(
        one::<_, i32>(db, "SELECT total_usage_count FROM success_patterns", []).await,
        1
    );
    let taken = FinishedReplay {
        correlation_id: CorrelationId::generate(),
        ..replay
    };
    assert_eq!(
        finish_replay(db, &taken).await.unwrap_err().code(),
        "id_taken"
    );
}

#[tokio::test]
async fn an_unknown_pattern_and_bad_fields_are_refused_and_nothing_is_written() {
    let database = database().await;
    let db = database.db();
    let unknown = SuccessPatternId::generate();
    let id = pattern(db, "a").await;
    assert_eq!(
        finish_replay(db, &replay(unknown))
            .await
            .unwrap_err()
            .code(),
        "unknown_pattern"
    );
    assert_eq!(
        log_usage(db, &usage(unknown)).await.unwrap_err().code(),
        "unknown_pattern"
    );
    assert_eq!(
        update_pattern_stats(db, unknown, UsageOutcome::Success, None)
            .await
            .unwrap_err()
            .code(),
        "unknown_pattern"
    );
    assert_eq!(
        update_pattern_stats(db, id, UsageOutcome::Success, Some(-1))
            .await
            .unwrap_err()
            .code(),
        "invalid_field"
    );
    assert_eq!(
        log_usage(
            db,
            &NewUsage {
                match_score: 1.5,
                ..usage(id)
            }
        )
        .await
        .unwrap_err()
        .code(),
        "invalid_field"
    );
    assert_eq!(
        log_usage(
            db,
            &NewUsage {
                user_request: "a\0".to_owned(),
                ..usage(id)
            }
        )
        .await
        .unwrap_err()
        .code(),
        "invalid_field"
    );
    assert_eq!(
        replay_plan(db, unknown).await.unwrap_err().code(),
        "unknown_pattern"
    );
    assert_eq!(count(db, "pattern_usage_log").await, 0);
}

#[tokio::test]
async fn a_kept_plan_shows_the_latest_figures_and_goes_with_its_pattern() {
    let database = database().await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let top = TopPatterns::default();
    finish_replay(db, &replay(id)).await.unwrap();
    assert_eq!(top.warm(db).await.unwrap(), 1);
    finish_replay(
        db,
        &FinishedReplay {
            success: false,
            ..replay(id)
        },
    )
    .await
    .unwrap();
    assert!((top.plan(db, id).await.unwrap().confidence - 0.5).abs() < 1e-9);
    crate::data::run(db, "DELETE FROM success_patterns", []).await;
    assert_eq!(
        top.plan(db, id).await.unwrap_err().code(),
        "unknown_pattern"
    );
}

#[tokio::test]
async fn forty_replays_at_once_add_up_exactly() {
    if database().await.is_embedded() {
        return;
    }
    let database = TestDatabase::with_pool(12).await;
    let db = database.db();
    let id = pattern(db, "a").await;
    let calls = (0..40).map(|number| async move {
        if number % 2 == 0 {
            update_pattern_stats(db, id, UsageOutcome::Success, Some(1_000))
                .await
                .unwrap();
        } else {
            finish_replay(
                db,
                &FinishedReplay {
                    success: number % 4 == 1,
                    actual_duration_ms: Some(1_000),
                    ..replay(id)
                },
            )
            .await
            .unwrap();
        }
    });
    futures::future::join_all(calls).await;
    let figures: String = one(
        db,
        "SELECT concat_ws(' ', total_usage_count, success_count, failure_count, success_rate, avg_duration_ms) FROM success_patterns",
        [],
    )
    .await;
    assert_eq!(figures, "40 30 10 0.7500 1000");
    assert_eq!(count(db, "pattern_usage_log").await, 20);
}

//! What crosses a limit is told, what stands on it is not.

use pml_service::Db;
use pml_service::traceability::analytics::{AlertKind, AlertLimits, alerts};
use pml_testkit::database;

use super::given::*;

async fn executions(db: &Db, agent: &str, first: u32, total: u32, failed: u32) {
    for number in first..first + total {
        trace(db, number, None).await;
        decision(db, number, number, agent, 1).await;
        sql(
            db,
            &format!(
                "UPDATE execution_traces SET started_at = now() - interval '1 hour', completed_at = now(), success = {} WHERE id = {}",
                number >= first + failed, id(1, number)
            ),
        )
        .await;
    }
}

async fn told(db: &Db, limits: &AlertLimits) -> Vec<(AlertKind, String, i64)> {
    let found = alerts(db, limits).await.unwrap();
    found
        .into_iter()
        .map(|alert| (alert.kind, alert.subject, alert.observations))
        .collect()
}

#[tokio::test]
async fn what_is_worse_than_its_limit_is_told_and_what_stands_on_it_is_not() {
    let test = database().await;
    let db = test.db();
    executions(db, "at-the-limit", 1, 5, 1).await;
    executions(db, "bad", 11, 3, 1).await;
    sql(
        db,
        &format!(
            "INSERT INTO endpoint_calls (trace_id, service_name, endpoint_path, http_method, success) \
             SELECT {trace}, 'rag', '/at', 'GET', n > 1 FROM generate_series(1, 20) AS n; \
             INSERT INTO endpoint_calls (trace_id, service_name, endpoint_path, http_method, success) \
             SELECT {trace}, 'rag', '/bad', 'GET', n > 1 FROM generate_series(1, 19) AS n; \
             INSERT INTO hook_executions (trace_id, hook_type, hook_name, execution_order, duration_ms) VALUES \
             ({trace}, 'Stop', 'slow', 1, 101), ({trace}, 'Stop', 'slow', 2, 300), ({trace}, 'Stop', 'at', 3, 100), ({trace}, 'PreToolUse', 'free', 4, 9000); \
             INSERT INTO success_patterns (pattern_id, pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, \
             max_duration_ms, success_score, total_usage_count, success_count) VALUES \
             ({at}, 'at', gen_random_uuid(), 'p', 1, 1, 1, 1, 10, 7), ({bad}, 'bad', gen_random_uuid(), 'p', 1, 1, 1, 1, 100, 69)",
            trace = id(1, 1), at = id(5, 1), bad = id(5, 2)
        ),
    )
    .await;
    let limits = AlertLimits {
        hook_duration_ms: [("Stop".to_owned(), 100)].into(),
        ..AlertLimits::default()
    };
    let before = db.statements().snapshot();
    let found = told(db, &limits).await;
    assert_eq!(statements(db, &before), 1);
    assert_eq!(
        found,
        [
            (AlertKind::AgentSuccessRate, "bad".to_owned(), 3),
            (AlertKind::EndpointErrorRate, "rag /bad".to_owned(), 19),
            (
                AlertKind::PatternSuccessRate,
                "50000000-0000-0000-0000-000000000002".to_owned(),
                100
            ),
            (AlertKind::HookDuration, "Stop slow".to_owned(), 2),
        ]
    );
    let alert = alerts(db, &limits).await.unwrap().pop().unwrap();
    assert!(
        (alert.value - 300.0).abs() < f64::EPSILON
            && (alert.threshold - 100.0).abs() < f64::EPSILON
    );
    let few = AlertLimits {
        min_observations: 20,
        ..AlertLimits::default()
    };
    assert_eq!(
        told(db, &few).await.len(),
        1,
        "only the pattern has been seen often enough"
    );
}

#[tokio::test]
async fn what_began_before_the_window_and_what_still_runs_is_not_judged() {
    let test = database().await;
    let db = test.db();
    executions(db, "old", 1, 3, 3).await;
    executions(db, "running", 11, 3, 3).await;
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET started_at = now() - interval '25 hours' WHERE id < {eleven}; \
             UPDATE execution_traces SET completed_at = NULL WHERE id >= {eleven}",
            eleven = id(1, 11)
        ),
    )
    .await;
    assert_eq!(told(db, &AlertLimits::default()).await, []);
    let wider = AlertLimits {
        window_hours: 26,
        ..AlertLimits::default()
    };
    assert_eq!(
        told(db, &wider).await,
        [(AlertKind::AgentSuccessRate, "old".to_owned(), 3)]
    );
}

#[tokio::test]
async fn limits_out_of_range_are_refused() {
    let test = database().await;
    let all = AlertLimits::default;
    for bad in [
        AlertLimits {
            window_hours: 0,
            ..all()
        },
        AlertLimits {
            agent_success_rate: 1.5,
            ..all()
        },
        AlertLimits {
            endpoint_error_rate: f64::NAN,
            ..all()
        },
        AlertLimits {
            pattern_success_rate: -0.1,
            ..all()
        },
        AlertLimits {
            hook_duration_ms: [("\0".to_owned(), 1)].into(),
            ..all()
        },
    ] {
        assert_eq!(
            alerts(test.db(), &bad).await.unwrap_err().code(),
            "invalid_field"
        );
    }
}

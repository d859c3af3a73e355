//! Types, ranges, defaults and closed sets of words (101, 104, 108).

use crate::old_system::{VECTOR, options, sql, text, texts, uuid};
use crate::{down_to, pattern, recorded, up_to};
use pml_migration::{Engine, Error, all, forward};
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn step_101_keeps_decimals_and_moments_and_fills_what_is_missing() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "success_rate = 1.7, permission_confidence = 'NaN', usage_count = -3, success_count = NULL, cache_config = NULL").await;
    sql(
        db,
        "INSERT INTO metrics (metric_name, value, timestamp) VALUES ('a', 0.7, '2025-07-01 12:00:00.123456'), ('b', 1234567.8, NULL), ('c', 'Infinity', now());
         INSERT INTO tool_dependency (from_tool_id, to_tool_id, observed_count, confidence_score, last_observed, edge_type, edge_source)
             VALUES ('a:b', 'a:c', NULL, NULL, NULL, NULL, NULL), ('a:b', 'a:d', -2, -0.5, '2025-01-01', 'sequence', 'inferred');
         INSERT INTO adaptive_thresholds (context_hash, context_keys, suggestion_threshold, explicit_threshold, sample_count)
             VALUES ('x', '{}', 0.9, 0.3, NULL), ('y', '{}', 0.4, 0.79999995, 5);
         INSERT INTO config (key, value, updated_at) VALUES ('k', 'v', NULL);
         INSERT INTO execution_trace (success, duration_ms, priority, executed_at, decisions, initial_context)
             VALUES (true, -1, 3, NULL, NULL, NULL);
         INSERT INTO users (role, created_at) VALUES (NULL, NULL)",
    )
    .await;
    sql(db, &format!("INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, created_at) VALUES ('a:b', 'a', 'b', {VECTOR}, '2025-02-03 04:05:06')")).await;
    up_to(&database, 101).await;

    assert_eq!(
        texts(db, "SELECT concat_ws(' ', metric_name, value, metric_name = 'b' OR timestamp AT TIME ZONE 'UTC' = '2025-07-01 12:00:00.123456') FROM metrics WHERE metric_name < 'c' ORDER BY id").await,
        ["a 0.7 t", "b 1234567.8 t"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', observed_count, confidence_score, edge_type, edge_source, last_observed IS NOT NULL) FROM tool_dependency ORDER BY to_tool_id").await,
        ["1 0.5 sequence inferred t", "0 0 sequence inferred t"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', suggestion_threshold, explicit_threshold, sample_count) FROM adaptive_thresholds ORDER BY 1").await,
        ["0.4 0.79999995 5", "0.9 0.3 0"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', success_rate, permission_confidence, usage_count, success_count, cache_config ->> 'ttl_ms') FROM workflow_pattern").await,
        ["1 0 0 0 3600000"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', duration_ms, priority, decisions, initial_context, executed_at IS NOT NULL) FROM execution_trace").await,
        ["0 1 [] {} t"]
    );
    assert_eq!(
        text(db, "SELECT role FROM users WHERE created_at IS NOT NULL").await,
        "user"
    );
    assert_eq!(
        text(
            db,
            "SELECT created_at AT TIME ZONE 'UTC' FROM tool_embedding"
        )
        .await,
        "2025-02-03 04:05:06"
    );
    assert_eq!(text(db, "SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'tool_embedding'::regclass AND attname = 'embedding'").await, "p");

    // 0.8 was out of reach of the old type; the way back must not fail on it.
    sql(db, "UPDATE adaptive_thresholds SET explicit_threshold = 0.8; UPDATE metrics SET id = id + 10; UPDATE tool_dependency SET observed_count = 5000000000").await;
    down_to(&database, 100).await;
    assert_eq!(
        texts(
            db,
            "SELECT DISTINCT explicit_threshold FROM adaptive_thresholds"
        )
        .await,
        ["0.79999995"]
    );
    assert_eq!(
        texts(db, "SELECT DISTINCT observed_count FROM tool_dependency").await,
        ["2147483647"]
    );
    assert_eq!(
        text(
            db,
            "SELECT value || ' ' || timestamp FROM metrics WHERE metric_name = 'a'"
        )
        .await,
        "0.7 2025-07-01 12:00:00.123456"
    );
}

#[tokio::test]
async fn step_101_bounds_counters_and_scores() {
    let database = recorded().await;
    let db = database.conn();
    up_to(&database, 101).await;
    sql(
        db,
        "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('a:b', 'a:c')",
    )
    .await;
    for (set, constraint) in [
        (
            "observed_count = -1",
            "tool_dependency_observed_count_check",
        ),
        (
            "confidence_score = 1.01",
            "tool_dependency_confidence_score_check",
        ),
        (
            "confidence_score = 'NaN'",
            "tool_dependency_confidence_score_check",
        ),
        ("last_observed = NULL", "last_observed"),
    ] {
        let error = db
            .execute_unprepared(&format!("UPDATE tool_dependency SET {set}"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(constraint), "{error}");
    }
}

#[tokio::test]
async fn step_104_keeps_the_old_name_readable() {
    let database = recorded().await;
    let db = database.conn();
    up_to(&database, 104).await;
    let rows = "SELECT concat_ws(' ', config_key, config_value, total_samples) FROM adaptive_config ORDER BY 1";
    let defaults = [
        "threshold_explicit 0.7 0",
        "threshold_speculative 0.85 0",
        "threshold_suggestion 0.7 0",
    ];
    assert_eq!(texts(db, rows).await, defaults);
    assert_eq!(
        texts(db, &rows.replace("adaptive_config", "default_thresholds")).await,
        defaults
    );
    down_to(&database, 100).await;
    assert_eq!(texts(db, rows).await, defaults);
}

#[tokio::test]
async fn step_108_maps_words_to_the_sets() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "usage_count = 1").await;
    pattern(db, 2, "usage_count = 1").await;
    sql(
        db,
        &format!(
            "INSERT INTO tool_dependency (from_tool_id, to_tool_id, edge_type, edge_source) VALUES
                 ('a:1', 'b:1', 'provides', 'user'), ('a:2', 'b:2', 'magic', 'learned'), ('a:3', 'b:3', 'contains', 'observed');
             INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type, edge_source)
                 VALUES ('{}', '{}', 'magic', 'user');
             INSERT INTO execution_trace (success, duration_ms, error_type) VALUES (false, 1, 'timeout'), (false, 1, 'Boom'), (true, 1, NULL)",
            uuid(1),
            uuid(2)
        ),
    )
    .await;
    for (decision, name) in [
        ("accepted", "'SHGAT'"),
        ("rejected", "NULL"),
        ("rejected_by_policy", "'Magic'"),
        ("filtered", "'Other'"),
    ] {
        sql(
            db,
            &format!(
                "INSERT INTO algorithm_traces (algorithm_mode, target_type, final_score, threshold_used, decision, algorithm_name)
                 VALUES ('active_search', 'tool', 0, 0, '{decision}', {name})"
            ),
        )
        .await;
    }
    up_to(&database, 108).await;
    assert_eq!(
        texts(
            db,
            "SELECT edge_type || ' ' || edge_source FROM tool_dependency ORDER BY from_tool_id"
        )
        .await,
        [
            "provides template",
            "sequence inferred",
            "contains observed"
        ]
    );
    assert_eq!(
        text(
            db,
            "SELECT edge_type || ' ' || edge_source FROM capability_dependency"
        )
        .await,
        "sequence template"
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', decision, algorithm_name) FROM algorithm_traces ORDER BY 1"
        )
        .await,
        [
            "accepted SHGAT",
            "filtered_by_reliability Other",
            "rejected_by_threshold",
            "rejected_by_threshold Other"
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT error_type FROM execution_trace ORDER BY error_type"
        )
        .await,
        ["TIMEOUT", "UNKNOWN", "-"]
    );
}

#[tokio::test]
async fn step_108_refuses_words_it_cannot_map_and_lists_them() {
    let database = recorded().await;
    let db = database.conn();
    sql(
        db,
        "INSERT INTO algorithm_traces (algorithm_mode, target_type, final_score, threshold_used, decision) VALUES
             ('dreaming', 'tool', 0, 0, 'accepted'), ('active_search', 'plan', 0, 0, 'maybe'), ('active_search', 'plan', 0, 0, 'accepted')",
    )
    .await;
    up_to(&database, 107).await;
    let error = Engine::new(all())
        .up(db, None, &options(&database))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::StepFailed { name, .. } if name == forward::STEPS[7].name()),
        "{error}"
    );
    let message = error.to_string();
    for word in [
        "algorithm_mode 'dreaming'",
        "target_type 'plan'",
        "decision 'maybe'",
    ] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(
        Engine::new(all()).pending(db).await.unwrap().len(),
        forward::STEPS.len() - 7
    );
    sql(db, "DELETE FROM algorithm_traces").await;
    up_to(&database, 110).await;
}

//! What the forward steps do to rows of version 034, and what their `down` gives back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::too_many_lines, reason = "a test of data states all its rows")]

mod old_system;

use old_system::{VECTOR, options, sql, text, texts, uuid};
use pml_migration::{Engine, Error, all, forward, history};
use pml_testkit::{TestDatabase, empty_database};
use sea_orm::{ConnectionTrait, DatabaseConnection};

/// A database at version 034, before any forward step.
async fn recorded() -> TestDatabase {
    let database = empty_database().await;
    let steps = u32::try_from(history::STEPS.len()).unwrap();
    Engine::new(all())
        .up(database.conn(), Some(steps), &options(&database))
        .await
        .unwrap();
    database
}

/// Applies the forward steps up to number `last`, e.g. 103.
async fn up_to(database: &TestDatabase, last: u16) {
    let engine = Engine::new(all());
    let applied = all().len() - engine.pending(database.conn()).await.unwrap().len();
    let wanted = history::STEPS.len() + usize::from(last - 100);
    let steps = u32::try_from(wanted - applied).unwrap();
    engine
        .up(database.conn(), Some(steps), &options(database))
        .await
        .unwrap();
}

/// Takes forward steps back until `last` is the last one; 100 is the recorded version 034.
async fn down_to(database: &TestDatabase, last: u16) {
    let engine = Engine::new(all());
    let applied = all().len() - engine.pending(database.conn()).await.unwrap().len();
    let wanted = history::STEPS.len() + usize::from(last - 100);
    let steps = u32::try_from(applied - wanted).unwrap();
    engine
        .down(database.conn(), Some(steps), &options(database))
        .await
        .unwrap();
}

async fn pattern(db: &DatabaseConnection, number: u32, more: &str) {
    sql(
        db,
        &format!(
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding)
             VALUES ('{0}', 'hash {number}', '{{}}', {VECTOR}); UPDATE workflow_pattern SET {more} WHERE pattern_id = '{0}'",
            uuid(number)
        ),
    )
    .await;
}

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
async fn step_102_derives_the_mean_from_the_total_and_finds_owners() {
    let database = recorded().await;
    let db = database.conn();
    let owner = "AAAAAAAA-0000-4000-8000-00000000000A";
    sql(
        db,
        &format!("INSERT INTO users (id, username) VALUES ('{owner}', 'ann')"),
    )
    .await;
    pattern(db, 1, &format!("usage_count = 4, avg_duration_ms = 25, created_by = '{owner}', permission_set = 'network-api'")).await;
    pattern(db, 2, "usage_count = 0, avg_duration_ms = 9, created_by = 'local', permission_set = 'everything', source = 'guess'").await;
    pattern(
        db,
        3,
        &format!(
            "created_by = '{}', permission_set = NULL, source = NULL",
            uuid(0xff)
        ),
    )
    .await;
    up_to(&database, 102).await;
    let rows = "SELECT concat_ws(' ', total_duration_ms, avg_duration_ms, permission_set, source, user_id) FROM workflow_pattern ORDER BY pattern_id";
    assert_eq!(
        texts(db, rows).await,
        [
            &format!("100 25 network-api emergent {}", owner.to_lowercase()),
            "0 0 minimal emergent",
            "0 0 minimal emergent"
        ]
    );
    sql(db, &format!("UPDATE workflow_pattern SET usage_count = 3, total_duration_ms = 200 WHERE pattern_id = '{}'", uuid(1))).await;
    assert_eq!(
        text(db, rows).await,
        format!("200 66 network-api emergent {}", owner.to_lowercase())
    );
    sql(db, "DELETE FROM users").await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM workflow_pattern WHERE user_id IS NULL"
        )
        .await,
        "3"
    );
    down_to(&database, 101).await;
    assert_eq!(
        texts(
            db,
            "SELECT avg_duration_ms FROM workflow_pattern ORDER BY pattern_id"
        )
        .await,
        ["66", "0", "0"]
    );
}

#[tokio::test]
async fn step_103_keeps_every_audit_row_and_its_moment() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "usage_count = 1").await;
    let upper = "AAAAAAAA-0000-4000-8000-00000000000A";
    sql(
        db,
        &format!(
            "INSERT INTO permission_audit_log VALUES
                 ('{upper}', 1734512345678, '{0}', 'minimal', 'readonly', 1, 'user', NULL, 'read'),
                 ('{1}', 1734512345001, '{0}', 'minimal', 'minimal', 0, NULL, 'why', NULL),
                 ('audit-7', 0, '{0}', 'root', 'everything', 2, NULL, 'because', 'sudo')",
            uuid(1),
            upper.to_lowercase()
        ),
    )
    .await;
    up_to(&database, 103).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', id = ANY (ARRAY[md5('AAAAAAAA-0000-4000-8000-00000000000A'), md5('audit-7')]::uuid[]), timestamp AT TIME ZONE 'UTC', from_set, to_set, approved, reason, detected_operation)
                   FROM permission_audit_log ORDER BY timestamp").await,
        [
            "t|1970-01-01 00:00:00|minimal|minimal|t|because; recorded from_set: root; recorded to_set: everything; recorded operation: sudo",
            "f|2024-12-18 08:59:05.001|minimal|minimal|f|why",
            "t|2024-12-18 08:59:05.678|minimal|readonly|t|read",
        ]
    );
    down_to(&database, 102).await;
    assert_eq!(texts(db, "SELECT concat_ws(' ', timestamp, approved) FROM permission_audit_log ORDER BY timestamp").await, ["0 1", "1734512345001 0", "1734512345678 1"]);
}

#[tokio::test]
async fn the_audit_trail_is_append_only_and_keeps_its_capability() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "usage_count = 1").await;
    pattern(db, 2, "usage_count = 1").await;
    up_to(&database, 110).await;
    sql(db, &format!("INSERT INTO permission_audit_log (capability_id, from_set, to_set, approved) VALUES ('{}', 'minimal', 'readonly', true)", uuid(1))).await;
    for statement in [
        "DELETE FROM permission_audit_log",
        "DELETE FROM permission_audit_log WHERE false",
        "TRUNCATE permission_audit_log",
        "TRUNCATE workflow_pattern CASCADE",
        "UPDATE permission_audit_log SET approved = false",
        "UPDATE permission_audit_log SET id = gen_random_uuid()",
        "UPDATE permission_audit_log SET reason = 'no', capability_id = capability_id",
    ] {
        let error = db
            .execute_unprepared(statement)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
    let error = db
        .execute_unprepared(&format!(
            "DELETE FROM workflow_pattern WHERE pattern_id = '{}'",
            uuid(1)
        ))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("fk_permission_audit_capability"),
        "{error}"
    );
    // A merge moves the rows of the pattern that goes.
    sql(db, &format!("UPDATE permission_audit_log SET capability_id = '{}'; DELETE FROM workflow_pattern WHERE pattern_id = '{}'", uuid(2), uuid(1))).await;
    assert_eq!(
        text(db, "SELECT count(*) FROM permission_audit_log").await,
        "1"
    );
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
async fn step_105_moves_runs_once_and_completes_copies() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "code_hash = repeat('ab', 32)").await;
    let run = |number: u32, at: &str, owner: &str| {
        format!(
            "('{}', '{at}', 'intent {number}', '{{\"n\": {number}}}', true, 10, NULL, 'code', repeat('ab', 32), {owner}, NULL, NULL)",
            uuid(number)
        )
    };
    sql(
        db,
        &format!(
            "INSERT INTO workflow_execution VALUES {}, {}, {}, {}, {};
             INSERT INTO execution_trace (id, executed_at, success, duration_ms, created_by, initial_context, priority) VALUES
                 ('{}', '2025-01-02 00:00:00+00', true, 10, 'migration', '{{}}', 0.9),
                 ('{}', '2025-01-03 00:00:00+00', true, 10, 'migration', '{{\"intent\": \"own\"}}', 0.8),
                 ('{}', '2025-01-09 00:00:00+00', true, 10, 'migration', '{{}}', 0.7)",
            run(0x11, "2025-01-01", "'ann'"),
            run(0x12, "2025-01-02", "NULL"),
            run(0x13, "2025-01-03", "'local'"),
            // Two that nothing tells apart meet one copy: one completes it, one moves.
            run(0x14, "2025-01-09", "NULL"),
            run(0x15, "2025-01-09", "NULL"),
            uuid(0x12),
            uuid(0x23),
            uuid(0x24)
        ),
    )
    .await;
    let before = texts(db, "SELECT concat_ws('|', execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms, code_snippet, code_hash) FROM workflow_execution ORDER BY 1").await;
    up_to(&database, 105).await;

    let traces = "SELECT concat_ws('|', right(id::text, 2), initial_context ->> 'intent', initial_context #>> '{workflow_execution,dag_structure,n}',
                  right(initial_context #>> '{workflow_execution,execution_id}', 2), user_id, created_by, priority, capability_id IS NOT NULL) FROM execution_trace ORDER BY id";
    let moved = [
        "11|intent 17|17|ann|ann|0.5|t",
        "12|intent 18|18|12|local|migration|0.9|t",
        "15|intent 21|21|local|local|0.5|t",
        "23|own|19|13|local|migration|0.8|t",
        "24|intent 20|20|14|local|migration|0.7|t",
    ];
    assert_eq!(texts(db, traces).await, moved);
    let old_name = "SELECT concat_ws('|', execution_id, executed_at AT TIME ZONE 'UTC', CASE intent_text WHEN 'own' THEN 'intent 19' ELSE intent_text END,
                    dag_structure, success, execution_time_ms, code_snippet, code_hash) FROM workflow_execution ORDER BY 1";
    assert_eq!(texts(db, old_name).await, before);

    // Down and up again, also from further on: nothing doubles.
    up_to(&database, 110).await;
    assert_eq!(texts(db, old_name).await, before);
    assert_eq!(
        texts(
            db,
            "SELECT user_id FROM workflow_execution ORDER BY execution_id LIMIT 1"
        )
        .await,
        ["ann"]
    );
    down_to(&database, 104).await;
    assert_eq!(text(db, "SELECT count(*) || ' ' || count(*) FILTER (WHERE initial_context ? 'workflow_execution') FROM execution_trace").await, "3 0");
    assert_eq!(texts(db, old_name).await, before);
    up_to(&database, 110).await;
    assert_eq!(text(db, "SELECT count(*) FROM execution_trace").await, "5");
    assert_eq!(texts(db, old_name).await, before);
}

#[tokio::test]
async fn step_106_turns_owners_into_references_and_keeps_the_words() {
    let database = recorded().await;
    let db = database.conn();
    let ann = "aaaaaaaa-0000-4000-8000-00000000000a";
    let upper = ann.to_uppercase();
    let gone = uuid(0xff);
    sql(
        db,
        &format!("INSERT INTO users (id, username) VALUES ('{ann}', 'ann')"),
    )
    .await;
    sql(
        db,
        &format!(
            "INSERT INTO capability_records (org, project, namespace, action, hash, created_by) VALUES
                 ('o', 'p', 'n', '1', 'h', '{upper}'), ('o', 'p', 'n', '2', 'h', 'local'), ('o', 'p', 'n', '3', 'h', '{gone}');
             INSERT INTO execution_trace (id, success, duration_ms, user_id, created_by, updated_by) VALUES
                 ('{0}', true, 1, '{upper}', 'local', NULL), ('{1}', true, 1, 'local', 'local', NULL),
                 ('{2}', true, 1, '{gone}', 'local', NULL), ('{3}', true, 1, 'bob', 'migration', NULL),
                 ('{4}', true, 1, 'bob', 'migration', 'eve'), ('{5}', true, 1, NULL, 'job', NULL);
             INSERT INTO entropy_history (von_neumann_entropy, structural_entropy, normalized_entropy, health_status, threshold_low,
                 threshold_high, node_count, edge_count, user_id)
                 SELECT 0, 0, 0, 'healthy', 0, 0, 0, 0, owner FROM unnest(ARRAY['{upper}', 'bob', NULL]) owner;
             INSERT INTO shgat_params (user_id, params) VALUES ('{upper}', '{{}}'), ('local', '{{}}'), ('{gone}', '{{}}')",
            uuid(1), uuid(2), uuid(3), uuid(4), uuid(5), uuid(6)
        ),
    )
    .await;
    up_to(&database, 106).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', action, user_id, created_by) FROM capability_records ORDER BY 1"
        )
        .await,
        [
            format!("1|{ann}|{upper}"),
            "2|local".into(),
            format!("3|{gone}")
        ]
    );
    let traces = "SELECT concat_ws('|', right(id::text, 1), coalesce(user_id::text, '-'), created_by, updated_by) FROM execution_trace ORDER BY id";
    assert_eq!(
        texts(db, traces).await,
        [
            format!("1|{ann}|local"),
            "2|-|local".into(),
            format!("3|-|{gone}|local"),
            "4|-|bob|migration".into(),
            "5|-|bob|eve".into(),
            "6|-|job".into()
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', user_id, created_by) FROM entropy_history ORDER BY id"
        )
        .await,
        [format!("{ann}|{upper}"), "bob".into(), String::new()]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', user_id, created_by) FROM shgat_params ORDER BY 1"
        )
        .await,
        [gone.clone(), format!("{ann}|{upper}"), "local".into()]
    );
    let doubled = db
        .execute_unprepared("INSERT INTO shgat_params (params) VALUES ('{}')")
        .await
        .unwrap_err();
    assert!(
        doubled
            .to_string()
            .contains("shgat_params_user_id_created_by_key"),
        "{doubled}"
    );

    sql(db, &format!("INSERT INTO shgat_params (user_id, created_by, params, updated_at) VALUES ('{ann}', 'local', '{{\"newer\": true}}', now() + interval '1 day')")).await;
    down_to(&database, 105).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', right(id::text, 1), user_id) FROM execution_trace ORDER BY id"
        )
        .await,
        [
            format!("1|{ann}"),
            "2|local".into(),
            format!("3|{gone}"),
            "4|bob".into(),
            "5|bob".into(),
            "6|job".into()
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT user_id || ' ' || params FROM shgat_params ORDER BY 1"
        )
        .await,
        [
            format!("{gone} {{}}"),
            format!("{ann} {{\"newer\": true}}"),
            "local {}".into()
        ]
    );
    up_to(&database, 106).await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM shgat_params WHERE user_id IS NOT NULL"
        )
        .await,
        "1"
    );
    sql(db, "DELETE FROM users").await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM execution_trace WHERE user_id IS NULL"
        )
        .await,
        "6"
    );
}

#[tokio::test]
async fn step_107_makes_a_row_for_every_tool_that_is_named() {
    let database = recorded().await;
    let db = database.conn();
    sql(
        db,
        &format!(
            "INSERT INTO tool_schema (tool_id, server_id, name, input_schema) VALUES ('fs:read', 'fs', 'read', '{{\"a\": 1}}'),
                 ('code:map', 'code', 'map', '{{\"b\": 1}}');
             INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, metadata) VALUES
                 ('fs:read', 'fs', 'read', {VECTOR}, NULL),
                 ('code:filter', 'code', 'filter', {VECTOR}, '{{\"source\": \"pure_operations\", \"description\": \"Keeps some\"}}'),
                 ('math:add', 'math', 'plus', {VECTOR}, '{{\"source\": \"pure_operations\"}}'),
                 ('gone:tool', 'gone', 'tool', {VECTOR}, '{{\"source\": \"workflow_sync\"}}');
             INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('fs:read', 'loop:for'), ('a:b:c', 'plain'), (':x', 'y:')"
        ),
    )
    .await;
    up_to(&database, 107).await;
    let tools = "SELECT concat_ws('|', tool_id, server_id, name, kind, description, input_schema) FROM tool_schema ORDER BY tool_id COLLATE \"C\"";
    assert_eq!(
        texts(db, tools).await,
        [
            ":x|unknown|x|unresolved|{}",
            "a:b:c|a|b:c|unresolved|{}",
            "code:filter|code|filter|operation|Keeps some|{}",
            "code:map|code|map|operation|{\"b\": 1}",
            "fs:read|fs|read|mcp|{\"a\": 1}",
            "gone:tool|gone|tool|unresolved|{}",
            "loop:for|loop|for|operation|{}",
            "math:add|math|plus|operation|{}",
            "plain|unknown|plain|unresolved|{}",
            "y:|y|y:|unresolved|{}",
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT DISTINCT model || content_hash FROM tool_embedding"
        )
        .await,
        ["bge-m3"]
    );
    for (statement, constraint) in [
        (
            "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('no:tool', 'fs:read')",
            "tool_dependency_from_tool_id_fkey",
        ),
        (
            "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('fs:read', 'no:tool')",
            "tool_dependency_to_tool_id_fkey",
        ),
        (
            "UPDATE tool_schema SET kind = 'other'",
            "tool_schema_kind_check",
        ),
        (
            "UPDATE tool_schema SET content_hash = 'ABC'",
            "tool_schema_content_hash_check",
        ),
    ] {
        let error = db.execute_unprepared(statement).await.unwrap_err();
        assert!(error.to_string().contains(constraint), "{error}");
    }
    sql(db, "DELETE FROM tool_schema WHERE tool_id = 'fs:read'").await;
    assert_eq!(text(db, "SELECT (SELECT count(*) FROM tool_embedding) || ' ' || (SELECT count(*) FROM tool_dependency)").await, "3 2");
    down_to(&database, 106).await;
    assert_eq!(
        texts(db, "SELECT tool_id FROM tool_schema").await,
        ["code:map"]
    );
    assert_eq!(text(db, "SELECT (SELECT count(*) FROM tool_embedding) || ' ' || (SELECT count(*) FROM tool_dependency)").await, "3 2");
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
    assert_eq!(Engine::new(all()).pending(db).await.unwrap().len(), 3);
    sql(db, "DELETE FROM algorithm_traces").await;
    up_to(&database, 110).await;
}

#[tokio::test]
async fn step_109_leaves_one_owner_per_identity_and_whole_keys() {
    let database = recorded().await;
    let db = database.conn();
    let user = |number: u32,
                day: u32,
                github: &str,
                hash: &str,
                prefix: &str,
                at: &str,
                name: &str,
                role: &str| {
        format!(
            "('{}', {name}, {role}, '2025-01-{day:02}', {github}, {hash}, {prefix}, {at})",
            uuid(number)
        )
    };
    sql(
        db,
        &format!(
            "INSERT INTO users (id, username, role, created_at, github_id, api_key_hash, api_key_prefix, api_key_created_at) VALUES {}",
            [
                user(1, 9, "'42'", "'h1'", "'ac_AAAAaaa1'", "now()", "'ann'", "'admin'"),
                user(2, 2, "'42'", "'h2'", "'ac_AAAAaaa1'", "now()", "NULL", "'king'"),
                user(3, 3, "'43'", "'h3'", "'sk_12345678'", "now()", "'bob'", "'ops'"),
                user(4, 4, "NULL", "'h4'", "NULL", "now()", "'eve'", "NULL"),
                user(5, 5, "NULL", "'h5'", "'ac_bbbb2222'", "NULL", "'joe'", "'user'"),
                user(6, 6, "NULL", "NULL", "NULL", "NULL", "'joe'", "'user'"),
            ]
            .join(", ")
        ),
    )
    .await;
    up_to(&database, 109).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', username, role, coalesce(github_id, '-'), coalesce(api_key_hash, '-'), coalesce(api_key_prefix, '-'), api_key_created_at IS NULL) FROM users ORDER BY id").await,
        [
            "ann|admin|-|-|-|t",
            "user-00000000|user|42|h2|ac_AAAAaaa1|f",
            "bob|ops|43|-|-|t",
            "eve|user|-|-|-|t",
            "joe|user|-|h5|ac_bbbb2222|f",
            "joe|user|-|-|-|t",
        ]
    );
    for (set, constraint) in [
        ("github_id = '42'", "users_github_id_unique"),
        (
            "api_key_prefix = 'ac_bbbb2222', api_key_hash = 'x', api_key_created_at = now()",
            "users_api_key_prefix_unique",
        ),
        ("api_key_hash = 'x'", "users_api_key_check"),
        (
            "api_key_prefix = 'ac_short', api_key_hash = 'x', api_key_created_at = now()",
            "users_api_key_prefix_check",
        ),
        ("role = 'king'", "users_role_check"),
        ("username = NULL", "username"),
    ] {
        let error = db
            .execute_unprepared(&format!("UPDATE users SET {set} WHERE id = '{}'", uuid(6)))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(constraint), "{set}: {error}");
    }
    down_to(&database, 108).await;
    assert_eq!(text(db, "SELECT count(*) FROM users").await, "6");
}

#[tokio::test]
async fn step_110_joins_the_registry_with_the_code_through_the_pattern_id() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "code_hash = repeat('ab', 32), usage_count = 3").await;
    sql(
        db,
        &format!(
            "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id) VALUES
                 ('{}', 'o', 'p', 'mail', 'send', 'abab', '{}'), ('{}', 'o', 'p', 'mail', 'lost', 'cdcd', NULL)",
            uuid(0xa),
            uuid(1),
            uuid(0xb)
        ),
    )
    .await;
    up_to(&database, 110).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', right(id::text, 1), right(pattern_id::text, 1), fqdn, display_name, left(code_hash, 4), usage_count, avg_duration_ms) FROM capability ORDER BY id").await,
        ["a|1|o.p.mail.send.abab|mail:send|abab|3|0", "b|o.p.mail.lost.cdcd|mail:lost"]
    );
}

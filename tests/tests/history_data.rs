//! What the data steps of the history do to rows an older version wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pml_migration::history;
use pml_testkit::empty_database;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

#[tokio::test]
async fn step_010_seeds_the_default_thresholds() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 10).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', config_key, config_value, total_samples) FROM adaptive_config ORDER BY 1").await,
        ["threshold_explicit 0.7 0", "threshold_speculative 0.85 0", "threshold_suggestion 0.7 0"]
    );
}

#[tokio::test]
async fn new_columns_give_existing_rows_the_documented_values() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 8).await;
    sql(
        db,
        "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('a:x', 'a:y')",
    )
    .await;
    up_to(db, 10).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(
        db,
        "INSERT INTO workflow_execution (dag_structure, success, execution_time_ms) VALUES ('{}', true, 5);
         UPDATE tool_dependency SET source = 'user'",
    )
    .await;
    up_to(db, 18).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', source, edge_type, edge_source) FROM tool_dependency"
        )
        .await,
        ["user sequence inferred"]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', user_id, created_by, updated_by) FROM workflow_execution"
        )
        .await,
        ["local"]
    );
    let values = "SELECT concat_ws(' ', success_rate, avg_duration_ms, source, cache_config ->> 'ttl_ms', permission_set,
                  permission_confidence) FROM workflow_pattern";
    assert_eq!(texts(db, values).await, ["1 0 emergent 3600000 minimal 0"]);
    up_to(db, 33).await;
    assert_eq!(
        texts(db, "SELECT created_by FROM workflow_pattern").await,
        ["local"]
    );
}

#[tokio::test]
async fn step_019_removes_only_audit_rows_that_name_no_capability() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 18).await;
    sql(db, &pattern(0xab, "NULL")).await;
    for (id, capability) in [
        ("lower", "00000000-0000-0000-0000-0000000000ab"),
        ("upper", "00000000-0000-0000-0000-0000000000AB"),
        ("braced", " {00000000-0000-0000-0000-0000000000aB} "),
        ("plain", "000000000000000000000000000000ab"),
        ("unknown", "00000000-0000-0000-0000-0000000000ff"),
        ("word", "local"),
        ("empty", ""),
        ("long", "00000000-0000-0000-0000-0000000000ab0"),
    ] {
        sql(db, &audit_row(id, capability)).await;
    }
    up_to(db, 19).await;
    let linked = "SELECT id FROM permission_audit_log JOIN workflow_pattern ON pattern_id = capability_id ORDER BY id";
    let kept = ["braced", "lower", "plain", "upper"];
    assert_eq!(texts(db, linked).await, kept);

    run(db, 19, Direction::Up).await;
    assert_eq!(
        texts(db, "SELECT id FROM permission_audit_log ORDER BY id").await,
        kept
    );

    run(db, 19, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT DISTINCT capability_id FROM permission_audit_log"
        )
        .await,
        ["00000000-0000-0000-0000-0000000000ab"]
    );
}

#[tokio::test]
async fn step_019_finishes_what_an_interrupted_attempt_began() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 18).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(db, &audit_row("linked", &uuid(1))).await;
    sql(db, &audit_row("unknown", &uuid(2))).await;
    sql(db, "ALTER TABLE permission_audit_log ALTER COLUMN capability_id TYPE uuid USING capability_id::uuid").await;
    up_to(db, 19).await;
    assert_eq!(
        texts(db, "SELECT id FROM permission_audit_log").await,
        ["linked"]
    );
    assert_eq!(
        texts(db, "SELECT conname::text FROM pg_constraint WHERE conname = 'fk_permission_audit_capability'").await.len(),
        1
    );
}

#[tokio::test]
async fn step_020_copies_every_run_once_under_its_own_id_and_in_utc() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 19).await;
    sql(
        db,
        &format!(
            "INSERT INTO workflow_execution (execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms,
                 error_message, user_id) VALUES
             ('{}', '2025-01-02 03:04:05.678', 'send a mail', '{{}}', false, 12, 'refused', 'ann'),
             ('{}', '2025-06-02 03:04:05', NULL, '{{}}', true, 13, NULL, NULL)",
            uuid(1),
            uuid(2)
        ),
    )
    .await;
    // The time zone of whoever migrates must not move the times.
    let transaction = db.begin().await.unwrap();
    transaction
        .execute_unprepared("SET LOCAL TIME ZONE 'America/New_York'")
        .await
        .unwrap();
    for statement in history::step(20).unwrap().up() {
        transaction.execute_unprepared(&statement).await.unwrap();
    }
    transaction.commit().await.unwrap();

    let rows = "SELECT concat_ws('|', id, executed_at AT TIME ZONE 'UTC', intent_text, success, duration_ms, error_message,
                user_id, created_by, decisions, task_results, priority, capability_id) FROM execution_trace ORDER BY id";
    let copied = [
        format!(
            "{}|2025-01-02 03:04:05.678|send a mail|f|12|refused|ann|migration|[]|[]|0.5",
            uuid(1)
        ),
        format!(
            "{}|2025-06-02 03:04:05|t|13|local|migration|[]|[]|0.5",
            uuid(2)
        ),
    ];
    assert_eq!(texts(db, rows).await, copied);

    sql(db, history::step(20).unwrap().up().last().unwrap()).await;
    assert_eq!(texts(db, rows).await, copied, "copying again adds nothing");
    assert_eq!(
        texts(db, "SELECT count(*)::text FROM workflow_execution").await,
        ["2"]
    );
}

#[tokio::test]
async fn step_022_keeps_a_name_as_description_where_there_is_none() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 21).await;
    for (number, name, description) in [
        (1, "'mail'", "NULL"),
        (2, "'mail'", "'Sends it'"),
        (3, "NULL", "NULL"),
    ] {
        sql(db, &pattern(number, "NULL")).await;
        sql(
            db,
            &format!("UPDATE workflow_pattern SET name = {name}, description = {description} WHERE pattern_id = '{}'", uuid(number)),
        )
        .await;
    }
    up_to(db, 22).await;
    assert_eq!(
        texts(
            db,
            "SELECT coalesce(description, 'none') FROM workflow_pattern ORDER BY pattern_id"
        )
        .await,
        ["mail", "Sends it", "none"]
    );
}

#[tokio::test]
async fn step_023_settles_a_collision_by_code_then_hash_then_age() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 22).await;
    // The first four patterns begin with the same four digits: those of the SHA-256 of `four()`.
    let sha = "encode(sha256('four()'), 'hex')";
    let prefix = texts(db, &format!("SELECT left({sha}, 4)")).await.remove(0);
    for (number, hash, code, created) in [
        (
            1,
            format!("'{prefix}' || repeat('1', 60)"),
            "'one()'",
            "2025-01-03",
        ),
        (
            2,
            format!("'{prefix}' || repeat('2', 60)"),
            "'two()'",
            "2025-01-02",
        ),
        (
            3,
            format!("'{prefix}' || repeat('3', 60)"),
            "NULL",
            "2025-01-02",
        ),
        (4, sha.to_owned(), "'four( )'", "2025-01-09"),
        (
            5,
            "'beef' || repeat('5', 60)".to_owned(),
            "'five()'",
            "2025-01-01",
        ),
    ] {
        sql(db, &pattern(number, &hash)).await;
        sql(
            db,
            &format!("UPDATE workflow_pattern SET code_snippet = {code}, created_at = '{created}' WHERE pattern_id = '{}'", uuid(number)),
        )
        .await;
    }
    sql(db, &record("same_code", &prefix, "'one()'")).await;
    sql(db, &record("same_hash", &prefix, "'four()'")).await;
    sql(db, &record("oldest", &prefix, "NULL")).await;
    sql(db, &record("only_one", "BEEF", "'other()'")).await;
    sql(db, &record("nothing", "dead", "'five()'")).await;
    up_to(db, 23).await;
    let links = "SELECT action || ' ' || coalesce(right(workflow_pattern_id::text, 1), '-') FROM capability_records ORDER BY 1";
    assert_eq!(
        texts(db, links).await,
        [
            "nothing -",
            "oldest 2",
            "only_one 5",
            "same_code 1",
            "same_hash 4"
        ]
    );
}

#[tokio::test]
async fn step_023_moves_what_only_the_record_knew_to_its_pattern_and_down_brings_it_back() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 22).await;
    sql(db, &pattern(1, "repeat('a', 64)")).await;
    sql(db, &pattern(2, "repeat('b', 64)")).await;
    sql(
        db,
        &format!(
            "UPDATE workflow_pattern SET description = 'its own', parameters_schema = '{{\"own\": 1}}', code_snippet = 'own()'
             WHERE pattern_id = '{}'",
            uuid(2)
        ),
    )
    .await;
    sql(db, &record("younger", "aaaa", "'younger()'")).await;
    sql(db, &record("older", "aaaa", "NULL")).await;
    sql(db, &record("other", "bbbb", "'other()'")).await;
    sql(
        db,
        "UPDATE capability_records SET description = action, parameters_schema = to_jsonb(action);
         UPDATE capability_records SET created_at = '2025-01-01' WHERE action = 'older'",
    )
    .await;
    up_to(db, 23).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', description, parameters_schema, code_snippet) FROM workflow_pattern ORDER BY pattern_id")
            .await,
        ["older \"older\" younger()", "its own {\"own\": 1} own()"]
    );
    run(db, 23, Direction::Down).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', action, description, code_snippet, tools_used) FROM capability_records ORDER BY 1").await,
        ["older older younger() {}", "other its own own() {}", "younger older younger() {}"]
    );
}

#[tokio::test]
async fn step_024_classifies_failed_runs_by_the_first_rule_that_matches() {
    let cases = [
        ("Connection TIMED OUT", "TIMEOUT"),
        ("context deadline exceeded", "TIMEOUT"),
        ("HTTP 403 while parsing", "PERMISSION"),
        ("Access denied: file not found", "PERMISSION"),
        ("ENOENT: no such file", "NOT_FOUND"),
        ("Invalid schema", "VALIDATION"),
        ("TypeError", "UNKNOWN"),
        ("type error: x", "VALIDATION"),
        ("ECONNREFUSED 127.0.0.1", "NETWORK"),
        ("socket hang up", "NETWORK"),
        ("it broke", "UNKNOWN"),
        ("", "UNKNOWN"),
    ];
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 23).await;
    for (message, _) in cases {
        sql(db, &format!("INSERT INTO execution_trace (success, duration_ms, error_message) VALUES (false, 1, '{message}')")).await;
    }
    sql(
        db,
        "INSERT INTO execution_trace (success, duration_ms, error_message) VALUES (false, 1, NULL), (true, 1, 'timeout')",
    )
    .await;
    up_to(db, 24).await;
    for (message, category) in cases {
        let found = texts(
            db,
            &format!("SELECT error_type FROM execution_trace WHERE NOT success AND error_message = '{message}'"),
        )
        .await;
        assert_eq!(found, [category], "{message}");
    }
    assert_eq!(
        texts(
            db,
            "SELECT count(*)::text FROM execution_trace WHERE error_type IS NULL"
        )
        .await,
        ["2"],
        "no message, or no failure: no category"
    );
}

#[tokio::test]
async fn step_028_derives_ids_from_full_names_so_that_no_path_changes_them() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 27).await;
    sql(db, &record_at_023("send")).await;
    sql(db, &record_at_023("read")).await;
    sql(
        db,
        "INSERT INTO capability_aliases (org, project, alias, target_fqdn) VALUES ('o', 'p', 'old', 'o.p.n.send.abcd')",
    )
    .await;
    up_to(db, 28).await;
    let ids = "SELECT action || ' ' || id FROM capability_records ORDER BY 1";
    let first = texts(db, ids).await;
    assert_eq!(
        first,
        texts(db, "VALUES ('read ' || md5('o.p.n.read.abcd')::uuid), ('send ' || md5('o.p.n.send.abcd')::uuid)").await
    );
    run(db, 28, Direction::Up).await;
    assert_eq!(texts(db, ids).await, first, "replayed");
    run(db, 28, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT id || ' ' || display_name FROM capability_records ORDER BY 1"
        )
        .await,
        ["o.p.n.read.abcd n:read", "o.p.n.send.abcd n:send"]
    );
    run(db, 28, Direction::Up).await;
    assert_eq!(texts(db, ids).await, first, "down and up again");
}

#[tokio::test]
async fn step_029_computes_nesting_depth() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    // 1 contains 2 and 3, 2 contains 3; 4 stands alone; 5 is only followed by 1; 7 contains 6, which has no code.
    for number in 1..=7 {
        let hash = if number == 6 {
            "NULL".to_owned()
        } else {
            format!("repeat('{number}', 64)")
        };
        sql(db, &pattern(number, &hash)).await;
    }
    for (from, to, kind) in [
        (1, 2, "contains"),
        (1, 3, "contains"),
        (2, 3, "contains"),
        (5, 1, "sequence"),
        (7, 6, "contains"),
    ] {
        sql(db, &edge(from, to, kind)).await;
    }
    up_to(db, 29).await;
    assert_eq!(
        levels(db).await,
        ["1 2", "2 1", "3 0", "4 0", "5 0", "6 0", "7 0"]
    );
}

#[tokio::test]
async fn step_029_ends_on_a_cycle_and_counts_only_what_is_not_on_it() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    for number in 1..=6 {
        sql(db, &pattern(number, &format!("repeat('{number}', 64)"))).await;
    }
    // 1 and 2 contain each other, 2 contains the leaf 3, 4 contains 1; 5 and 6 contain each other and nothing else.
    for (from, to) in [(1, 2), (2, 1), (2, 3), (4, 1), (5, 6), (6, 5)] {
        sql(db, &edge(from, to, "contains")).await;
    }
    up_to(db, 29).await;
    assert_eq!(levels(db).await, ["1 0", "2 1", "3 0", "4 1", "5 0", "6 0"]);
}

#[tokio::test]
async fn step_029_takes_shared_parts_once_however_many_paths_lead_to_them() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    // A ladder of 40 rungs of two, each containing both of the next: 2^40 paths, 80 patterns.
    sql(
        db,
        "INSERT INTO workflow_pattern (pattern_id, pattern_hash, code_hash, dag_structure, intent_embedding)
         SELECT md5('p' || n)::uuid, 'h' || n, 'c' || n, '{}', array_fill(1.0::real, ARRAY[1024])::vector FROM generate_series(0, 79) n;
         INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type)
         SELECT md5('p' || n)::uuid, md5('p' || m)::uuid, 'contains'
         FROM generate_series(0, 77) n, generate_series(n / 2 * 2 + 2, n / 2 * 2 + 3) m",
    )
    .await;
    up_to(db, 29).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', max(hierarchy_level), count(DISTINCT hierarchy_level)) FROM workflow_pattern").await,
        ["39 40"]
    );
}

#[tokio::test]
async fn step_030_keeps_the_intent_of_runs_without_a_capability() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 29).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(
        db,
        &format!(
            "INSERT INTO execution_trace (success, duration_ms, capability_id, intent_text, initial_context) VALUES
             (true, 1, NULL, 'send a mail', NULL),
             (true, 2, NULL, 'send a mail', '{{\"to\": \"ann\"}}'),
             (true, 3, NULL, 'send a mail', '{{\"intent\": \"older\"}}'),
             (true, 4, NULL, 'send a mail', '[1]'),
             (true, 5, '{}', 'send a mail', '{{}}'),
             (true, 6, NULL, NULL, '{{}}')",
            uuid(1)
        ),
    )
    .await;
    up_to(db, 30).await;
    assert_eq!(
        texts(
            db,
            "SELECT initial_context::text FROM execution_trace ORDER BY duration_ms"
        )
        .await,
        [
            r#"{"intent": "send a mail"}"#,
            r#"{"to": "ann", "intent": "send a mail"}"#,
            r#"{"intent": "older"}"#,
            "[1]",
            "{}",
            "{}"
        ]
    );
    run(db, 30, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT coalesce(intent_text, '-') FROM execution_trace ORDER BY duration_ms"
        )
        .await,
        ["send a mail", "send a mail", "older", "-", "-", "-"]
    );
}

#[tokio::test]
async fn a_database_with_rows_goes_down_step_by_step_and_up_again() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 34).await;
    for number in 1..=3 {
        sql(db, &pattern(number, &format!("repeat('{number}', 64)"))).await;
    }
    sql(db, &audit_row("audit", &uuid(1))).await;
    sql(db, &edge(1, 2, "contains")).await;
    sql(
        db,
        "INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id)
             SELECT 'o', 'p', 'n', 'do', left(code_hash, 4), pattern_id FROM workflow_pattern;
         INSERT INTO execution_trace (success, duration_ms, capability_id, parent_trace_id)
             SELECT true, 1, pattern_id, NULL FROM workflow_pattern;
         INSERT INTO execution_trace (success, duration_ms, error_message, parent_trace_id)
             SELECT false, 1, 'timeout', id FROM execution_trace;
         INSERT INTO workflow_execution (dag_structure, success, execution_time_ms) VALUES ('{}', true, 1);
         INSERT INTO users (username) VALUES ('ann');
         INSERT INTO tool_schema (tool_id, server_id, name, input_schema) VALUES ('a:x', 'a', 'x', '{}');
         INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding)
             VALUES ('a:x', 'a', 'x', array_fill(1.0::real, ARRAY[1024])::vector);
         INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('a:x', 'a:y');
         INSERT INTO shgat_params (params) VALUES ('{}');
         INSERT INTO metrics (metric_name, value) VALUES ('m', 1)",
    )
    .await;
    for version in (1..=34)
        .rev()
        .filter(|version| history::step(*version).is_some())
    {
        run(db, version, Direction::Down).await;
        if version == 28 {
            let names = texts(db, "SELECT id FROM capability_records ORDER BY id").await;
            assert_eq!(names, ["o.p.n.do.1111", "o.p.n.do.2222", "o.p.n.do.3333"]);
        }
        // One step up and down again, with the rows in place.
        run(db, version, Direction::Up).await;
        run(db, version, Direction::Down).await;
    }
    sql(db, "DELETE FROM pml_migration_ledger").await;
    up_to(db, 34).await;
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

/// Applies every step up to and including `version` that is not there yet, judged by a table of the test's own.
async fn up_to(db: &DatabaseConnection, version: u16) {
    sql(
        db,
        "CREATE TABLE IF NOT EXISTS pml_migration_ledger (version integer)",
    )
    .await;
    let reached: u16 = texts(
        db,
        "SELECT coalesce(max(version), 0)::text FROM pml_migration_ledger",
    )
    .await[0]
        .parse()
        .unwrap();
    for step in reached + 1..=version {
        if history::step(step).is_some() {
            run(db, step, Direction::Up).await;
        }
    }
    sql(
        db,
        &format!("INSERT INTO pml_migration_ledger VALUES ({version})"),
    )
    .await;
}

/// Runs one direction of a step in one transaction, as the migrator does.
async fn run(db: &DatabaseConnection, version: u16, direction: Direction) {
    let step = history::step(version).unwrap();
    let statements = match direction {
        Direction::Up => step.up(),
        Direction::Down => step.down(),
    };
    let transaction = db.begin().await.unwrap();
    for statement in statements {
        transaction
            .execute_unprepared(&statement)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}\n{statement}", step.name()));
    }
    transaction.commit().await.unwrap();
}

async fn sql(db: &DatabaseConnection, statements: &str) {
    db.execute_unprepared(statements)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{statements}"));
}

/// The only column of a query, which must be text.
async fn texts(db: &DatabaseConnection, query: &str) -> Vec<String> {
    db.query_all_raw(Statement::from_string(DbBackend::Postgres, query))
        .await
        .unwrap_or_else(|error| panic!("{error}\n{query}"))
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012x}")
}

/// Inserts a pattern; `code_hash` is an SQL expression. Before 011 there is no such column, so a null one is left out.
fn pattern(number: u32, code_hash: &str) -> String {
    let (column, value) = if code_hash == "NULL" {
        ("", String::new())
    } else {
        (", code_hash", format!(", {code_hash}"))
    };
    format!(
        "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding{column})
         VALUES ('{}', 'hash {number}', '{{}}', array_fill(1.0::real, ARRAY[1024])::vector{value})",
        uuid(number)
    )
}

fn audit_row(id: &str, capability: &str) -> String {
    format!(
        "INSERT INTO permission_audit_log (id, timestamp, capability_id, from_set, to_set, approved)
         VALUES ('{id}', 1, '{capability}', 'minimal', 'readonly', 1)"
    )
}

/// A registry row as of 021 and 022; `code` is an SQL expression.
fn record(action: &str, hash: &str, code: &str) -> String {
    format!(
        "INSERT INTO capability_records (id, display_name, org, project, namespace, action, hash, code_snippet)
         VALUES ('o.p.n.{action}.{hash}', 'n:{action}', 'o', 'p', 'n', '{action}', '{hash}', {code})"
    )
}

/// A registry row as of 023 to 027.
fn record_at_023(action: &str) -> String {
    format!(
        "INSERT INTO capability_records (id, display_name, org, project, namespace, action, hash)
         VALUES ('o.p.n.{action}.abcd', 'n:{action}', 'o', 'p', 'n', '{action}', 'abcd')"
    )
}

fn edge(from: u32, to: u32, kind: &str) -> String {
    format!(
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type) VALUES ('{}', '{}', '{kind}')",
        uuid(from),
        uuid(to)
    )
}

async fn levels(db: &DatabaseConnection) -> Vec<String> {
    texts(
        db,
        "SELECT ltrim(right(pattern_id::text, 2), '0') || ' ' || hierarchy_level FROM workflow_pattern ORDER BY pattern_id",
    )
    .await
}

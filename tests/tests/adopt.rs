//! Taking over a database of the older system: nothing runs twice, no row is lost, and what does not match is listed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod old_system;

use old_system::{VECTOR, advance, make, options, sql, text, texts, uuid};
use pml_migration::{
    Engine, Error, StepState, adopt, all, catalog, history, status, traceability, up,
};
use pml_testkit::empty_database;
use sea_orm::DatabaseConnection;

/// Names of the recorded steps, which alone can be taken over.
fn recorded_names() -> Vec<&'static str> {
    history::STEPS.iter().map(|step| step.name()).collect()
}

#[tokio::test]
async fn version_1_is_taken_over_with_its_rows() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 1).await;
    tools(db).await;

    let adopted = adopt(db, &options).await.unwrap();
    assert_eq!(
        (adopted.version, adopted.marked.as_slice()),
        (
            1,
            &recorded_names()[..1]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()[..]
        )
    );
    up(db, &options).await.unwrap();
    assert_tools(db).await;
    assert_eq!(text(db, "SELECT value FROM config").await, "kept");
}

#[tokio::test]
async fn version_18_is_taken_over_with_its_rows() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 18).await;
    tools(db).await;
    sql(
        db,
        &format!(
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, usage_count, avg_duration_ms, name)
                 VALUES ('{0}', 'h', '{{}}', {VECTOR}, 4, 25, 'send mail');
             INSERT INTO permission_audit_log VALUES
                 ('{1}', 1734512345678, '{0}', 'minimal', 'readonly', 1, 'user', NULL, 'read'),
                 ('unlinked', 1734512345678, 'no uuid', 'minimal', 'readonly', 0, NULL, NULL, NULL);
             INSERT INTO workflow_execution (execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms)
                 VALUES ('{2}', '2025-03-04 05:06:07', 'send mail', '{{\"tasks\": []}}', true, 12)",
            uuid(1),
            uuid(2),
            uuid(3)
        ),
    )
    .await;

    assert_eq!(
        adopt(db, &options).await.unwrap().marked,
        recorded_names()[..18]
    );
    up(db, &options).await.unwrap();
    assert_tools(db).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', total_duration_ms, avg_duration_ms, usage_count, description) FROM workflow_pattern").await,
        ["100 25 4 send mail"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', id, timestamp AT TIME ZONE 'UTC', approved) FROM permission_audit_log").await,
        [format!("{} 2024-12-18 08:59:05.678 t", uuid(2))]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', execution_id, intent_text, dag_structure, execution_time_ms) FROM workflow_execution").await,
        [format!("{} send mail {{\"tasks\": []}} 12", uuid(3))]
    );
    assert_eq!(text(db, "SELECT count(*) FROM execution_trace").await, "1");
}

#[tokio::test]
async fn version_19_is_taken_over_with_its_rows() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 19).await;
    tools(db).await;
    sql(
        db,
        &format!(
            "INSERT INTO users (id, username, github_id) VALUES ('{}', 'ann', '42');
             INSERT INTO workflow_execution (execution_id, dag_structure, success, execution_time_ms, user_id)
                 VALUES ('{}', '{{}}', false, 7, '{}')",
            uuid(1),
            uuid(2),
            uuid(1)
        ),
    )
    .await;

    assert_eq!(
        adopt(db, &options).await.unwrap().marked,
        recorded_names()[..19]
    );
    up(db, &options).await.unwrap();
    assert_tools(db).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', id, user_id, duration_ms, success) FROM execution_trace"
        )
        .await,
        [format!("{} {} 7 f", uuid(2), uuid(1))]
    );
}

#[tokio::test]
async fn version_34_is_taken_over_with_its_rows() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 34).await;
    tools(db).await;
    sql(
        db,
        &format!(
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, code_hash)
                 VALUES ('{0}', 'h', '{{}}', {VECTOR}, repeat('ab', 32));
             INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id)
                 VALUES ('{1}', 'local', 'default', 'mail', 'send', 'abab', '{0}');
             INSERT INTO metrics (metric_name, value) VALUES ('cache_hit_rate', 0.7);
             INSERT INTO entropy_history (von_neumann_entropy, structural_entropy, normalized_entropy, health_status, threshold_low,
                 threshold_high, node_count, edge_count) VALUES (0.1, 0.2, 0.3, 'healthy', 0.3, 0.7, 5, 6)",
            uuid(1),
            uuid(2)
        ),
    )
    .await;

    let adopted = adopt(db, &options).await.unwrap();
    assert_eq!(
        (adopted.version, adopted.marked.len()),
        (34, history::STEPS.len())
    );
    // The times of the record are taken over with the steps.
    let recorded = traceability::STEPS.len();
    let lines = status(db).await.unwrap().split_off(recorded);
    assert_eq!(lines[32].state, StepState::Applied);
    assert_eq!(
        lines[32].applied_at.unwrap().to_string(),
        "2025-12-01 10:00:00 UTC"
    );
    assert_eq!(lines[33].state, StepState::Pending);

    up(db, &options).await.unwrap();
    assert_tools(db).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', id, pattern_id, fqdn, display_name) FROM capability"
        )
        .await,
        [format!(
            "{} {} local.default.mail.send.abab mail:send",
            uuid(2),
            uuid(1)
        )]
    );
    assert_eq!(text(db, "SELECT value FROM metrics").await, "0.7");
    assert_eq!(
        text(db, "SELECT threshold_high FROM entropy_history").await,
        "0.7"
    );
    assert_eq!(
        text(db, "SELECT count(*) FROM migrations_history").await,
        history::STEPS.len().to_string()
    );
}

#[tokio::test]
async fn every_version_on_record_can_be_taken_over_and_ends_at_the_same_schema() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 0).await;
    for (index, step) in history::STEPS.iter().enumerate() {
        let version = history::version_of(step.name()).unwrap();
        advance(db, version, version).await;
        let adopted = adopt(db, &options)
            .await
            .unwrap_or_else(|error| panic!("version {version}: {error}"));
        assert_eq!(
            (adopted.version, adopted.marked.len()),
            (version, index + 1)
        );
        if version < 34 {
            sql(db, "DROP TABLE seaql_migrations, pml_migration_ledger").await;
        }
    }
    up(db, &options).await.unwrap();
    assert_target(db).await;
}

#[tokio::test]
async fn the_users_table_of_the_other_tool_is_accepted_and_ends_at_the_same_schema() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    sql(
        db,
        "CREATE TABLE users (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), github_id text CONSTRAINT users_github_id_unique UNIQUE,
            username text NOT NULL, email text, avatar_url text, role text DEFAULT 'user', api_key_hash text,
            api_key_prefix text CONSTRAINT users_api_key_prefix_unique UNIQUE, api_key_created_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO users (github_id, username, api_key_hash, api_key_prefix) VALUES ('42', 'ann', 'hash', 'ac_12345678')",
    )
    .await;
    make(db, 34).await;
    adopt(db, &options).await.unwrap();
    up(db, &options).await.unwrap();
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', github_id, username, api_key_prefix) FROM users"
        )
        .await,
        ["42 ann ac_12345678"]
    );
    assert_target(db).await;
}

#[tokio::test]
async fn a_schema_that_is_not_the_recorded_one_is_refused_with_every_difference() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 34).await;
    sql(
        db,
        "ALTER TABLE metrics DROP COLUMN metadata; DROP INDEX idx_users_email; ALTER TABLE config ADD COLUMN extra text;
         DELETE FROM migrations_history WHERE version = 7",
    )
    .await;
    let error = adopt(db, &options).await.unwrap_err();
    let Error::SchemaDiffers {
        version: 34,
        differences,
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(differences.len(), 4, "{differences:#?}");
    for part in [
        "metadata",
        "idx_users_email",
        "extra",
        "version 7 is missing",
    ] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    assert_eq!(text(db, "SELECT count(*) FROM pg_class WHERE relname IN ('seaql_migrations', 'pml_migration_ledger')").await, "0");

    // Mended by hand, it is taken over.
    sql(
        db,
        "ALTER TABLE metrics ADD COLUMN metadata jsonb; CREATE INDEX idx_users_email ON users (email); ALTER TABLE config DROP COLUMN extra",
    )
    .await;
    adopt(db, &options).await.unwrap();
}

#[tokio::test]
async fn gaps_in_the_record_do_not_matter_where_the_schema_is_the_proof() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 34).await;
    sql(
        db,
        "DELETE FROM migrations_history WHERE version = 5;
         INSERT INTO migrations_history (version, name) VALUES (31, 'never existed')",
    )
    .await;
    assert_eq!(
        adopt(db, &options).await.unwrap().marked.len(),
        history::STEPS.len()
    );
}

#[tokio::test]
async fn a_step_that_was_numbered_low_and_never_ran_is_found_missing() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 34).await;
    sql(
        db,
        "DROP TABLE users; DELETE FROM migrations_history WHERE version = 5",
    )
    .await;
    let error = adopt(db, &options).await.unwrap_err().to_string();
    assert!(
        error.contains("table users: missing") && error.contains("version 5 is missing"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_a_database_of_the_older_system_is_refused() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    assert!(matches!(adopt(db, &options).await, Err(Error::NotLegacy)));
    make(db, 0).await;
    assert!(matches!(adopt(db, &options).await, Err(Error::NotLegacy)));
    advance(db, 1, 34).await;
    sql(
        db,
        "INSERT INTO migrations_history (version, name) VALUES (36, 'pml_registry_enhanced')",
    )
    .await;
    let error = adopt(db, &options).await.unwrap_err();
    assert!(
        matches!(error, Error::UnsupportedVersion { version: 36 }),
        "{error}"
    );
    sql(db, "DELETE FROM migrations_history WHERE version = 36").await;
    adopt(db, &options).await.unwrap();
    assert!(matches!(
        adopt(db, &options).await,
        Err(Error::AlreadyManaged)
    ));
}

#[tokio::test]
async fn a_record_that_ends_at_the_number_that_never_existed_is_version_30() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 30).await;
    sql(
        db,
        "INSERT INTO migrations_history (version, name) VALUES (31, 'never existed')",
    )
    .await;
    assert_eq!(
        adopt(db, &options).await.unwrap().marked,
        recorded_names()[..30]
    );
    up(db, &options).await.unwrap();
    assert_target(db).await;
}

#[tokio::test]
async fn tables_and_views_that_are_not_on_record_are_named() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 34).await;
    // A view would stop a step that changes a column under it, a table could bear the name of a later one.
    sql(
        db,
        "CREATE TABLE notes (id integer); CREATE VIEW slow_runs AS SELECT id FROM execution_trace WHERE duration_ms > 1000;
         CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id integer)",
    )
    .await;
    let error = adopt(db, &options).await.unwrap_err();
    assert!(
        matches!(&error, Error::SchemaDiffers { differences, .. } if differences.len() == 2
            && differences[0] == "table notes: not expected" && differences[1].starts_with("view slow_runs: not expected")),
        "{error}"
    );
    sql(db, "DROP TABLE notes; DROP VIEW slow_runs").await;
    adopt(db, &options).await.unwrap();
}

#[tokio::test]
async fn up_on_a_database_nobody_adopted_says_so_and_changes_nothing() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    make(db, 19).await;
    let error = up(db, &options).await.unwrap_err();
    assert!(
        matches!(error, Error::NotAdopted { version: 19 }),
        "{error}"
    );
    assert_eq!(text(db, "SELECT count(*) FROM pg_class WHERE relname IN ('seaql_migrations', 'pml_migration_ledger')").await, "0");

    // Taken down to nothing, only the record is left: that is an empty database again.
    adopt(db, &options).await.unwrap();
    let engine = Engine::new(all());
    engine.reset(db, &options).await.unwrap();
    engine.up(db, None, &options).await.unwrap();
    assert_target(db).await;
}

/// Rows that every version can hold.
async fn tools(db: &DatabaseConnection) {
    sql(
        db,
        &format!(
            "INSERT INTO config (key, value) VALUES ('a', 'kept');
             INSERT INTO tool_schema (tool_id, server_id, name, input_schema) VALUES ('fs:read', 'fs', 'read', '{{\"type\": \"object\"}}');
             INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding) VALUES ('fs:read', 'fs', 'read', {VECTOR});
             INSERT INTO tool_dependency (from_tool_id, to_tool_id, observed_count, confidence_score) VALUES ('fs:read', 'fs:write', 3, 0.7)"
        ),
    )
    .await;
}

async fn assert_tools(db: &DatabaseConnection) {
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', tool_id, kind, input_schema) FROM tool_schema ORDER BY 1"
        )
        .await,
        [
            "fs:read mcp {\"type\": \"object\"}",
            "fs:write unresolved {}"
        ]
    );
    assert_eq!(
        texts(
            db,
            &format!(
                "SELECT concat_ws(' ', tool_id, model, embedding = {VECTOR}) FROM tool_embedding"
            )
        )
        .await,
        ["fs:read bge-m3 t"]
    );
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', from_tool_id, to_tool_id, observed_count, confidence_score) FROM tool_dependency").await,
        ["fs:read fs:write 3 0.7"]
    );
}

/// The schema is the one an empty database gets.
async fn assert_target(db: &DatabaseConnection) {
    let empty = empty_database().await;
    up(empty.conn(), &options(&empty)).await.unwrap();
    let expected = catalog::read(empty.conn()).await.unwrap();
    assert_eq!(
        catalog::differences(&expected, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
}

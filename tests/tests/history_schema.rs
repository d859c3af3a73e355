//! The history reaches exactly the recorded schema of every version, up and down, whatever path leads there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use pml_migration::{
    catalog::{self, Catalog, differences, legacy_differences, recorded, recorded_variants},
    history,
    step::Step,
};
use pml_testkit::empty_database;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

#[tokio::test]
async fn every_step_reaches_the_recorded_schema_and_its_down_restores_the_previous_one() {
    let database = empty_database().await;
    let db = database.conn();
    let mut previous = Catalog::default();
    for step in history::STEPS {
        let expected = recorded_for(*step);
        run(db, step.up()).await;
        assert_reached(db, step.name(), &expected).await;
        run(db, step.down()).await;
        assert_reached(db, &format!("{} down", step.name()), &previous).await;
        run(db, step.up()).await;
        assert_reached(db, &format!("{} again", step.name()), &expected).await;
        previous = expected;
    }
}

#[tokio::test]
async fn the_physical_column_order_is_the_recorded_one() {
    let database = empty_database().await;
    let db = database.conn();
    for step in history::STEPS {
        run(db, step.up()).await;
        let actual = catalog::read(db).await.unwrap();
        for (name, table) in recorded_for(*step).tables {
            let order = |table: &catalog::Table| -> Vec<String> {
                table.columns.iter().map(|c| c.name.clone()).collect()
            };
            assert_eq!(
                order(&actual.tables[&name]),
                order(&table),
                "{}: {name}",
                step.name()
            );
        }
    }
}

#[tokio::test]
async fn the_whole_history_goes_down_to_nothing_and_up_again() {
    let database = empty_database().await;
    let db = database.conn();
    for step in history::STEPS {
        run(db, step.up()).await;
    }
    for pair in history::STEPS.windows(2).rev() {
        run(db, pair[1].down()).await;
        assert_reached(
            db,
            &format!("down to {}", pair[0].name()),
            &recorded_for(pair[0]),
        )
        .await;
    }
    run(db, history::STEPS[0].down()).await;
    assert_reached(db, "nothing", &Catalog::default()).await;
    for step in history::STEPS {
        run(db, step.up()).await;
    }
    assert_reached(db, "034 again", &recorded(34).unwrap()).await;
}

#[tokio::test]
async fn steps_promised_to_be_replayable_are() {
    let database = empty_database().await;
    let db = database.conn();
    for step in history::STEPS {
        run(db, step.up()).await;
        if matches!(history::version_of(step.name()), Some(5 | 19 | 28)) {
            run(db, step.up()).await;
            run(db, step.up()).await;
            assert_reached(db, step.name(), &recorded_for(*step)).await;
        }
    }
}

#[tokio::test]
async fn a_users_table_made_by_the_other_tool_first_is_kept_and_recognised() {
    let database = empty_database().await;
    let db = database.conn();
    db.execute_unprepared(
        "CREATE TABLE users (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), github_id text CONSTRAINT users_github_id_unique UNIQUE,
            username text NOT NULL, email text, avatar_url text, role text DEFAULT 'user', api_key_hash text,
            api_key_prefix text CONSTRAINT users_api_key_prefix_unique UNIQUE, api_key_created_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())",
    )
    .await
    .unwrap();
    for step in history::STEPS {
        run(db, step.up()).await;
        let version = history::version_of(step.name()).unwrap();
        let actual = catalog::read(db).await.unwrap();
        assert_eq!(
            differences(&recorded_variants(version)[1], &actual),
            [""; 0],
            "{}",
            step.name()
        );
        assert_eq!(
            legacy_differences(version, &actual),
            Some(vec![]),
            "{}",
            step.name()
        );
    }
}

#[tokio::test]
async fn whatever_departs_from_the_record_is_named() {
    let database = empty_database().await;
    let db = database.conn();
    for step in history::STEPS {
        run(db, step.up()).await;
    }
    // Not part of the schema, so never a difference.
    db.execute_unprepared(
        "CREATE TABLE migrations_history (version integer PRIMARY KEY);
         CREATE TABLE seaql_migrations (version text PRIMARY KEY);
         CREATE TABLE pml_migration_ledger (name text PRIMARY KEY);
         CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.users (id integer)",
    )
    .await
    .unwrap();
    assert_reached(db, "034", &recorded(34).unwrap()).await;

    db.execute_unprepared(
        "ALTER TABLE users ALTER COLUMN email TYPE varchar(9);
         ALTER TABLE metrics ALTER COLUMN metadata SET NOT NULL;
         ALTER TABLE config ALTER COLUMN updated_at DROP DEFAULT;
         ALTER TABLE config ADD COLUMN extra integer;
         ALTER TABLE workflow_checkpoint DROP CONSTRAINT chk_layer_non_negative;
         ALTER TABLE shgat_params DROP CONSTRAINT shgat_params_user_id_key;
         ALTER TABLE execution_trace DROP CONSTRAINT execution_trace_capability_id_fkey,
             ADD CONSTRAINT execution_trace_capability_id_fkey FOREIGN KEY (capability_id)
                 REFERENCES workflow_pattern (pattern_id) ON DELETE CASCADE;
         DROP INDEX idx_error_log_timestamp; CREATE INDEX idx_error_log_timestamp ON error_log (timestamp);
         DROP INDEX idx_tool_embedding_hnsw;
         CREATE INDEX idx_tool_embedding_hnsw ON tool_embedding USING hnsw (embedding vector_l2_ops) WITH (m = 8);
         CREATE VIEW names AS SELECT name FROM tool_schema;
         DROP TABLE adaptive_config",
    )
    .await
    .unwrap();
    let actual = catalog::read(db).await.unwrap();
    let lines = differences(&recorded(34).unwrap(), &actual);
    let expected = [
        "table adaptive_config: missing",
        "table config: column extra: not expected, found integer NULL",
        "table config: column updated_at: expected timestamp without time zone NULL DEFAULT now(), found timestamp without \
         time zone NULL",
        "table error_log: index idx_error_log_timestamp: expected btree (\"timestamp\" timestamp_ops DESC), found btree \
         (\"timestamp\" timestamp_ops ASC)",
        "table execution_trace: foreign key execution_trace_capability_id_fkey: expected (capability_id) -> workflow_pattern \
         (pattern_id) ON DELETE SET NULL ON UPDATE NO ACTION, found (capability_id) -> workflow_pattern (pattern_id) ON \
         DELETE CASCADE ON UPDATE NO ACTION",
        "table metrics: column metadata: expected jsonb NULL, found jsonb NOT NULL",
        "table shgat_params: index shgat_params_user_id_key: missing, expected UNIQUE btree (user_id text_ops ASC)",
        "table shgat_params: unique shgat_params_user_id_key: missing, expected user_id",
        "table tool_embedding: index idx_tool_embedding_hnsw: expected hnsw (embedding vector_cosine_ops) WITH \
         (ef_construction=64, m=16), found hnsw (embedding vector_l2_ops) WITH (m=8)",
        "table users: column email: expected text NULL, found character varying(9) NULL",
        "table workflow_checkpoint: check chk_layer_non_negative: missing, expected (layer >= 0)",
        "view names: not expected, found (name text) WITH () AS SELECT name FROM tool_schema;",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn the_catalogue_is_read_in_the_same_number_of_statements_whatever_its_size() {
    let database = empty_database().await;
    let mut db = database.conn().clone();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    db.set_metric_callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    catalog::read(&db).await.unwrap();
    let empty = count.swap(0, Ordering::Relaxed);
    for step in history::STEPS {
        run(&db, step.up()).await;
    }
    count.store(0, Ordering::Relaxed);
    catalog::read(&db).await.unwrap();
    assert_eq!((empty, count.load(Ordering::Relaxed)), (7, 7));
}

fn recorded_for(step: &dyn Step) -> Catalog {
    recorded(history::version_of(step.name()).unwrap()).unwrap()
}

/// The schema is the expected one, down to which objects carry a comment.
async fn assert_reached(db: &DatabaseConnection, what: &str, expected: &Catalog) {
    let actual = catalog::read(db).await.unwrap();
    assert_eq!(differences(expected, &actual), [""; 0], "{what}");
    assert_eq!(commented(expected), commented(&actual), "{what}: comments");
}

fn commented(catalog: &Catalog) -> Vec<String> {
    let mut names = Vec::new();
    for (table_name, table) in &catalog.tables {
        if table.has_comment {
            names.push(table_name.clone());
        }
        let columns = table.columns.iter().filter(|column| column.has_comment);
        names.extend(columns.map(|column| format!("{table_name}.{}", column.name)));
    }
    names.sort();
    names
}

/// Runs one direction of a step the way the migrator does: in one transaction.
async fn run(db: &DatabaseConnection, statements: Vec<String>) {
    let transaction = db.begin().await.unwrap();
    for statement in statements {
        transaction
            .execute_unprepared(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{statement}"));
    }
    transaction.commit().await.unwrap();
}

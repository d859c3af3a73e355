//! What the migrator promises: in order, each step whole or not at all, nothing on top of a history that does not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connections;
#[path = "../old_system/mod.rs"]
mod old_system;
mod refusals;
mod schema;

use std::sync::{Arc, Mutex};

use old_system::{options, sql, text, texts};
use pml_migration::{Engine, Error, Options, Step, StepState, pending, status, step_names, up};
use pml_testkit::{TestDatabase, empty_database};
use sea_orm::{AccessMode, ConnectOptions, Database, DatabaseConnection, TransactionTrait};

const TABLES: &str = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1";

/// A step of a test.
struct Given {
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
    in_transaction: bool,
}

const fn given(
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
) -> Given {
    Given {
        name,
        up,
        down,
        in_transaction: true,
    }
}

impl Step for Given {
    fn name(&self) -> &'static str {
        self.name
    }
    fn up(&self) -> Vec<String> {
        self.up.iter().map(ToString::to_string).collect()
    }
    fn down(&self) -> Vec<String> {
        self.down.iter().map(ToString::to_string).collect()
    }
    fn in_transaction(&self) -> bool {
        self.in_transaction
    }
}

const FIRST: Given = given(
    "m1_1_first",
    &["CREATE TABLE first (id integer)"],
    &["DROP TABLE first"],
);

const SECOND: Given = given(
    "m1_2_second",
    &["CREATE TABLE second (id integer)"],
    &["DROP TABLE second"],
);

#[tokio::test]
async fn every_step_runs_once_and_in_order() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let watched = Options {
        on_step: Some(Arc::new(move |progress| {
            log.lock().unwrap().push((
                progress.number,
                progress.total,
                progress.finished.is_some(),
            ));
        })),
        ..options.clone()
    };

    let report = up(db, &watched).await.unwrap();
    assert_eq!(report.names(), step_names());
    assert!(up(db, &options).await.unwrap().is_empty());

    let total = step_names().len();
    let expected: Vec<_> = (1..=total)
        .flat_map(|number| [(number, total, false), (number, total, true)])
        .collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    let lines = status(db).await.unwrap();
    assert!(
        lines
            .iter()
            .all(|line| line.state == StepState::Applied && line.applied_at.is_some())
    );
    assert_eq!(lines[0].title, "execution traces");
    assert_eq!(
        texts(
            db,
            "SELECT count(*) FROM pml_migration_ledger WHERE state = 'applied'"
        )
        .await,
        [total.to_string()]
    );
}

#[tokio::test]
async fn the_status_of_an_empty_database_is_all_pending_and_writes_nothing() {
    let database = empty_database().await;
    let read_only = database
        .conn()
        .begin_with_config(None, Some(AccessMode::ReadOnly))
        .await
        .unwrap();
    let lines = status(&read_only).await.unwrap();
    assert_eq!(lines.len(), step_names().len());
    assert!(
        lines
            .iter()
            .all(|line| line.state == StepState::Pending && line.applied_at.is_none())
    );
    assert_eq!(pending(&read_only).await.unwrap(), step_names());
    read_only.rollback().await.unwrap();
    assert_eq!(texts(database.conn(), TABLES).await, [""; 0]);
}

#[tokio::test]
async fn a_step_without_a_transaction_is_marked_while_it_runs_and_runs_again() {
    let concurrent = Given {
        name: "m1_2_index",
        up: &[
            "CREATE TABLE IF NOT EXISTS made (id integer)",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS first_id ON first (id)",
            "SELECT id FROM gate",
        ],
        down: &["DROP INDEX CONCURRENTLY first_id", "DROP TABLE made"],
        in_transaction: false,
    };
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let steps: [&dyn Step; 2] = [&FIRST, &concurrent];
    let engine = Engine::new(&steps);

    let error = engine.up(db, None, &options).await.unwrap_err();
    assert!(
        matches!(&error, Error::StepFailed { name, .. } if name == "m1_2_index"),
        "{error}"
    );
    let ledger = "SELECT name || ' ' || state FROM pml_migration_ledger ORDER BY 1";
    assert_eq!(
        texts(db, ledger).await,
        ["m1_1_first applied", "m1_2_index running"]
    );
    assert_eq!(
        engine.status(db).await.unwrap()[1].state,
        StepState::Pending
    );

    sql(db, "CREATE TABLE gate (id integer)").await;
    assert_eq!(
        engine.up(db, None, &options).await.unwrap().names(),
        ["m1_2_index"]
    );
    assert_eq!(
        texts(db, ledger).await,
        ["m1_1_first applied", "m1_2_index applied"]
    );
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM pg_indexes WHERE indexname = 'first_id'"
        )
        .await,
        "1"
    );
    engine.down(db, Some(1), &options).await.unwrap();
    assert_eq!(texts(db, ledger).await, ["m1_1_first applied"]);
}

/// A pool of its own on the same (real) server.
async fn connect(
    database: &TestDatabase,
    connections: u32,
    name: Option<&str>,
) -> DatabaseConnection {
    let mut options = ConnectOptions::new(database.url());
    options.max_connections(connections).sqlx_logging(false);
    if let Some(name) = name {
        options.set_application_name(name);
    }
    Database::connect(options).await.unwrap()
}

//! What the migrator promises: in order, each step whole or not at all, nothing on top of a history that does not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod old_system;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use old_system::{options, sql, text, texts};
use pml_migration::{
    Direction, Engine, Error, Migrator, Options, Step, StepState, all, catalog, forward, pending,
    script, status, step_names, up,
};
use pml_testkit::{TestDatabase, empty_database};
use sea_orm::{AccessMode, ConnectOptions, Database, DatabaseConnection, TransactionTrait};
use sea_orm_migration::MigratorTrait;

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
    assert_eq!(lines[0].title, "initial schema");
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
async fn a_failing_step_leaves_the_database_at_the_step_before_and_says_which_and_why() {
    let broken = given(
        "m1_2_broken",
        &[
            "CREATE TABLE half (id integer)",
            "-- why\nINSERT INTO half VALUES (1), (1 / 0)",
            "CREATE TABLE never (id integer)",
        ],
        &["DROP TABLE no_such_table"],
    );
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let steps: [&dyn Step; 3] = [&FIRST, &broken, &SECOND];
    let error = Engine::new(&steps)
        .up(db, None, &options)
        .await
        .unwrap_err();
    let Error::StepFailed {
        name, direction, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((name.as_str(), *direction), ("m1_2_broken", Direction::Up));
    let message = error.to_string();
    assert!(
        message.contains("division by zero") && message.contains("INSERT INTO half"),
        "{message}"
    );
    assert_eq!(
        texts(db, TABLES).await,
        ["first", "pml_migration_ledger", "seaql_migrations"]
    );
    assert_eq!(
        Engine::new(&steps).pending(db).await.unwrap(),
        ["m1_2_broken", "m1_2_second"]
    );

    // The other way round it is the same.
    sql(
        db,
        "CREATE TABLE half (id integer); INSERT INTO seaql_migrations VALUES ('m1_2_broken', 0)",
    )
    .await;
    let error = Engine::new(&steps)
        .down(db, Some(1), &options)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            Error::StepFailed {
                direction: Direction::Down,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        Engine::new(&steps).pending(db).await.unwrap(),
        ["m1_2_second"]
    );
}

#[tokio::test]
async fn a_changed_published_step_is_refused_before_anything_runs() {
    let changed = given(
        "m1_1_first",
        &["CREATE TABLE first (id bigint)"],
        &["DROP TABLE first"],
    );
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    Engine::new(&[&FIRST]).up(db, None, &options).await.unwrap();

    let steps: [&dyn Step; 2] = [&changed, &SECOND];
    let engine = Engine::new(&steps);
    for result in [
        engine.up(db, None, &options).await,
        engine.down(db, None, &options).await,
        engine.refresh(db, &options).await,
    ] {
        assert!(
            matches!(&result, Err(Error::ChecksumChanged { name, .. }) if name == "m1_1_first"),
            "{result:?}"
        );
    }
    assert_eq!(
        texts(db, TABLES).await,
        ["first", "pml_migration_ledger", "seaql_migrations"]
    );
    assert_eq!(
        engine.status(db).await.unwrap()[0].state,
        StepState::Changed
    );
    // Starting over is the way out, for those who can lose the data.
    engine.fresh(db, &options).await.unwrap();
    assert_eq!(
        engine.status(db).await.unwrap()[0].state,
        StepState::Applied
    );
}

#[tokio::test]
async fn an_applied_step_this_build_does_not_hold_is_refused() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    Engine::new(&[&FIRST, &SECOND])
        .up(db, None, &options)
        .await
        .unwrap();

    let older = Engine::new(&[&FIRST]);
    for result in [
        older.up(db, None, &options).await,
        older.down(db, Some(1), &options).await,
    ] {
        assert!(
            matches!(&result, Err(Error::Unknown { name }) if name == "m1_2_second"),
            "{result:?}"
        );
    }
    let states: Vec<_> = older
        .status(db)
        .await
        .unwrap()
        .iter()
        .map(|line| line.state)
        .collect();
    assert_eq!(states, [StepState::Applied, StepState::Missing]);
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

#[tokio::test]
async fn every_forward_step_goes_down_to_what_was_before_and_up_to_the_same() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let history = u32::try_from(pml_migration::history::STEPS.len()).unwrap();
    let engine = Engine::new(all());
    engine.up(db, Some(history), &options).await.unwrap();
    let mut before = vec![catalog::read(db).await.unwrap()];
    assert_eq!(
        catalog::differences(&catalog::recorded(34).unwrap(), &before[0]),
        [""; 0]
    );
    for step in forward::STEPS {
        assert_eq!(
            engine.up(db, Some(1), &options).await.unwrap().names(),
            [step.name()]
        );
        let reached = catalog::read(db).await.unwrap();
        engine.down(db, Some(1), &options).await.unwrap();
        let restored = catalog::read(db).await.unwrap();
        assert_eq!(
            catalog::differences(before.last().unwrap(), &restored),
            [""; 0],
            "{} down",
            step.name()
        );
        engine.up(db, Some(1), &options).await.unwrap();
        assert_eq!(
            catalog::differences(&reached, &catalog::read(db).await.unwrap()),
            [""; 0],
            "{} again",
            step.name()
        );
        before.push(reached);
    }
    let target = before.pop().unwrap();
    for (step, expected) in forward::STEPS.iter().zip(&before).rev() {
        engine.down(db, Some(1), &options).await.unwrap();
        assert_eq!(
            catalog::differences(expected, &catalog::read(db).await.unwrap()),
            [""; 0],
            "down from {}",
            step.name()
        );
    }
    engine.up(db, None, &options).await.unwrap();
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
}

#[tokio::test]
async fn fresh_drops_everything_but_extensions_and_starts_over() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    up(db, &options).await.unwrap();
    let target = catalog::read(db).await.unwrap();
    sql(
        db,
        "CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN short AS text; CREATE TYPE pair AS (a integer, b mood);
         CREATE SEQUENCE counter; CREATE TABLE notes (id integer, mood mood); CREATE MATERIALIZED VIEW sums AS SELECT 1 AS one;
         CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * 2';
         CREATE TABLE \"Odd name\" (id integer); CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.kept (id integer);
         INSERT INTO config (key, value) VALUES ('a', 'b')",
    )
    .await;
    let report = pml_migration::fresh(db, &options).await.unwrap();
    assert_eq!(report.names(), step_names());
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
    assert_eq!(text(db, "SELECT count(*) FROM config").await, "0");
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM pg_type WHERE typname IN ('mood', 'short', 'pair', 'counter')"
        )
        .await,
        "0"
    );
    assert_eq!(text(db, "SELECT count(*) FROM elsewhere.kept").await, "0");
}

#[tokio::test]
async fn refresh_and_reset_leave_what_they_promise() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let engine = Engine::new(all());
    engine.up(db, None, &options).await.unwrap();
    let target = catalog::read(db).await.unwrap();
    assert_eq!(
        engine.refresh(db, &options).await.unwrap().steps.len(),
        2 * step_names().len()
    );
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
    engine.reset(db, &options).await.unwrap();
    assert_eq!(texts(db, TABLES).await, [""; 0]);
}

#[tokio::test]
async fn the_printed_script_makes_the_same_database_and_a_managed_one() {
    let (by_hand, by_us) = (empty_database().await, empty_database().await);
    let text = script(all(), true);
    let (_, statements) = text.split_once('\n').unwrap();
    sql(by_hand.conn(), statements).await;
    up(by_us.conn(), &options(&by_us)).await.unwrap();
    let expected = catalog::read(by_us.conn()).await.unwrap();
    assert_eq!(
        catalog::differences(&expected, &catalog::read(by_hand.conn()).await.unwrap()),
        [""; 0]
    );
    assert!(
        up(by_hand.conn(), &options(&by_hand))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn one_connection_is_enough_when_exclusive_and_refused_when_not() {
    let database = empty_database().await;
    let one = if database.is_embedded() {
        database.conn().clone()
    } else {
        connect(&database, 1, None).await
    };
    let exclusive = Options {
        exclusive: true,
        ..Options::default()
    };
    let refused = up(&one, &Options::default()).await;
    assert!(
        matches!(refused, Err(Error::PoolTooSmall { connections: 1 })),
        "{refused:?}"
    );
    up(&one, &exclusive).await.unwrap();
    pml_migration::down(&one, 3, &exclusive).await.unwrap();
    pml_migration::fresh(&one, &exclusive).await.unwrap();
    assert_eq!(pending(&one).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_orms_own_trait_passes_through_the_same_checks() {
    let database = empty_database().await;
    let db = database.conn();
    let transaction = db.begin().await.unwrap();
    Migrator::up(&transaction, Some(2)).await.unwrap();
    assert_eq!(
        texts(&transaction, "SELECT count(*) FROM pml_migration_ledger").await,
        ["2"]
    );
    Migrator::down(&transaction, Some(1)).await.unwrap();
    assert_eq!(
        texts(&transaction, "SELECT count(*) FROM pml_migration_ledger").await,
        ["1"]
    );
    sql(
        &transaction,
        "UPDATE pml_migration_ledger SET checksum = 'other'",
    )
    .await;
    let error = Migrator::up(&transaction, None).await.unwrap_err();
    assert!(error.to_string().contains("other SQL"), "{error}");
    transaction.rollback().await.unwrap();
    assert_eq!(texts(db, TABLES).await, [""; 0]);
    if !database.is_embedded() {
        Migrator::up(db, None).await.unwrap();
        assert_eq!(Migrator::get_pending_migrations(db).await.unwrap().len(), 0);
        Migrator::refresh(db).await.unwrap();
    }
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_then_named() {
    let database = empty_database().await;
    if database.is_embedded() {
        println!(
            "skipped: the embedded server has one connection, so nobody else can hold the lock"
        );
        return;
    }
    let holder = connect(&database, 2, Some("the-holder")).await;
    let reached = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::clone(&reached);
    let slow = Given {
        name: "m1_1_slow",
        up: &["SELECT pg_sleep(2)"],
        down: &[],
        in_transaction: true,
    };
    let other = tokio::spawn(async move {
        let options = Options {
            on_step: Some(Arc::new(move |_| gate.notify_one())),
            ..Options::default()
        };
        Engine::new(&[&slow]).up(&holder, None, &options).await
    });
    reached.notified().await;
    let impatient = Options {
        lock_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let error = Engine::new(&[&FIRST])
        .up(database.conn(), None, &impatient)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Locked { holder, .. } if holder.contains("the-holder")),
        "{error}"
    );
    other.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_hold_the_schema_is_named_before_anything_runs() {
    let database = empty_database().await;
    // A schema that comes before the system's own can say about the server what it likes.
    for (lie, expected) in [
        ("CREATE VIEW lie.pg_available_extensions AS SELECT * FROM pg_catalog.pg_available_extensions WHERE name <> 'vector'", "postgresql-NN-pgvector"),
        ("CREATE VIEW lie.pg_available_extensions AS SELECT name, '0.6.2'::text AS default_version, '0.6.2'::text COLLATE \"C\" AS installed_version FROM pg_catalog.pg_available_extensions", "pgvector 0.6.2 is too old"),
        (
            "CREATE FUNCTION lie.current_setting(name text) RETURNS text LANGUAGE sql AS \
             $$ SELECT CASE name WHEN 'server_version_num' THEN '140012' ELSE '14.12' END $$",
            "PostgreSQL 14.12 is too old",
        ),
        (
            "CREATE VIEW lie.pg_available_extensions AS SELECT name, '0.8.2'::text AS default_version, NULL::text COLLATE \"C\" AS installed_version FROM pg_catalog.pg_available_extensions;
             CREATE VIEW lie.pg_available_extension_versions AS SELECT 'vector'::name AS name, '0.8.2'::text AS version, true AS superuser, false AS trusted;
             CREATE VIEW lie.pg_roles AS SELECT rolname, false AS rolsuper FROM pg_catalog.pg_roles",
            "CREATE EXTENSION vector",
        ),
    ] {
        let db = if database.is_embedded() { database.conn().clone() } else { connect(&database, 1, None).await };
        sql(&db, "CREATE SCHEMA lie").await;
        sql(&db, lie).await;
        sql(&db, "SET search_path = lie, pg_catalog, public").await;
        let error = up(&db, &Options { exclusive: true, ..Options::default() }).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        sql(&db, "SET search_path = public; DROP SCHEMA lie CASCADE").await;
        assert_eq!(texts(&db, TABLES).await, [""; 0]);
    }
}

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

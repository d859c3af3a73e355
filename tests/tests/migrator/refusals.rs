//! What stops the migrator, and what the database looks like then.

use pml_migration::{Direction, Engine, Error, Options, Step, StepState, up};
use pml_testkit::empty_database;

use crate::old_system::{options, sql, texts};
use crate::{FIRST, SECOND, TABLES, connect, given};

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

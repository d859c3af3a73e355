//! The documented steps of the traceability schema: down and up, early and late.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pml_migration::catalog::{self, Catalog, differences};
use pml_migration::{Engine, Options, Step, all, forward, history, traceability};
use pml_testkit::{TestDatabase, database, empty_database};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// The last forward step that knows nothing of traceability.
const BEFORE: &str = "m20261121_000114_capability_view_tools";

fn options(database: &TestDatabase) -> Options {
    database.db().migration_options()
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn every_documented_step_goes_down_to_what_was_before_and_up_to_the_same() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let engine = Engine::new(traceability::STEPS);
    let mut before = vec![Catalog::default()];
    for step in traceability::STEPS {
        assert_eq!(
            engine.up(db, Some(1), &options).await.unwrap().names(),
            [step.name()]
        );
        let reached = catalog::read(db).await.unwrap();
        assert_ne!(
            &reached,
            before.last().unwrap(),
            "{} does nothing",
            step.name()
        );
        engine.down(db, Some(1), &options).await.unwrap();
        let restored = catalog::read(db).await.unwrap();
        assert_eq!(
            differences(before.last().unwrap(), &restored),
            [""; 0],
            "{} down",
            step.name()
        );
        engine.up(db, Some(1), &options).await.unwrap();
        let again = catalog::read(db).await.unwrap();
        assert_eq!(
            differences(&reached, &again),
            [""; 0],
            "{} again",
            step.name()
        );
        before.push(reached);
    }
    engine.down(db, None, &options).await.unwrap();
    assert_eq!(catalog::read(db).await.unwrap(), Catalog::default());
    engine.up(db, None, &options).await.unwrap();
    let again = catalog::read(db).await.unwrap();
    assert_eq!(differences(before.last().unwrap(), &again), [""; 0]);
}

/// A database of this project from before the area: the documented steps come late, whatever their date says, and harm no row.
#[tokio::test]
async fn on_an_existing_database_the_steps_come_late_and_lead_to_the_same_schema() {
    let existing = empty_database().await;
    let (db, options) = (existing.conn(), options(&existing));
    let last = forward::STEPS
        .iter()
        .position(|step| step.name() == BEFORE)
        .unwrap();
    let steps: Vec<&dyn Step> = [history::STEPS, &forward::STEPS[..=last]].concat();
    Engine::new(&steps).up(db, None, &options).await.unwrap();
    db.execute_unprepared("INSERT INTO config (key, value) VALUES ('kept', 'yes')")
        .await
        .unwrap();

    let report = Engine::new(all()).up(db, None, &options).await.unwrap();
    let late: Vec<&str> = traceability::STEPS
        .iter()
        .chain(&forward::STEPS[last + 1..])
        .map(|step| step.name())
        .collect();
    assert_eq!(report.names(), late);
    let template = database().await;
    let (expected, actual) = (
        catalog::read(template.conn()).await.unwrap(),
        catalog::read(db).await.unwrap(),
    );
    assert_eq!(differences(&expected, &actual), [""; 0]);
    assert_eq!(
        number(db, "SELECT count(*) FROM config WHERE key = 'kept'").await,
        1
    );
}

#[tokio::test]
async fn archived_executions_go_back_when_the_archive_goes() {
    let database = database().await;
    let (db, options) = (database.conn(), options(&database));
    db.execute_unprepared(
        "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at)
             SELECT id, id, id, 'test', now() - interval '91 days' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 3)) ids;
         SELECT apply_retention()",
    )
    .await
    .unwrap();
    assert_eq!(
        number(db, "SELECT count(*) FROM execution_traces_archive").await,
        3
    );
    // One id was used again since.
    db.execute_unprepared(
        "INSERT INTO execution_traces (correlation_id, root_id, session_id, source)
             SELECT correlation_id, root_id, session_id, 'again' FROM execution_traces_archive LIMIT 1",
    )
    .await
    .unwrap();
    let steps = forward::STEPS
        .iter()
        .rev()
        .position(|step| step.name().contains("_000115_"))
        .unwrap();
    let steps = u32::try_from(steps + 1).unwrap();
    Engine::new(all())
        .down(db, Some(steps), &options)
        .await
        .unwrap();
    assert_eq!(number(db, "SELECT count(*) FROM execution_traces").await, 3);
    assert_eq!(
        number(
            db,
            "SELECT count(*) FROM execution_traces WHERE source = 'again'"
        )
        .await,
        1
    );
}

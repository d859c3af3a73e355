//! Several instances start at once: one migrates, the others wait, and each step is applied exactly once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod old_system;

use std::sync::Arc;

use old_system::{options, sql, text, texts};
use pml_migration::{Engine, Error, Options, Step, catalog, step_names, up};
use pml_testkit::{TestDatabase, empty_database};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

const INSTANCES: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_instances_that_start_at_once_all_succeed_and_apply_each_step_once() {
    let database = empty_database().await;
    let mut reports = Vec::new();
    if database.is_embedded() {
        println!("the embedded server has one connection: the four runs follow each other");
        for _ in 0..INSTANCES {
            reports.push(up(database.conn(), &options(&database)).await.unwrap());
        }
    } else {
        let mut runs = Vec::new();
        for number in 0..INSTANCES {
            let db = instance(&database, number).await;
            runs.push(tokio::spawn(
                async move { up(&db, &Options::default()).await },
            ));
        }
        for run in runs {
            reports.push(run.await.unwrap().unwrap());
        }
    }
    let ran: Vec<&str> = reports
        .iter()
        .flat_map(pml_migration::Report::names)
        .collect();
    assert_eq!(
        ran,
        step_names(),
        "one instance applied all, the others none"
    );
    let counted = "SELECT count(*) FROM seaql_migrations";
    assert_eq!(
        text(database.conn(), counted).await,
        step_names().len().to_string()
    );

    let alone = empty_database().await;
    up(alone.conn(), &options(&alone)).await.unwrap();
    let expected = catalog::read(alone.conn()).await.unwrap();
    assert_eq!(
        catalog::differences(&expected, &catalog::read(database.conn()).await.unwrap()),
        [""; 0]
    );
}

/// `CREATE INDEX CONCURRENTLY` waits for every snapshot in the database. An instance that *blocked* on the lock would hold one,
/// and the two would wait for each other for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_that_wait_do_not_hold_up_an_index_built_concurrently() {
    let database = empty_database().await;
    if database.is_embedded() {
        println!("skipped: the embedded server has one connection");
        return;
    }
    let mut runs = Vec::new();
    for number in 0..INSTANCES {
        let db = instance(&database, number).await;
        runs.push(tokio::spawn(async move {
            let steps: [&dyn Step; 2] = [&Filled, &Indexed];
            Engine::new(&steps).up(&db, None, &Options::default()).await
        }));
    }
    for run in runs {
        run.await.unwrap().unwrap();
    }
    assert_eq!(
        text(database.conn(), "SELECT count(*) FROM filled").await,
        "20000"
    );
    assert_eq!(
        texts(
            database.conn(),
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'filled_id'::regclass"
        )
        .await,
        ["true"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_that_lost_its_lock_stops_at_the_next_step() {
    let database = empty_database().await;
    if database.is_embedded() {
        println!("skipped: the embedded server has one connection");
        return;
    }
    let url = database.url().to_owned();
    let kill = Options {
        on_step: Some(Arc::new(move |progress| {
            if progress.number == 1 && progress.finished.is_none() {
                let url = url.clone();
                std::thread::spawn(move || end_the_holder(&url))
                    .join()
                    .unwrap();
            }
        })),
        ..Options::default()
    };
    let steps: [&dyn Step; 2] = [&Filled, &Indexed];
    let error = Engine::new(&steps)
        .up(database.conn(), None, &kill)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LockLost { .. }), "{error}");
    assert_eq!(
        Engine::new(&steps).pending(database.conn()).await.unwrap(),
        [Indexed.name()]
    );
    Engine::new(&steps)
        .up(database.conn(), None, &Options::default())
        .await
        .unwrap();
}

fn end_the_holder(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Database::connect(url).await.unwrap();
        sql(&db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await;
    });
}

async fn instance(database: &TestDatabase, number: usize) -> DatabaseConnection {
    let mut options = ConnectOptions::new(database.url());
    options
        .max_connections(2)
        .sqlx_logging(false)
        .set_application_name(format!("instance-{number}"));
    Database::connect(options).await.unwrap()
}

struct Filled;

impl Step for Filled {
    fn name(&self) -> &'static str {
        "m1_1_filled"
    }
    fn up(&self) -> Vec<String> {
        vec![
            "CREATE TABLE filled AS SELECT generate_series(1, 20000) AS id".into(),
            "SELECT pg_sleep(0.3)".into(),
        ]
    }
    fn down(&self) -> Vec<String> {
        vec!["DROP TABLE filled".into()]
    }
}

struct Indexed;

impl Step for Indexed {
    fn name(&self) -> &'static str {
        "m1_2_indexed"
    }
    fn up(&self) -> Vec<String> {
        vec!["CREATE INDEX CONCURRENTLY IF NOT EXISTS filled_id ON filled (id)".into()]
    }
    fn down(&self) -> Vec<String> {
        vec!["DROP INDEX CONCURRENTLY filled_id".into()]
    }
    fn in_transaction(&self) -> bool {
        false
    }
}

//! The database goes away and comes back.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pml_service::Error;
use pml_service::recorder::RecorderOptions;
use sqlx::{Connection, PgConnection};

use crate::cable::Cable;
use crate::fixture::{Switches, numbers, options, row, start};

#[tokio::test]
async fn an_outage_loses_nothing_that_was_queued() {
    let database = pml_testkit::database().await;
    let Some((cable, db)) = through_a_cable(&database).await else {
        return;
    };
    let options = RecorderOptions {
        attempts: 2,
        ..options()
    };
    let (recorder, _) = start(&db, Switches::default(), options).await;
    recorder.record(row(0)).await.unwrap();
    recorder.flush().await.unwrap();
    cable.cut();
    for number in 1..40 {
        recorder.record(row(number)).await.unwrap();
    }
    for _ in 0..2 {
        let told = recorder.flush().await;
        assert!(
            matches!(told, Err(Error::DatabaseUnavailable(_))),
            "{told:?}"
        );
    }
    assert_eq!(recorder.stats().queued, 39);
    cable.mend();
    recorder.flush().await.unwrap();
    assert_eq!(numbers(database.db()).await, (0..40).collect::<Vec<_>>());
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.poisoned, stats.unwritten), (40, 0, 0));
    assert!(stats.retried >= 2);
}

#[tokio::test]
async fn a_shutdown_without_a_database_says_what_was_not_written() {
    let database = pml_testkit::database().await;
    let Some((cable, db)) = through_a_cable(&database).await else {
        return;
    };
    let options = RecorderOptions {
        attempts: 2,
        batch: 10,
        ..options()
    };
    let (recorder, _) = start(&db, Switches::default(), options).await;
    recorder.record(row(0)).await.unwrap();
    recorder.flush().await.unwrap();
    cable.cut();
    for number in 1..=25 {
        recorder.record(row(number)).await.unwrap();
    }
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.unwritten, stats.queued), (1, 25, 0));
    assert_eq!(numbers(database.db()).await, [0]);
}

/// Also when a write never answers.
#[tokio::test]
async fn a_shutdown_ends_in_time() {
    let database = pml_testkit::database().await;
    let options = RecorderOptions {
        drain: Duration::from_millis(100),
        ..options()
    };
    let (recorder, _) = start(database.db(), Switches::closed(), options).await;
    for number in 0..3 {
        recorder.record(row(number)).await.unwrap();
    }
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.unwritten), (0, 3));
}

/// Nobody has to be told: the pauses are short at first and the rows are written when the database is back.
#[tokio::test]
async fn a_short_outage_goes_unnoticed() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::default(), options()).await;
    switches.away.store(4, Ordering::SeqCst);
    recorder.record(row(1)).await.unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await, [1]);
    assert_eq!(recorder.stats().retried, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn killed_connections_lose_nothing_and_write_nothing_twice() {
    let database = pml_testkit::database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    let options = RecorderOptions {
        batch: 30,
        capacity: 200,
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    let mut killer = PgConnection::connect(database.url()).await.unwrap();
    let killing = tokio::spawn(async move {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for _ in 0..15 {
            sqlx::query(sql).execute(&mut killer).await.unwrap();
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    });
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let recorder = recorder.clone();
            tokio::spawn(async move {
                for number in 0..150 {
                    recorder.record(row(writer * 1_000 + number)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    killing.await.unwrap();
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!(
        (stats.written, stats.poisoned, stats.unwritten),
        (1_200, 0, 0)
    );
    // The pool may hold connections that nobody used since they were killed.
    for _ in 0..10 {
        let _ = db.ping().await;
    }
    let written = numbers(db).await;
    assert_eq!(written.len(), 1_200);
    assert_eq!(written.iter().collect::<HashSet<_>>().len(), 1_200);
}

/// A real server reached through a cable; `None` on the embedded one, which has one connection.
async fn through_a_cable(database: &pml_testkit::TestDatabase) -> Option<(Cable, pml_service::Db)> {
    if database.is_embedded() {
        return None;
    }
    Some(Cable::to(database.url()).await)
}

//! What is tried again: lost answers, rows whose time has not come, rows behind a lock.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pml_service::Error;
use pml_service::recorder::RecorderOptions;
use sqlx::{Connection, Executor, PgConnection};

use crate::fixture::{Row, Switches, dead_letters, eventually, numbers, options, row, start};

#[tokio::test]
async fn a_lost_answer_writes_nothing_twice() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::default(), options()).await;
    switches.lost_answers.store(3, Ordering::SeqCst);
    for number in 0..100 {
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await, (0..100).collect::<Vec<_>>());
    let stats = recorder.stats();
    assert_eq!((stats.written, stats.retried, stats.poisoned), (100, 3, 0));
}

#[tokio::test]
async fn a_row_whose_parent_comes_later_waits_for_it() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, _) = start(db, Switches::default(), options()).await;
    let parent = row(1);
    let child = Row {
        parent: Some(parent.id),
        ..row(2)
    };
    recorder.record(child).await.unwrap();
    recorder.record(row(3)).await.unwrap();
    eventually("the other is there", async || numbers(db).await == [3]).await;
    recorder.record(parent).await.unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await, [3, 1, 2]);
    assert_eq!(recorder.stats().poisoned, 0);
}

#[tokio::test]
async fn a_row_whose_parent_never_comes_is_a_bad_row() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        not_yet_attempts: 3,
        ..options()
    };
    let (recorder, switches) = start(db, Switches::default(), options).await;
    let orphan = Row {
        parent: Some(uuid::Uuid::now_v7()),
        ..row(1)
    };
    recorder.record(orphan).await.unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(dead_letters(db).await[0].1["code"], "not_yet");
    assert_eq!(switches.writes.load(Ordering::SeqCst), 4);
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.poisoned, stats.queued), (0, 1, 0));
}

/// A lock says nothing about the row: it stays, and the others pass.
#[tokio::test]
async fn a_row_behind_a_lock_waits_and_the_others_pass() {
    let database = pml_testkit::database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    let options = RecorderOptions {
        attempts: 2,
        interval: Duration::from_hours(1),
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    // The same id, written by another and not committed: whoever inserts it waits.
    let blocked = row(5);
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    sqlx::query("INSERT INTO recorded (id, number) VALUES ($1, 0)")
        .bind(blocked.id)
        .execute(&mut other)
        .await
        .unwrap();
    for number in 0..20 {
        let row = if number == 5 {
            blocked.clone()
        } else {
            row(number)
        };
        recorder.record(row).await.unwrap();
    }
    assert!(matches!(
        recorder.flush().await,
        Err(Error::DatabaseUnavailable(_))
    ));
    eventually("the others are there", async || {
        numbers(db).await.len() == 19
    })
    .await;
    assert_eq!(recorder.stats().queued, 1);
    other.execute("ROLLBACK").await.unwrap();
    eventually("it is there too", async || numbers(db).await.len() == 20).await;
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.poisoned), (20, 0));
}

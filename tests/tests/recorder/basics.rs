//! Batches, flush, shutdown, order.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pml_service::Error;
use pml_service::recorder::{Recorded, RecorderOptions};
use pml_testkit::TestDatabase;
use sea_orm::ConnectionTrait;

use crate::fixture::{Switches, eventually, numbers, options, row, start};

const FOR_EVER: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_row_is_written_without_anybody_asking() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, _) = start(db, Switches::default(), options()).await;
    recorder.record(row(1)).await.unwrap();
    eventually("the row is there", async || numbers(db).await == [1]).await;
}

#[tokio::test]
async fn a_full_batch_waits_for_nothing() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        batch: 10,
        interval: FOR_EVER,
        ..options()
    };
    let (recorder, switches) = start(db, Switches::default(), options).await;
    for number in 0..10 {
        recorder.record(row(number)).await.unwrap();
    }
    eventually("all are there", async || numbers(db).await.len() == 10).await;
    assert_eq!(switches.writes.load(Ordering::SeqCst), 1);
    // One more waits for others.
    recorder.record(row(10)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(numbers(db).await.len(), 10);
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await.len(), 11);
}

#[tokio::test]
async fn after_a_flush_everything_is_there() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        interval: FOR_EVER,
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    recorder.flush().await.unwrap();
    for round in 1..=3 {
        for number in 0..7 {
            assert_eq!(recorder.try_record(row(number)), Recorded::Queued);
        }
        recorder.flush().await.unwrap();
        assert_eq!(numbers(db).await.len(), 7 * round);
    }
    assert_eq!((recorder.stats().queued, recorder.stats().written), (0, 21));
}

#[tokio::test]
async fn the_order_is_kept() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        batch: 64,
        ..options()
    };
    let (recorder, switches) = start(db, Switches::default(), options).await;
    for number in 0..1_000 {
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await, (0..1_000).collect::<Vec<_>>());
    assert!(switches.writes.load(Ordering::SeqCst) >= 16);
}

#[tokio::test]
async fn shutdown_writes_what_is_queued_and_takes_no_more() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        interval: FOR_EVER,
        batch: 4,
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    for number in 0..11 {
        recorder.record(row(number)).await.unwrap();
    }
    let stats = recorder.clone().shutdown().await.unwrap();
    assert_eq!((stats.written, stats.queued, stats.unwritten), (11, 0, 0));
    assert_eq!(numbers(db).await, (0..11).collect::<Vec<_>>());

    assert!(matches!(
        recorder.record(row(1)).await,
        Err(Error::Refused { .. })
    ));
    assert_eq!(recorder.try_record(row(1)), Recorded::Dropped);
    recorder.flush().await.unwrap();
    assert_eq!(recorder.shutdown().await.unwrap().dropped, 1);
    assert_eq!(numbers(db).await.len(), 11);
}

#[tokio::test]
async fn the_last_clone_leaves_nothing_behind() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        interval: FOR_EVER,
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    let clone = recorder.clone();
    recorder.record(row(1)).await.unwrap();
    drop(recorder);
    clone.record(row(2)).await.unwrap();
    drop(clone);
    eventually("both are there", async || numbers(db).await == [1, 2]).await;
}

/// On the embedded database there is no other connection: a transaction of the caller and the worker take turns.
#[tokio::test]
async fn no_connection_is_held_between_batches() {
    let database = TestDatabase::with_pool(1).await;
    let db = database.db();
    let (recorder, _) = start(db, Switches::default(), options()).await;
    for number in 0..50 {
        recorder.record(row(number)).await.unwrap();
        db.execute_unprepared("SELECT 1").await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_lose_nothing() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let options = RecorderOptions {
        capacity: 100,
        batch: 40,
        ..options()
    };
    let (recorder, _) = start(db, Switches::default(), options).await;
    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let recorder = recorder.clone();
            tokio::spawn(async move {
                for number in 0..200 {
                    recorder.record(row(writer * 1_000 + number)).await.unwrap();
                    if number % 50 == 49 {
                        recorder.flush().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let written = numbers(db).await;
    assert_eq!(written.len(), 32 * 200);
    assert_eq!(written.iter().collect::<HashSet<_>>().len(), 32 * 200);
    // Each writer's rows in its own order.
    for writer in 0..32 {
        let own: Vec<_> = written.iter().filter(|n| **n / 1_000 == writer).collect();
        assert!(own.is_sorted());
    }
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.dropped), (6_400, 0));
}

//! A queue without room: who waits, and what is counted.

use std::time::Duration;

use pml_service::recorder::{Overflow, Recorded, RecorderOptions};

use crate::fixture::{Switches, numbers, options, row, start};

fn small(overflow: Overflow) -> RecorderOptions {
    RecorderOptions {
        capacity: 10,
        batch: 4,
        overflow,
        ..options()
    }
}

#[tokio::test]
async fn what_has_no_room_is_dropped_and_counted() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::closed(), small(Overflow::Wait)).await;
    let taken: Vec<_> = (0..25)
        .map(|number| recorder.try_record(row(number)))
        .collect();
    assert!(taken[..10].iter().all(|taken| *taken == Recorded::Queued));
    assert!(taken[10..].iter().all(|taken| *taken == Recorded::Dropped));
    assert_eq!(
        (recorder.stats().queued, recorder.stats().dropped),
        (10, 15)
    );
    switches.open();
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.dropped, stats.queued), (10, 15, 0));
    assert_eq!(numbers(db).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_caller_who_chose_to_drop_never_waits() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::closed(), small(Overflow::Drop)).await;
    let mut queued = 0;
    for number in 0..25 {
        queued += u32::from(recorder.record(row(number)).await.unwrap() == Recorded::Queued);
    }
    assert_eq!((queued, recorder.stats().dropped), (10, 15));
    switches.open();
    assert_eq!(recorder.shutdown().await.unwrap().written, 10);
}

#[tokio::test]
async fn a_caller_who_chose_to_wait_gets_the_next_place() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::closed(), small(Overflow::Wait)).await;
    for number in 0..10 {
        recorder.record(row(number)).await.unwrap();
    }
    let mut eleventh = Box::pin(recorder.record(row(10)));
    let waited = tokio::time::timeout(Duration::from_millis(80), &mut eleventh).await;
    assert!(waited.is_err(), "there was no room");
    assert_eq!(recorder.stats().dropped, 0);
    switches.open();
    assert_eq!(eleventh.await.unwrap(), Recorded::Queued);
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.dropped), (11, 0));
    assert_eq!(numbers(db).await, (0..11).collect::<Vec<_>>());
}

/// One who stops waiting has recorded nothing and takes no place away.
#[tokio::test]
async fn a_caller_who_gave_up_waiting_recorded_nothing() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::closed(), small(Overflow::Wait)).await;
    for number in 0..10 {
        recorder.record(row(number)).await.unwrap();
    }
    for _ in 0..5 {
        let waited =
            tokio::time::timeout(Duration::from_millis(10), recorder.record(row(99))).await;
        assert!(waited.is_err());
    }
    switches.open();
    for number in 10..20 {
        recorder.record(row(number)).await.unwrap();
    }
    let _ = recorder.shutdown().await.unwrap();
    assert_eq!(numbers(db).await, (0..20).collect::<Vec<_>>());
}

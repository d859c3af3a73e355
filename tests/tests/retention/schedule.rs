//! Retention inside a process that serves.

use std::time::Duration;

use pml_service::retention::Scheduler;

use crate::fixture::{count, policies, traces};

#[tokio::test]
async fn the_schedule_runs_again_and_again_and_stops() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let scheduler = Scheduler::start(db.clone(), policies(), Duration::from_millis(30));
    for round in 1..=2 {
        traces(db, 3, 91).await;
        for _ in 0..1_000 {
            if count(db, "execution_traces").await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(count(db, "execution_traces_archive").await, 3 * round);
    }
    scheduler.stop().await;
    traces(db, 3, 91).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(count(db, "execution_traces").await, 3);
}

/// A failed run is not the last one.
#[tokio::test]
async fn a_failure_does_not_end_the_schedule() {
    let database = pml_testkit::database().await;
    let db = database.db();
    crate::fixture::sql(
        db,
        "ALTER TABLE execution_traces_archive RENAME TO elsewhere",
    )
    .await;
    traces(db, 3, 91).await;
    let scheduler = Scheduler::start(db.clone(), policies(), Duration::from_millis(20));
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(count(db, "execution_traces").await, 3);
    crate::fixture::sql(
        db,
        "ALTER TABLE elsewhere RENAME TO execution_traces_archive",
    )
    .await;
    for _ in 0..1_000 {
        if count(db, "execution_traces").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count(db, "execution_traces_archive").await, 3);
    scheduler.stop().await;
}

#[tokio::test]
async fn a_schedule_that_waits_stops_at_once() {
    let database = pml_testkit::database().await;
    let hour = Duration::from_hours(1);
    let scheduler = Scheduler::start(database.db().clone(), policies(), hour);
    tokio::time::timeout(Duration::from_secs(10), scheduler.stop())
        .await
        .expect("it does not wait for its next run");
}

//! Several instances at once, and writers beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pml_service::retention;
use pml_testkit::TestDatabase;

use crate::fixture::{count, number, options, policies, sql, traces, usage};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_at_once_share_the_work_and_move_each_row_once() {
    let database = TestDatabase::with_pool(10).await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    traces(db, 600, 91).await;
    for _ in 0..20 {
        usage(db, 181).await;
    }
    let instances: Vec<_> = (0..6)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(
                async move { retention::run(&db, &policies(), &options(9)).await.unwrap() },
            )
        })
        .collect();
    let (mut moved, mut deleted, mut workers) = (0, 0, 0);
    for instance in instances {
        let done = instance.await.unwrap();
        moved += done[0].removed;
        deleted += done[1].removed;
        workers += u32::from(done[0].removed > 0);
        assert_eq!(done[0].skipped, 0);
    }
    // What one passed over because another held it is left for nobody: the holder moved it.
    assert_eq!((moved, deleted), (600, 20));
    assert!(workers > 1, "they worked together");
    assert_eq!(count(db, "execution_traces").await, 0);
    let distinct = "SELECT count(DISTINCT correlation_id) FROM execution_traces_archive";
    assert_eq!(number(db, distinct).await, 600);
    assert_eq!(count(db, "hook_executions").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_beside_it_goes_on_and_loses_nothing() {
    let database = TestDatabase::with_pool(5).await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    traces(db, 1_000, 91).await;
    let (ended, written) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let writer = {
        let (db, ended, written) = (db.clone(), Arc::clone(&ended), Arc::clone(&written));
        tokio::spawn(async move {
            while !ended.load(Ordering::SeqCst) {
                sql(
                    &db,
                    "INSERT INTO execution_traces (correlation_id, root_id, session_id, source) SELECT id, id, id, 'writer' FROM gen_random_uuid() id",
                )
                .await;
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let done = retention::run(db, &policies(), &options(10)).await.unwrap();
    ended.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    let written = written.load(Ordering::SeqCst);
    assert_eq!((done[0].removed, done[0].batches), (1_000, 100));
    assert!(written >= 50, "{written} rows in the time of 100 batches");
    assert_eq!(
        count(db, "execution_traces").await,
        i64::try_from(written).unwrap()
    );
}

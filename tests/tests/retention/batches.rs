//! A run is many small transactions, and a row that cannot be moved does not stop it.

use std::sync::{Arc, Mutex};

use pml_service::Error;
use pml_service::retention::{self, Progress, RunOptions};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::watch;

use crate::fixture::{count, number, options, policies, policy, removed, run, sql, traces};

#[tokio::test]
async fn no_transaction_has_more_rows_than_a_batch() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 95, 91).await;
    let done = run(db, 10).await;
    assert_eq!(removed(&done), [95, 0, 0]);
    assert_eq!(done[0].batches, 10);
    assert!(done.iter().all(|done| done.finished));
    let largest = "SELECT max(rows) FROM (SELECT count(*) AS rows FROM execution_traces_archive GROUP BY xmin::text) AS batches";
    assert_eq!(number(db, largest).await, 10);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM execution_traces_archive";
    assert_eq!(number(db, transactions).await, 10);
}

/// Three statements a batch (limit, pick, move), one for the limit of the policy, two for the empty batch at the end.
#[tokio::test]
async fn a_batch_is_three_statements_whatever_its_size() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 60, 91).await;
    let before = db.statements().snapshot();
    retention::run(db, &[policy("traces")], &options(20))
        .await
        .unwrap();
    assert_eq!(db.statements().since(&before).statements, 1 + 3 * 3 + 2);
}

#[tokio::test]
async fn many_rows_of_one_moment_are_all_moved() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 50, 91).await;
    sql(db, "UPDATE execution_traces SET started_at = '2020-01-01Z'").await;
    assert_eq!(removed(&run(db, 7).await), [50, 0, 0]);
}

/// It stays and is reported; every other row passes it, also when it is the oldest of all.
#[tokio::test]
async fn an_archived_id_that_is_used_again_stays_and_stops_nobody() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 5, 95).await;
    run(db, 10).await;
    let again = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at) \
                 SELECT correlation_id, root_id, session_id, source, now() - interval '500 days' FROM execution_traces_archive";
    sql(db, again).await;
    traces(db, 12, 95).await;
    for expected in [12, 0] {
        let done = run(db, 2).await;
        assert_eq!((done[0].removed, done[0].skipped), (expected, 5));
        assert!(done[0].finished);
    }
    assert_eq!(count(db, "execution_traces").await, 5);
    assert_eq!(count(db, "execution_traces_archive").await, 17);
}

/// Somebody works on a part of a trace: the trace stays for the next run, and the others go.
#[tokio::test]
async fn a_trace_whose_part_is_held_waits_for_the_next_run() {
    let database = pml_testkit::database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    traces(db, 20, 91).await;
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    other
        .execute("UPDATE hook_executions SET hook_name = 'held' WHERE id = (SELECT id FROM hook_executions ORDER BY id LIMIT 1)")
        .await
        .unwrap();
    let done = run(db, 8).await;
    assert_eq!((done[0].removed, done[0].busy), (19, 1));
    other.execute("COMMIT").await.unwrap();
    assert_eq!(removed(&run(db, 8).await), [1, 0, 0]);
}

/// A trace that is being written to is passed over without waiting.
#[tokio::test]
async fn a_trace_that_is_held_is_passed_over() {
    let database = pml_testkit::database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    traces(db, 6, 91).await;
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    other
        .execute("UPDATE execution_traces SET source = 'held' WHERE id = (SELECT id FROM execution_traces ORDER BY started_at LIMIT 1)")
        .await
        .unwrap();
    let done = run(db, 2).await;
    assert_eq!((done[0].removed, done[0].busy), (5, 0));
    other.execute("COMMIT").await.unwrap();
    assert_eq!(removed(&run(db, 2).await), [1, 0, 0]);
    // What the other wrote meanwhile is what the archive has.
    assert_eq!(
        count(db, "execution_traces_archive WHERE source = 'held'").await,
        1
    );
}

#[tokio::test]
async fn progress_counts_up_to_what_was_due_and_a_stop_ends_after_a_batch() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 30, 91).await;
    let (stop, stopped) = watch::channel(false);
    let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let told = Arc::clone(&seen);
    let half_way = RunOptions {
        stop: Some(stopped),
        on_progress: Some(Arc::new(move |progress| {
            told.lock().unwrap().push(progress);
            if progress.done == 20 {
                stop.send_replace(true);
            }
        })),
        ..options(10)
    };
    let done = retention::run(db, &policies(), &half_way).await.unwrap();
    assert_eq!(
        (done.len(), done[0].removed, done[0].finished),
        (1, 20, false)
    );
    let steps: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|step| (step.policy, step.done, step.due))
        .collect();
    assert_eq!(steps, [("traces", 10, 30), ("traces", 20, 30)]);
    assert_eq!(removed(&run(db, 10).await), [10, 0, 0]);
}

#[tokio::test]
async fn policies_are_chosen_by_name() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 3, 200).await;
    let only = |name: &str| RunOptions {
        only: vec![name.to_owned()],
        ..options(10)
    };
    let done = retention::run(db, &policies(), &only("pattern_usage"))
        .await
        .unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(count(db, "execution_traces").await, 3);
    let unknown = retention::run(db, &policies(), &only("everything")).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
}

/// A run that is dropped midway has done whole batches and nothing else.
#[tokio::test]
async fn a_run_that_is_dropped_leaves_whole_batches() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 200, 91).await;
    let dropped = tokio::time::timeout(
        std::time::Duration::from_millis(40),
        retention::run(db, &policies(), &options(5)),
    )
    .await;
    let left = count(db, "execution_traces").await;
    assert!(dropped.is_ok() || left % 5 == 0);
    assert_eq!(left + count(db, "execution_traces_archive").await, 200);
    assert_eq!(count(db, "hook_executions").await, left);
}

/// The oldest rows are found through the index, however many there are.
#[tokio::test]
async fn the_index_serves_the_batches() {
    let database = pml_testkit::database().await;
    let db = database.db();
    sql(
        db,
        "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at)
         SELECT id, id, id, 'test', now() - make_interval(mins => n) FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, 20000) n) AS fresh;
         ANALYZE execution_traces",
    )
    .await;
    let explain = "EXPLAIN SELECT id::text AS key, started_at AS at FROM execution_traces WHERE started_at < now() - interval '1 day' \
                   AND started_at >= now() - interval '10 days' AND (started_at, id::text) > (now() - interval '10 days', 'a') \
                   ORDER BY started_at, id::text LIMIT 500 FOR UPDATE SKIP LOCKED";
    let plan: Vec<String> = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, explain))
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get_by_index::<String>(0).unwrap())
        .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("idx_execution_traces_started_at"), "{plan}");
    assert!(plan.contains("Incremental Sort"), "{plan}");
}

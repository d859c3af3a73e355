//! Which rows are due, to the microsecond, by both ways.

use pml_service::retention;
use pml_service::traceability::{RetentionLimits, apply_retention};
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::fixture::{count, number, options, pattern, policies, removed, run, sql, traces};

/// In one transaction, where `now()` stands still: a row at the limit of each rule, and one a microsecond older.
async fn at_the_limits<C: ConnectionTrait>(tx: &C) {
    for (days, older) in [(90, 0), (90, 1)] {
        sql(
            tx,
            &format!(
                "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, prompt_text, started_at)
                 SELECT id, id, id, 'test', '{older}', now() - interval '{days} days' - interval '{older} microseconds' FROM gen_random_uuid() id"
            ),
        )
        .await;
    }
    pattern(tx, "limit", 4, 1, "now() - interval '30 days'").await;
    pattern(
        tx,
        "older",
        4,
        1,
        "now() - interval '30 days' - interval '1 microsecond'",
    )
    .await;
    for older in [0, 1] {
        sql(
            tx,
            &format!(
                "INSERT INTO pattern_usage_log (pattern_id, correlation_id, user_request, match_score, used, used_at)
                 SELECT pattern_id, gen_random_uuid(), '{older}', 0.9, true, now() - interval '180 days' - interval '{older} microseconds'
                 FROM success_patterns WHERE pattern_hash LIKE '%limit'"
            ),
        )
        .await;
    }
}

async fn assert_the_older_are_gone<C: ConnectionTrait>(tx: &C) {
    assert_eq!(
        count(tx, "execution_traces WHERE prompt_text = '0'").await,
        1
    );
    assert_eq!(count(tx, "execution_traces").await, 1);
    assert_eq!(
        count(tx, "execution_traces_archive WHERE prompt_text = '1'").await,
        1
    );
    assert_eq!(
        count(tx, "pattern_usage_log WHERE user_request = '0'").await,
        1
    );
    assert_eq!(count(tx, "pattern_usage_log").await, 1);
    assert_eq!(
        count(tx, "success_patterns WHERE pattern_hash LIKE '%limit'").await,
        1
    );
    assert_eq!(count(tx, "success_patterns").await, 1);
}

#[tokio::test]
async fn a_row_at_the_limit_stays() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let tx = db.begin().await.unwrap();
    at_the_limits(&tx).await;
    let plan = retention::plan(&tx, &policies()).await.unwrap();
    assert!(plan.iter().all(|due| due.due == 1), "{plan:?}");
    let done = retention::run(&tx, &policies(), &options(10))
        .await
        .unwrap();
    assert_eq!(removed(&done), [1, 1, 1]);
    assert_the_older_are_gone(&tx).await;
    tx.rollback().await.unwrap();

    let tx = db.begin().await.unwrap();
    at_the_limits(&tx).await;
    let done = apply_retention(&tx, &RetentionLimits::default())
        .await
        .unwrap();
    assert_eq!(
        (
            done.archived_traces,
            done.deleted_usage,
            done.deleted_patterns
        ),
        (1, 1, 1)
    );
    assert_the_older_are_gone(&tx).await;
}

/// Never used (NULL), no uses (rate 1), five uses, half of them good: all stay.
#[tokio::test]
async fn only_patterns_that_do_not_work_and_are_not_used_go() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let old = "now() - interval '400 days'";
    pattern(db, "null", 4, 1, "NULL").await;
    pattern(db, "unused", 0, 0, old).await;
    pattern(db, "five", 5, 0, old).await;
    pattern(db, "half", 4, 2, old).await;
    pattern(db, "recent", 4, 1, "now() - interval '29 days'").await;
    pattern(db, "weak", 4, 1, old).await;
    sql(
        db,
        "INSERT INTO pattern_usage_log (pattern_id, correlation_id, user_request, match_score, used)
         SELECT pattern_id, gen_random_uuid(), pattern_hash, 0.9, true FROM success_patterns",
    )
    .await;
    assert_eq!(removed(&run(db, 2).await), [0, 0, 1]);
    assert_eq!(count(db, "success_patterns").await, 5);
    assert_eq!(
        count(db, "success_patterns WHERE pattern_hash LIKE '%weak'").await,
        0
    );
    // Its uses went with it, the others did not.
    assert_eq!(count(db, "pattern_usage_log").await, 5);
    assert_eq!(
        number(
            db,
            "SELECT apply_retention.deleted_patterns FROM apply_retention()"
        )
        .await,
        0
    );
}

/// What belongs to a trace goes with it, except its line in the usage log, which lives longer and forgets the trace.
#[tokio::test]
async fn parts_go_with_their_trace_and_the_usage_log_stays() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 7, 91).await;
    traces(db, 2, 10).await;
    let before = number(
        db,
        "SELECT sum(hashtext(t::text)) FROM execution_traces t WHERE started_at < now() - interval '90 days'",
    )
    .await;
    assert_eq!(removed(&run(db, 3).await), [7, 0, 0]);
    for table in [
        "execution_traces",
        "agent_routing_decisions",
        "hook_executions",
        "endpoint_calls",
    ] {
        assert_eq!(count(db, table).await, 2, "{table}");
    }
    assert_eq!(count(db, "pattern_usage_log").await, 9);
    assert_eq!(
        count(db, "pattern_usage_log WHERE trace_id IS NULL").await,
        7
    );
    // The archived rows are the rows that were there, column by column.
    let after = "SELECT sum(hashtext(t::text)) FROM execution_traces_archive t";
    assert_eq!(number(db, after).await, before);
}

//! The three rules in one transaction: the function of the database, and the service that calls it.

use pml_service::Error;
use pml_service::traceability::{Retained, RetentionLimits, apply_retention};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::fixture::{count, pattern, sql, traces, usage};

async fn by_sql<C: ConnectionTrait>(db: &C) -> (i64, i64, i64) {
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT * FROM apply_retention()");
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    let get = |column| row.try_get("", column).unwrap();
    (
        get("archived_traces"),
        get("deleted_usage"),
        get("deleted_patterns"),
    )
}

/// Example 27.
#[tokio::test]
async fn usage_goes_after_180_days() {
    let database = pml_testkit::database().await;
    let db = database.db();
    usage(db, 181).await;
    usage(db, 91).await;
    assert_eq!(by_sql(db).await, (0, 1, 0));
    assert_eq!(count(db, "pattern_usage_log").await, 1);
}

/// Example 29, and the same through the service.
#[tokio::test]
async fn a_second_run_finds_nothing() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 3, 91).await;
    traces(db, 2, 89).await;
    usage(db, 181).await;
    usage(db, 91).await;
    pattern(db, "weak", 4, 1, "now() - interval '31 days'").await;
    assert_eq!(by_sql(db).await, (3, 1, 1));
    assert_eq!(by_sql(db).await, (0, 0, 0));

    traces(db, 2, 91).await;
    usage(db, 181).await;
    let limits = RetentionLimits::default();
    let first = apply_retention(db, &limits).await.unwrap();
    assert_eq!(
        first,
        Retained {
            archived_traces: 2,
            deleted_usage: 1,
            deleted_patterns: 0
        }
    );
    let second = apply_retention(db, &limits).await.unwrap();
    assert_eq!((second.archived_traces, second.deleted_usage), (0, 0));
    assert_eq!(count(db, "execution_traces_archive").await, 5);
    assert_eq!(count(db, "execution_traces").await, 2);
}

/// Example 31.
#[tokio::test]
async fn an_archived_id_that_is_used_again_stops_everything() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 4, 95).await;
    sql(db, "SELECT * FROM apply_retention()").await;
    traces(db, 5, 95).await;
    usage(db, 181).await;
    let again = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at) \
                 SELECT correlation_id, root_id, session_id, source, now() - interval '95 days' FROM execution_traces_archive LIMIT 1";
    sql(db, again).await;
    let refused = apply_retention(db, &RetentionLimits::default()).await;
    let Err(Error::Conflict {
        constraint,
        source: Some(source),
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(constraint.contains("archive"), "{constraint}");
    assert!(source.to_string().contains("duplicate key"));
    assert_eq!(count(db, "execution_traces").await, 6);
    assert_eq!(count(db, "execution_traces_archive").await, 4);
    assert_eq!(
        count(
            db,
            "pattern_usage_log WHERE used_at < now() - interval '180 days'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn only_the_service_may_and_days_have_an_end() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let limits = RetentionLimits::default();
    let denied = db
        .as_principal(&pml_service::Principal::Anonymous, async |tx| {
            apply_retention(tx, &limits).await
        })
        .await;
    assert!(matches!(denied, Err(Error::Forbidden(_))));
    let done = db
        .as_service(async |tx| apply_retention(tx, &limits).await)
        .await;
    assert_eq!(done.unwrap().archived_traces, 0);
    let refused = apply_retention(
        db,
        &RetentionLimits {
            usage_days: u32::MAX,
            ..limits
        },
    )
    .await;
    assert_eq!(refused.unwrap_err().code(), "invalid_field");
}

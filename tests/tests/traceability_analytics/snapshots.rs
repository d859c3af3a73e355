//! The numbers over everybody's executions: who may read them, how they are taken, and when they are not to be trusted.

use std::time::Duration;

use pml_service::traceability::analytics::{
    MAX_SNAPSHOT_AGE, Refresh, agents, dashboard, refresh_snapshots, schedule_refresh,
};
use pml_service::{Db, PageRequest};
use pml_testkit::database;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionTrait,
};

use super::given::*;

async fn world(db: &Db) {
    for (number, user) in [(1, "alice"), (2, "bob"), (3, "bob")] {
        trace(db, number, None).await;
        decision(db, number, number, "agent", 1).await;
        sql(db, &format!("UPDATE execution_traces SET completed_at = started_at, success = true, user_id = '{user}' WHERE id = {}", id(1, number))).await;
    }
}

async fn within(db: &Db, role: &str) -> DatabaseTransaction {
    let tx = db.begin().await.unwrap();
    sql(&tx, &format!("SET LOCAL ROLE {role}")).await;
    tx
}

fn sqlstate(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error))
    | DbErr::Query(sea_orm::RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    Some(error.as_database_error()?.code()?.into_owned())
}

#[tokio::test]
async fn the_service_reads_the_snapshot_and_a_user_the_live_view_of_their_own() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    assert!(matches!(
        refresh_snapshots(db).await.unwrap(),
        Refresh::Done { .. }
    ));
    trace(db, 4, None).await;

    let service = within(db, "service_role").await;
    let summary = dashboard(&service).await.unwrap();
    assert_eq!(summary.data.total_traces, 3, "as it was");
    assert!(summary.refreshed_at.is_some() && summary.age_ms.unwrap() >= 0);
    let performance = agents(&service, PageRequest::default()).await.unwrap();
    assert_eq!(
        (
            performance.data.items[0].total_executions,
            performance.refreshed_at
        ),
        (3, summary.refreshed_at)
    );
    service.rollback().await.unwrap();

    let alice = asking(db, Some("alice")).await;
    let own = dashboard(&alice).await.unwrap();
    assert_eq!(
        (own.data.total_traces, own.refreshed_at, own.age_ms),
        (2, None, None),
        "hers and nobody's"
    );
    assert_eq!(
        agents(&alice, PageRequest::default())
            .await
            .unwrap()
            .data
            .items[0]
            .total_executions,
        1
    );
    alice.rollback().await.unwrap();

    // A snapshot that nobody takes any more.
    refresh_snapshots(db).await.unwrap();
    assert_eq!(dashboard(db).await.unwrap().data.total_traces, 4);
}

#[tokio::test]
async fn nobody_but_the_service_may_read_a_snapshot_whatever_they_ask() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    refresh_snapshots(db).await.unwrap();
    for role in ["authenticated", "anon"] {
        for view in ["dashboard_summary_snapshot", "agent_performance_snapshot"] {
            for query in ["SELECT count(*) FROM", "TABLE", "REFRESH MATERIALIZED VIEW"] {
                let tx = within(db, role).await;
                let error = tx
                    .execute_raw(Statement::from_string(
                        DbBackend::Postgres,
                        format!("{query} {view}"),
                    ))
                    .await
                    .unwrap_err();
                assert_eq!(
                    sqlstate(&error).as_deref(),
                    Some("42501"),
                    "{role}: {query} {view}"
                );
            }
        }
        let tx = within(db, role).await;
        assert_eq!(
            refresh_snapshots(&tx).await.unwrap_err().code(),
            "forbidden"
        );
    }
    let anon = within(db, "anon").await;
    assert_eq!(dashboard(&anon).await.unwrap_err().code(), "forbidden");
}

#[tokio::test]
async fn until_the_first_refresh_and_when_the_last_is_long_ago_the_live_view_answers() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    assert_eq!(dashboard(db).await.unwrap().refreshed_at, None);
    assert_eq!(
        agents(db, PageRequest::default())
            .await
            .unwrap()
            .data
            .items
            .len(),
        1
    );
    let old = MAX_SNAPSHOT_AGE + Duration::from_secs(1);
    sql(
        db,
        &format!(
            "DROP MATERIALIZED VIEW dashboard_summary_snapshot; \
             CREATE MATERIALIZED VIEW dashboard_summary_snapshot AS SELECT *, now() - interval '{} seconds' AS refreshed_at FROM dashboard_summary; \
             REFRESH MATERIALIZED VIEW agent_performance_snapshot",
            old.as_secs()
        ),
    )
    .await;
    trace(db, 4, None).await;
    let summary = dashboard(db).await.unwrap();
    assert_eq!((summary.data.total_traces, summary.refreshed_at), (4, None));
}

#[tokio::test]
async fn two_instances_refresh_at_once_and_readers_go_on() {
    let test = database().await;
    let db = test.db();
    if test.is_embedded() {
        return;
    }
    world(db).await;
    refresh_snapshots(db).await.unwrap();
    for _ in 0..5 {
        let reads = async {
            for _ in 0..10 {
                dashboard(db).await.unwrap();
            }
        };
        let (one, other, ()) = tokio::join!(refresh_snapshots(db), refresh_snapshots(db), reads);
        let done = [one.unwrap(), other.unwrap()]
            .iter()
            .filter(|outcome| matches!(outcome, Refresh::Done { .. }))
            .count();
        assert!(done >= 1);
    }
    // While one is at it, the next finds that out at once.
    let busy = db.begin().await.unwrap();
    refresh_snapshots(&busy).await.unwrap();
    assert_eq!(refresh_snapshots(db).await.unwrap(), Refresh::Elsewhere);
    assert!(
        dashboard(db).await.unwrap().refreshed_at.is_some(),
        "a refresh holds up no reader"
    );
    busy.rollback().await.unwrap();
}

#[tokio::test]
async fn a_schedule_takes_the_first_snapshot_at_once_and_stops_when_told() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    let schedule = schedule_refresh(db.clone(), Duration::from_hours(1));
    if test.is_embedded() {
        schedule.stop().await;
        let live = dashboard(db).await.unwrap();
        assert_eq!(
            live.refreshed_at, None,
            "the embedded database has no schedule"
        );
        return;
    }
    while dashboard(db).await.unwrap().refreshed_at.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    schedule.stop().await;
    // An instance that starts just behind sees that it was done.
    let first = dashboard(db).await.unwrap().refreshed_at;
    let second = schedule_refresh(db.clone(), Duration::from_hours(1));
    tokio::time::sleep(Duration::from_millis(300)).await;
    second.stop().await;
    assert_eq!(dashboard(db).await.unwrap().refreshed_at, first);
}

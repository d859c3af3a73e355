//! Merges that meet an open transaction: what it is about to write is waited for, and then it counts.
//!
//! Two transactions are open at once here, which the embedded server cannot have.

use std::time::Duration;

use pml_entity::values::{EdgeSource, EdgeType};
use pml_service::capabilities::dependencies::add;
use pml_service::capabilities::{Merged, Outcome, merge, record_use, resolve};
use pml_service::{Db, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait, Value,
};
use tokio::task::JoinHandle;

use crate::fixture::{Capability, Stored, count, edge, entry_sql, stored_edge};

/// A database, and two capabilities to merge; `None` on the embedded server.
async fn two() -> Option<(TestDatabase, Stored, Stored)> {
    let test = TestDatabase::with_pool(16).await;
    if test.is_embedded() {
        return None;
    }
    let source = Capability::new("fs:s").insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    Some((test, source, target))
}

fn start(db: &Db, source: Stored, target: Stored) -> JoinHandle<Result<Merged, &'static str>> {
    let db = db.clone();
    tokio::spawn(async move {
        let (source, target) = (source.reference(), target.reference());
        merge(&db, &Principal::Local, &source, &target, Some(false))
            .await
            .map_err(|error| error.code())
    })
}

/// Waits until so many sessions wait for a lock.
async fn waiting(db: &Db, sessions: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..1_000 {
        if count(db, sql, vec![]).await == sessions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{sessions} sessions never waited at once");
}

async fn write(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) {
    tx.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
}

#[tokio::test]
async fn a_run_a_decision_and_an_edge_that_are_being_written_follow() {
    let Some((test, source, target)) = two().await else {
        return;
    };
    let other = Capability::new("fs:o").insert(test.db()).await;
    let tx = test.conn().begin().await.unwrap();
    for sql in [
        "INSERT INTO execution_trace (capability_id, success, duration_ms) VALUES ($1, true, 5)",
        "INSERT INTO permission_audit_log (capability_id, from_set, to_set, approved) VALUES ($1, 'minimal', 'readonly', false)",
    ] {
        write(&tx, sql, vec![source.pattern.into()]).await;
    }
    write(
        &tx,
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id) VALUES ($1, $2)",
        vec![source.pattern.into(), other.pattern.into()],
    )
    .await;
    let merging = start(test.db(), source, target);
    waiting(test.db(), 1).await;
    tx.commit().await.unwrap();
    merging.await.unwrap().unwrap();
    for table in ["execution_trace", "permission_audit_log"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE capability_id = $1");
        let moved = count(test.db(), &sql, vec![target.pattern.into()]).await;
        assert_eq!(moved, 1, "{table}");
    }
    let edge = stored_edge(test.db(), target.pattern, other.pattern).await;
    assert!(edge.is_some());
}

/// AT-51, at the last moment.
#[tokio::test]
async fn code_that_is_being_given_another_name_stays() {
    let Some((test, source, target)) = two().await else {
        return;
    };
    let tx = test.conn().begin().await.unwrap();
    let (sql, values, second) = entry_sql(
        &Principal::Local,
        "fs:second",
        source.pattern,
        "0000",
        "private",
    );
    write(&tx, sql, values).await;
    let merging = start(test.db(), source, target);
    waiting(test.db(), 1).await;
    tx.commit().await.unwrap();
    let merged = merging.await.unwrap().unwrap();
    assert_eq!(merged.deleted_source_pattern_id, None);
    let found = resolve(test.db(), &Principal::Local, &second.into()).await;
    assert_eq!(found.unwrap().pattern_id, Some(source.pattern));
}

/// D09: uses that wait for the merge count on what it leaves.
#[tokio::test]
async fn a_use_that_waits_for_a_merge_counts() {
    let Some((test, source, target)) = two().await else {
        return;
    };
    let tx = test.conn().begin().await.unwrap();
    let (from, to) = (source.reference(), target.reference());
    merge(&tx, &Principal::Local, &from, &to, Some(false))
        .await
        .unwrap();
    let uses: Vec<_> = (0..8)
        .map(|_| {
            let db = test.db().clone();
            let used = target.reference();
            tokio::spawn(async move {
                let outcome = Outcome {
                    success: true,
                    duration_ms: 100.0,
                };
                record_use(&db, &Principal::Local, &used, outcome).await
            })
        })
        .collect();
    waiting(test.db(), 8).await;
    tx.commit().await.unwrap();
    for used in uses {
        assert!(used.await.unwrap().unwrap());
    }
    let sql = "SELECT usage_count FROM workflow_pattern WHERE pattern_id = $1";
    assert_eq!(count(test.db(), sql, vec![target.pattern.into()]).await, 10);
}

/// S into T while T into S is under way: the second finds nothing, or, if the first gives up, everything.
#[tokio::test]
async fn a_merge_waits_for_the_one_that_crosses_it() {
    for committed in [true, false] {
        let Some((test, source, target)) = two().await else {
            return;
        };
        let tx = test.conn().begin().await.unwrap();
        let (from, to) = (source.reference(), target.reference());
        merge(&tx, &Principal::Local, &from, &to, None)
            .await
            .unwrap();
        let crossing = start(test.db(), target, source);
        waiting(test.db(), 1).await;
        if committed {
            tx.commit().await.unwrap();
            assert_eq!(crossing.await.unwrap().unwrap_err(), "not_found");
        } else {
            tx.rollback().await.unwrap();
            assert_eq!(crossing.await.unwrap().unwrap().usage_count, 2);
        }
    }
}

/// K12: `over` contains the source, the target contains `under`, and `under` is about to contain `over`: the merge would close the circle.
#[tokio::test]
async fn an_edge_that_is_being_written_elsewhere_counts_for_the_cycle() {
    for (kind, word) in [
        (EdgeType::Contains, "contains"),
        (EdgeType::Dependency, "dependency"),
    ] {
        let Some((test, source, target)) = two().await else {
            return;
        };
        let over = Capability::new("fs:over").insert(test.db()).await;
        let under = Capability::new("fs:under").insert(test.db()).await;
        for (from, to) in [(over, source), (target, under)] {
            edge(test.db(), from.pattern, to.pattern, word, "inferred", 1).await;
        }
        let tx = test.conn().begin().await.unwrap();
        let (from, to) = (under.reference(), over.reference());
        add(
            &tx,
            &Principal::Local,
            &from,
            &to,
            kind,
            EdgeSource::Inferred,
        )
        .await
        .unwrap();
        let merging = start(test.db(), source, target);
        waiting(test.db(), 1).await;
        tx.commit().await.unwrap();
        assert_eq!(merging.await.unwrap().unwrap_err(), "dependency_cycle");
    }
}

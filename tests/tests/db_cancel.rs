//! A caller that is dropped leaves nothing behind, at whichever moment that happens.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use pml_service::{Db, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

/// When the current transaction began: for a statement outside of one, the moment of the statement.
async fn began(db: &Db) -> String {
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT now()::text AS now");
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "now").unwrap()
}

/// Nobody is in a transaction that the handle knows nothing of: the clock of two statements differs.
async fn assert_outside(db: &Db, cut: Duration) {
    let first = began(db).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_ne!(
        first,
        began(db).await,
        "a transaction was left open after {cut:?}"
    );
}

/// Moments from before BEGIN is sent to after it is answered, on a fast server and on the embedded one.
fn moments() -> impl Iterator<Item = Duration> {
    (0..60)
        .map(|step| Duration::from_micros(step * 20))
        .chain((1..30).map(Duration::from_millis))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_is_dropped_while_it_begins_leaves_no_transaction_open() {
    let test = TestDatabase::with_pool(1).await;
    let db = test.db();
    for cut in moments() {
        let work = async {
            let tx = db.begin().await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(tx);
        };
        let _ = tokio::time::timeout(cut, work).await;
        assert_outside(db, cut).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_principal_that_is_dropped_while_it_begins_leaves_neither_transaction_nor_role() {
    let test = TestDatabase::with_pool(1).await;
    let db = test.db();
    for cut in moments() {
        let work = db.as_principal(&Principal::Anonymous, async |tx| {
            tokio::time::sleep(Duration::from_secs(5)).await;
            tx.execute_unprepared("SELECT 1").await?;
            Ok(())
        });
        let _ = tokio::time::timeout(cut, work).await;
        assert_outside(db, cut).await;
        let statement =
            Statement::from_string(DbBackend::Postgres, "SELECT current_user::text AS role");
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        assert_ne!(row.try_get::<String>("", "role").unwrap(), "anon");
    }
}

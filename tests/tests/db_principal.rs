//! Role and identity belong to one transaction: one statement sets them, and nothing of them is left for the next user of the connection.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use pml_entity::values::UserId;
use pml_service::{Db, Error, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

fn user() -> (Principal, String) {
    let id = UserId::from(Uuid::now_v7());
    let who = Principal::User {
        id,
        org: "acme".to_owned(),
        project: "web".to_owned(),
    };
    (who, id.to_string())
}

/// Role and identity as the connection has them now.
async fn identity<C: ConnectionTrait>(db: &C) -> (String, Option<String>) {
    let sql = "SELECT current_user::text AS role, current_setting('app.user_id', true) AS who";
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    (
        row.try_get("", "role").unwrap(),
        row.try_get("", "who").unwrap(),
    )
}

/// What the next users of every connection of the pool find: the login's own role, and nobody.
async fn assert_clean(db: &Db, connections: u32, login: &str) {
    let pool = db.get_postgres_connection_pool();
    let mut held = Vec::new();
    for _ in 0..connections {
        let mut connection = pool.acquire().await.unwrap();
        let (role, who): (String, Option<String>) = sqlx::query_as(
            "SELECT current_user::text, nullif(current_setting('app.user_id', true), '')",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        assert_eq!((role.as_str(), who), (login, None));
        held.push(connection);
    }
}

async fn login(db: &Db) -> String {
    identity(db).await.0
}

/// A future that an axum handler could return.
fn sendable<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test]
async fn each_principal_has_its_role_and_its_identity() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (ann, id) = user();
    for (who, role, name) in [
        (Principal::Local, "service_role", ""),
        (ann, "authenticated", id.as_str()),
        (Principal::Anonymous, "anon", ""),
    ] {
        let seen = sendable(db.as_principal(&who, async |tx| Ok(identity(tx).await)))
            .await
            .unwrap();
        assert_eq!(seen, (role.to_owned(), Some(name.to_owned())));
    }
    let seen = sendable(db.as_service(async |tx| Ok(identity(tx).await)))
        .await
        .unwrap();
    assert_eq!(seen.0, "service_role");
}

#[tokio::test]
async fn one_statement_sets_both() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (who, _) = user();
    let before = db.statements().snapshot();
    db.as_principal(&who, async |_| Ok(())).await.unwrap();
    assert_eq!(db.statements().since(&before).statements, 1);
}

/// Afterwards the setting reads as '' on that connection, not as NULL.
#[tokio::test]
async fn nothing_is_left_after_a_success() {
    let database = TestDatabase::with_pool(1).await;
    let db = database.db();
    let login = login(db).await;
    let (who, _) = user();
    db.as_principal(&who, async |_| Ok(())).await.unwrap();
    assert_eq!(identity(db).await, (login.clone(), Some(String::new())));
    assert_clean(db, 1, &login).await;
}

#[tokio::test]
async fn nothing_is_left_after_a_failure_and_nothing_is_stored() {
    let database = TestDatabase::with_pool(1).await;
    let db = database.db();
    let login = login(db).await;
    let insert = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source) \
                  SELECT id, id, id, 'test' FROM gen_random_uuid() id";
    let failed: Result<(), Error> = db
        .as_service(async |tx| {
            tx.execute_unprepared(insert).await?;
            Err(Error::InvalidCursor)
        })
        .await;
    assert!(matches!(failed, Err(Error::InvalidCursor)));
    assert_clean(db, 1, &login).await;

    // One that the database itself failed.
    let (who, _) = user();
    let failed: Result<(), Error> = db
        .as_principal(&who, async |tx| {
            tx.execute_unprepared("SELECT 1 / 0").await?;
            Ok(())
        })
        .await;
    assert!(failed.is_err());
    assert_clean(db, 1, &login).await;

    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM execution_traces")
        .fetch_one(db.get_postgres_connection_pool())
        .await
        .unwrap();
    assert_eq!(stored, 0);
    db.as_service(async |tx| Ok(tx.execute_unprepared(insert).await?))
        .await
        .unwrap();
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM execution_traces")
        .fetch_one(db.get_postgres_connection_pool())
        .await
        .unwrap();
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn nothing_is_left_when_the_caller_goes_away_midway() {
    let database = TestDatabase::with_pool(1).await;
    let db = database.db();
    let login = login(db).await;
    for pause in ["SELECT 1", "SELECT pg_sleep(20)"] {
        let (who, _) = user();
        let work = db.as_principal(&who, async |tx| {
            tx.execute_unprepared(pause).await?;
            std::future::pending::<()>().await;
            Ok(())
        });
        // The embedded server finishes a statement before it takes the rollback: only the idle case is quick there.
        if database.is_embedded() && pause.contains("sleep") {
            continue;
        }
        let ended = tokio::time::timeout(Duration::from_millis(150), work).await;
        assert!(ended.is_err(), "it was dropped while it ran");
        if pause.contains("sleep") {
            let sql = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()";
            let mut other = <sqlx::PgConnection as sqlx::Connection>::connect(database.url())
                .await
                .unwrap();
            sqlx::query(sql).execute(&mut other).await.unwrap();
        }
        assert_clean(db, 1, &login).await;
    }
}

#[tokio::test]
async fn a_savepoint_inside_keeps_the_identity_and_leaves_none() {
    let database = TestDatabase::with_pool(1).await;
    let db = database.db();
    let login = login(db).await;
    let (who, id) = user();
    let seen = db
        .as_principal(&who, async |tx| {
            let inner = tx.begin().await?;
            let inside = identity(&inner).await;
            inner.rollback().await?;
            let inner = tx.begin().await?;
            let broken = inner.execute_unprepared("SELECT 1 / 0").await;
            assert!(broken.is_err());
            drop(inner);
            let after = identity(tx).await;
            let inner = tx.begin().await?;
            inner.commit().await?;
            Ok([inside, after, identity(tx).await])
        })
        .await
        .unwrap();
    for seen in seen {
        assert_eq!(seen, ("authenticated".to_owned(), Some(id.clone())));
    }
    assert_clean(db, 1, &login).await;
}

#[tokio::test]
async fn principals_at_the_same_time_see_only_themselves() {
    let database = TestDatabase::with_pool(8).await;
    let db = database.db();
    let login = login(db).await;
    let workers: Vec<_> = (0..16)
        .map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                for round in 0..12 {
                    let (who, id) = user();
                    let result = db
                        .as_principal(&who, async |tx| {
                            for _ in 0..3 {
                                let seen = identity(tx).await;
                                assert_eq!(seen, ("authenticated".to_owned(), Some(id.clone())));
                                tokio::task::yield_now().await;
                            }
                            if (number + round) % 3 == 0 {
                                return Err(Error::InvalidCursor);
                            }
                            Ok(())
                        })
                        .await;
                    assert_eq!(result.is_err(), (number + round) % 3 == 0);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_clean(db, database.pool_size(), &login).await;
}

//! The lock, the pool and the callers of the ORM's own trait.

use std::sync::Arc;
use std::time::Duration;

use pml_migration::{Engine, Error, Migrator, Options, pending, up};
use pml_testkit::empty_database;
use sea_orm::TransactionTrait;
use sea_orm_migration::MigratorTrait;

use crate::old_system::{sql, texts};
use crate::{FIRST, Given, TABLES, connect};

#[tokio::test]
async fn one_connection_is_enough_when_exclusive_and_refused_when_not() {
    let database = empty_database().await;
    let one = if database.is_embedded() {
        database.conn().clone()
    } else {
        connect(&database, 1, None).await
    };
    let exclusive = Options {
        exclusive: true,
        ..Options::default()
    };
    let refused = up(&one, &Options::default()).await;
    assert!(
        matches!(refused, Err(Error::PoolTooSmall { connections: 1 })),
        "{refused:?}"
    );
    up(&one, &exclusive).await.unwrap();
    pml_migration::down(&one, 3, &exclusive).await.unwrap();
    pml_migration::fresh(&one, &exclusive).await.unwrap();
    assert_eq!(pending(&one).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_orms_own_trait_passes_through_the_same_checks() {
    let database = empty_database().await;
    let db = database.conn();
    let transaction = db.begin().await.unwrap();
    Migrator::up(&transaction, Some(2)).await.unwrap();
    assert_eq!(
        texts(&transaction, "SELECT count(*) FROM pml_migration_ledger").await,
        ["2"]
    );
    Migrator::down(&transaction, Some(1)).await.unwrap();
    assert_eq!(
        texts(&transaction, "SELECT count(*) FROM pml_migration_ledger").await,
        ["1"]
    );
    sql(
        &transaction,
        "UPDATE pml_migration_ledger SET checksum = 'other'",
    )
    .await;
    let error = Migrator::up(&transaction, None).await.unwrap_err();
    assert!(error.to_string().contains("other SQL"), "{error}");
    transaction.rollback().await.unwrap();
    assert_eq!(texts(db, TABLES).await, [""; 0]);
    if !database.is_embedded() {
        Migrator::up(db, None).await.unwrap();
        assert_eq!(Migrator::get_pending_migrations(db).await.unwrap().len(), 0);
        Migrator::refresh(db).await.unwrap();
    }
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_then_named() {
    let database = empty_database().await;
    if database.is_embedded() {
        println!(
            "skipped: the embedded server has one connection, so nobody else can hold the lock"
        );
        return;
    }
    let holder = connect(&database, 2, Some("the-holder")).await;
    let reached = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::clone(&reached);
    let slow = Given {
        name: "m1_1_slow",
        up: &["SELECT pg_sleep(2)"],
        down: &[],
        in_transaction: true,
    };
    let other = tokio::spawn(async move {
        let options = Options {
            on_step: Some(Arc::new(move |_| gate.notify_one())),
            ..Options::default()
        };
        Engine::new(&[&slow]).up(&holder, None, &options).await
    });
    reached.notified().await;
    let impatient = Options {
        lock_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let error = Engine::new(&[&FIRST])
        .up(database.conn(), None, &impatient)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Locked { holder, .. } if holder.contains("the-holder")),
        "{error}"
    );
    other.await.unwrap().unwrap();
}

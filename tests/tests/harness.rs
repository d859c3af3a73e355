//! What the harness promises: databases are private, migrated, cheap, and gone afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use pml_testkit::{TestDatabase, database, empty_database, real_server};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

#[tokio::test]
async fn a_database_is_migrated() {
    let database = database().await;
    assert_eq!(
        pml_migration::pending(database.conn()).await.unwrap(),
        Vec::<String>::new()
    );
    assert_eq!(
        number(database.conn(), "SELECT count(*) FROM tool_schema").await,
        0
    );
}

#[tokio::test]
async fn an_empty_database_has_no_step_and_can_take_them() {
    let database = empty_database().await;
    assert_eq!(
        number(database.conn(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'").await,
        0
    );
    database.db().migrate(None).await.unwrap();
    assert_eq!(
        pml_migration::pending(database.conn()).await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn two_databases_do_not_see_each_other() {
    let (one, other) = (database().await, database().await);
    assert_ne!(one.url(), other.url());
    one.conn()
        .execute_unprepared("CREATE TABLE mine (id int); DROP TABLE config CASCADE")
        .await
        .unwrap();
    assert_eq!(
        number(
            other.conn(),
            "SELECT count(*) FROM pg_class WHERE relname = 'mine'"
        )
        .await,
        0
    );
    assert_eq!(
        number(
            other.conn(),
            "SELECT count(*) FROM pg_class WHERE relname = 'config'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn what_one_test_writes_does_not_reach_the_template() {
    let first = database().await;
    first
        .conn()
        .execute_unprepared("CREATE TABLE mine (id int); CREATE TABLE yours (id int)")
        .await
        .unwrap();
    drop(first);
    let second = database().await;
    assert_eq!(
        number(
            second.conn(),
            "SELECT count(*) FROM pg_class WHERE relname IN ('mine', 'yours')"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_dropped_database_is_gone() {
    let watcher = database().await;
    let doomed = database().await;
    let url = doomed.url().to_owned();
    let name = url
        .rsplit_once('/')
        .unwrap()
        .1
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    drop(doomed);
    if watcher.is_embedded() {
        let address = url.split('@').nth(1).unwrap().split('/').next().unwrap();
        for _ in 0..1000 {
            if std::net::TcpListener::bind(address).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("something still listens on {address}");
    } else {
        assert_eq!(
            number(
                watcher.conn(),
                &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")
            )
            .await,
            0
        );
    }
}

#[tokio::test]
async fn a_database_goes_even_while_somebody_is_connected() {
    let watcher = database().await;
    let doomed = database().await;
    let name = doomed
        .url()
        .rsplit_once('/')
        .unwrap()
        .1
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let held = doomed.db().clone();
    held.execute_unprepared("SELECT 1").await.unwrap();
    drop(doomed); // must not hang
    if !watcher.is_embedded() {
        assert_eq!(
            number(
                watcher.conn(),
                &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")
            )
            .await,
            0
        );
    }
}

#[tokio::test]
async fn the_pool_holds_as_many_connections_as_it_says() {
    let database = TestDatabase::with_pool(3).await;
    assert_eq!(
        database.pool_size(),
        if real_server().is_some() { 3 } else { 1 }
    );
    assert_eq!(database.is_embedded(), real_server().is_none());
    let pool = database.conn().get_postgres_connection_pool();
    let mut held = Vec::new();
    for _ in 0..database.pool_size() {
        held.push(pool.acquire().await.unwrap());
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(200), pool.acquire())
            .await
            .is_err(),
        "one more than promised"
    );
}

#[tokio::test]
async fn many_databases_at_once() {
    let databases = futures_of(8).await;
    for (index, database) in databases.iter().enumerate() {
        database
            .conn()
            .execute_unprepared(&format!("CREATE TABLE only_{index} (id int)"))
            .await
            .unwrap();
    }
    for database in &databases {
        assert_eq!(
            number(
                database.conn(),
                "SELECT count(*) FROM pg_class WHERE relname LIKE 'only\\_%'"
            )
            .await,
            1
        );
    }
}

#[test]
fn a_database_survives_the_drop_of_another_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    runtime().block_on(async { drop(database().await) });
    runtime().block_on(async {
        let database = database().await;
        assert_eq!(number(database.conn(), "SELECT 1").await, 1);
    });
}

#[test]
fn the_templates_are_named_after_the_embedded_engine_in_use() {
    let workspace =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
    let pinned = workspace
        .lines()
        .find_map(|line| line.strip_prefix("pglite-oxide = \"="))
        .unwrap()
        .trim_end_matches('"');
    let source =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/template.rs")).unwrap();
    assert!(
        source.contains(&format!("pglite-oxide={pinned}\"")),
        "raise FORMAT in template.rs to pglite-oxide={pinned}"
    );
}

/// `cargo test -p pml-testkit --test harness -- --ignored --nocapture`
async fn futures_of(count: usize) -> Vec<TestDatabase> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        tasks.spawn(database());
    }
    tasks.join_all().await
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index::<i64>(0)
        .or_else(|_| row.try_get_by_index::<i32>(0).map(i64::from))
        .unwrap()
}

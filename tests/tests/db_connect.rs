//! Opening databases: what every connection gets, what is refused, and what survives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pml_service::embedded::{EmbeddedOptions, EmbeddedServer, owner};
use pml_service::{Db, Error, PoolSettings, Settings};
use pml_testkit::{TestDatabase, database, real_server};
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use tempfile::tempdir;

async fn text(db: &impl ConnectionTrait, sql: &str) -> String {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

fn remote(url: &str) -> Settings {
    Settings {
        database_url: Some(url.into()),
        ..Settings::default()
    }
}

fn embedded(folder: &std::path::Path) -> Settings {
    Settings {
        data_dir: folder.to_owned(),
        ..Settings::default()
    }
}

#[tokio::test]
async fn every_connection_has_its_limits_and_its_name() {
    let test = database().await;
    if test.is_embedded() {
        return;
    }
    let pool = PoolSettings {
        statement_timeout_ms: 1_234,
        lock_timeout_ms: 567,
        idle_in_transaction_timeout_ms: 8_910,
        ..PoolSettings::default()
    };
    let settings = Settings {
        application_name: "a test".to_owned(),
        pool,
        ..remote(test.url())
    };
    let db = Db::connect(&settings).await.unwrap();
    let (one, two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    for connection in [&one, &two] {
        assert_eq!(
            text(connection, "SELECT current_setting('statement_timeout')").await,
            "1234ms"
        );
        assert_eq!(
            text(connection, "SELECT current_setting('lock_timeout')").await,
            "567ms"
        );
        assert_eq!(
            text(
                connection,
                "SELECT current_setting('idle_in_transaction_session_timeout')"
            )
            .await,
            "8910ms"
        );
        assert_eq!(
            text(connection, "SELECT current_setting('application_name')").await,
            "a test"
        );
        assert_eq!(text(connection, "SELECT '[1]'::vector::text").await, "[1]");
        assert_eq!(
            text(connection, "SELECT current_setting('hnsw.ef_search')").await,
            "100"
        );
        assert_eq!(
            text(connection, "SELECT current_setting('hnsw.iterative_scan')").await,
            "relaxed_order"
        );
    }
}

#[tokio::test]
async fn the_embedded_database_searches_as_deep_as_a_server() {
    let test = database().await;
    assert_eq!(text(test.db(), "SELECT '[1]'::vector::text").await, "[1]");
    assert_eq!(
        text(test.db(), "SELECT current_setting('hnsw.ef_search')").await,
        "100"
    );
    assert_eq!(
        text(test.db(), "SELECT current_setting('hnsw.iterative_scan')").await,
        "relaxed_order"
    );
}

#[tokio::test]
async fn failures_of_the_server_are_told_apart() {
    let test = database().await;
    let db = test.db();
    let run = |sql: &'static str| {
        let db = db.clone();
        async move { Error::from(db.execute_unprepared(sql).await.unwrap_err()) }
    };
    let unique = run("INSERT INTO config (key, value) VALUES ('k', 'v'), ('k', 'w')").await;
    assert!(
        matches!(&unique, Error::Conflict { constraint, .. } if constraint == "config_pkey"),
        "{unique:?}"
    );
    assert!(!unique.is_retryable());
    let check = run("INSERT INTO tool_schema (tool_id, server_id, name, input_schema, kind) VALUES ('a:b', 'a', 'b', '{}', 'other')").await;
    assert!(
        matches!(&check, Error::Refused { reason, .. } if reason == "tool_schema_kind_check"),
        "{check:?}"
    );
    let foreign = run("INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, model) \
                       VALUES ('no:such', 'no', 'such', array_fill(1::real, array[1024])::vector, 'm')")
    .await;
    assert!(
        matches!(&foreign, Error::Refused { reason, .. } if reason == "tool_embedding_tool_id_fkey"),
        "{foreign:?}"
    );
    let missing = run("INSERT INTO config (key) VALUES ('k')").await;
    assert_eq!(missing.code(), "refused");
    for (state, code, retryable) in [
        ("40001", "conflict", true),
        ("40P01", "conflict", true),
        ("55P03", "conflict", true),
        ("57014", "timeout", true),
        ("57P01", "database_unavailable", true),
        ("53300", "database_unavailable", true),
        ("22000", "internal", false),
        ("42P01", "internal", false),
    ] {
        let sql = format!(
            "DO $$ BEGIN RAISE EXCEPTION 'secret detail' USING ERRCODE = '{state}'; END $$"
        );
        let error = Error::from(db.execute_unprepared(&sql).await.unwrap_err());
        assert_eq!(
            (error.code(), error.is_retryable()),
            (code, retryable),
            "{state}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_stopped() {
    let test = database().await;
    if test.is_embedded() {
        return;
    }
    let pool = PoolSettings {
        statement_timeout_ms: 100,
        ..PoolSettings::default()
    };
    let db = Db::connect(&Settings {
        pool,
        ..remote(test.url())
    })
    .await
    .unwrap();
    let error = Error::from(
        db.execute_unprepared("SELECT pg_sleep(5)")
            .await
            .unwrap_err(),
    );
    assert_eq!(error.code(), "timeout");
    assert_eq!(text(&db, "SELECT 'still there'").await, "still there");
}

#[tokio::test]
async fn an_exhausted_pool_gives_up_in_time_and_recovers() {
    let test = database().await;
    if test.is_embedded() {
        return;
    }
    let pool = PoolSettings {
        max_connections: 1,
        acquire_timeout_ms: 200,
        ..PoolSettings::default()
    };
    let db = Db::connect(&Settings {
        pool,
        ..remote(test.url())
    })
    .await
    .unwrap();
    let held = db.begin().await.unwrap();
    let error = db.health().await.unwrap_err();
    assert_eq!(error.code(), "database_unavailable");
    drop(held);
    db.health().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let pool = PoolSettings {
        acquire_timeout_ms: 500,
        ..PoolSettings::default()
    };
    let settings = Settings {
        pool,
        ..remote("postgres://nobody@127.0.0.1:9/nothing")
    };
    let error = Db::connect(&settings).await.unwrap_err();
    assert_eq!(error.code(), "database_unavailable");
}

#[tokio::test]
async fn a_wrong_url_is_refused_before_anything_is_opened() {
    let error = Db::connect(&remote("mysql://user:secret@host/db"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_settings");
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn statements_are_counted_and_told_to_the_hook() {
    let test = database().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (folder, hook) = (tempdir().unwrap(), seen.clone());
    let settings = if test.is_embedded() {
        embedded(folder.path())
    } else {
        remote(test.url())
    };
    let hook: pml_service::StatementHook = Arc::new(move |statement| {
        hook.lock()
            .unwrap()
            .push((statement.sql.to_owned(), statement.failed));
    });
    let db = Db::connect_with(&settings, Some(hook)).await.unwrap();
    let before = db.statements().snapshot();
    let tx = db.begin().await.unwrap();
    text(&tx, "SELECT 'in a transaction'").await;
    tx.commit().await.unwrap();
    let failed = Statement::from_string(DbBackend::Postgres, "SELECT no_such_column");
    db.clone().query_one_raw(failed).await.unwrap_err();
    let since = db.statements().since(&before);
    assert_eq!((since.statements, since.failed), (2, 1));
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("SELECT 'in a transaction'".to_owned(), false),
            ("SELECT no_such_column".to_owned(), true)
        ]
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn health_says_what_the_database_is() {
    let test = database().await;
    let health = test.db().health().await.unwrap();
    assert!(
        health
            .server_version
            .split('.')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            >= 15
    );
    assert!(health.vector_version.unwrap().starts_with("0."));
    assert!(test.db().pending_migrations().await.unwrap().is_empty());
    assert_eq!(
        TestDatabase::empty(1)
            .await
            .unwrap()
            .db()
            .pending_migrations()
            .await
            .unwrap()
            .len(),
        pml_migration::step_names().len()
    );
}

#[tokio::test]
async fn a_folder_is_opened_once_and_survives_being_closed() {
    let folder = tempdir().unwrap();
    let db = Db::connect(&embedded(folder.path())).await.unwrap();
    assert!(db.is_embedded());
    db.execute_unprepared("CREATE TABLE kept (id int)")
        .await
        .unwrap();
    db.announce("http://127.0.0.1:1234").unwrap();
    assert_eq!(
        owner(folder.path()).unwrap().url.as_deref(),
        Some("http://127.0.0.1:1234")
    );
    match Db::connect(&embedded(folder.path())).await {
        Err(Error::DataDirInUse { pid, url, .. }) => {
            assert_eq!(pid, std::process::id());
            assert_eq!(url.as_deref(), Some("http://127.0.0.1:1234"));
        }
        other => panic!("{other:?}"),
    }
    db.close().await.unwrap();
    assert_eq!(owner(folder.path()), None);
    let db = Db::connect(&embedded(folder.path())).await.unwrap();
    assert_eq!(text(&db, "SELECT count(*)::text FROM kept").await, "0");
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_dropped_handle_lets_go_of_the_folder() {
    let folder = tempdir().unwrap();
    let db = Db::connect(&embedded(folder.path())).await.unwrap();
    drop(db);
    for _ in 0..200 {
        if owner(folder.path()).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the folder is still held");
}

#[tokio::test]
async fn folders_that_cannot_be_used_are_told_apart() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("FORMAT"), "pml 99\npostgres 17\n").unwrap();
    assert_eq!(
        Db::connect(&embedded(folder.path()))
            .await
            .unwrap_err()
            .code(),
        "data_dir_version"
    );

    let read_only = tempdir().unwrap();
    let mut permissions = std::fs::metadata(read_only.path()).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(read_only.path(), permissions).unwrap();
    assert_eq!(
        Db::connect(&embedded(read_only.path()))
            .await
            .unwrap_err()
            .code(),
        "data_dir_read_only"
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(
        Db::connect(&embedded(file.path()))
            .await
            .unwrap_err()
            .code(),
        "data_dir"
    );
}

/// The folder as it is on the disk while the server runs is what a `kill -9` leaves behind: every committed row must be in it, and it must open.
#[tokio::test]
async fn what_was_committed_survives_a_sudden_end() {
    let folder = tempdir().unwrap();
    let db = Db::connect(&embedded(folder.path())).await.unwrap();
    db.execute_unprepared("CREATE TABLE kept (id int)")
        .await
        .unwrap();
    for id in 0..50 {
        db.execute_unprepared(&format!("INSERT INTO kept VALUES ({id})"))
            .await
            .unwrap();
    }
    let open = db.begin().await.unwrap();
    open.execute_unprepared("INSERT INTO kept VALUES (-1)")
        .await
        .unwrap();

    let crashed = tempdir().unwrap();
    copy(folder.path(), crashed.path());
    let after = Db::connect(&embedded(crashed.path())).await.unwrap();
    assert_eq!(
        text(&after, "SELECT count(*) || ' ' || min(id) FROM kept").await,
        "50 0"
    );
    after.close().await.unwrap();
    open.rollback().await.unwrap();
    db.close().await.unwrap();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A client that breaks off in the middle of an answer ends the engine's serving thread.
#[tokio::test]
async fn the_embedded_server_comes_back_after_a_client_broke_off() {
    let folder = tempdir().unwrap();
    let server = EmbeddedServer::start(folder.path(), EmbeddedOptions::default())
        .await
        .unwrap();
    let port: u16 = server
        .url()
        .rsplit_once(':')
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut ended = 0;
    while ended < 2 {
        // Garbage instead of a start-up packet, and gone. Refused while the watch has not brought the server back yet.
        if let Ok(mut client) = std::net::TcpStream::connect(("127.0.0.1", port)) {
            std::io::Write::write_all(&mut client, &[0xff; 64]).unwrap();
            ended += 1;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let mut options = sea_orm::ConnectOptions::new(server.url().to_owned());
    options
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false);
    let connection = sea_orm::Database::connect(options).await.unwrap();
    assert_eq!(text(&connection, "SELECT 'back'").await, "back");
    connection.close().await.unwrap();
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_call_does_not_take_the_embedded_database_down() {
    let folder = tempdir().unwrap();
    let db = Db::connect(&embedded(folder.path())).await.unwrap();
    let calls = AtomicU64::new(0);
    for _ in 0..20 {
        let slow = db.execute_unprepared("SELECT count(*) FROM generate_series(1, 300000)");
        let _ = tokio::time::timeout(Duration::from_millis(5), slow).await;
        calls.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(text(&db, "SELECT 'alive'").await, "alive");
    db.close().await.unwrap();
}

#[tokio::test]
async fn several_embedded_servers_live_side_by_side() {
    let folders: Vec<_> = (0..3).map(|_| tempdir().unwrap()).collect();
    let mut open = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        let db = Db::connect(&embedded(folder.path())).await.unwrap();
        db.execute_unprepared(&format!("CREATE TABLE own AS SELECT {number} AS number"))
            .await
            .unwrap();
        open.push(db);
    }
    for (number, db) in open.iter().enumerate() {
        assert_eq!(
            text(db, "SELECT number::text FROM own").await,
            number.to_string()
        );
    }
    for db in open {
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_role_without_rights_reads_the_state_of_the_migrations() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let role = format!("reader_{}", uuid::Uuid::now_v7().simple());
    test.db()
        .execute_unprepared(&format!(
            "CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .await
        .unwrap();
    let (_, rest) = test.url().split_once('@').unwrap();
    let db = Db::connect(&remote(&format!("postgres://{role}@{rest}")))
        .await
        .unwrap();
    assert!(db.pending_migrations().await.unwrap().is_empty());
    db.close().await.unwrap();
    test.db()
        .execute_unprepared(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}

//! `pml retention` and the server that does it by itself.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsString;
use std::process::ExitCode;

use pml_service::{Db, Settings};
use sea_orm::ConnectionTrait;

/// Runs the command line in this process.
async fn pml(place: &[&str], command: &[&str]) -> String {
    let args = ["pml"].iter().chain(command).chain(place);
    let args: Vec<OsString> = args.map(OsString::from).collect();
    format!("{:?}", pml_api::cli::run(args).await)
}

fn code(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

const OLD: &str = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at)
     SELECT id, id, id, 'test', now() - interval '91 days' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 30)) AS fresh";

async fn archived(db: &Db) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM execution_traces_archive")
        .fetch_one(db.get_postgres_connection_pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_plan_and_a_dry_run_change_nothing_and_a_run_does() {
    let database = pml_testkit::database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    let place = ["--database-url", database.url()];
    db.execute_unprepared(OLD).await.unwrap();
    for command in [
        &["retention", "plan"][..],
        &["retention", "plan", "--json"],
        &["retention", "run", "--dry-run"],
        &["retention", "run", "--dry-run", "--json"],
        &["retention", "run", "--policy", "pattern_usage"],
    ] {
        assert_eq!(pml(&place, command).await, code(0), "{command:?}");
        assert_eq!(archived(db).await, 0, "{command:?}");
    }
    let run = ["retention", "run", "--batch", "7", "--json"];
    assert_eq!(pml(&place, &run).await, code(0));
    assert_eq!(archived(db).await, 30);

    // 2: wrong usage.
    for command in [
        &["retention", "run", "--policy", "everything"][..],
        &["retention", "run", "--batch", "0"],
        &["retention"],
    ] {
        assert_eq!(pml(&place, command).await, code(2), "{command:?}");
    }
}

/// 5: the folder is in use, and no route does this; the message says what to do.
#[tokio::test]
async fn a_folder_that_a_server_holds_is_left_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data_dir: folder.path().to_owned(),
        ..Settings::default()
    };
    let db = Db::connect(&settings).await.unwrap();
    db.announce("http://127.0.0.1:1").unwrap();
    let place = ["--data-dir", folder.path().to_str().unwrap()];
    for command in [&["retention", "plan"][..], &["retention", "run"]] {
        assert_eq!(pml(&place, command).await, code(5), "{command:?}");
    }
    db.close().await.unwrap();
    // Free again: it opens the folder, migrates it, and finds nothing to do.
    assert_eq!(pml(&place, &["retention", "run"]).await, code(0));
}

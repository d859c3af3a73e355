//! A PgBouncer in transaction mode that does not track prepared statements hands one client's rows to another; `Db::connect` must refuse it.
//!
//! Needs a PgBouncer before the real server: `scripts/postgres start && scripts/pgbouncer start`, then
//! `eval "$(scripts/postgres env)" "$(scripts/pgbouncer env)"`. Without it the tests say so and pass, except in CI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pml_service::{Db, Error, Settings};
use sea_orm::ConnectionTrait;

const TRANSACTION_URL: &str = "TEST_PGBOUNCER_URL";
const SESSION_URL: &str = "TEST_PGBOUNCER_SESSION_URL";

#[tokio::test]
async fn a_transaction_pooler_is_refused_with_an_explanation() {
    let Some(settings) = settings(TRANSACTION_URL) else {
        return;
    };
    let error = Db::connect(&settings)
        .await
        .expect_err("a transaction pooler was accepted");
    assert!(matches!(error, Error::UnsafePooler(_)), "{error:?}");
    let text = error.to_string();
    for word in ["transaction", "session", "prepared statement"] {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

#[tokio::test]
async fn a_transaction_pooler_is_refused_every_time() {
    let Some(settings) = settings(TRANSACTION_URL) else {
        return;
    };
    for attempt in 0..10 {
        assert!(
            Db::connect(&settings).await.is_err(),
            "attempt {attempt} was accepted"
        );
    }
}

#[tokio::test]
async fn a_session_pooler_is_accepted_and_works() {
    let Some(settings) = settings(SESSION_URL) else {
        return;
    };
    let db = Db::connect(&settings).await.unwrap();
    for _ in 0..20 {
        db.execute_unprepared("SELECT 1").await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn the_server_itself_is_accepted() {
    let Some(settings) = settings(pml_testkit::REAL_SERVER_ENV) else {
        return;
    };
    Db::connect(&settings).await.unwrap().close().await.unwrap();
}

fn settings(variable: &str) -> Option<Settings> {
    let Ok(url) = std::env::var(variable) else {
        let must_run = std::env::var_os("CI").is_some() && pml_testkit::real_server().is_some();
        assert!(
            !must_run,
            "{variable} is not set, and CI runs the tests on a real server"
        );
        eprintln!("SKIPPED: {variable} is not set (scripts/pgbouncer start)");
        return None;
    };
    Some(Settings {
        database_url: Some(url.into()),
        ..Settings::default()
    })
}

//! Refuses a pooler that hands one client's prepared statements to another.
//!
//! The driver names its statements per connection (`sqlx_s_1`, `sqlx_s_2`, …). A pooler in transaction mode puts the statements of many clients
//! on one server session: PgBouncer before 1.21 then answers with errors, or, where names and parameter types happen to agree, **with another
//! client's rows**. Turning the statement cache off does not help, the statements keep their names.
//!
//! No version is asked for and no pooler is named: two connections do what would go wrong, and the outcome is looked at. Whoever passes is
//! safe: a direct connection, a pooler in session mode, or one that keeps track of prepared statements.

use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row};

use crate::Error;

/// How often the two connections take turns.
const ROUNDS: i32 = 3;

/// What to do about it.
const ADVICE: &str = "A connection pooler stands before the database and mixes up prepared statements (transaction or statement mode without support for \
them): clients would get errors, or each other's rows. Use one of: a direct connection; pool_mode = session; PgBouncer 1.21 or newer with \
max_prepared_statements > 0";

/// Plays two clients against the server and fails if they disturb each other.
///
/// Takes two connections and some ten round trips. Where there is room for one connection only, nothing can be said and nothing is refused.
pub(super) async fn refuse_unsafe(
    driver: &PgConnectOptions,
    timeout: Duration,
) -> Result<(), Error> {
    let driver = driver.clone().disable_statement_logging();
    let mut first = within(timeout, PgConnection::connect_with(&driver))
        .await?
        .map_err(|error| explain_refusal(error, &driver))?;
    let Ok(Ok(mut second)) = within(timeout, PgConnection::connect_with(&driver)).await else {
        tracing::debug!("no second connection for the pooler check");
        return Ok(());
    };
    let mut shared = false;
    let outcome = within(timeout, collide(&mut first, &mut second, &mut shared)).await;
    // Politely, so that no half-open session stays behind; a pooler may have dropped them already.
    let _ = within(
        timeout,
        futures::future::join(first.close(), second.close()),
    )
    .await;
    match outcome {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Error::UnsafePooler(ADVICE.to_owned())),
        Ok(Err(error)) if is_statement_mix_up(&error) => {
            Err(Error::UnsafePooler(ADVICE.to_owned()))
        }
        Ok(Err(error)) => Err(error.into()),
        // They waited for each other on the one server session they share.
        Err(_) if shared => Err(Error::UnsafePooler(ADVICE.to_owned())),
        Err(error) => Err(error),
    }
}

/// Whether both connections always get their own answers. The two statements have the same name and the same types, and different results.
async fn collide(
    first: &mut PgConnection,
    second: &mut PgConnection,
    shared: &mut bool,
) -> Result<bool, sqlx::Error> {
    *shared = server_process(first).await? == server_process(second).await?;
    for round in 0..ROUNDS {
        if ask_first(first, round).await? != round + 1_000
            || ask_second(second, round).await? != round + 2_000
        {
            return Ok(false);
        }
        // An open transaction takes a server session away, so a pooler has to give the other client another one.
        second.execute("BEGIN").await?;
        let moved = ask_first(first, round).await? == round + 1_000;
        let held = ask_second(second, round).await? == round + 2_000;
        second.execute("COMMIT").await?;
        if !moved || !held {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which server process answers. Asked without a prepared statement, so that the question is safe whatever stands in between.
async fn server_process(client: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let row = client
        .fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()::text"))
        .await?;
    row.try_get(0)
}

async fn ask_first(client: &mut PgConnection, value: i32) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT $1::int4 + 1000")
        .bind(value)
        .fetch_one(client)
        .await
}

async fn ask_second(client: &mut PgConnection, value: i32) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT $1::int4 + 2000")
        .bind(value)
        .fetch_one(client)
        .await
}

/// "Prepared statement does not exist", "already exists", or an answer of the wrong shape.
fn is_statement_mix_up(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => matches!(
            error.code().as_deref(),
            Some("26000" | "42P05" | "08P01" | "34000")
        ),
        sqlx::Error::Protocol(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => true,
        _ => false,
    }
}

/// PgBouncer turns away start-up parameters it does not know; which is a question of its configuration.
fn explain_refusal(error: sqlx::Error, driver: &PgConnectOptions) -> Error {
    let is_startup = error
        .as_database_error()
        .is_some_and(|error| error.message().contains("startup parameter"));
    if is_startup {
        return Error::UnsafePooler(format!(
            "The connection pooler at {} refuses a start-up parameter. Set ignore_startup_parameters = extra_float_digits,options in its \
             configuration, and the limits of the pool with ALTER ROLE … SET, for the pooler then drops them",
            driver.get_host()
        ));
    }
    DbErr::Conn(RuntimeErr::SqlxError(error.into())).into()
}

async fn within<F: Future>(timeout: Duration, work: F) -> Result<F::Output, Error> {
    tokio::time::timeout(timeout, work)
        .await
        .map_err(|_| DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout).into())
}

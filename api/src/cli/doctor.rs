//! `pml doctor`: what is reachable, which versions run, and what is missing.

use std::time::Duration;

use pml_service::{Db, Error as ServiceError, Settings, embedded, embedding};
use serde::Serialize;

use super::{
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output::{self, Format},
};
use crate::{causes::with_causes, client::ApiClient};

/// The oldest versions that work.
const OLDEST_POSTGRES: u32 = 15;

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Unused,
    Broken,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
}

/// Checks everything that a server needs. Changes nothing: a database that does not exist yet is not made.
///
/// # Errors
/// [`Failure`] with code 7 when anything is broken; the report is printed all the same.
pub async fn run(connection: &ConnectionArgs, format: Format) -> Result<(), Failure> {
    let mut checks = vec![check("pml", State::Ok, env!("CARGO_PKG_VERSION"))];
    match connection.settings() {
        Err(failure) => checks.push(check("configuration", State::Broken, failure.message)),
        Ok(settings) => {
            checks.push(check("configuration", State::Ok, "valid, see `pml config`"));
            if !through_server(&settings, &mut checks).await {
                database(&settings, &mut checks).await;
            }
            checks.push(embedder(&settings).await);
        }
    }
    let broken = checks
        .iter()
        .filter(|check| check.state == State::Broken)
        .count();
    format.print(&checks, |checks| {
        let word = |state| match state {
            State::Ok => "ok",
            State::Unused => "-",
            State::Broken => "BROKEN",
        };
        let rows = checks.iter().map(|check| {
            [
                check.name.to_owned(),
                word(check.state).to_owned(),
                check.detail.clone(),
            ]
        });
        output::table(["check", "state", "detail"], rows)
    })?;
    if broken == 0 {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Unhealthy,
            format!("{broken} of {} checks failed", checks.len()),
        ))
    }
}

fn check(name: &'static str, state: State, detail: impl Into<String>) -> Check {
    Check {
        name,
        state,
        detail: detail.into(),
    }
}

/// Asks the server when one holds the database. Returns whether that is so.
async fn through_server(settings: &Settings, checks: &mut Vec<Check>) -> bool {
    let holder = if settings.database_url.is_none() {
        embedded::owner(&settings.data_dir)
    } else {
        None
    };
    let url = settings
        .url
        .clone()
        .or_else(|| holder.as_ref()?.url.clone());
    let Some(url) = url else {
        if let Some(holder) = holder {
            let detail = format!(
                "{} is held by process {}, which serves nothing",
                settings.data_dir.display(),
                holder.pid
            );
            checks.push(check("data folder", State::Broken, detail));
            return true;
        }
        return false;
    };
    let answer = match ApiClient::new(&url) {
        Ok(client) => client.ready().await,
        Err(error) => Err(error),
    };
    match answer {
        Err(error) => checks.push(check("server", State::Broken, format!("{url}: {error}"))),
        Ok(ready) => {
            checks.push(check(
                "server",
                State::Ok,
                format!("{url}, version {}", ready.version),
            ));
            let database = ready.database;
            let vector = database
                .vector_version
                .unwrap_or_else(|| "missing".to_owned());
            let detail = format!(
                "{}, PostgreSQL {}, pgvector {vector}",
                database.kind, database.server_version
            );
            checks.push(check("database", State::Ok, detail));
            checks.push(check("migrations", State::Ok, "all applied"));
        }
    }
    true
}

async fn database(settings: &Settings, checks: &mut Vec<Check>) {
    if settings.database_url.is_none() {
        let folder = settings.data_dir.display();
        if !settings.data_dir.exists() {
            checks.push(check(
                "data folder",
                State::Unused,
                format!("{folder} does not exist yet; `pml serve` makes it"),
            ));
            return;
        }
        checks.push(check("data folder", State::Ok, folder.to_string()));
    }
    let db = match Db::connect(settings).await {
        Ok(db) => db,
        Err(error) => {
            let name = if data_folder(&error) {
                "data folder"
            } else {
                "database"
            };
            checks.retain(|check| check.name != name);
            checks.push(check(name, State::Broken, with_causes(&error)));
            return;
        }
    };
    connected(&db, checks).await;
    super::close(db).await;
}

async fn connected(db: &Db, checks: &mut Vec<Check>) {
    let kind = if db.is_embedded() {
        "embedded"
    } else {
        "remote"
    };
    match db.health().await {
        Err(error) => checks.push(check("database", State::Broken, with_causes(&error))),
        Ok(health) => {
            checks.push(postgres(kind, &health.server_version));
            checks.push(match health.vector_version {
                Some(version) => check("pgvector", State::Ok, version),
                None => check(
                    "pgvector",
                    State::Unused,
                    "not installed in this database yet; `pml migrate up` does it",
                ),
            });
        }
    }
    match db.pending_migrations().await {
        Err(error) => checks.push(check("migrations", State::Broken, with_causes(&error))),
        Ok(pending) if pending.is_empty() => {
            checks.push(check("migrations", State::Ok, "all applied"));
        }
        Ok(pending) => {
            let detail = format!("{} pending; `pml migrate up` applies them", pending.len());
            checks.push(check("migrations", State::Broken, detail));
        }
    }
}

fn postgres(kind: &str, version: &str) -> Check {
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.trim().parse::<u32>().ok());
    let state = if major.is_some_and(|major| major < OLDEST_POSTGRES) {
        State::Broken
    } else {
        State::Ok
    };
    check(
        "database",
        state,
        format!("{kind}, PostgreSQL {version} (at least {OLDEST_POSTGRES} is needed)"),
    )
}

fn data_folder(error: &ServiceError) -> bool {
    error.code().starts_with("data_dir")
}

/// Embeds a word: an embedding service that is set but does not work would spoil every sync.
async fn embedder(settings: &Settings) -> Check {
    let name = "embedder";
    let embedder = match embedding::from_settings(settings) {
        Ok(embedder) => embedder,
        Err(error) => return check(name, State::Broken, with_causes(&error)),
    };
    let words = ["ready".to_owned()];
    match tokio::time::timeout(Duration::from_secs(10), embedder.embed(&words)).await {
        Ok(Ok(_)) => check(name, State::Ok, embedder.model_id().to_owned()),
        Ok(Err(error)) => check(
            name,
            State::Broken,
            format!("{}: {}", embedder.model_id(), with_causes(&error)),
        ),
        Err(_) => check(
            name,
            State::Broken,
            format!("{} does not answer", embedder.model_id()),
        ),
    }
}

//! Whether the database answers, and what it is.

use std::time::{Duration, Instant};

use sea_orm::FromQueryResult;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::Db;
use crate::Error;

/// What the database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Version of PostgreSQL, such as `17.5`.
    pub server_version: String,
    /// Version of pgvector in this database; `None` before the first migration.
    pub vector_version: Option<String>,
    /// Time of one question and its answer, the wait for a free connection included.
    pub latency: Duration,
}

#[derive(FromQueryResult)]
struct Versions {
    server: String,
    vector: Option<String>,
}

impl Db {
    /// Asks the database for its versions.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] when it does not answer within the pool's `acquire_timeout_ms`.
    pub async fn health(&self) -> Result<Health, Error> {
        let asked = Instant::now();
        let sql = "SELECT split_part(current_setting('server_version'), ' ', 1) AS server, \
                   (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector";
        let row = self
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await?;
        let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("versions".to_owned()))?;
        let Versions { server, vector } = Versions::from_query_result(&row, "")?;
        Ok(Health {
            server_version: server,
            vector_version: vector,
            latency: asked.elapsed(),
        })
    }
}

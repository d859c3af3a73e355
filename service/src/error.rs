//! Everything that can go wrong, by what the caller can do about it.
//!
//! The text of an [`Error`] is fit for a client: it never holds a database message. What the database said is the
//! [`source`](std::error::Error::source), for the log.

use std::path::PathBuf;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, TransactionError};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed. [`code`](Error::code) is the stable word for it, [`is_retryable`](Error::is_retryable) says whether to try again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector of the wrong length, or with NaN, infinity, or nothing but zeros.
    #[error("not a usable embedding: {0}")]
    InvalidEmbedding(String),
    /// A list limit outside 1–500.
    #[error("limit must be between {min} and {max}, not {given}")]
    InvalidLimit {
        /// What was asked for.
        given: i64,
        /// The smallest limit of this list.
        min: u32,
        /// The largest limit of this list.
        max: u32,
    },
    /// A cursor that this build did not make, or that belongs to another list. Deliberately says no more.
    #[error("the cursor is not valid for this list")]
    InvalidCursor,
    /// A tool name or id that breaks the rule; see [`tools`](crate::tools).
    #[error("invalid tool name: {0}")]
    InvalidToolName(String),
    /// A server id that breaks the rule; see [`tools`](crate::tools).
    #[error("invalid server id: {0}")]
    InvalidServerId(String),
    /// A tool schema that is not a JSON object.
    #[error("invalid schema: {0}")]
    InvalidSchema(String),
    /// A minimum score that is not a number in 0–1.
    #[error("min_score must be a number from 0 to 1")]
    InvalidMinScore,
    /// A search without a query, with two of them, or with a text too long to be one.
    #[error("invalid query: {0}")]
    InvalidQuery(&'static str),
    /// Nothing by that key, or nothing the caller may see.
    #[error("{entity} {key} not found")]
    NotFound {
        /// What was looked for.
        entity: &'static str,
        /// By which key.
        key: String,
    },
    /// Another row or another writer is in the way.
    #[error("conflicts with what is stored ({constraint})")]
    Conflict {
        /// The constraint, or `concurrent update`.
        constraint: String,
        /// What the database said.
        source: Option<DbErr>,
    },
    /// A rule of the data forbids it.
    #[error("refused: {reason}")]
    Refused {
        /// The rule, or the constraint that stands for it.
        reason: String,
        /// What the database said.
        source: Option<DbErr>,
    },
    /// The stored vectors come from another model than the one in use: their distances mean nothing.
    #[error(
        "the stored embeddings are of model {stored:?}, this embedder is {requested:?}: set the same model again, or sync with `reembed` to replace the stored ones"
    )]
    MixedModels {
        /// Model of the stored vectors.
        stored: String,
        /// Model of the embedder in use.
        requested: String,
    },
    /// A call of the capabilities area that breaks one of its rules.
    #[error(transparent)]
    Capability(Box<crate::capabilities::CapabilityError>),
    /// A call of the traceability area that breaks one of its rules.
    #[error(transparent)]
    Traceability(Box<crate::traceability::TraceabilityError>),
    /// The caller's role has no right to this.
    #[error("not allowed")]
    Forbidden(#[source] DbErr),
    /// No embedding could be made.
    #[error("the embedder failed: {0}")]
    Embedder(#[from] crate::embedding::EmbedderError),
    /// The server cannot be reached, is starting, stopping or read-only, or the pool gave no connection in time. Try again later.
    #[error("the database is not available")]
    DatabaseUnavailable(#[source] DbErr),
    /// A statement or a transaction ran into its time limit.
    #[error("the database did not answer in time")]
    Timeout(#[source] DbErr),
    /// The database failed in a way that no caller can do anything about.
    #[error("the database failed")]
    Database(#[source] DbErr),
    /// A setting that cannot be used.
    #[error("{0}")]
    Settings(#[from] crate::settings::SettingsError),
    /// A transaction pooler that loses prepared statements stands before the server.
    #[error("{0}")]
    UnsafePooler(String),
    /// The server lacks something this build needs.
    #[error("{0}")]
    Unsupported(String),
    /// A migration failed; its text says which one.
    #[error(transparent)]
    Migration(#[from] pml_migration::Error),
    /// Another process serves the data folder.
    #[error("the data folder {} is in use by process {pid}{}", path.display(), url.as_deref().map(|url| format!(", which serves {url}")).unwrap_or_default())]
    DataDirInUse {
        /// The folder.
        path: PathBuf,
        /// Who holds it.
        pid: u32,
        /// Where that process serves its API, if it does.
        url: Option<String>,
    },
    /// The data folder cannot be written.
    #[error("the data folder {} cannot be written", path.display())]
    DataDirReadOnly {
        /// The folder.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The data folder was written by a build or a PostgreSQL this one cannot read.
    #[error("the data folder {} holds {found}; this build reads {expected}", path.display())]
    DataDirVersion {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
        /// What this build reads and writes.
        expected: String,
    },
    /// The data folder cannot be used for another reason.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The embedded database engine failed.
    #[error("could not {doing}")]
    Embedded {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        source: Source,
    },
}

impl Error {
    /// The stable word for this kind of failure, the `code` of the HTTP API's problem documents.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidEmbedding(_) => "invalid_embedding",
            Self::InvalidLimit { .. } => "invalid_limit",
            Self::InvalidCursor => "invalid_cursor",
            Self::InvalidToolName(_) => "invalid_tool_name",
            Self::InvalidServerId(_) => "invalid_server_id",
            Self::InvalidSchema(_) => "invalid_schema",
            Self::InvalidMinScore => "invalid_min_score",
            Self::InvalidQuery(_) => "invalid_query",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Refused { .. } => "refused",
            Self::MixedModels { .. } => "mixed_embedding_models",
            Self::Capability(error) => error.code(),
            Self::Traceability(error) => error.code(),
            Self::Forbidden(_) => "forbidden",
            Self::Embedder(_) => "embedder_failed",
            Self::DatabaseUnavailable(_) => "database_unavailable",
            Self::Timeout(_) => "timeout",
            Self::Database(_) | Self::Embedded { .. } => "internal",
            Self::Settings(_) => "invalid_settings",
            Self::UnsafePooler(_) => "unsafe_pooler",
            Self::Unsupported(_) => "unsupported_server",
            Self::Migration(_) => "migration_failed",
            Self::DataDirInUse { .. } => "data_dir_in_use",
            Self::DataDirReadOnly { .. } => "data_dir_read_only",
            Self::DataDirVersion { .. } => "data_dir_version",
            Self::DataDir { .. } => "data_dir",
        }
    }

    /// Whether the same call may succeed when it is made again, from its beginning and outside any transaction.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::DatabaseUnavailable(_) | Self::Timeout(_) => true,
            Self::Conflict {
                source: Some(source),
                ..
            } => {
                matches!(
                    sqlstate(source).as_deref(),
                    Some("40001" | "40P01" | "55P03")
                )
            }
            Self::Embedder(error) => error.is_retryable(),
            _ => false,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        classify(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => {
                classify(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
            }
            sqlx::Error::PoolClosed => {
                classify(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
            }
            error => classify(DbErr::Query(RuntimeErr::SqlxError(error.into()))),
        }
    }
}

/// Both arms: a deferred constraint speaks at COMMIT, through the connection arm.
impl<E> From<TransactionError<E>> for Error
where
    E: std::fmt::Display + std::fmt::Debug + Into<Error>,
{
    fn from(error: TransactionError<E>) -> Self {
        match error {
            TransactionError::Connection(error) => classify(error),
            TransactionError::Transaction(error) => error.into(),
        }
    }
}

impl From<pml_entity::values::InvalidEmbedding> for Error {
    fn from(error: pml_entity::values::InvalidEmbedding) -> Self {
        Self::InvalidEmbedding(error.to_string())
    }
}

/// A tool id or name that breaks the rule.
impl From<pml_entity::values::InvalidId> for Error {
    fn from(error: pml_entity::values::InvalidId) -> Self {
        Self::InvalidToolName(error.to_string())
    }
}

/// The one place that knows what a database failure means: by SQLSTATE and constraint, never by message.
fn classify(error: DbErr) -> Error {
    if matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_)) && sqlstate(&error).is_none() {
        return Error::DatabaseUnavailable(error);
    }
    if is_connection_lost(&error) {
        return Error::DatabaseUnavailable(error);
    }
    let Some(state) = sqlstate(&error) else {
        return Error::Database(error);
    };
    match state.as_str() {
        "23505" | "23P01" => Error::Conflict {
            constraint: constraint(&error),
            source: Some(error),
        },
        "40001" | "40P01" | "55P03" => Error::Conflict {
            constraint: "concurrent update".to_owned(),
            source: Some(error),
        },
        "23503" | "23514" | "23502" | "23001" => Error::Refused {
            reason: constraint(&error),
            source: Some(error),
        },
        "57014" | "25P03" => Error::Timeout(error),
        "42501" => Error::Forbidden(error),
        // Starting, stopping, crashed, out of connections, a standby that takes no writes, no such database, no such user or password.
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006" | "3D000" | "28000" | "28P01" => {
            Error::DatabaseUnavailable(error)
        }
        state if state.starts_with("08") => Error::DatabaseUnavailable(error),
        _ => Error::Database(error),
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// The five characters by which PostgreSQL names its errors; `None` when the failure is not the server's.
pub(crate) fn sqlstate(error: &DbErr) -> Option<String> {
    sqlx_error(error)?
        .as_database_error()?
        .code()
        .map(std::borrow::Cow::into_owned)
}

fn constraint(error: &DbErr) -> String {
    let database = sqlx_error(error).and_then(sqlx::Error::as_database_error);
    database
        .and_then(|error| error.constraint().or_else(|| error.table()))
        .unwrap_or("constraint")
        .to_owned()
}

fn is_connection_lost(error: &DbErr) -> bool {
    matches!(
        sqlx_error(error),
        Some(
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io() -> sqlx::Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn a_lost_connection_is_an_unavailable_database() {
        let error = Error::from(io());
        assert_eq!(error.code(), "database_unavailable");
        assert!(error.is_retryable());
    }

    /// Which cannot be told from a server that is gone: the pool keeps trying to connect until its time is up.
    #[test]
    fn an_exhausted_pool_is_an_unavailable_database() {
        let error = Error::from(sqlx::Error::PoolTimedOut);
        assert_eq!(error.code(), "database_unavailable");
        assert!(error.is_retryable());
    }

    #[test]
    fn a_closed_pool_is_an_unavailable_database() {
        assert_eq!(
            Error::from(sqlx::Error::PoolClosed).code(),
            "database_unavailable"
        );
    }

    #[test]
    fn both_arms_of_a_transaction_are_classified() {
        let connection: TransactionError<Error> =
            TransactionError::Connection(DbErr::Query(RuntimeErr::SqlxError(io().into())));
        assert_eq!(Error::from(connection).code(), "database_unavailable");
        let inner: TransactionError<Error> = TransactionError::Transaction(Error::InvalidCursor);
        assert_eq!(Error::from(inner).code(), "invalid_cursor");
    }

    #[test]
    fn the_text_never_holds_what_the_database_said() {
        let error = Error::from(DbErr::Custom("secret table detail".to_owned()));
        assert_eq!(error.to_string(), "the database failed");
        assert!(
            std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("secret"))
        );
    }

    #[test]
    fn input_errors_are_not_retried() {
        assert!(!Error::InvalidMinScore.is_retryable());
        assert!(
            !Error::MixedModels {
                stored: "a".to_owned(),
                requested: "b".to_owned()
            }
            .is_retryable()
        );
    }
}

//! Why a test database could not be made.

use std::path::PathBuf;

/// Everything that can go wrong between a test's wish for a database and the database.
///
/// Tests never match on it: [`database`](crate::database) panics with its text. It is public for harnesses that want to
/// handle it through [`TestDatabase::migrated`](crate::TestDatabase::migrated).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// `TEST_DATABASE_URL` is set but is not a PostgreSQL URL.
    #[error("TEST_DATABASE_URL is not a PostgreSQL URL: {0}")]
    Url(String),
    /// The real server refused a connection or an administrative statement (`CREATE DATABASE` needs `CREATEDB`).
    #[error("the server behind TEST_DATABASE_URL: {0}")]
    Server(#[from] sqlx::Error),
    /// The database was there but would not open.
    #[error("connect to the test database: {0}")]
    Connect(#[from] sea_orm::DbErr),
    /// The service would not open the database.
    #[error("open the test database: {0}")]
    Open(#[from] pml_service::Error),
    /// The steps failed on the template; every test of the run would fail with the same words.
    #[error("migrate the template database: {0}")]
    Migrate(#[from] pml_migration::Error),
    /// A template or a copy of it could not be written.
    #[error("{path}: {source}")]
    Files {
        /// The file or folder that was being read or written.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The embedded engine could not make a cluster.
    #[error("make an embedded cluster: {0}")]
    Engine(String),
    /// A background task of the harness ended before it answered.
    #[error("the harness stopped early: {0}")]
    Stopped(String),
}

impl TestkitError {
    /// Ties an I/O error to the path it is about.
    pub(crate) fn files(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Files { path, source }
    }
}

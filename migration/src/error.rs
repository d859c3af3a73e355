//! Why a migration did not happen, by what the operator can do about it.

use std::fmt;
use std::time::Duration;

use sea_orm::DbErr;

/// Which way a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the newest schema.
    Up,
    /// Back to the previous schema.
    Down,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// Everything that can stop the migrator. In each case the database is at a step boundary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A statement of a step was refused. The step was rolled back; the steps before it stay.
    #[error(
        "step {name} failed going {direction}, at \"{statement}\": {source}. The database is at the step before it"
    )]
    StepFailed {
        /// Name of the step.
        name: String,
        /// Which way it ran.
        direction: Direction,
        /// The beginning of the statement that failed.
        statement: String,
        /// What the database said.
        source: DbErr,
    },
    /// The SQL of an applied step is not the SQL of this build: somebody changed a published step.
    #[error(
        "step {name} was applied with other SQL than this build holds (recorded {recorded}, built {built}); \
         published steps never change: restore the step and add a new one"
    )]
    ChecksumChanged {
        /// Name of the step.
        name: String,
        /// Checksum in the ledger of the database.
        recorded: String,
        /// Checksum of this build.
        built: String,
    },
    /// The database is ahead: a step was applied that this build does not hold.
    #[error(
        "step {name} is applied but unknown to this build: a newer build migrated this database, use that one"
    )]
    Unknown {
        /// Recorded name of the step.
        name: String,
    },
    /// Another migrator held the lock for the whole of [`crate::Options::lock_timeout`].
    #[error("another migrator ({holder}) still holds the lock after {waited:?}")]
    Locked {
        /// How long this one waited.
        waited: Duration,
        /// Process id and application name of the holder, as the server knows it.
        holder: String,
    },
    /// The connection that held the lock is gone, so another migrator may have started. No further step was run.
    #[error(
        "the connection that held the migration lock is gone: {source}. Run the migration again"
    )]
    LockLost {
        /// What the database said.
        source: DbErr,
    },
    /// The lock needs a connection of its own.
    #[error(
        "the pool allows {connections} connection, but the migration lock needs one of its own: allow two, \
         or set Options::exclusive where nothing else can reach the database"
    )]
    PoolTooSmall {
        /// Size of the pool.
        connections: u32,
    },
    /// `adopt` on a database that this migrator manages already.
    #[error(
        "this database is already managed (seaql_migrations has rows): run `up` instead of `adopt`"
    )]
    AlreadyManaged,
    /// `adopt` on a database without the older system's bookkeeping.
    #[error(
        "no rows in migrations_history: this is not a database of the older system. Run `up` on an empty one"
    )]
    NotLegacy,
    /// `up` on a database of the older system that was never adopted.
    #[error(
        "this database was made by the older system (migrations_history is at version {version}) and is not managed yet: \
         run `adopt` first, it changes no table; then `up`"
    )]
    NotAdopted {
        /// Highest version in `migrations_history`.
        version: i32,
    },
    /// `adopt` on a version whose schema is not on record.
    #[error(
        "the database is at version {version} of the older system; 1 to 34 can be adopted. For a newer one, roll it back \
         to 34 with the older system first (its own backup advice applies), then adopt"
    )]
    UnsupportedVersion {
        /// Highest version in `migrations_history`.
        version: i32,
    },
    /// `adopt` found something else than the recorded schema of the version the database claims.
    #[error("the schema is not the recorded one of version {version}:\n  {}", differences.join("\n  "))]
    SchemaDiffers {
        /// The version the database claims.
        version: u16,
        /// One line per difference.
        differences: Vec<String>,
    },
    /// The server does not have pgvector.
    #[error(
        "the server has no pgvector extension. Install it: Debian and Ubuntu package postgresql-NN-pgvector (NN = server \
         version), or use the container image pgvector/pgvector:pg17; managed services list it under extensions"
    )]
    VectorMissing,
    /// pgvector is there, but this role may not create it in this database.
    #[error(
        "pgvector is installed on the server but not in this database, and role {role} may not create it: \
         let a superuser run CREATE EXTENSION vector in this database once"
    )]
    VectorNotAllowed {
        /// The role of the connection.
        role: String,
    },
    /// pgvector is older than the steps need (`halfvec` came with 0.7).
    #[error(
        "pgvector {found} is too old, 0.7 is needed: install a newer package, then ALTER EXTENSION vector UPDATE"
    )]
    VectorTooOld {
        /// Version found.
        found: String,
    },
    /// The server is older than the steps need (`NULLS NOT DISTINCT` came with 15).
    #[error("PostgreSQL {found} is too old, 15 is needed")]
    ServerTooOld {
        /// Version found.
        found: String,
    },
    /// The database refused something outside a step.
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl From<Error> for DbErr {
    /// For callers that speak `MigratorTrait`: the text stays, the type goes.
    fn from(error: Error) -> Self {
        match error {
            Error::Database(source) => source,
            other => Self::Migration(other.to_string()),
        }
    }
}

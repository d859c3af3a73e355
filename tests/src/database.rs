//! What a test holds: one database, its connection pool, and the promise that both are gone afterwards.

use pml_service::{Db, PoolSettings, Settings};
use sea_orm::DatabaseConnection;

use crate::TestkitError;
use crate::embedded::{self, Folder};
use crate::server::{ServerDatabase, real_server};
use crate::template::Content;

/// Connections a test's pool may hold on a real server.
const POOL_SIZE: u32 = 5;

/// A PostgreSQL database that belongs to one test. Dropping it removes the database, with whatever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    // Declared before `place`: its connections close before the database goes.
    db: Db,
    url: String,
    pool_size: u32,
    place: Place,
}

/// Where the database is, and what removes it.
#[derive(Debug)]
enum Place {
    Server(#[expect(dead_code, reason = "held for its drop")] ServerDatabase),
    Folder(#[expect(dead_code, reason = "held for its drop")] Folder),
}

/// A private database with every step applied.
///
/// On a real server when `TEST_DATABASE_URL` is set, else in the embedded one.
///
/// # Panics
/// When the database cannot be made; the message says why. [`TestDatabase::migrated`] returns the error instead.
pub async fn database() -> TestDatabase {
    or_panic(TestDatabase::migrated(POOL_SIZE).await)
}

/// A private database without a single step: the ground on which a test of the migrations stands. pgvector can be created in it, and on the embedded
/// server is there already.
///
/// # Panics
/// When the database cannot be made; the message says why. [`TestDatabase::empty`] returns the error instead.
pub async fn empty_database() -> TestDatabase {
    or_panic(TestDatabase::empty(POOL_SIZE).await)
}

impl TestDatabase {
    /// Like [`database`], with a pool of up to `pool_size` connections: for a test with that many concurrent writers.
    ///
    /// The embedded server has one connection whatever is asked for, and so has the pool: look at [`pool_size`](Self::pool_size).
    ///
    /// # Panics
    /// When the database cannot be made; the message says why.
    pub async fn with_pool(pool_size: u32) -> Self {
        or_panic(Self::migrated(pool_size).await)
    }

    /// A private database with every step applied; [`database`] without the panic.
    ///
    /// # Errors
    /// [`TestkitError`], whose text says which part failed.
    pub async fn migrated(pool_size: u32) -> Result<Self, TestkitError> {
        Self::create(Content::Migrated, pool_size).await
    }

    /// A private database without a step; [`empty_database`] without the panic.
    ///
    /// # Errors
    /// [`TestkitError`], whose text says which part failed.
    pub async fn empty(pool_size: u32) -> Result<Self, TestkitError> {
        Self::create(Content::Empty, pool_size).await
    }

    async fn create(content: Content, pool_size: u32) -> Result<Self, TestkitError> {
        if let Some(server) = real_server() {
            let database = ServerDatabase::create(&server, content).await?;
            let url = database.url.clone();
            let db = connect(&url, pool_size).await?;
            Ok(Self {
                db,
                url,
                pool_size,
                place: Place::Server(database),
            })
        } else {
            let folder = Folder::create(content).await?;
            let db = embedded::open(&folder.path).await?;
            let url = db.url().to_owned();
            Ok(Self {
                db,
                url,
                pool_size: 1,
                place: Place::Folder(folder),
            })
        }
    }

    /// The connection pool.
    pub fn conn(&self) -> &DatabaseConnection {
        self.db.conn()
    }

    /// The service's handle on the same pool.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The URL of this database. The embedded server serves one connection at a time: one opened here waits until the pool's is closed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is the embedded server: a test that needs two connections at once asks, and returns.
    pub fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// The number of connections the pool may hold.
    pub fn pool_size(&self) -> u32 {
        self.pool_size
    }
}

async fn connect(url: &str, pool_size: u32) -> Result<Db, TestkitError> {
    let settings = Settings {
        database_url: Some(url.into()),
        application_name: "pml-testkit".to_owned(),
        pool: PoolSettings {
            max_connections: pool_size,
            ..PoolSettings::default()
        },
        ..Settings::default()
    };
    Ok(Db::connect(&settings).await?)
}

#[expect(
    clippy::panic,
    reason = "a test without its database has failed, and this is where it says why"
)]
fn or_panic(created: Result<TestDatabase, TestkitError>) -> TestDatabase {
    match created {
        Ok(database) => database,
        Err(error) => panic!("no test database: {}", causes(&error)),
    }
}

/// The error with everything that led to it, on one line each.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n  because: ")
}

//! Opening a database: the pool, the limits every connection gets, and the checks before anything relies on it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;

use super::stats::{StatementHook, StatementInfo, StatementStats};
use super::{Db, Inner, pooler};
#[cfg(feature = "embedded")]
use crate::embedded::{EmbeddedOptions, EmbeddedServer};
use crate::settings::PoolSettings;
use crate::{Error, Settings};

/// Oldest server that works, as `server_version_num`.
const OLDEST_SERVER: i32 = 150_000;
/// Calls queue for the one connection of the embedded database, behind whole syncs if need be.
#[cfg(feature = "embedded")]
const EMBEDDED_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// What makes an approximate search find nearly everything (recall 0.99 at 100,000 rows), and go on until it has enough rows when a filter
/// drops some. pgvector before 0.8 does not know the second and leaves it out with a warning in the server's log.
const SEARCH_OPTIONS: [(&str, &str); 2] = [
    ("hnsw.ef_search", "100"),
    ("hnsw.iterative_scan", "relaxed_order"),
];

impl Db {
    /// Opens the database of the settings: the server at `database_url`, or the embedded one in `data_dir`.
    ///
    /// Does not migrate. Refuses a transaction pooler that loses prepared statements; see [`Error::UnsafePooler`].
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`], [`Error::UnsafePooler`], [`Error::Unsupported`] (server too old), or for the embedded one those of
    /// `EmbeddedServer::start`.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        Self::connect_with(settings, None).await
    }

    /// The same, with a hook that is told of every statement.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        settings: &Settings,
        hook: Option<StatementHook>,
    ) -> Result<Self, Error> {
        settings.validate()?;
        match &settings.database_url {
            Some(url) => Self::connect_remote(url.expose_secret(), settings, hook).await,
            #[cfg(feature = "embedded")]
            None => Self::connect_embedded(settings, EmbeddedOptions::default(), hook).await,
            #[cfg(not(feature = "embedded"))]
            None => Err(Error::Unsupported("no database_url is set, and this build has no embedded database (feature `embedded`)".to_owned())),
        }
    }

    async fn connect_remote(
        url: &str,
        settings: &Settings,
        hook: Option<StatementHook>,
    ) -> Result<Self, Error> {
        let pool = &settings.pool;
        let driver = url.parse::<PgConnectOptions>().map_err(|error| {
            Error::from(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
        })?;
        let driver = limited(driver, pool).application_name(&settings.application_name);
        pooler::refuse_unsafe(&driver, Duration::from_millis(pool.acquire_timeout_ms)).await?;

        let mut options = ConnectOptions::new(url.to_owned());
        options
            .max_connections(pool.max_connections)
            .acquire_timeout(Duration::from_millis(pool.acquire_timeout_ms))
            .test_before_acquire_if_idle_for(Duration::from_millis(pool.test_idle_ms))
            .set_application_name(settings.application_name.clone());
        let pool = pool.clone();
        options.map_sqlx_postgres_opts(move |driver| limited(driver, &pool));
        let (connection, stats) = open(options, hook).await?;
        let inner = Inner {
            url: url.to_owned(),
            stats,
            #[cfg(feature = "embedded")]
            server: tokio::sync::Mutex::new(None),
            embedded: false,
        };
        let db = Self {
            connection,
            inner: Arc::new(inner),
        };
        db.refuse_old_server().await?;
        Ok(db)
    }

    /// Starts the embedded database in `settings.data_dir` with options of its own, and opens it.
    ///
    /// # Errors
    /// Those of [`EmbeddedServer::start`], or [`Error::DatabaseUnavailable`] if it does not come up.
    #[cfg(feature = "embedded")]
    pub async fn connect_embedded(
        settings: &Settings,
        options: EmbeddedOptions,
        hook: Option<StatementHook>,
    ) -> Result<Self, Error> {
        let server = EmbeddedServer::start(&settings.data_dir, options).await?;
        let pool = &settings.pool;
        let wait = Duration::from_millis(pool.acquire_timeout_ms).max(EMBEDDED_ACQUIRE_TIMEOUT);
        let mut options = ConnectOptions::new(server.url().to_owned());
        // One connection for ever: a new one starts the engine anew.
        options
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None::<Duration>)
            .max_lifetime(None::<Duration>)
            .acquire_timeout(wait)
            .test_before_acquire_if_idle_for(Duration::from_millis(pool.test_idle_ms))
            .set_application_name(settings.application_name.clone());
        let pool = pool.clone();
        options.map_sqlx_postgres_opts(move |driver| limited(driver, &pool));
        let url = server.url().to_owned();
        match open(options, hook).await {
            Ok((connection, stats)) => {
                let server = tokio::sync::Mutex::new(Some(server));
                Ok(Self {
                    connection,
                    inner: Arc::new(Inner {
                        url,
                        stats,
                        server,
                        embedded: true,
                    }),
                })
            }
            Err(error) => {
                server.shutdown().await?;
                Err(error)
            }
        }
    }

    async fn refuse_old_server(&self) -> Result<(), Error> {
        let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
            .persistent(false)
            .fetch_one(self.conn().get_postgres_connection_pool())
            .await?;
        if version < OLDEST_SERVER {
            return Err(Error::Unsupported(format!(
                "PostgreSQL {} is too old: 15 or newer is needed",
                version / 10_000
            )));
        }
        Ok(())
    }
}

/// Opens the pool and sets the hook, which must happen before the first clone of the connection.
async fn open(
    mut options: ConnectOptions,
    hook: Option<StatementHook>,
) -> Result<(DatabaseConnection, StatementStats), Error> {
    options.sqlx_logging(false);
    let mut connection = Database::connect(options).await?;
    let stats = StatementStats::default();
    let recorder = stats.clone();
    connection.set_metric_callback(move |info| {
        let statement = StatementInfo {
            sql: &info.statement.sql,
            elapsed: info.elapsed,
            failed: info.failed,
        };
        recorder.record(&statement);
        if let Some(hook) = &hook {
            hook(&statement);
        }
    });
    Ok((connection, stats))
}

/// The limits are given when the connection starts: no extra round trip, and no way to forget them on a new connection.
fn limited(driver: PgConnectOptions, pool: &PoolSettings) -> PgConnectOptions {
    driver
        .options([
            ("statement_timeout", pool.statement_timeout_ms),
            ("lock_timeout", pool.lock_timeout_ms),
            (
                "idle_in_transaction_session_timeout",
                pool.idle_in_transaction_timeout_ms,
            ),
        ])
        .options(SEARCH_OPTIONS)
}

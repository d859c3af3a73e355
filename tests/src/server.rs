//! Test databases on a real server: `CREATE DATABASE … TEMPLATE`, and what is needed to do that from many processes at once.
//!
//! ```text
//! pml_template_<key>          migrated once, closed to connections; whoever finishes building it first renames its build to this name
//! pml_test_<run>_template     such a build, while it lasts
//! pml_test_<run>_<n>          one test's database
//! ```
//!
//! `<run>` is one process. It keeps a connection open whose `application_name` is `pml-testkit <run>`; a database whose run has no such
//! connection belongs to a process that died, and is dropped by the next one that starts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, Database};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use crate::TestkitError;
use crate::runtime;
use crate::template::{self, Content};

/// The variable that moves every test to a real server. Its user needs `CREATEDB`; its database is only connected to, never changed.
pub const REAL_SERVER_ENV: &str = "TEST_DATABASE_URL";

const TEST_PREFIX: &str = "pml_test_";
const TEMPLATE_PREFIX: &str = "pml_template_";
/// Templates of other builds (branches, older checkouts) that are kept beside this one's.
const TEMPLATES_KEPT: i64 = 4;
/// Advisory lock of the template builders: the ASCII of `pmltmpl`.
const BUILD_LOCK: i64 = 0x0070_6d6c_746d_706c;
const DROP_TIMEOUT: Duration = Duration::from_secs(20);

/// The URL of the real server to test on; `None` means the embedded one.
pub fn real_server() -> Option<String> {
    std::env::var(REAL_SERVER_ENV)
        .ok()
        .filter(|url| !url.trim().is_empty())
}

/// A database of one test on the real server; dropped with its connections when this is.
#[derive(Debug)]
pub(crate) struct ServerDatabase {
    name: String,
    pub(crate) url: String,
}

impl ServerDatabase {
    /// Makes a database from the template.
    pub(crate) async fn create(server_url: &str, content: Content) -> Result<Self, TestkitError> {
        let server_url = server_url.to_owned();
        runtime::run(async move {
            let server = Server::get(&server_url).await?;
            let name = server.fresh_name();
            let template = match content {
                Content::Empty => "template0",
                Content::Migrated => server.template().await?,
            };
            server.create_database(&name, template).await?;
            Ok(Self {
                url: server.url_of(&name),
                name,
            })
        })
        .await
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        runtime::finish(
            async move {
                if let Some(server) = SERVER.get() {
                    // What fails here is swept by the next run.
                    let _ = server.drop_database(&name).await;
                }
            },
            DROP_TIMEOUT,
        );
    }
}

/// This process's connections to the server.
#[derive(Debug)]
struct Server {
    options: PgConnectOptions,
    admin: PgPool,
    run: String,
    counter: AtomicU32,
    template: OnceCell<String>,
    /// Shows other processes that this one lives. Its idle connection is all it is for.
    _lease: Mutex<PgConnection>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

impl Server {
    async fn get(url: &str) -> Result<&'static Self, TestkitError> {
        SERVER.get_or_try_init(|| Self::start(url)).await
    }

    async fn start(url: &str) -> Result<Self, TestkitError> {
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error: sqlx::Error| TestkitError::Url(error.to_string()))?;
        let run = Uuid::new_v4().simple().to_string()[..12].to_owned();
        let lease = options
            .clone()
            .application_name(&format!("pml-testkit {run}"))
            .connect()
            .await?;
        let admin = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_mins(1))
            .connect_lazy_with(options.clone().application_name("pml-testkit admin"));
        let server = Self {
            options,
            admin,
            run,
            counter: AtomicU32::new(0),
            template: OnceCell::new(),
            _lease: Mutex::new(lease),
        };
        server.sweep().await?;
        Ok(server)
    }

    fn fresh_name(&self) -> String {
        format!(
            "{TEST_PREFIX}{}_{}",
            self.run,
            self.counter.fetch_add(1, Ordering::Relaxed)
        )
    }

    fn url_of(&self, database: &str) -> String {
        self.options
            .clone()
            .database(database)
            .to_url_lossy()
            .to_string()
    }

    /// The migrated template, built by the first process that needs it.
    async fn template(&self) -> Result<&str, TestkitError> {
        self.template
            .get_or_try_init(|| self.ensure_template())
            .await
            .map(String::as_str)
    }

    async fn ensure_template(&self) -> Result<String, TestkitError> {
        let name = format!("{TEMPLATE_PREFIX}{}", template::key());
        // The lock saves double work; that the rename can succeed only once is what keeps a half-built template from being used.
        let mut lock = self.admin.acquire().await?;
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(BUILD_LOCK)
            .execute(&mut *lock)
            .await?;
        let built = self.build_template(&name).await;
        sqlx::query("SELECT pg_advisory_unlock($1)")
            .bind(BUILD_LOCK)
            .execute(&mut *lock)
            .await?;
        built?;
        Ok(name)
    }

    async fn build_template(&self, name: &str) -> Result<(), TestkitError> {
        if self.exists(name).await? {
            return Ok(());
        }
        let build = format!("{TEST_PREFIX}{}_template", self.run);
        self.create_database(&build, "template0").await?;
        let mut options = ConnectOptions::new(self.url_of(&build));
        options.max_connections(4).sqlx_logging(false);
        let connection = Database::connect(options).await?;
        pml_migration::up(&connection, &pml_migration::Options::default()).await?;
        connection.close().await?;
        self.execute(format!(
            r#"ALTER DATABASE "{build}" WITH ALLOW_CONNECTIONS false"#
        ))
        .await?;
        match self
            .execute(format!(r#"ALTER DATABASE "{build}" RENAME TO "{name}""#))
            .await
        {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {
                self.drop_database(&build).await?;
            }
            renamed => renamed?,
        }
        self.drop_old_templates(name).await
    }

    async fn exists(&self, database: &str) -> Result<bool, TestkitError> {
        Ok(
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
                .bind(database)
                .fetch_one(&self.admin)
                .await?,
        )
    }

    async fn create_database(&self, name: &str, template: &str) -> Result<(), TestkitError> {
        let statement =
            format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING 'UTF8'"#);
        for _ in 0..50 {
            match self.execute(statement.clone()).await {
                // 55006: something (autovacuum, a monitoring session) is connected to the template for a moment.
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55006") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                created => return Ok(created?),
            }
        }
        Ok(self.execute(statement).await?)
    }

    /// Drops a database and whoever is connected to it.
    ///
    /// `FORCE` alone would do, but then waits in steps of 100 ms for the sessions it ended; asking them to leave beforehand takes a few.
    async fn drop_database(&self, name: &str) -> Result<(), TestkitError> {
        for _ in 0..20 {
            let sessions: i64 = sqlx::query_scalar(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
            )
            .bind(name)
            .fetch_one(&self.admin)
            .await?;
            if sessions == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(self
            .execute(format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#))
            .await?)
    }

    /// Drops what dead runs left behind. Databases of another owner stay: dropping them fails, and is theirs to do.
    async fn sweep(&self) -> Result<(), TestkitError> {
        let leftovers: Vec<String> = sqlx::query_scalar(
            "SELECT d.datname::text FROM pg_database d
             WHERE starts_with(d.datname, $1)
               AND NOT EXISTS (SELECT 1 FROM pg_stat_activity
                               WHERE application_name = 'pml-testkit ' || split_part(d.datname, '_', 3)
                                  OR datname = d.datname)",
        )
        .bind(TEST_PREFIX)
        .fetch_all(&self.admin)
        .await?;
        for name in leftovers {
            let _ = self.drop_database(&name).await;
        }
        Ok(())
    }

    /// Keeps this template and the newest others; a run that still wanted an older one builds it again.
    async fn drop_old_templates(&self, current: &str) -> Result<(), TestkitError> {
        let old: Vec<String> = sqlx::query_scalar(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2 ORDER BY oid DESC OFFSET $3",
        )
        .bind(TEMPLATE_PREFIX)
        .bind(current)
        .bind(TEMPLATES_KEPT)
        .fetch_all(&self.admin)
        .await?;
        for name in old {
            let _ = self.drop_database(&name).await;
        }
        Ok(())
    }

    /// Runs a statement made of the harness's own names; utility statements take no parameters.
    async fn execute(&self, statement: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.admin)
            .await
            .map(|_| ())
    }
}

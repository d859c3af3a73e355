//! One migrator at a time: a transaction-level advisory lock on a connection of its own.
//!
//! The lock is *polled*. A migrator that blocks on it holds a snapshot, and `CREATE INDEX CONCURRENTLY` in the migrator
//! that has the lock would wait for that snapshot for ever, in a circle PostgreSQL cannot see.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, Statement, TransactionTrait,
};

use crate::error::Error;

/// The key of the lock, the same for every version of this crate. Advisory locks are per database.
const KEY: i64 = 0x706d_6c5f_6d69_6772;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a step may wait for a table that somebody uses. Longer, and everyone who comes after queues behind it.
const STEP_LOCK_TIMEOUT: &str = "30s";

/// Settings of the transaction a step runs in: the session's own timeouts are made for requests, not for rewriting a
/// table. `transaction_timeout` exists from PostgreSQL 17 on.
pub(crate) fn step_settings(server_version: i32) -> String {
    let mut sql = format!(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL lock_timeout = '{STEP_LOCK_TIMEOUT}'; SET LOCAL client_min_messages = warning"
    );
    if server_version >= 170_000 {
        sql.push_str("; SET LOCAL transaction_timeout = 0");
    }
    sql
}

/// Holds the lock until [`Guard::release`], or until its connection goes.
pub(crate) struct Guard {
    transaction: DatabaseTransaction,
}

impl Guard {
    /// Waits for the lock, at most `longest`.
    ///
    /// # Errors
    /// [`Error::Locked`] after `longest`, naming the holder; [`Error::PoolTooSmall`] if the pool cannot spare a connection.
    pub(crate) async fn acquire(
        db: &DatabaseConnection,
        server_version: i32,
        longest: Duration,
    ) -> Result<Self, Error> {
        let connections = db
            .get_postgres_connection_pool()
            .options()
            .get_max_connections();
        if connections < 2 {
            return Err(Error::PoolTooSmall { connections });
        }
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut announced = false;
        loop {
            let transaction = db.begin().await?;
            transaction
                .execute_unprepared(&step_settings(server_version))
                .await?;
            if try_lock(&transaction).await? {
                if announced {
                    tracing::info!(waited = ?started.elapsed(), "the migration lock is free, going on");
                }
                return Ok(Self { transaction });
            }
            let (me, holder) = who(&transaction).await?;
            // No snapshot and no transaction while waiting.
            transaction.rollback().await?;
            let waited = started.elapsed();
            if waited >= longest {
                return Err(Error::Locked { waited, holder });
            }
            if !announced {
                tracing::info!("{me} waits for the migration lock, held by {holder}");
                announced = true;
            }
            tokio::time::sleep(pause.min(longest.saturating_sub(waited))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether the lock still stands.
    ///
    /// # Errors
    /// [`Error::LockLost`] if the connection is gone.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        self.transaction
            .execute_unprepared("SELECT 1")
            .await
            .map(|_| ())
            .map_err(|source| Error::LockLost { source })
    }

    /// Lets the next one in. A failure is only logged: the work is done, and the lock goes with the connection.
    pub(crate) async fn release(self) {
        if let Err(error) = self.transaction.commit().await {
            tracing::warn!(%error, "the connection that held the migration lock did not end cleanly");
        }
    }
}

async fn try_lock(transaction: &DatabaseTransaction) -> Result<bool, DbErr> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT pg_try_advisory_xact_lock($1) AS taken",
            [KEY.into()],
        ))
        .await?;
    row.map_or(Ok(false), |row| row.try_get("", "taken"))
}

/// This session and the one that holds the lock, for people: process id and application name.
async fn who(transaction: &DatabaseTransaction) -> Result<(String, String), DbErr> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT format('process %s (%s)', pg_backend_pid(), current_setting('application_name')) AS me, \
             (SELECT format('process %s (%s)', a.pid, a.application_name) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
              WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND ((l.classid::bigint << 32) | l.objid::bigint) = $1 LIMIT 1) AS holder",
            [KEY.into()],
        ))
        .await?;
    let Some(row) = row else {
        return Ok(("this process".to_owned(), "another process".to_owned()));
    };
    let holder: Option<String> = row.try_get("", "holder")?;
    Ok((
        row.try_get("", "me")?,
        holder.unwrap_or_else(|| "one that has just ended".to_owned()),
    ))
}

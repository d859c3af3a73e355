//! The numbers over everybody's executions, taken from time to time: at a million executions they take seconds to count.

use std::time::{Duration, Instant};

use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::sql::statement;
use crate::{Db, Error};

/// A snapshot that is older is not shown: then nobody refreshes it any more, and the live view is slow and right.
pub const MAX_SNAPSHOT_AGE: Duration = Duration::from_mins(15);
/// Longest run of one refresh.
const REFRESH_TIMEOUT: &str = "10min";
/// Percentiles sort every duration; in memory that takes half the time.
const REFRESH_WORK_MEM: &str = "64MB";
/// "pmlsnap", the advisory lock of whoever refreshes.
const LOCK: i64 = 0x0070_6d6c_736e_6170;
const SNAPSHOTS: [&str; 2] = ["dashboard_summary_snapshot", "agent_performance_snapshot"];

/// Numbers, and when they were taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured<T> {
    /// The numbers.
    pub data: T,
    /// When they were taken from the tables. `None`: now, for this answer.
    pub refreshed_at: Option<DateTimeUtc>,
    /// How long ago that was, in milliseconds.
    pub age_ms: Option<i64>,
}

impl<T> Measured<T> {
    pub(super) fn live(data: T) -> Self {
        Self {
            data,
            refreshed_at: None,
            age_ms: None,
        }
    }

    pub(super) fn taken(data: T, at: Taken) -> Self {
        Self {
            data,
            refreshed_at: Some(at.refreshed_at),
            age_ms: Some(at.age_ms),
        }
    }
}

/// When the snapshot was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub refreshed_at: DateTimeUtc,
    pub age_ms: i64,
}

/// When the snapshot was taken, if the caller's role may read it and it is young enough. One or two statements.
pub(super) async fn taken<C: ConnectionTrait>(db: &C) -> Result<Option<Taken>, Error> {
    // Asked first: a refusal would end the caller's transaction.
    const USABLE: &str = "\
        SELECT bool_and(relispopulated AND has_table_privilege(oid, 'SELECT')) AS usable FROM pg_class \
        WHERE oid IN ('dashboard_summary_snapshot'::regclass, 'agent_performance_snapshot'::regclass)";
    const TAKEN: &str = "\
        SELECT refreshed_at, (extract(epoch FROM clock_timestamp() - refreshed_at) * 1000)::bigint AS age_ms \
        FROM dashboard_summary_snapshot";
    let usable = match db.query_one_raw(statement(USABLE, [])).await? {
        Some(row) => row.try_get::<Option<bool>>("", "usable")? == Some(true),
        None => false,
    };
    if !usable {
        return Ok(None);
    }
    let Some(row) = db.query_one_raw(statement(TAKEN, [])).await? else {
        return Ok(None);
    };
    let taken = Taken {
        refreshed_at: row.try_get("", "refreshed_at")?,
        age_ms: row.try_get::<i64>("", "age_ms")?.max(0),
    };
    let young = u128::try_from(taken.age_ms).unwrap_or(0) <= MAX_SNAPSHOT_AGE.as_millis();
    Ok(young.then_some(taken))
}

/// What became of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The snapshots are new. Readers were not held up, except by the very first one.
    Done {
        /// How long it took.
        took: Duration,
    },
    /// Another instance is at it, or was a moment ago.
    Elsewhere,
}

/// Takes the snapshots of [`dashboard`](super::dashboard) and [`agents`](super::agents) anew, in one transaction.
///
/// Several instances may call this at once: one works, the others find it [`Elsewhere`](Refresh::Elsewhere). Needs one connection, and the
/// role that owns the schema: not inside `Db::as_principal`.
///
/// # Errors
/// [`Error::Forbidden`] for another role, [`Error::Timeout`] after ten minutes.
pub async fn refresh_snapshots<C>(db: &C) -> Result<Refresh, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    refresh(db, Duration::ZERO).await
}

/// Refreshes unless that was done less than `spacing` ago.
async fn refresh<C>(db: &C, spacing: Duration) -> Result<Refresh, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let started = Instant::now();
    let tx = db.begin().await?;
    let lock = statement(
        "SELECT pg_try_advisory_xact_lock($1) AS locked",
        [LOCK.into()],
    );
    let locked = match tx.query_one_raw(lock).await? {
        Some(row) => row.try_get("", "locked")?,
        None => false,
    };
    if !locked {
        tx.rollback().await?;
        return Ok(Refresh::Elsewhere);
    }
    // Behind the lock: another instance may have ended a refresh just now.
    if !spacing.is_zero()
        && let Some(taken) = taken(&tx).await?
        && u128::try_from(taken.age_ms).unwrap_or(0) < spacing.as_millis()
    {
        tx.rollback().await?;
        return Ok(Refresh::Elsewhere);
    }
    tx.execute_unprepared(&format!(
        "SET LOCAL statement_timeout = '{REFRESH_TIMEOUT}'; SET LOCAL work_mem = '{REFRESH_WORK_MEM}'"
    ))
    .await?;
    for view in SNAPSHOTS {
        let populated = statement(
            "SELECT relispopulated FROM pg_class WHERE oid = $1::regclass",
            [view.into()],
        );
        let populated = match tx.query_one_raw(populated).await? {
            Some(row) => row.try_get("", "relispopulated")?,
            None => false,
        };
        let how = if populated { "CONCURRENTLY" } else { "" };
        tx.execute_unprepared(&format!("REFRESH MATERIALIZED VIEW {how} {view}"))
            .await?;
    }
    tx.commit().await?;
    Ok(Refresh::Done {
        took: started.elapsed(),
    })
}

/// A running schedule. Dropping it ends the schedule at once, in the middle of a refresh if need be.
#[derive(Debug)]
pub struct RefreshSchedule {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl RefreshSchedule {
    /// How often a server refreshes unless it is told otherwise.
    pub const DEFAULT_EVERY: Duration = Duration::from_mins(1);

    /// Ends the schedule, after the refresh that runs.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for RefreshSchedule {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Takes the snapshots now and then every `every` (at least a second), until the schedule is stopped. A failure is logged, and the next
/// turn tries again. Instances that share a database share the work.
///
/// Choose less than [`MAX_SNAPSHOT_AGE`]. Does nothing on the embedded database: it has one connection and no autovacuum, so a refresh
/// would hold up everybody and leave its traces in the catalogue; its readers get the live views.
pub fn schedule_refresh(db: Db, every: Duration) -> RefreshSchedule {
    let (stop, mut stopped) = watch::channel(false);
    let every = every.max(Duration::from_secs(1));
    let task = (!db.is_embedded()).then(|| {
        tokio::spawn(async move {
            let mut turns = tokio::time::interval(every);
            turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = stopped.changed() => return,
                    _ = turns.tick() => {}
                }
                match refresh(&db, every / 2).await {
                    Ok(Refresh::Done { took }) => tracing::debug!(?took, "snapshots refreshed"),
                    Ok(Refresh::Elsewhere) => {}
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "snapshots not refreshed"
                        );
                    }
                }
            }
        })
    });
    RefreshSchedule { stop, task }
}

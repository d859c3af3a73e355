//! Carrying policies out, batch by batch.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, TransactionTrait, Value};
use serde::Serialize;
use tokio::sync::watch;

use super::boundary::Boundary;
use super::plan::count;
use super::{Action, Policy};
use crate::Error;
use crate::sql::statement;

/// A batch holds many rows, so it must not wait long for one: others would wait for all of them.
const LOCK_TIMEOUT: &str = "50ms";

/// Called after each batch.
pub type OnRetention = Arc<dyn Fn(Progress) + Send + Sync>;

/// How to run. The default carries every policy out with its own batch size.
#[derive(Clone)]
pub struct RunOptions {
    /// Only these policies, by name. Empty: all.
    pub only: Vec<String>,
    /// Most rows of a batch, instead of what each policy says. At least 1.
    pub batch: Option<u32>,
    /// How long to leave the database to others between two batches.
    pub pause: Duration,
    /// When this becomes true, the run ends after the batch it is at.
    pub stop: Option<watch::Receiver<bool>>,
    /// Told of each batch. Costs a count per policy.
    pub on_progress: Option<OnRetention>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            batch: None,
            pause: Duration::from_millis(5),
            stop: None,
            on_progress: None,
        }
    }
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions")
            .field("only", &self.only)
            .field("batch", &self.batch)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

/// How far a run is with one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The policy.
    pub policy: &'static str,
    /// Rows that were looked at so far.
    pub done: u64,
    /// Rows that were due at the start.
    pub due: u64,
}

/// What a run did under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The policy.
    pub policy: &'static str,
    /// Its area.
    pub area: &'static str,
    /// Its table.
    pub table: &'static str,
    /// What happened to the rows.
    pub action: Action,
    /// Rows that were deleted or moved.
    pub removed: u64,
    /// Rows that stay because the archive has one with the same unique key.
    pub skipped: u64,
    /// Rows that stay for the next run because somebody held a row that goes with them. Due rows that were held themselves are passed over
    /// and not counted.
    pub busy: u64,
    /// Transactions.
    pub batches: u64,
    /// Whether the run came to the end of what was due.
    pub finished: bool,
}

#[derive(FromQueryResult)]
struct Picked {
    key: String,
    at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Counted {
    rows: i64,
}

/// Carries the policies out, one after another.
///
/// Each batch is a transaction of its own that takes the oldest due rows that nobody has locked. It can be run by several instances at
/// once, and dropped at any time: the batch it was at is rolled back. What is due is settled at the start of each policy.
///
/// Needs the database handle itself, not a transaction: inside one, all batches would be one.
///
/// # Errors
/// [`Error::NotFound`] for a name in [`only`](RunOptions::only) that no policy has; what writing can meet. The batches before stay done.
pub async fn run<C>(db: &C, policies: &[Policy], options: &RunOptions) -> Result<Vec<Done>, Error>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| policies.iter().all(|policy| policy.name != name.as_str()))
    {
        return Err(Error::NotFound {
            entity: "retention policy",
            key: unknown.clone(),
        });
    }
    let chosen = policies.iter().filter(|policy| {
        options.only.is_empty() || options.only.iter().any(|name| name == policy.name)
    });
    let mut done = Vec::new();
    for policy in chosen {
        if is_stopped(options) {
            break;
        }
        done.push(carry_out(db, policy, options).await?);
    }
    Ok(done)
}

fn is_stopped(options: &RunOptions) -> bool {
    options.stop.as_ref().is_some_and(|stop| *stop.borrow())
}

async fn carry_out<C>(db: &C, policy: &Policy, options: &RunOptions) -> Result<Done, Error>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let mut done = Done {
        policy: policy.name,
        area: policy.area,
        table: policy.table,
        action: policy.action,
        removed: 0,
        skipped: 0,
        busy: 0,
        batches: 0,
        finished: false,
    };
    let boundary = Boundary::of(db, policy).await?;
    let due = match &options.on_progress {
        Some(_) => count(db, policy, &boundary).await?.due,
        None => 0,
    };
    let whole = options.batch.unwrap_or(policy.batch).max(1);
    let (mut size, mut after) = (whole, None);
    while !is_stopped(options) {
        match batch(db, policy, &boundary, after.as_ref(), size).await {
            Ok(Batch { picked: 0, .. }) => {
                done.finished = true;
                break;
            }
            Ok(batch) => {
                done.batches += 1;
                done.removed += batch.removed;
                done.skipped += batch.picked - batch.removed;
                after = batch.last;
                size = size.saturating_mul(2).min(whole);
            }
            // Somebody holds a row that would go with one of these. Smaller batches, until it is alone, and past it.
            Err(Failed::Busy(_, _)) if size > 1 => size = (size / 4).max(1),
            Err(Failed::Busy(_, Some(last))) => {
                done.busy += 1;
                after = Some(last);
            }
            Err(Failed::Busy(error, None) | Failed::Error(error)) => return Err(error),
        }
        if let Some(tell) = &options.on_progress {
            tell(Progress {
                policy: policy.name,
                done: done.removed + done.skipped + done.busy,
                due,
            });
        }
        tokio::time::sleep(options.pause).await;
    }
    Ok(done)
}

/// What one transaction did.
struct Batch {
    picked: u64,
    removed: u64,
    last: Option<Picked>,
}

enum Failed {
    /// A lock did not come in time, or two waited for each other; with the last row of the batch, if it got that far.
    Busy(Error, Option<Picked>),
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<sea_orm::DbErr> for Failed {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Error(error.into())
    }
}

async fn batch<C>(
    db: &C,
    policy: &Policy,
    boundary: &Boundary,
    after: Option<&Picked>,
    size: u32,
) -> Result<Batch, Failed>
where
    C: TransactionTrait<Transaction = DatabaseTransaction>,
{
    let tx = db.begin().await?;
    let limit = "SELECT set_config('lock_timeout', $1, true)";
    tx.execute_raw(statement(limit, [LOCK_TIMEOUT.into()]))
        .await?;
    let mut picked = pick(&tx, policy, boundary, after, size).await?;
    let keys: Vec<String> = picked.iter().map(|row| row.key.clone()).collect();
    let last = picked.pop();
    if keys.is_empty() {
        tx.rollback().await?;
        return Ok(Batch {
            picked: 0,
            removed: 0,
            last: None,
        });
    }
    let picked = keys.len() as u64;
    let removed = match remove(&tx, policy, keys).await {
        Ok(removed) => removed,
        Err(error) if is_lock(&error) => {
            // The transaction is lost; a rollback that fails as well says nothing new.
            let _ = tx.rollback().await;
            return Err(Failed::Busy(error, last));
        }
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    Ok(Batch {
        picked,
        removed,
        last,
    })
}

/// The oldest due rows after the last batch, locked. Rows that another holds are passed over.
async fn pick(
    tx: &DatabaseTransaction,
    policy: &Policy,
    boundary: &Boundary,
    after: Option<&Picked>,
    size: u32,
) -> Result<Vec<Picked>, Error> {
    let (table, key, column) = (policy.table, policy.key, policy.column());
    let mut values = Vec::new();
    let due = boundary.predicate(policy, &mut values);
    let onwards = if let Some(Picked { key: last, at }) = after {
        values.push((*at).into());
        values.push(last.as_str().into());
        let (time, name) = (values.len() - 1, values.len());
        format!(" AND {column} >= ${time} AND ({column}, {key}::text) > (${time}, ${name})")
    } else {
        String::new()
    };
    values.push(i64::from(size).into());
    let sql = format!(
        "SELECT {key}::text AS key, {column} AS at FROM {table} WHERE {due}{onwards} ORDER BY {column}, {key}::text LIMIT ${} FOR UPDATE SKIP LOCKED",
        values.len()
    );
    let rows = tx.query_all_raw(statement(sql, values)).await?;
    let rows = rows.iter().map(|row| Picked::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes or moves rows that are locked, so that what is read is what is removed.
async fn remove(
    tx: &DatabaseTransaction,
    policy: &Policy,
    keys: Vec<String>,
) -> Result<u64, Error> {
    let (table, key, key_type) = (policy.table, policy.key, policy.key_type);
    let these = format!("{key} = ANY($1::text[]::{key_type}[])");
    let keys: Value = keys.into();
    let sql = match policy.action {
        Action::Delete => format!("WITH gone AS (DELETE FROM {table} WHERE {these} RETURNING 1)"),
        Action::Archive { into } => format!(
            "WITH kept AS (INSERT INTO {into} SELECT * FROM {table} WHERE {these} ON CONFLICT DO NOTHING RETURNING {key}), \
             gone AS (DELETE FROM {table} WHERE {key} = ANY(ARRAY(SELECT {key} FROM kept)) RETURNING 1)"
        ),
    };
    let sql = format!("{sql} SELECT count(*) AS rows FROM gone");
    let row = tx.query_one_raw(statement(sql, [keys])).await?;
    let counted = row
        .map(|row| Counted::from_query_result(&row, ""))
        .transpose()?;
    Ok(counted.map_or(0, |counted| u64::try_from(counted.rows).unwrap_or_default()))
}

/// A lock that did not come, a deadlock, a conflict of versions.
fn is_lock(error: &Error) -> bool {
    matches!(error, Error::Conflict { .. }) && error.is_retryable()
}

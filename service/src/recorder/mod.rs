//! Writing behind: a caller hands a row over and goes on, and the row is written soon after, together with others.
//!
//! A [`Recorder`] is a bounded queue and one worker. The worker writes batches through a [`Sink`]: as soon as a batch is full, or
//! [`interval`](RecorderOptions::interval) after its first row. It takes a connection per batch and holds none in between, for the embedded
//! database has only one. What it promises:
//!
//! * **At least once.** A failed batch is written again, and a lost connection leaves open whether it was written before. The sink makes that
//!   exactly once, with ids that the caller's side gives and `ON CONFLICT DO NOTHING`.
//! * **In order**, except for rows that had to wait.
//! * **A row leaves the queue for its table or for `error_log`.** A batch that fails for good is cut in halves until the row that is to blame
//!   is alone; that row goes to `error_log` ([`Sink::describe`] says as what) and the others are written.
//! * **An outage loses nothing that was queued.** While the database is away, the batch is tried again, with pauses that grow; the queue fills,
//!   and then callers wait or rows are dropped and counted, as [`Overflow`] says.
//! * [`flush`](Recorder::flush) returns when all that was recorded before it is settled, and [`shutdown`](Recorder::shutdown) says how many
//!   rows it could not write.
//!
//! Some failures say nothing about a row: a lock that is held, a statement that took too long. A batch with such a row is cut in halves as
//! well, but the row stays and is tried again later. A row that its sink calls [not yet](Written::not_yet) writable is tried a few times more before it counts as
//! poisoned.
//!
//! ```no_run
//! use pml_service::recorder::{Recorder, RecorderOptions, Sink, Written};
//! use pml_service::{Db, Error};
//! use sea_orm::{ConnectionTrait, DbBackend, Statement};
//! use uuid::Uuid;
//!
//! struct Clicks(Db);
//!
//! #[async_trait::async_trait]
//! impl Sink for Clicks {
//!     type Row = Uuid;
//!
//!     async fn write(&self, rows: &[Uuid]) -> Result<Written, Error> {
//!         let sql = "INSERT INTO clicks (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING";
//!         let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [rows.to_vec().into()]);
//!         self.0.execute_raw(statement).await?;
//!         Ok(Written::all())
//!     }
//!
//!     fn describe(&self, row: &Uuid) -> serde_json::Value {
//!         serde_json::json!({ "click": row })
//!     }
//! }
//!
//! # async fn example(db: Db) -> Result<(), Error> {
//! let clicks = Recorder::start(db.clone(), Clicks(db), RecorderOptions::named("clicks"));
//! clicks.record(Uuid::now_v7()).await?;
//! let stats = clicks.shutdown().await?;
//! assert_eq!(stats.unwritten, 0);
//! # Ok(())
//! # }
//! ```

mod dead_letter;
mod options;
mod queue;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::DbErr;

pub use options::{Overflow, RecorderOptions};
pub use queue::RecorderStats;
use queue::{Refused, Shared};
use worker::Worker;

use crate::{Db, Error};

/// Where the rows of a [`Recorder`] go.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// What is recorded.
    type Row: Send + Sync + 'static;

    /// Writes the rows in order, all of them or none, save those it says are [not yet](Written::not_yet) writable.
    ///
    /// Called again with the same rows after a failure, also when it had written them and the answer was lost: it must write nothing twice.
    ///
    /// # Errors
    /// Whatever went wrong. [`Error::is_retryable`] decides whether the rows are tried again or one of them is to blame.
    async fn write(&self, rows: &[Self::Row]) -> Result<Written, Error>;

    /// What `error_log` keeps of a row that cannot be written: enough to find out what it was, and **no secrets**.
    fn describe(&self, row: &Self::Row) -> serde_json::Value;
}

/// What became of the rows of one [`Sink::write`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Written {
    /// Positions of the rows that were left out because something they refer to is not there yet. They are tried again a few times.
    pub not_yet: Vec<usize>,
}

impl Written {
    /// Every row is written.
    pub const fn all() -> Self {
        Self {
            not_yet: Vec::new(),
        }
    }

    /// Every row is written except those at these positions, whose time may come.
    pub fn except(not_yet: impl IntoIterator<Item = usize>) -> Self {
        Self {
            not_yet: not_yet.into_iter().collect(),
        }
    }
}

/// Whether a row was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the queue and will be written.
    Queued,
    /// There was no room, or the recorder is shut down. It is counted in [`RecorderStats::dropped`].
    Dropped,
}

/// Takes rows and writes them behind the caller's back; see the [module](self). Cheap to clone; clones share the queue.
///
/// When the last clone is dropped the worker writes what is queued and ends, as long as the runtime lives. [`shutdown`](Self::shutdown) waits for it.
pub struct Recorder<R> {
    handle: Arc<Handle<R>>,
}

/// The callers' end; its drop lets the worker end.
struct Handle<R> {
    shared: Arc<Shared<R>>,
}

impl<R> Drop for Handle<R> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<R> Clone for Recorder<R> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<R> std::fmt::Debug for Recorder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("name", &self.handle.shared.options.name)
            .field("stats", &self.handle.shared.stats())
            .finish_non_exhaustive()
    }
}

impl<R: Send + Sync + 'static> Recorder<R> {
    /// Starts a worker on the current runtime. `db` is where `error_log` is; the sink brings its own handle.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(db: Db, sink: impl Sink<Row = R>, options: RecorderOptions) -> Self {
        let shared = Arc::new(Shared::new(options.checked()));
        tokio::spawn(Worker::new(db, sink, Arc::clone(&shared)).run());
        Self {
            handle: Arc::new(Handle { shared }),
        }
    }

    /// Hands a row over. When the queue is full it waits for room, or drops the row and counts it, as [`RecorderOptions::overflow`] says.
    ///
    /// # Errors
    /// [`Error::Refused`] after a [`shutdown`](Self::shutdown).
    pub async fn record(&self, row: R) -> Result<Recorded, Error> {
        let shared = &self.handle.shared;
        let pushed = match shared.options.overflow {
            Overflow::Wait => shared.push(row).await,
            Overflow::Drop => shared.try_push(row),
        };
        match pushed {
            Ok(()) => Ok(Recorded::Queued),
            Err(Refused::Full) => Ok(Recorded::Dropped),
            Err(Refused::Closed) => Err(Error::Refused {
                reason: format!("the recorder of {} is shut down", shared.options.name),
                source: None,
            }),
        }
    }

    /// Hands a row over and never waits: without room it is dropped and counted.
    pub fn try_record(&self, row: R) -> Recorded {
        match self.handle.shared.try_push(row) {
            Ok(()) => Recorded::Queued,
            Err(Refused::Full | Refused::Closed) => Recorded::Dropped,
        }
    }

    /// Waits until every row that was recorded before this call is in its table or in `error_log`. Does not wait for the interval.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] when the database has failed [`attempts`](RecorderOptions::attempts) times in a row, or a row keeps
    /// waiting for a lock. Nothing is given up: the rows stay in the queue.
    pub async fn flush(&self) -> Result<(), Error> {
        let shared = &self.handle.shared;
        let mut progress = shared.progress.subscribe();
        let before = progress.borrow().failures;
        let target = shared.request_flush();
        let attempts = shared.options.attempts;
        let reached = progress
            .wait_for(|now| {
                let away = now.failures >= attempts && now.failures > before;
                now.settled >= target || away || now.stuck || now.ended
            })
            .await;
        match reached {
            Ok(now) if now.settled >= target => Ok(()),
            _ => Err(Error::DatabaseUnavailable(DbErr::Custom(format!(
                "rows of {} are still to be written",
                shared.options.name
            )))),
        }
    }

    /// Takes no more rows, writes what is queued, and ends the worker. While the database is away it gives up after
    /// [`attempts`](RecorderOptions::attempts) more tries, and in any case after [`drain`](RecorderOptions::drain):
    /// [`RecorderStats::unwritten`] then says how many rows were not written. May be called more than once.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] if the runtime ended the worker before it was done.
    pub async fn shutdown(&self) -> Result<RecorderStats, Error> {
        let shared = &self.handle.shared;
        shared.close();
        let mut progress = shared.progress.subscribe();
        let ended = progress.wait_for(|now| now.ended).await.is_ok();
        let stats = shared.stats();
        if ended && stats.queued == 0 {
            return Ok(stats);
        }
        Err(Error::DatabaseUnavailable(DbErr::Custom(format!(
            "the recorder of {} ended with {} rows in its queue",
            shared.options.name, stats.queued
        ))))
    }

    /// What happened so far.
    pub fn stats(&self) -> RecorderStats {
        self.handle.shared.stats()
    }
}

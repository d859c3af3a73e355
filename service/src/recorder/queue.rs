//! What callers and worker share: the rows, how far the worker is, and the counts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::RecorderOptions;

/// Counts of one recorder since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct RecorderStats {
    /// Rows in memory now, those that are being written included.
    pub queued: u64,
    /// Rows that were written.
    pub written: u64,
    /// Rows that were not taken.
    pub dropped: u64,
    /// Rows that cannot be written and went to `error_log`.
    pub poisoned: u64,
    /// Writes that failed and were made again.
    pub retried: u64,
    /// Rows that a shutdown gave up: the database was away for too long. Whether the last write reached it is not known.
    pub unwritten: u64,
}

/// How far the worker is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Every row with a lower number is settled.
    pub settled: u64,
    /// Failed tries in a row.
    pub failures: u32,
    /// Whether a row waits for a lock.
    pub stuck: bool,
    /// The worker is gone.
    pub ended: bool,
}

/// A row with its number and its history.
#[derive(Debug)]
pub(super) struct Entry<R> {
    pub seq: u64,
    /// How often it was not yet writable.
    pub not_yet: u32,
    /// How often it was put back because of a lock.
    pub stuck: u32,
    pub row: R,
}

/// Why a row was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub written: AtomicU64,
    pub dropped: AtomicU64,
    pub poisoned: AtomicU64,
    pub retried: AtomicU64,
    pub unwritten: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, rows: usize) {
    counter.fetch_add(rows as u64, Ordering::Relaxed);
}

struct State<R> {
    rows: VecDeque<Entry<R>>,
    /// Number of the next row.
    next: u64,
    /// When the first row of the queue came, or was left over by a batch.
    since: Instant,
    /// Rows below this number are waited for.
    flush_to: u64,
    closed: bool,
}

pub(super) struct Shared<R> {
    pub options: RecorderOptions,
    pub counters: Counters,
    pub progress: watch::Sender<Progress>,
    /// When the recorder was closed.
    pub closing: watch::Sender<Option<Instant>>,
    state: Mutex<State<R>>,
    /// One permit per free place.
    room: Semaphore,
    wake: Notify,
    /// Somebody waits: ends the pause between two tries.
    pub hurry: Notify,
}

impl<R> Shared<R> {
    pub fn new(options: RecorderOptions) -> Self {
        Self {
            counters: Counters::default(),
            progress: watch::Sender::new(Progress::default()),
            closing: watch::Sender::new(None),
            state: Mutex::new(State {
                rows: VecDeque::new(),
                next: 0,
                since: Instant::now(),
                flush_to: 0,
                closed: false,
            }),
            room: Semaphore::new(options.capacity),
            wake: Notify::new(),
            hurry: Notify::new(),
            options,
        }
    }

    /// A panic while it is held is impossible in safe code of this file, so a poisoned lock still guards a whole state.
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub async fn push(&self, row: R) -> Result<(), Refused> {
        match self.room.acquire().await {
            Ok(place) => {
                place.forget();
                self.enqueue(row)
            }
            Err(_) => Err(Refused::Closed),
        }
    }

    /// Takes a place or counts the row as dropped.
    pub fn try_push(&self, row: R) -> Result<(), Refused> {
        let pushed = match self.room.try_acquire() {
            Ok(place) => {
                place.forget();
                self.enqueue(row)
            }
            Err(tokio::sync::TryAcquireError::NoPermits) => Err(Refused::Full),
            Err(tokio::sync::TryAcquireError::Closed) => Err(Refused::Closed),
        };
        if pushed.is_err() {
            add(&self.counters.dropped, 1);
        }
        pushed
    }

    /// Wakes the worker for the first row of a batch and for the last one only.
    fn enqueue(&self, row: R) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.rows.is_empty() {
            state.since = Instant::now();
        }
        let seq = state.next;
        state.next += 1;
        state.rows.push_back(Entry {
            seq,
            not_yet: 0,
            stuck: 0,
            row,
        });
        let waiting = state.rows.len();
        drop(state);
        if waiting == 1 || waiting == self.options.batch {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Marks everything recorded so far as waited for, and gives the number to wait for.
    pub fn request_flush(&self) -> u64 {
        let mut state = self.state();
        state.flush_to = state.next;
        let target = state.next;
        drop(state);
        self.wake.notify_one();
        self.hurry.notify_waiters();
        target
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.room.close();
        self.closing.send_if_modified(|since| {
            let first = since.is_none();
            since.get_or_insert_with(Instant::now);
            first
        });
        self.wake.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits until there is a reason to write: a full batch, a row that waited long enough, somebody who waits, or a row whose pause is over at `due`.
    pub async fn wait(&self, due: Option<Instant>) {
        loop {
            let deadline = {
                let state = self.state();
                let first = state.rows.front();
                let urgent = first.is_some_and(|first| first.seq < state.flush_to);
                if urgent || state.closed || state.rows.len() >= self.options.batch {
                    // A closed queue that is empty has nothing to wait for but the rows that were put back.
                    if first.is_some() || due.is_none() {
                        return;
                    }
                }
                let written_by = first.map(|_| state.since + self.options.interval);
                match (written_by, due) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                }
            };
            match deadline {
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(deadline) => return,
                    () = self.wake.notified() => {}
                },
                None => self.wake.notified().await,
            }
        }
    }

    /// Up to so many rows from the front.
    pub fn take(&self, most: usize) -> Vec<Entry<R>> {
        let mut state = self.state();
        let rows = most.min(state.rows.len());
        let batch = state.rows.drain(..rows).collect();
        state.since = Instant::now();
        batch
    }

    /// The lowest number that is neither settled nor in `held`.
    pub fn settled(&self, held: Option<u64>) -> u64 {
        let state = self.state();
        let first = state.rows.front().map_or(state.next, |first| first.seq);
        held.map_or(first, |held| held.min(first))
    }

    pub fn free(&self, places: usize) {
        self.room.add_permits(places);
    }

    pub fn stats(&self) -> RecorderStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            written,
            dropped,
            poisoned,
            retried,
            unwritten,
        } = &self.counters;
        let (written, poisoned, unwritten) = (read(written), read(poisoned), read(unwritten));
        let taken = self.state().next;
        RecorderStats {
            queued: taken.saturating_sub(written + poisoned + unwritten),
            written,
            dropped: read(dropped),
            poisoned,
            retried: read(retried),
            unwritten,
        }
    }
}

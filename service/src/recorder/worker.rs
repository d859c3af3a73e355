//! The one task that writes: batches, tries again, finds the row that is to blame.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::dead_letter::DeadLetter;
use super::queue::{Entry, Shared, add};
use super::{Sink, Written};
use crate::error::sqlstate;
use crate::{Db, Error};

pub(super) struct Worker<S: Sink> {
    db: Db,
    sink: S,
    shared: Arc<Shared<S::Row>>,
    /// Rows that are tried again later, and when.
    held: Vec<(Instant, Entry<S::Row>)>,
    /// Failed tries in a row.
    failures: u32,
    /// Failed tries in a row since the recorder was closed.
    closing_failures: u32,
}

/// Why a write did not succeed.
enum Failure {
    Error(Error),
    Panicked,
    /// The shutdown ran out of time.
    OutOfTime,
}

/// What came of trying to write some rows.
enum Outcome {
    Written(Written),
    /// Not a matter of these rows, but it goes on: a lock, a time limit.
    Stuck,
    /// One of the rows is to blame.
    Rejected(Failure),
    /// The shutdown gave up.
    GaveUp,
}

/// What becomes of one row.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Settled,
    NotYet,
    Stuck,
    Unwritten,
}

/// Number and history of a row that is being written.
struct Mark(u64, u32, u32);

fn batch_of<R>(marks: Vec<Mark>, rows: Vec<R>) -> impl Iterator<Item = Entry<R>> {
    let joined = marks.into_iter().zip(rows);
    joined.map(|(Mark(seq, not_yet, stuck), row)| Entry {
        seq,
        not_yet,
        stuck,
        row,
    })
}

/// Whoever waits for the worker learns that it is gone, also when the runtime dropped it.
struct Ending<R>(Arc<Shared<R>>);

impl<R> Drop for Ending<R> {
    fn drop(&mut self) {
        self.0.close();
        self.0.progress.send_modify(|now| now.ended = true);
    }
}

impl<S: Sink> Worker<S> {
    pub fn new(db: Db, sink: S, shared: Arc<Shared<S::Row>>) -> Self {
        Self {
            db,
            sink,
            shared,
            held: Vec::new(),
            failures: 0,
            closing_failures: 0,
        }
    }

    pub async fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.shared));
        loop {
            self.shared
                .wait(self.held.iter().map(|(due, _)| *due).min())
                .await;
            let batch = self.next_batch();
            if batch.is_empty() {
                if self.shared.is_closed() && self.held.is_empty() {
                    return;
                }
                self.publish();
                continue;
            }
            if !self.settle(batch).await {
                self.give_up();
                return;
            }
            self.publish();
        }
    }

    /// Rows whose pause is over come first: they are the older ones.
    fn next_batch(&mut self) -> Vec<Entry<S::Row>> {
        let now = Instant::now();
        let most = self.shared.options.batch;
        let mut batch = Vec::new();
        let (due, later): (Vec<_>, Vec<_>) = self.held.drain(..).partition(|(due, _)| *due <= now);
        self.held = later;
        for (due, entry) in due {
            if batch.len() < most {
                batch.push(entry);
            } else {
                self.held.push((due, entry));
            }
        }
        batch.sort_by_key(|entry| entry.seq);
        batch.extend(self.shared.take(most - batch.len()));
        batch
    }

    /// Writes a batch, in halves where it must be. `false`: the shutdown gave up, and rows are left.
    async fn settle(&mut self, batch: Vec<Entry<S::Row>>) -> bool {
        let (marks, rows): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|entry| (Mark(entry.seq, entry.not_yet, entry.stuck), entry.row))
            .unzip();
        let mut fates = vec![Fate::Unwritten; rows.len()];
        let mut parts = Vec::from([Range {
            start: 0,
            end: rows.len(),
        }]);
        let mut tries = self.shared.options.attempts;
        let mut goes_on = true;
        while let Some(part) = parts.pop() {
            match self.write(&rows[part.clone()], tries).await {
                Outcome::Written(written) => {
                    fates[part.clone()].fill(Fate::Settled);
                    let waiting = written.not_yet.into_iter().map(|at| part.start + at);
                    for at in waiting.filter(|at| *at < part.end) {
                        fates[at] = Fate::NotYet;
                    }
                    let settled = fates[part]
                        .iter()
                        .filter(|fate| **fate == Fate::Settled)
                        .count();
                    add(&self.shared.counters.written, settled);
                }
                Outcome::Stuck | Outcome::Rejected(_) if part.len() > 1 => {
                    // Each half was tried often enough as part of the whole.
                    tries = 1;
                    parts.extend(halves(part));
                }
                Outcome::Stuck => fates[part.start] = Fate::Stuck,
                Outcome::Rejected(failure) => {
                    if !self.condemn(&rows[part.start], &failure).await {
                        goes_on = false;
                        break;
                    }
                    fates[part.start] = Fate::Settled;
                }
                Outcome::GaveUp => {
                    goes_on = false;
                    break;
                }
            }
        }
        let mut settled = 0;
        for (mut entry, fate) in batch_of(marks, rows).zip(fates) {
            let options = &self.shared.options;
            match fate {
                Fate::Settled => settled += 1,
                Fate::Unwritten => self.hold(entry, Duration::ZERO),
                Fate::Stuck => {
                    entry.stuck += 1;
                    let pause = options.pause(entry.stuck);
                    self.hold(entry, pause);
                }
                Fate::NotYet if entry.not_yet < options.not_yet_attempts => {
                    entry.not_yet += 1;
                    let pause = options.pause(entry.not_yet);
                    self.hold(entry, pause);
                }
                Fate::NotYet => {
                    let reason = "what it refers to did not come";
                    if self.bury(&entry.row, "not_yet", reason).await {
                        settled += 1;
                    } else {
                        self.hold(entry, Duration::ZERO);
                        goes_on = false;
                    }
                }
            }
        }
        self.shared.free(settled);
        goes_on
    }

    fn hold(&mut self, entry: Entry<S::Row>, pause: Duration) {
        self.held.push((Instant::now() + pause, entry));
    }

    /// Tries until it is written, hopeless, or not a matter of trying. While the database is away it goes on for ever, until the shutdown
    /// gives up.
    async fn write(&mut self, rows: &[S::Row], attempts: u32) -> Outcome {
        let mut failed = 0;
        loop {
            match self.call(rows).await {
                Ok(written) => {
                    self.recovered();
                    return Outcome::Written(written);
                }
                Err(Failure::Error(error)) if is_away(&error) || error.is_retryable() => {
                    failed += 1;
                    let away = is_away(&error);
                    if self.failed(&error, away) {
                        return Outcome::GaveUp;
                    }
                    if !away && failed >= attempts {
                        return Outcome::Stuck;
                    }
                    add(&self.shared.counters.retried, 1);
                    self.pause().await;
                }
                Err(Failure::OutOfTime) => return Outcome::GaveUp,
                Err(failure) => return Outcome::Rejected(failure),
            }
        }
    }

    async fn call(&self, rows: &[S::Row]) -> Result<Written, Failure> {
        let write = AssertUnwindSafe(self.sink.write(rows)).catch_unwind();
        tokio::select! {
            biased;
            written = write => match written {
                Ok(written) => written.map_err(Failure::Error),
                Err(_) => Err(Failure::Panicked),
            },
            () = self.out_of_time() => Err(Failure::OutOfTime),
        }
    }

    /// Completes when a shutdown has used up its time.
    async fn out_of_time(&self) {
        let mut closing = self.shared.closing.subscribe();
        let since = closing
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|since| *since);
        match since {
            Some(since) => tokio::time::sleep_until(since + self.shared.options.drain).await,
            None => std::future::pending().await,
        }
    }

    fn is_out_of_time(&self) -> bool {
        let since = *self.shared.closing.borrow();
        since.is_some_and(|since| since.elapsed() >= self.shared.options.drain)
    }

    /// Counts a failure. `true`: a shutdown gives up now.
    fn failed(&mut self, error: &Error, away: bool) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            tracing::warn!(
                recorder = self.shared.options.name,
                %error,
                cause = std::error::Error::source(error).map(tracing::field::display),
                "rows cannot be written now; they are tried again"
            );
        }
        let failures = self.failures;
        self.shared
            .progress
            .send_modify(|now| now.failures = failures);
        if !self.shared.is_closed() {
            return false;
        }
        self.closing_failures += u32::from(away);
        self.closing_failures >= self.shared.options.attempts || self.is_out_of_time()
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            tracing::info!(
                recorder = self.shared.options.name,
                "rows are written again"
            );
            self.shared.progress.send_modify(|now| now.failures = 0);
        }
        (self.failures, self.closing_failures) = (0, 0);
    }

    /// Ends early when somebody flushes, or closes the recorder: from then on the pauses start anew.
    async fn pause(&self) {
        let since_closed = self.closing_failures;
        let failures = if since_closed > 0 {
            since_closed
        } else {
            self.failures
        };
        let pause = crate::db::jittered(self.shared.options.pause(failures));
        if self.shared.is_closed() {
            tokio::time::sleep(pause).await;
            return;
        }
        let mut closing = self.shared.closing.subscribe();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = closing.wait_for(Option::is_some) => {}
            () = self.shared.hurry.notified() => {}
        }
    }

    async fn condemn(&mut self, row: &S::Row, failure: &Failure) -> bool {
        match failure {
            Failure::Error(error) => {
                let source = std::error::Error::source(error);
                let reason =
                    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
                self.bury(row, error.code(), &reason).await
            }
            Failure::Panicked | Failure::OutOfTime => {
                self.bury(row, "panicked", "the sink panicked").await
            }
        }
    }

    /// Moves a row to `error_log`. `false`: the shutdown gave up before the database was back.
    async fn bury(&mut self, row: &S::Row, code: &str, reason: &str) -> bool {
        let name = self.shared.options.name;
        let described = std::panic::catch_unwind(AssertUnwindSafe(|| self.sink.describe(row)));
        let mut letter = DeadLetter::new(name, code, reason, described.unwrap_or_default());
        tracing::warn!(
            recorder = name,
            code,
            "a row cannot be written and goes to error_log"
        );
        loop {
            match letter.write(&self.db).await {
                Ok(()) => {
                    self.recovered();
                    break;
                }
                Err(error) if is_away(&error) || error.is_retryable() => {
                    if self.failed(&error, true) {
                        return false;
                    }
                    self.pause().await;
                }
                Err(error) => {
                    letter.log(&error);
                    break;
                }
            }
        }
        add(&self.shared.counters.poisoned, 1);
        true
    }

    fn publish(&self) {
        let first = self.held.iter().map(|(_, entry)| entry.seq).min();
        let stuck = self.held.iter().any(|(_, entry)| entry.stuck > 0);
        let settled = self.shared.settled(first);
        self.shared.progress.send_modify(|now| {
            now.settled = settled;
            now.stuck = stuck;
        });
    }

    /// Counts what is left.
    fn give_up(&mut self) {
        let left = self.held.len() + self.shared.take(usize::MAX).len();
        self.held.clear();
        add(&self.shared.counters.unwritten, left);
        tracing::error!(
            recorder = self.shared.options.name,
            rows = left,
            "the database was away for too long: these rows were not written"
        );
    }
}

/// Nothing that the rows could be blamed for: no connection, no room, no memory, a broken disk.
fn is_away(error: &Error) -> bool {
    match error {
        Error::DatabaseUnavailable(_) => true,
        Error::Database(source) => {
            sqlstate(source).is_some_and(|state| state.starts_with("53") || state.starts_with("58"))
        }
        _ => false,
    }
}

/// The second half first: the last one pushed is the next one written.
fn halves(part: Range<usize>) -> [Range<usize>; 2] {
    let middle = part.start + part.len() / 2;
    [middle..part.end, part.start..middle]
}

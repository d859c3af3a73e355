//! Extracting in the background.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::extract::{ExtractionOptions, extract_batch};
use super::model::embed_missing;
use crate::embedding::{Embedder, PROMPT_DIMENSIONS};
use crate::{Db, Error};

/// How often `pml serve` extracts.
pub const EVERY: Duration = Duration::from_mins(5);
/// How far a round looks back behind the beginning of the one before: longer than a transaction that writes an execution can be open.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// How often a round looks through everything, in case one was open longer all the same.
const WHOLE: TimeDelta = TimeDelta::hours(24);

/// The background work. It ends with [`stop`](Self::stop), or when this is dropped.
#[derive(Debug)]
pub struct ExtractionTask {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl ExtractionTask {
    /// Lets the batch in hand come to its end, and waits for it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the extraction of patterns ended badly");
        }
    }
}

/// Extracts at once and then every `every`, until it is stopped. A round that fails is logged, and the next one takes up what it left.
///
/// Several instances can do so on one database; and with the single connection of the embedded one it takes turns with everyone else, batch by batch. The first
/// round, and one a day, looks through all executions that are kept; the others only at what changed since.
pub fn schedule_extraction(
    db: Db,
    prompts: Arc<dyn Embedder<PROMPT_DIMENSIONS>>,
    every: Duration,
) -> ExtractionTask {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut horizon = Horizon::default();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            let begun = Utc::now();
            match round(&db, prompts.as_ref(), horizon.since(begun), &stopped).await {
                Ok(true) => horizon.caught_up(begun),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, code = error.code(), "patterns were not extracted");
                }
            }
        }
    });
    ExtractionTask { stop, task }
}

/// Batches until nothing is left (`true`) or until it is to stop.
async fn round(
    db: &Db,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
    since: Option<DateTime<Utc>>,
    stopped: &watch::Receiver<bool>,
) -> Result<bool, Error> {
    let mut options = ExtractionOptions {
        since,
        ..ExtractionOptions::default()
    };
    loop {
        // A dropped task counts as stopped.
        if *stopped.borrow() || stopped.has_changed().is_err() {
            return Ok(false);
        }
        let batch = extract_batch(db, prompts, &options).await?;
        if batch.traces > 0 {
            tracing::info!(?batch, "patterns extracted");
        }
        options.since = options.since.max(batch.reached);
        if batch.finished {
            break;
        }
    }
    embed_missing(db, prompts).await?;
    Ok(true)
}

/// From where a round looks.
#[derive(Debug, Default)]
struct Horizon {
    caught_up: Option<DateTime<Utc>>,
    whole: Option<DateTime<Utc>>,
}

impl Horizon {
    fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match (self.caught_up, self.whole) {
            (Some(caught_up), Some(whole)) if now - whole < WHOLE => Some(caught_up - OVERLAP),
            _ => None,
        }
    }

    fn caught_up(&mut self, begun: DateTime<Utc>) {
        if self.since(begun).is_none() {
            self.whole = Some(begun);
        }
        self.caught_up = Some(begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_looks_back_to_the_one_before_and_once_a_day_to_the_beginning() {
        let start = Utc::now();
        let mut horizon = Horizon::default();
        assert_eq!(horizon.since(start), None);
        horizon.caught_up(start);
        let later = start + TimeDelta::minutes(5);
        assert_eq!(horizon.since(later), Some(start - OVERLAP));
        horizon.caught_up(later);
        assert_eq!(
            horizon.since(start + TimeDelta::hours(2)),
            Some(later - OVERLAP)
        );
        assert_eq!(horizon.since(start + WHOLE), None);
    }
}

//! Retention at regular times, inside a process that serves.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Done, Policy, RunOptions, run};
use crate::Db;

/// Runs policies again and again until it is stopped. Several instances may do so on one database: they share the work.
///
/// The first run comes after one interval, not at the start.
#[derive(Debug)]
pub struct Scheduler {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Scheduler {
    /// Starts on the current runtime. Each wait is the interval, a tenth more or less, so that instances which started together drift apart.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(db: Db, policies: Vec<Policy>, every: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(keep_running(db, policies, every, stopped));
        Self { stop, task }
    }

    /// Ends after the batch that is being worked on, and waits for it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the retention schedule ended early");
        }
    }
}

async fn keep_running(
    db: Db,
    policies: Vec<Policy>,
    every: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let options = RunOptions {
        stop: Some(stopped.clone()),
        ..RunOptions::default()
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(spread(every)) => {}
            // Also when the scheduler was dropped.
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        match run(&db, &policies, &options).await {
            Ok(done) => done.iter().filter(|done| done.batches > 0).for_each(report),
            // The next run starts where this one failed.
            Err(error) => {
                tracing::warn!(%error, code = error.code(), "retention did not finish; it is tried again at its next time");
            }
        }
    }
}

fn report(done: &Done) {
    tracing::info!(
        policy = done.policy,
        table = done.table,
        removed = done.removed,
        skipped = done.skipped,
        busy = done.busy,
        batches = done.batches,
        "retention"
    );
}

/// The time, a tenth more or less.
pub fn spread(every: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos());
    every.mul_f64(0.9 + f64::from(nanos % 1_000) / 5_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_about_the_interval() {
        let every = Duration::from_secs(100);
        for _ in 0..50 {
            let wait = spread(every).as_secs();
            assert!((90..=110).contains(&wait), "{wait}");
        }
    }
}

//! How a recorder behaves.

use std::time::Duration;

/// What happens to a row for which the queue has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// [`record`](super::Recorder::record) waits until there is room: nothing is lost, the caller is slowed down.
    Wait,
    /// The row is dropped and counted: the caller is never slowed down.
    Drop,
}

/// How a [`Recorder`](super::Recorder) behaves.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// What is recorded, for logs and `error_log`.
    pub name: &'static str,
    /// Most rows that are kept in memory, those that are being written included. At least 1.
    pub capacity: usize,
    /// Most rows of one write. At least 1 and at most `capacity`.
    pub batch: usize,
    /// How long a row waits for others at most.
    pub interval: Duration,
    /// What happens when the queue is full.
    pub overflow: Overflow,
    /// How often a write is tried before a batch with a row that meets a lock is cut in halves, a [`flush`](super::Recorder::flush) says that the database is away, and a
    /// [`shutdown`](super::Recorder::shutdown) gives up. At least 1.
    pub attempts: u32,
    /// How often a row is tried again that its sink called not yet writable, before it counts as poisoned.
    pub not_yet_attempts: u32,
    /// Pause after a first failure; doubled after each further one.
    pub first_pause: Duration,
    /// The longest pause between two tries.
    pub longest_pause: Duration,
    /// How long a shutdown writes before it gives up.
    pub drain: Duration,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self {
            name: "recorder",
            capacity: 10_000,
            batch: 500,
            interval: Duration::from_millis(100),
            overflow: Overflow::Wait,
            attempts: 5,
            not_yet_attempts: 5,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(5),
            drain: Duration::from_secs(30),
        }
    }
}

impl RecorderOptions {
    /// The defaults, under a name of its own.
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Numbers that work together.
    pub(super) fn checked(mut self) -> Self {
        self.capacity = self.capacity.clamp(
            1,
            tokio::sync::Semaphore::MAX_PERMITS.min(u32::MAX as usize),
        );
        self.batch = self.batch.clamp(1, self.capacity);
        self.attempts = self.attempts.max(1);
        self
    }

    /// The pause after so many failures.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
        self.first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let options = RecorderOptions::default();
        let pauses = [1, 2, 3, 8, 1_000].map(|failures| options.pause(failures).as_millis());
        assert_eq!(pauses, [50, 100, 200, 5_000, 5_000]);
    }

    #[test]
    fn a_batch_is_never_larger_than_the_queue() {
        let options = RecorderOptions {
            capacity: 3,
            batch: 500,
            attempts: 0,
            ..RecorderOptions::default()
        }
        .checked();
        assert_eq!((options.batch, options.attempts), (3, 1));
    }
}

//! How many statements ran, and how long they took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One statement that ran.
#[derive(Clone, Copy, Debug)]
pub struct StatementInfo<'a> {
    /// Its text, with `$n` for the values.
    pub sql: &'a str,
    /// From sending it to the end of its answer, the wait for a free connection included.
    pub elapsed: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// Called after each statement. Runs on the task of the caller: be quick.
pub type StatementHook = Arc<dyn Fn(&StatementInfo<'_>) + Send + Sync>;

/// Running counts of one [`Db`](crate::Db). Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct StatementStats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    statements: AtomicU64,
    failed: AtomicU64,
    microseconds: AtomicU64,
}

/// Counts at one moment, or between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Statements that ended.
    pub statements: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Their time together.
    pub elapsed: Duration,
}

impl StatementStats {
    /// Statements so far.
    pub fn count(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// All counts so far.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            statements: self.count(),
            failed: self.0.failed.load(Ordering::Relaxed),
            elapsed: Duration::from_micros(self.0.microseconds.load(Ordering::Relaxed)),
        }
    }

    /// What happened since `earlier`.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let now = self.snapshot();
        Snapshot {
            statements: now.statements.saturating_sub(earlier.statements),
            failed: now.failed.saturating_sub(earlier.failed),
            elapsed: now.elapsed.saturating_sub(earlier.elapsed),
        }
    }

    pub(super) fn record(&self, statement: &StatementInfo<'_>) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
        self.0
            .failed
            .fetch_add(u64::from(statement.failed), Ordering::Relaxed);
        let microseconds = u64::try_from(statement.elapsed.as_micros()).unwrap_or(u64::MAX);
        self.0
            .microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_between_two_moments_leave_out_what_was_before() {
        let stats = StatementStats::default();
        let run = |failed| {
            stats.record(&StatementInfo {
                sql: "SELECT 1",
                elapsed: Duration::from_millis(2),
                failed,
            });
        };
        run(false);
        let start = stats.snapshot();
        run(true);
        run(false);
        assert_eq!(
            stats.since(&start),
            Snapshot {
                statements: 2,
                failed: 1,
                elapsed: Duration::from_millis(4)
            }
        );
        assert_eq!(stats.count(), 3);
    }
}

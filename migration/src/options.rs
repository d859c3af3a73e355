//! What a caller can choose, and what it gets back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Direction;

/// Called at the start and at the end of each step.
pub type OnStep = Arc<dyn Fn(&Progress) + Send + Sync>;

/// How to run.
#[derive(Clone)]
pub struct Options {
    /// Skip the lock: nothing else can reach this database. For the embedded one, which serves a single connection and
    /// whose folder lock already excludes other processes. Everything then works on a pool of exactly one.
    pub exclusive: bool,
    /// How long to wait for another migrator. Default 10 minutes.
    pub lock_timeout: Duration,
    /// Progress, for a bar or a log.
    pub on_step: Option<OnStep>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclusive: false,
            lock_timeout: Duration::from_mins(10),
            on_step: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("exclusive", &self.exclusive)
            .field("lock_timeout", &self.lock_timeout)
            .field("on_step", &self.on_step.is_some())
            .finish()
    }
}

impl Options {
    pub(crate) fn report(&self, progress: &Progress) {
        if let Some(on_step) = &self.on_step {
            on_step(progress);
        }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Recorded name of the step.
    pub name: String,
    /// Its readable title.
    pub title: String,
    /// Which way it runs.
    pub direction: Direction,
    /// Position in this run, from 1.
    pub number: usize,
    /// Steps in this run.
    pub total: usize,
    /// Time the step took; `None` when it starts.
    pub finished: Option<Duration>,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The steps that ran, in the order they ran.
    pub steps: Vec<Done>,
    /// Wall clock of the whole run, waiting for the lock included.
    pub elapsed: Duration,
}

impl Report {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Names of the steps that ran, in order.
    pub fn names(&self) -> Vec<&str> {
        self.steps.iter().map(|done| done.name.as_str()).collect()
    }
}

/// One step that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Recorded name of the step.
    pub name: String,
    /// Which way it ran.
    pub direction: Direction,
    /// How long it took.
    pub elapsed: Duration,
}

//! Numbers about executions: how agents and patterns do, what fails, what is worth an alarm.
//!
//! As for [`read`](super::read), the policies of the database decide what is counted. Two of the answers, [`dashboard`] and [`agents`],
//! read every execution; for the service they come from a snapshot that [`refresh_snapshots`] takes, and say how old it is.

mod agents;
mod alerts;
mod chains;
mod dashboard;
mod developer;
mod duration;
mod errors;
mod events;
mod patterns;
mod snapshot;
mod usage;

pub use agents::agents;
pub use alerts::{Alert, AlertKind, AlertLimits, MAX_ALERTS, alerts};
pub use chains::chains;
pub use dashboard::dashboard;
pub use developer::{DeveloperMetrics, developer_metrics};
pub use duration::print_duration;
pub use errors::{ErrorFilter, ErrorSummary, TimeRange, errors};
pub use events::{EventFilter, EventKind, EventStream, StreamEvent, TimeSpan, events};
pub use patterns::{PatternFilter, patterns};
pub use snapshot::{
    MAX_SNAPSHOT_AGE, Measured, Refresh, RefreshSchedule, refresh_snapshots, schedule_refresh,
};
pub use usage::{Day, Trend, UsageTrend, pattern_usage};

use super::TraceabilityError;
use crate::Error;

fn invalid(field: &'static str, problem: impl Into<String>) -> Error {
    TraceabilityError::InvalidField {
        field,
        problem: problem.into(),
    }
    .into()
}

/// A text to compare a column with.
fn comparable<'a>(field: &'static str, text: Option<&'a String>) -> Result<Option<&'a str>, Error> {
    match text.map(String::as_str) {
        Some(text) if text.contains('\0') => {
            Err(invalid(field, "must not contain a null character"))
        }
        text => Ok(text),
    }
}

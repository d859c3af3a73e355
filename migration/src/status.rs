//! What is applied, what is not, and what does not fit. Reads only; no rights beyond SELECT are needed.

use std::fmt;

use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, DbErr};

use crate::engine::Engine;
use crate::ledger::Recorded;
use crate::step;

/// Where a step stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Applied, with the SQL of this build.
    Applied,
    /// Not applied yet (or, without a transaction, begun and not ended).
    Pending,
    /// Applied with other SQL than this build holds.
    Changed,
    /// Applied, but this build does not hold it.
    Missing,
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` honours a width.
        f.pad(match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Changed => "changed",
            Self::Missing => "missing",
        })
    }
}

/// One line of the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepStatus {
    /// Recorded name.
    pub name: String,
    /// Readable title.
    pub title: String,
    /// Where it stands.
    pub state: StepState,
    /// When it was applied here (to the second).
    pub applied_at: Option<DateTimeUtc>,
}

impl Engine<'_> {
    /// Every step of this build in order, then applied ones it does not hold.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn status<C: ConnectionTrait>(&self, db: &C) -> Result<Vec<StepStatus>, DbErr> {
        let mut recorded = Recorded::read(db).await?;
        let mut lines = Vec::with_capacity(self.steps().len());
        for step in self.steps() {
            let changed = recorded.changed(*step).is_some();
            let applied_at = recorded.applied.remove(step.name());
            let state = match (applied_at, changed) {
                (None, _) => StepState::Pending,
                (Some(_), false) => StepState::Applied,
                (Some(_), true) => StepState::Changed,
            };
            lines.push(line(step.name(), state, applied_at));
        }
        lines.extend(
            recorded
                .applied
                .iter()
                .map(|(name, at)| line(name, StepState::Missing, Some(*at))),
        );
        Ok(lines)
    }

    /// Names of the steps that are not applied, in order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn pending<C: ConnectionTrait>(&self, db: &C) -> Result<Vec<String>, DbErr> {
        let recorded = Recorded::read(db).await?;
        Ok(self
            .steps()
            .iter()
            .map(|step| step.name().to_owned())
            .filter(|name| !recorded.applied.contains_key(name))
            .collect())
    }
}

fn line(name: &str, state: StepState, applied_at: Option<i64>) -> StepStatus {
    StepStatus {
        name: name.to_owned(),
        title: step::title(name),
        state,
        applied_at: applied_at.and_then(|seconds| DateTimeUtc::from_timestamp(seconds, 0)),
    }
}

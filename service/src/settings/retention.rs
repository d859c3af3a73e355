//! How long rows are kept.

use serde::{Deserialize, Serialize};

/// How long rows are kept, and when `pml serve` looks. What the days mean: [`traceability`](crate::traceability::RetentionLimits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Whether `pml serve` carries the policies out by itself. The commands do it in any case.
    pub enabled: bool,
    /// How often it does, in minutes, 1–43,200.
    pub interval_minutes: u32,
    /// After how many days traces are archived, 1–36,500.
    pub trace_days: u32,
    /// After how many days uses of patterns are deleted, 1–36,500.
    pub usage_days: u32,
    /// After how many days without use patterns that do not work are deleted, 1–36,500.
    pub idle_days: u32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_minutes: 60,
            trace_days: 90,
            usage_days: 180,
            idle_days: 30,
        }
    }
}

impl RetentionSettings {
    /// The longest interval: 30 days.
    pub const MAX_INTERVAL_MINUTES: u32 = 43_200;
    /// The longest time that rows can be kept for: a hundred years.
    pub const MAX_DAYS: u32 = 36_500;

    /// The first value that cannot be meant.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=Self::MAX_INTERVAL_MINUTES).contains(&self.interval_minutes) {
            return Some(("retention.interval_minutes", "must be between 1 and 43200"));
        }
        let days = [
            ("retention.trace_days", self.trace_days),
            ("retention.usage_days", self.usage_days),
            ("retention.idle_days", self.idle_days),
        ];
        days.into_iter()
            .find(|(_, days)| !(1..=Self::MAX_DAYS).contains(days))
            .map(|(key, _)| (key, "must be between 1 and 36500"))
    }
}

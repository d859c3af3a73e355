//! Area `telemetry`: what was measured, what went wrong, and small settings.

pub mod config;
pub mod error_log;
pub mod metrics;

//! Numbers about executions: the views, the snapshots and the questions that are asked of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../traceability_read/given.rs"]
#[allow(dead_code, reason = "shared with the tests of reading")]
mod given;

mod alerts;
mod events;
mod monitoring;
mod patterns;
mod snapshots;
mod views;

//! Merging capabilities, what they may touch, and who decided that: sections 11 and 16 of the spec of capabilities.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod escalation;
mod escalation_races;
mod fixture;
mod merge;
mod merge_code;
mod merge_edges;
mod merge_races;
mod merge_shared;
mod merge_waits;
mod permissions;

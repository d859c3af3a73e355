//! Saving code that ran, counting its uses, and the edges between capabilities.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod atomicity;
mod bounds;
mod children;
mod columns;
mod concurrency;
mod cycles;
mod dependencies;
mod given;
mod learning;
mod limits;
mod names;
mod tool_ids;
mod usage;

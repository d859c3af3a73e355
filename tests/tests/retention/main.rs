//! Old rows: what is due, what stays, and that removing it disturbs nobody.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod at_once;
mod batches;
mod counts;
mod fixture;
mod limits;
mod planning;
mod schedule;
mod together;

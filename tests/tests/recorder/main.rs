//! The write-behind recorder, with a real table behind it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod basics;
mod cable;
mod fixture;
mod outage;
mod overflow;
mod poison;
mod retries;

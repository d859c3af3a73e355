//! Learning from executions: what is extracted and by whom, which patterns are found, and what replays count.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers of these tests are small"
)]

mod chains;
mod data;
mod extraction;
mod failures;
mod functions;
mod matching;
mod replays;
mod workers;

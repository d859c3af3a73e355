//! Finding capabilities: by intent, by tools, by what goes with them; their ids and vectors; and the cache in front of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers of these tests are small"
)]

mod cached;
mod context;
mod data;
mod ids;
mod intent;
mod matching;
mod plans;
mod related;
mod scope;

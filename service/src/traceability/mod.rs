//! What became of a prompt: routing, hooks, calls, outcome; and replaying what worked.
//!
//! One correlation id tells the whole story of an execution. Writing never has to wait (the recorder), reading takes a constant
//! number of statements, and who sees what is decided by the policies of the database: run these functions inside
//! `Db::as_principal` to read as somebody.

mod error;
mod retention;

pub use error::TraceabilityError;
pub use retention::{Retained, RetentionLimits, apply_retention, retention_policies};

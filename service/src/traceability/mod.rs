//! What became of a prompt: routing, hooks, calls, outcome; and replaying what worked.
//!
//! One correlation id tells the whole story of an execution. Writing never has to wait (the recorder), reading takes a constant
//! number of statements, and who sees what is decided by the policies of the database: run these functions inside
//! `Db::as_principal` to read as somebody.

pub mod analytics;
mod context;
mod error;
mod layer;
pub mod learning;
pub mod read;
mod recorder;
mod retention;
pub mod rules;
mod sanitize;
mod write;

pub use context::{
    CORRELATION_HEADER, DELEGATION_SOURCE, EXECUTION_HEADER, GivenIds, PARENT_HEADER, ROOT_HEADER,
    SESSION_HEADER, SOURCE_HEADER, TRACEPARENT_HEADER, TraceContext,
};
pub use error::TraceabilityError;
pub use layer::{RecordedBody, TraceFuture, TraceLayer, TraceService};
pub use recorder::{TraceEvent, TraceRecorder};
pub use retention::{Retained, RetentionLimits, apply_retention, retention_policies};
pub use sanitize::{REDACTED, Sanitizer};
pub use write::{
    CLOCK_SKEW_MS, Completed, Completion, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_LABELS,
    MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_TEXT_BYTES, NewEndpointCall, NewHook, NewRouting, NewTrace,
    Started, complete, endpoint, hook, route, start,
};

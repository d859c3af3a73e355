//! Writing an execution down while the caller waits: start, route, hook, endpoint, complete.
//!
//! Who does not want to wait records through `TraceRecorder`. Both take the same input, check it the same way and write the same
//! rows: documents lose their secrets ([`Sanitizer::hardened`](super::Sanitizer::hardened)), times are kept to the microsecond, durations in
//! whole milliseconds.
//!
//! Every write takes an optional id. With it a retry is harmless: the same content again answers what is stored.

mod check;
mod complete;
mod endpoint;
mod hook;
mod record;
mod route;
mod start;
mod times;

use sea_orm::prelude::Json;

pub use check::{
    MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_LABELS, MAX_NAME_BYTES, MAX_PATH_BYTES,
    MAX_TEXT_BYTES,
};
pub use complete::{Completed, Completion, complete};
pub use endpoint::{NewEndpointCall, endpoint};
pub use hook::{NewHook, hook};
pub use route::{NewRouting, route};
pub use start::{NewTrace, Started, start};

pub(super) use complete::CompletionRow;
pub(super) use endpoint::CallRow;
pub(super) use hook::HookRow;
pub(super) use record::texts;
pub(super) use route::RoutingRow;
pub(super) use start::StartRow;
pub(super) use times::Skew;

/// The statements that write many rows, one per kind. Each takes rows of [`texts`] as `$1`.
pub(super) mod bulk {
    pub(crate) use super::complete::bulk_sql as completion_sql;
    pub(crate) use super::endpoint::bulk_sql as call_sql;
    pub(crate) use super::hook::bulk_sql as hook_sql;
    pub(crate) use super::route::bulk_sql as routing_sql;
    pub(crate) use super::start::guess_sql;

    pub(crate) fn start_sql() -> String {
        super::start::start_sql("t.id")
    }
}

/// Key that says by how many milliseconds an end was moved to its beginning.
pub const CLOCK_SKEW_MS: &str = "clock_skew_ms";

/// Notes in a document by how much an end was moved.
fn note_skew(document: &mut Option<Json>, skew_ms: Option<i64>) {
    let Some(skew_ms) = skew_ms else {
        return;
    };
    match document {
        Some(Json::Object(object)) => {
            object.insert(CLOCK_SKEW_MS.to_owned(), skew_ms.into());
        }
        // What is no object is kept beside the note.
        other => {
            let mut object = serde_json::Map::new();
            if let Some(value) = other.take() {
                object.insert("value".to_owned(), value);
            }
            object.insert(CLOCK_SKEW_MS.to_owned(), skew_ms.into());
            *other = Some(Json::Object(object));
        }
    }
}

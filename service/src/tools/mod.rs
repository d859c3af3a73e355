//! Which tools exist, and finding the right one.
//!
//! Tools belong to no user: what a server offers is the same for everyone, so these functions take no [`Principal`](crate::Principal).
//!
//! * [`sync_server`] takes the list that a server offers and stores the difference.
//! * [`search`] finds tools by meaning, or by their letters when no embedding can be made.
//! * [`get`], [`list`], [`remove`] work on single tools.
//! * [`register_operations`] stores the built-in operations beside them, [`ensure_unresolved`] a row for each tool that is only referred to.
//!
//! **Ids.** A tool is `{server_id}:{name}`; both parts are 1–256 characters of `A-Z a-z 0-9 _ . -`.
//!
//! **Embeddings.** What is embedded is `name | description`; the model is stored with the vector, and vectors of two models never stand side
//! by side ([`Error::MixedModels`](crate::Error::MixedModels)).

mod definition;
mod operations;
mod read;
mod search;
mod search_sql;
mod store;
mod sync;
mod write;

pub use definition::{Rejected, ToolDefinition, validate_server_id};
pub use operations::{Operation, ensure_unresolved, register_operations};
pub use read::{ListFilter, get, list, remove};
pub use search::{
    DEFAULT_LIMIT, SearchMode, SearchRequest, SearchResponse, SearchTarget, ToolHit, search,
};
pub use sync::{OnSync, SyncOptions, SyncProgress, SyncReport, SyncStage, sync_server};

//! Learned code: saving it, finding it again by intent or by name, who may see it, and what it may touch.
//!
//! **Two ids.** A capability has a registry entry ([`CapabilityId`](pml_entity::values::CapabilityId), what people and graph nodes use)
//! and a pattern ([`PatternId`](pml_entity::values::PatternId): its code, its vector, its statistics, what foreign keys use). They are
//! different UUIDs; [`ids`] converts between them, and no function takes the one for the other.
//!
//! **Who.** Every function takes a [`Principal`](crate::Principal). What it may not see does not exist for it: a hidden capability is
//! answered exactly like an unknown one.

mod access;
mod cached;
pub mod code;
pub mod dependencies;
mod embeddings;
mod error;
pub mod glob;
pub mod ids;
mod list;
mod merge;
pub mod permissions;
mod read;
mod reference;
mod register;
mod rename;
pub mod routing;
mod save;
mod search;
mod signature;
pub mod tool_id;
mod usage;

pub use access::{Owned, can_change, can_see};
pub use cached::CachedCapabilities;
pub use embeddings::{CapabilityEmbedding, Embeddings, embeddings_of};
pub use error::CapabilityError;
pub use list::{ListFilter, Sort, Summary, list};
pub use merge::{CodeSource, Merged, merge};
pub use read::{Details, get};
pub use reference::{Reference, Resolved, resolve, resolve_for_change, resolve_many};
pub use register::{Deleted, NewRecord, delete, register};
pub use rename::{Rename, Renamed, reembed, rename, validate_name, validate_tags};
pub use save::{
    Learned, MAX_CODE_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTENT_BYTES, MAX_INVOCATIONS,
    MAX_TOOL_CHARS, MAX_TOOLS, SaveRequest, Saved, learn, save,
};
pub use search::{
    Alternative, CoOccurring, ContextHit, ContextOptions, Follower, Hit, HitWithDependencies,
    Match, MatchOptions, SearchRequest, SearchResponse, SearchWithDependencies, alternatives,
    best_match, by_context, co_occurring, reliability, search, search_with_dependencies,
};
pub use signature::{Verification, Verified, verify};
pub use usage::{Outcome, Totals, record_use, record_use_by_hash, totals};

//! The JSON documents that `jsonb` columns hold.
//!
//! Each tolerates missing keys and `null` on read and keeps keys it does not know, so that reading a row and writing it back
//! loses nothing. Constructors and `validate` refuse what the rules forbid. Where a document's shape depends on another
//! party (a tool's result, an algorithm's signals of tomorrow), that part stays plain JSON.

mod capability;
mod column;
mod episode;
mod execution;
mod learning;
mod schema;
mod scoring;
mod tool;
mod traceability;
mod workflow;

pub use capability::{CacheConfig, DagStructure};
pub use episode::{EpisodeData, EpisodeDecision, EpisodePrediction, EpisodeResult};
pub use execution::{
    BranchDecision, BranchDecisions, InitialContext, LogicalOperation, LoopType, TaskResult,
    TaskResults,
};
pub use learning::{ContextHash, ContextKeys, EntropyByOrder};
pub use schema::{InvalidSchema, JsonSchema};
pub use scoring::{AlgorithmOutcome, AlgorithmParams, AlgorithmSignals, UserAction};
pub use tool::ToolEmbeddingMetadata;
pub use traceability::{
    EndpointPattern, EndpointStep, HookSequence, HookStep, RagQuery, RoutingAlternative,
    RoutingAlternatives,
};
pub use workflow::WorkflowState;

use serde::{Deserialize, Deserializer};

/// Keys of a document that its type does not know.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// A document that breaks a rule its type cannot express.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {document}: {reason}")]
pub struct InvalidDocument {
    /// Name of the document, as the Rust type spells it.
    pub document: &'static str,
    /// The rule it breaks, naming the key.
    pub reason: String,
}

impl InvalidDocument {
    fn new(document: &'static str, reason: impl Into<String>) -> Self {
        Self {
            document,
            reason: reason.into(),
        }
    }
}

/// Reads `null` like a missing key.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

//! Typed values: what a column holds, so that nobody passes a tool name where a server id belongs.
//!
//! Three rules hold for all of them:
//! * **Input is checked**: constructors, `FromStr`, `TryFrom` and serde refuse what the type does not allow.
//! * **Stored text is readable**: a row that an older system wrote never fails to load because an id or a hash in it breaks
//!   today's rule. Closed word sets are the exception: the database itself guarantees them by a CHECK.
//! * **JSON documents lose nothing**: missing keys read as their defaults, unknown keys survive a read and a write.

pub mod documents;
mod embedding;
mod fqdn;
mod hashes;
mod ids;
mod score;
mod secret;
mod text_enum;
mod text_ids;
mod text_value;
mod words;

pub use documents::{
    AlgorithmOutcome, AlgorithmParams, AlgorithmSignals, BranchDecision, BranchDecisions,
    CacheConfig, ContextHash, ContextKeys, DagStructure, EndpointPattern, EndpointStep,
    EntropyByOrder, EpisodeData, HookSequence, HookStep, InitialContext, InvalidDocument,
    InvalidSchema, JsonSchema, LoopType, RagQuery, RoutingAlternative, RoutingAlternatives,
    TaskResult, TaskResults, ToolEmbeddingMetadata, UserAction, WorkflowState,
};
pub use embedding::{DIMENSIONS, Embedding, EmbeddingOf, InvalidEmbedding, TraceabilityEmbedding};
pub use fqdn::{Fqdn, FqdnPart, InvalidFqdn};
pub use hashes::{CodeHash, ContentHash, InvalidHash, ShortHash};
pub use ids::{
    AgentChainId, AlgorithmTraceId, AuditId, CapabilityId, CorrelationId, EndpointCallId,
    EntropyId, ErrorLogId, ErrorPatternId, ExecutionId, ExecutionTraceId, HookExecutionId,
    MetricId, NameChangeId, PatternId, PatternUsageId, RoutingDecisionId, SessionId, ShgatParamsId,
    SuccessPatternId, SuccessPatternRowId, TraceId, UserId,
};
pub use score::{InvalidScore, Score};
pub use secret::ApiKeyHash;
pub use text_enum::UnknownWord;
pub use text_ids::{
    CheckpointId, EpisodeId, InvalidId, MAX_ID_CHARS, ServerId, ToolId, WorkflowId,
};
pub use words::{
    AlgorithmMode, AlgorithmName, Decision, DetectedOperation, EdgeSource, EdgeType, ErrorCategory,
    ErrorType, EventType, ExtractionResult, HealthStatus, HookStatus, PatternSource, PermissionSet,
    Routing, Severity, TargetType, ToolKind, TraceStatus, UsageOutcome, UserRole, Visibility,
};

//! One execution that is traced: from the prompt to its outcome.
//!
//! Not to be confused with [`execution_trace`](crate::execution::execution_trace), a run of learned code. No column may be generated or
//! come anywhere but last: the [archive](super::execution_traces_archive) takes rows over as they stand.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{CorrelationId, ExecutionTraceId, SessionId, TraceStatus};

/// One row of `execution_traces`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "execution_traces")]
pub struct Model {
    /// What its parts refer to. Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExecutionTraceId,
    /// What the world knows it by; unique.
    pub correlation_id: CorrelationId,
    /// The first execution of its chain; its own correlation id where it is the first.
    pub root_id: CorrelationId,
    /// The execution that delegated to it. No foreign key: parents are archived before or after their children.
    pub parent_id: Option<CorrelationId>,
    /// The session of the client.
    pub session_id: SessionId,
    /// Whose it is, in the words of the platform. Null: nobody's, and readable by everyone who is signed in.
    #[sea_orm(column_type = "Text", nullable)]
    pub user_id: Option<String>,
    /// What set it off: `user_prompt`, `agent_delegation`, `hook_trigger` and others. Not a closed set.
    #[sea_orm(column_type = "Text")]
    pub source: String,
    /// The prompt; normally on the root only.
    #[sea_orm(column_type = "Text", nullable)]
    pub prompt_text: Option<String>,
    /// When it began: retention and lists go by it. Database default: now.
    pub started_at: DateTimeUtc,
    /// When it ended. Null: it runs, or nobody said.
    pub completed_at: Option<DateTimeUtc>,
    /// How long it took in whole milliseconds, at least 0.
    pub duration_ms: Option<i32>,
    /// How far it is. Database default: in progress.
    pub status: TraceStatus,
    /// Whether it worked, and what readers go by. Null while it runs.
    pub success: Option<bool>,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_message: Option<String>,
    /// Why it failed, as a class such as `timeout`. Not a closed set.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_type: Option<String>,
    /// Anything else; matching reads its key `domain`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub context: Option<Json>,
    /// Labels.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub tags: Option<Vec<String>>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// Which agents it was given to.
    #[sea_orm(has_many)]
    pub routing_decisions: HasMany<super::agent_routing_decisions::Entity>,
    /// The hooks that ran.
    #[sea_orm(has_many)]
    pub hooks: HasMany<super::hook_executions::Entity>,
    /// The services that were called.
    #[sea_orm(has_many)]
    pub endpoint_calls: HasMany<super::endpoint_calls::Entity>,
    /// The patterns that matched its prompt.
    #[sea_orm(has_many)]
    pub pattern_uses: HasMany<super::pattern_usage_log::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! What learning looks at: an execution with what hung on it, reduced to the fields that a rule reads.

use chrono::{DateTime, Utc};
use pml_entity::values::{CorrelationId, SuccessPatternId};
use serde_json::Value;

/// One execution as the rules see it. [`extract_batch`](super::extract_batch) loads a hundred at once; a caller that has assembled an
/// execution already converts it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The execution. `None` only in rules that are tried out by hand.
    pub correlation_id: Option<CorrelationId>,
    /// Whether another execution delegated it.
    pub delegated: bool,
    /// The prompt, or where the execution has none, the request that was routed.
    pub prompt: Option<String>,
    /// The free context.
    pub context: Option<Value>,
    /// When it ended. `None`: it runs, or nobody said.
    pub completed_at: Option<DateTime<Utc>>,
    /// Whether it worked. `None`: no verdict.
    pub success: Option<bool>,
    /// Whether it was given up.
    pub cancelled: bool,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    pub error_type: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i32>,
    /// How the agent was chosen.
    pub routing_strategy: Option<String>,
    /// The pattern that the choice was taken from.
    pub replayed_pattern: Option<SuccessPatternId>,
    /// The agent that was chosen.
    pub agent: Option<String>,
    /// The hooks in their order.
    pub hooks: Vec<ObservedHook>,
    /// The calls in their order.
    pub calls: Vec<ObservedCall>,
    /// What it delegated, from the top down and from left to right; everything below it, not only its own children.
    pub delegations: Vec<Delegation>,
}

/// One hook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedHook {
    /// What it hooks into.
    pub hook_type: String,
    /// The tool that was intercepted.
    pub tool_name: Option<String>,
    /// Whether it completed, and without an error message.
    pub succeeded: bool,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    pub error_type: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i32>,
    /// Whether it asked a retrieval service.
    pub rag_query_performed: bool,
    /// What its quality check found: `violations_found`, `corrections_applied`.
    pub quality_results: Option<Value>,
    /// Intelligence functions that ran.
    pub intelligence_functions: Vec<String>,
    /// Quality gates that passed.
    pub quality_gates: Vec<String>,
}

/// One call of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedCall {
    /// The service.
    pub service: String,
    /// The path.
    pub endpoint: String,
    /// The HTTP method.
    pub method: String,
    /// What was sent.
    pub request_body: Option<Value>,
    /// What came back.
    pub response_body: Option<Value>,
    /// Whether it worked.
    pub success: bool,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    pub error_type: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i32>,
}

/// One execution that was delegated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delegation {
    /// Levels below the execution that is looked at, from 1.
    pub depth: u32,
    /// Its agent.
    pub agent: Option<String>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Observation {
    /// Its agent and those it delegated to, in their order. One after the other of the same name counts once.
    pub fn agent_sequence(&self) -> Vec<String> {
        let mut agents: Vec<String> = self
            .agent
            .iter()
            .chain(
                self.delegations
                    .iter()
                    .filter_map(|step| step.agent.as_ref()),
            )
            .cloned()
            .collect();
        agents.dedup();
        agents
    }

    /// The value of the context's key `domain`; `general` where there is none.
    pub fn domain(&self) -> &str {
        domain(self.context.as_ref())
    }
}

/// The domain that a context names; `general` where it names none.
pub fn domain(context: Option<&Value>) -> &str {
    context
        .and_then(|context| context.get("domain"))
        .and_then(Value::as_str)
        .filter(|domain| !domain.is_empty())
        .unwrap_or("general")
}

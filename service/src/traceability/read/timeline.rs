//! What happened during an execution, in the order of time.

use pml_entity::values::{CorrelationId, Score, TraceStatus};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::DateTimeUtc;
use serde::Serialize;

use super::assemble::{AssembledTrace, get_alone};
use crate::Error;

/// One moment of an execution.
///
/// As JSON: `{"timestamp": …, "event_type": "agent_routed", "data": {"agent": …, "confidence": …}}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineEvent {
    /// When.
    pub timestamp: DateTimeUtc,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event_type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// The execution began.
    PromptSubmitted {
        /// Its prompt; normally only the root has one.
        prompt: Option<String>,
    },
    /// It was given to an agent.
    AgentRouted {
        /// The agent.
        agent: String,
        /// How sure the choice was.
        confidence: Score,
    },
    /// A hook began.
    HookExecuted {
        /// What it hooks into.
        hook_type: String,
        /// The tool that was intercepted.
        tool: Option<String>,
        /// How long it took.
        duration_ms: Option<i32>,
    },
    /// A call began.
    EndpointCalled {
        /// The service.
        service: String,
        /// The path.
        endpoint: String,
        /// The HTTP status; none came back when it is missing.
        status: Option<i32>,
        /// How long it took.
        duration_ms: Option<i32>,
    },
    /// The execution ended.
    ExecutionCompleted {
        /// How.
        status: TraceStatus,
        /// Whether it worked.
        success: Option<bool>,
        /// How long it took.
        total_duration_ms: Option<i32>,
    },
}

impl Event {
    /// The word for it: `prompt_submitted`, `agent_routed`, `hook_executed`, `endpoint_called`, `execution_completed`.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::PromptSubmitted { .. } => "prompt_submitted",
            Self::AgentRouted { .. } => "agent_routed",
            Self::HookExecuted { .. } => "hook_executed",
            Self::EndpointCalled { .. } => "endpoint_called",
            Self::ExecutionCompleted { .. } => "execution_completed",
        }
    }

    const fn at(self, timestamp: DateTimeUtc) -> TimelineEvent {
        TimelineEvent {
            timestamp,
            event: self,
        }
    }
}

impl AssembledTrace {
    /// Its events by time; what it delegated is not among them.
    ///
    /// Events of one moment stand in this order: prompt, routing, hooks, calls, completion. Source: spec of traceability, section 11.2.
    pub fn timeline(&self) -> Vec<TimelineEvent> {
        let trace = &self.trace;
        let mut events = vec![
            Event::PromptSubmitted {
                prompt: trace.prompt_text.clone(),
            }
            .at(trace.started_at),
        ];
        events.extend(self.routing_decision.iter().map(|decision| {
            Event::AgentRouted {
                agent: decision.agent_selected.clone(),
                confidence: decision.confidence_score,
            }
            .at(decision.created_at)
        }));
        events.extend(self.hook_executions.iter().map(|hook| {
            Event::HookExecuted {
                hook_type: hook.hook_type.clone(),
                tool: hook.tool_name.clone(),
                duration_ms: hook.duration_ms,
            }
            .at(hook.started_at)
        }));
        events.extend(self.endpoint_calls.iter().map(|call| {
            Event::EndpointCalled {
                service: call.service_name.clone(),
                endpoint: call.endpoint_path.clone(),
                status: call.response_status,
                duration_ms: call.duration_ms,
            }
            .at(call.started_at)
        }));
        events.extend(trace.completed_at.map(|completed_at| {
            Event::ExecutionCompleted {
                status: trace.status,
                success: trace.success,
                total_duration_ms: trace.duration_ms,
            }
            .at(completed_at)
        }));
        events.sort_by_key(|event| event.timestamp);
        events
    }
}

/// The events of an execution by time. Four statements; what it delegated is not read.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or none that the caller may see.
pub async fn timeline<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
) -> Result<Vec<TimelineEvent>, Error> {
    Ok(get_alone(db, correlation).await?.timeline())
}

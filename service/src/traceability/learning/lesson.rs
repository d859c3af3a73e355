//! What one execution teaches: a pattern, an error, or nothing.

use chrono::{DateTime, Utc};
use pml_entity::values::{
    CorrelationId, EndpointPattern, EndpointStep, ErrorCategory, HookSequence, HookStep, RagQuery,
};
use serde_json::{Map, Value};

use super::criteria::{Criteria, CriteriaLimits};
use super::hash::pattern_hash;
use super::keywords::{intent, keywords};
use super::masking::{StoredPrompt, message_pattern, path_pattern};
use super::observation::{Observation, ObservedCall, ObservedHook};
use super::shape::{request_template, response_schema};

/// Keys of a context that a pattern keeps, where they hold a word.
const CONTEXT_KEYS: [&str; 2] = ["domain", "environment"];
/// Strategies by which a pattern leads to an agent.
const REPLAYS: [&str; 2] = ["learned_pattern", "pattern_replay"];

/// What an execution teaches.
#[derive(Clone, Debug, PartialEq)]
pub enum Lesson {
    /// It was good enough to be repeated.
    Pattern(Box<PatternDraft>),
    /// It failed.
    Error(ErrorSighting),
    /// It neither failed nor opened every gate, or it has no prompt to find it by.
    Nothing,
}

/// A pattern as one execution shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternDraft {
    /// The same for the same steps.
    pub pattern_hash: String,
    /// The execution.
    pub source: CorrelationId,
    /// The prompt as it is stored and embedded; see [`StoredPrompt`].
    pub prompt_text: String,
    /// What it wants.
    pub intent: Option<String>,
    /// Its words.
    pub keywords: Vec<String>,
    /// The agents in their order.
    pub agent_sequence: Vec<String>,
    /// How the first agent was chosen.
    pub routing_strategy: Option<String>,
    /// The hooks that succeeded.
    pub hooks: HookSequence,
    /// The calls that succeeded.
    pub endpoints: EndpointPattern,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// Number of all its hooks.
    pub hook_count: usize,
    /// Number of all its calls.
    pub endpoint_count: usize,
    /// Number of its hooks that asked a retrieval service.
    pub rag_query_count: usize,
    /// How good it was, 0–1.
    pub score: f64,
    /// Domain and environment, where the execution names them.
    pub context: Option<Value>,
    /// Whether it was the replay of a pattern, which [`finish_replay`](super::finish_replay) counts.
    pub is_replay: bool,
}

/// One occurrence of an error.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorSighting {
    /// The class of the error; `unknown` where nobody said.
    pub error_type: String,
    /// Where it comes from, by the words of its class.
    pub category: Option<ErrorCategory>,
    /// What its message looks like.
    pub message_pattern: String,
    /// The kind of hook it happened in.
    pub hook_type: Option<String>,
    /// The endpoint it happened at.
    pub endpoint_path: Option<String>,
    /// Every agent that took part.
    pub agents: Vec<String>,
    /// The execution.
    pub correlation_id: CorrelationId,
    /// When it ended.
    pub occurred_at: DateTime<Utc>,
}

impl Lesson {
    /// Looks at one execution.
    pub fn of(observation: &Observation, limits: &CriteriaLimits, stored: StoredPrompt) -> Self {
        let (Some(id), Some(ended)) = (observation.correlation_id, observation.completed_at) else {
            return Self::Nothing;
        };
        if observation.success == Some(false) && !observation.cancelled {
            return Self::Error(sighting(observation, id, ended));
        }
        let criteria = Criteria::of(observation, limits);
        let prompt = observation
            .prompt
            .as_deref()
            .map(|prompt| stored.apply(prompt))
            .filter(|prompt| !prompt.is_empty());
        match prompt {
            Some(prompt) if criteria.is_successful() => {
                Self::Pattern(Box::new(draft(observation, id, prompt, criteria.score())))
            }
            _ => Self::Nothing,
        }
    }
}

fn draft(
    observation: &Observation,
    source: CorrelationId,
    prompt_text: String,
    score: f64,
) -> PatternDraft {
    let hooks: Vec<HookStep> = observation
        .hooks
        .iter()
        .filter(|hook| hook.succeeded)
        .map(hook_step)
        .collect();
    let endpoints: Vec<EndpointStep> = observation
        .calls
        .iter()
        .filter(|call| call.success)
        .map(endpoint_step)
        .collect();
    let intent = intent(&prompt_text).map(str::to_owned);
    let keywords = keywords(&prompt_text);
    let agent_sequence = observation.agent_sequence();
    let hook_types: Vec<String> = hooks.iter().map(|hook| hook.hook_type.clone()).collect();
    let paths: Vec<String> = endpoints.iter().map(|call| call.endpoint.clone()).collect();
    PatternDraft {
        pattern_hash: pattern_hash(
            intent.as_deref(),
            &keywords,
            &agent_sequence,
            &hook_types,
            &paths,
        ),
        source,
        prompt_text,
        intent,
        keywords,
        agent_sequence,
        routing_strategy: observation.routing_strategy.clone(),
        duration_ms: observation.duration_ms.unwrap_or_default().max(0),
        hook_count: observation.hooks.len(),
        endpoint_count: observation.calls.len(),
        rag_query_count: observation
            .hooks
            .iter()
            .filter(|hook| hook.rag_query_performed)
            .count(),
        score,
        context: context(observation.context.as_ref()),
        is_replay: observation
            .routing_strategy
            .as_deref()
            .is_some_and(|strategy| REPLAYS.contains(&strategy)),
        hooks: HookSequence(hooks),
        endpoints: EndpointPattern(endpoints),
    }
}

fn hook_step(hook: &ObservedHook) -> HookStep {
    let duration_ms = hook.duration_ms.map(i64::from);
    HookStep {
        hook_type: hook.hook_type.clone(),
        tool_name: hook.tool_name.clone().filter(|name| !name.is_empty()),
        intelligence_functions: hook.intelligence_functions.clone(),
        quality_gates: hook.quality_gates.clone(),
        rag_queries: if hook.rag_query_performed {
            // That it asked, and for how long; the question itself belongs to whoever asked it.
            vec![RagQuery {
                typical_duration_ms: duration_ms,
                ..RagQuery::default()
            }]
        } else {
            Vec::new()
        },
        duration_ms,
        ..HookStep::default()
    }
}

fn endpoint_step(call: &ObservedCall) -> EndpointStep {
    EndpointStep {
        service: call.service.clone(),
        endpoint: path_pattern(&call.endpoint),
        method: call.method.clone(),
        request_template: request_template(call.request_body.as_ref()),
        expected_response_schema: response_schema(call.response_body.as_ref()),
        typical_duration_ms: call.duration_ms.map(i64::from),
        ..EndpointStep::default()
    }
}

/// Free contexts hold anything; only the keys that matching reads are for everybody.
fn context(context: Option<&Value>) -> Option<Value> {
    let kept: Map<String, Value> = CONTEXT_KEYS
        .into_iter()
        .filter_map(|key| {
            let word = context?
                .get(key)?
                .as_str()
                .filter(|word| !word.is_empty() && word.len() <= 100)?;
            Some((key.to_owned(), Value::from(word)))
        })
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// The first hook or call that failed says where; the execution says what, or else that hook or call does.
fn sighting(
    observation: &Observation,
    correlation_id: CorrelationId,
    occurred_at: DateTime<Utc>,
) -> ErrorSighting {
    let hook = observation.hooks.iter().find(|hook| !hook.succeeded);
    let call = observation.calls.iter().find(|call| !call.success);
    let first = |own: &Option<String>, of_hook: Option<&String>, of_call: Option<&String>| {
        own.as_ref()
            .or(of_hook)
            .or(of_call)
            .filter(|text| !text.trim().is_empty())
            .cloned()
    };
    let error_type = first(
        &observation.error_type,
        hook.and_then(|hook| hook.error_type.as_ref()),
        call.and_then(|call| call.error_type.as_ref()),
    )
    .unwrap_or_else(|| "unknown".to_owned());
    let message = first(
        &observation.error_message,
        hook.and_then(|hook| hook.error_message.as_ref()),
        call.and_then(|call| call.error_message.as_ref()),
    );
    let mut agents = observation.agent_sequence();
    agents.sort_unstable();
    agents.dedup();
    ErrorSighting {
        category: category(&error_type),
        message_pattern: message
            .map(|message| message_pattern(&message))
            .unwrap_or_default(),
        hook_type: hook.map(|hook| hook.hook_type.clone()),
        endpoint_path: call.map(|call| path_pattern(&call.endpoint)),
        error_type,
        agents,
        correlation_id,
        occurred_at,
    }
}

/// By the words of the class; a person can set another.
fn category(error_type: &str) -> Option<ErrorCategory> {
    let error_type = error_type.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| error_type.contains(word));
    if has(&["timeout", "connection", "network", "dns", "socket"]) {
        Some(ErrorCategory::Network)
    } else if has(&[
        "validation",
        "invalid",
        "schema",
        "parse",
        "value_error",
        "valueerror",
    ]) {
        Some(ErrorCategory::Validation)
    } else if has(&["http", "api", "integration", "service", "upstream"]) {
        Some(ErrorCategory::Integration)
    } else if has(&[
        "memory",
        "disk",
        "system",
        "os_error",
        "oserror",
        "permission",
        "io_error",
    ]) {
        Some(ErrorCategory::System)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    fn good() -> Observation {
        Observation {
            correlation_id: Some(CorrelationId::generate()),
            prompt: Some("Fix the login of ann@example.org".to_owned()),
            context: Some(json!({"domain": "auth", "customer": "ACME"})),
            completed_at: Some(Utc::now()),
            success: Some(true),
            duration_ms: Some(900),
            agent: Some("agent-debug".to_owned()),
            hooks: vec![ObservedHook {
                hook_type: "PreToolUse".to_owned(),
                succeeded: true,
                ..ObservedHook::default()
            }],
            calls: vec![ObservedCall {
                service: "archon-mcp".to_owned(),
                endpoint: "/api/users/42?key=1".to_owned(),
                method: "POST".to_owned(),
                request_body: Some(json!({"query": "secret question"})),
                response_body: Some(json!({"answer": "secret answer"})),
                success: true,
                ..ObservedCall::default()
            }],
            ..Observation::default()
        }
    }

    fn lesson(observation: &Observation) -> Lesson {
        Lesson::of(
            observation,
            &CriteriaLimits::default(),
            StoredPrompt::Masked,
        )
    }

    #[test]
    fn a_pattern_holds_the_shape_of_what_happened_and_no_value() {
        let Lesson::Pattern(draft) = lesson(&good()) else {
            panic!("a pattern");
        };
        assert_eq!(draft.prompt_text, "Fix the login of <email>");
        assert_eq!(draft.context, Some(json!({"domain": "auth"})));
        assert_eq!(draft.endpoints.0[0].endpoint, "/api/users/{id}");
        let all = format!("{draft:?}");
        for value in ["secret", "ann@", "ACME", "key=1"] {
            assert!(!all.contains(value), "{value} in {all}");
        }
    }

    /// Example 39.
    #[test]
    fn a_failed_hook_leaves_no_pattern() {
        let mut observation = good();
        observation.hooks[0].succeeded = false;
        assert_eq!(lesson(&observation), Lesson::Nothing);
    }

    #[test]
    fn without_a_prompt_there_is_no_pattern() {
        let observation = Observation {
            prompt: Some("  ".to_owned()),
            ..good()
        };
        assert_eq!(lesson(&observation), Lesson::Nothing);
    }

    #[test]
    fn a_failure_is_described_by_the_execution_or_else_by_what_failed_in_it() {
        let mut observation = Observation {
            success: Some(false),
            ..good()
        };
        observation.calls[0].success = false;
        observation.calls[0].error_type = Some("connection_error".to_owned());
        observation.calls[0].error_message = Some("no answer from 10.0.0.7:80".to_owned());
        let Lesson::Error(error) = lesson(&observation) else {
            panic!("an error");
        };
        assert_eq!(
            (
                error.error_type.as_str(),
                error.category,
                error.message_pattern.as_str(),
                error.endpoint_path.as_deref()
            ),
            (
                "connection_error",
                Some(ErrorCategory::Network),
                "no answer from <number>",
                Some("/api/users/{id}")
            )
        );
        let cancelled = Observation {
            cancelled: true,
            ..observation
        };
        assert_eq!(lesson(&cancelled), Lesson::Nothing);
    }
}

//! What a routing decision weighed, and the steps that a success pattern is made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, null_as_default};

/// `agent_routing_decisions.alternatives`: the agents that came second to fifth, best first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoutingAlternatives(pub Vec<RoutingAlternative>);

/// An agent that was not chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutingAlternative {
    /// Its name.
    #[serde(deserialize_with = "null_as_default")]
    pub agent: String,
    /// How well it would have fitted, 0..=1.
    #[serde(deserialize_with = "null_as_default")]
    pub confidence: f64,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `success_patterns.hook_sequence`: the hooks that succeeded, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookSequence(pub Vec<HookStep>);

/// One hook of a pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookStep {
    /// What it hooks into, for example `PreToolUse`.
    #[serde(deserialize_with = "null_as_default")]
    pub hook_type: String,
    /// The tool that was intercepted.
    pub tool_name: Option<String>,
    /// Intelligence functions that ran, for example `IC-001`.
    #[serde(deserialize_with = "null_as_default")]
    pub intelligence_functions: Vec<String>,
    /// Quality gates that passed, for example `SV-001`.
    #[serde(deserialize_with = "null_as_default")]
    pub quality_gates: Vec<String>,
    /// Retrieval queries that it made.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub rag_queries: Vec<RagQuery>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One retrieval query of a hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RagQuery {
    /// What kind of question it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_type: Option<String>,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// How long such a query takes, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical_duration_ms: Option<i64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `success_patterns.endpoint_pattern`: the calls that succeeded, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointPattern(pub Vec<EndpointStep>);

/// One call of a pattern. It holds the shape of request and response and no value of either.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointStep {
    /// The service.
    #[serde(deserialize_with = "null_as_default")]
    pub service: String,
    /// The path.
    #[serde(deserialize_with = "null_as_default")]
    pub endpoint: String,
    /// The HTTP method.
    #[serde(deserialize_with = "null_as_default")]
    pub method: String,
    /// The keys of the request.
    pub request_template: Value,
    /// The keys of the response, each with the name of its type.
    pub expected_response_schema: Value,
    /// How long it took, in milliseconds.
    pub typical_duration_ms: Option<i64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_with_missing_keys_read_and_unknown_keys_survive() {
        let stored = json!([{"hook_type": "Stop", "quality_gates": null, "note": 1}]);
        let read: HookSequence = serde_json::from_value(stored).unwrap();
        assert_eq!(read.0[0].quality_gates, Vec::<String>::new());
        let again: HookSequence =
            serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!((again.0[0].extra["note"].clone(), again), (json!(1), read));
        let call: EndpointStep = serde_json::from_value(json!({"service": "rag"})).unwrap();
        assert_eq!(
            (call.service.as_str(), call.request_template),
            ("rag", Value::Null)
        );
    }
}

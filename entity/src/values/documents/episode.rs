//! What an episodic event carries.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, null_as_default};

/// `episodic_events.data`. Which parts are present depends on the event's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpisodeData {
    /// Where the workflow stood: `currentLayer`, `completedTasksCount`, `failedTasksCount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
    /// What was expected to come next; with `speculation_start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<EpisodePrediction>,
    /// How a task ended; with `task_complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<EpisodeResult>,
    /// What was decided; with `ail_decision` and `hil_decision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<EpisodeDecision>,
    /// Anything the producer wants to keep, for example `checkpointId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A tool that was expected to be needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EpisodePrediction {
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_id: Option<String>,
    /// How sure the predictor was, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Whether it was right; absent until known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_correct: Option<bool>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a task ended. The output itself is never stored, only its type and size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EpisodeResult {
    /// `success` or `error`.
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    /// Type and size of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_time_ms: Option<f64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A decision at a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpisodeDecision {
    /// `ail` for the agent, `hil` for a human.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub kind: String,
    /// What was decided: `continue`, `abort`, `replan_success`, `replan_failed`, `replan_rejected`; `approve`, `reject`.
    #[serde(deserialize_with = "null_as_default")]
    pub action: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Whether a human approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stored_events_round_trip() {
        for stored in [
            json!({"prediction": {"toolId": "fs:read", "confidence": 0.75, "reasoning": "next"}}),
            json!({"result": {"status": "error", "executionTimeMs": 12.5, "errorMessage": "gone"}}),
            json!({"decision": {"type": "hil", "action": "approve", "approved": true}, "metadata": {"checkpointId": "c"}}),
            json!({"context": {"currentLayer": 2}, "later": true}),
        ] {
            let read: EpisodeData = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), stored);
        }
    }
}

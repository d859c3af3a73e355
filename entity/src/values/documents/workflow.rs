//! The state that a checkpoint saves.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, InvalidDocument, null_as_default};

/// `workflow_checkpoint.state`: everything a workflow needs to go on after an interruption.
///
/// Messages, tasks and decisions only ever grow; the context is merged key by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowState {
    /// The workflow.
    #[serde(deserialize_with = "null_as_default")]
    pub workflow_id: String,
    /// The layer that ran last, from 0.
    #[serde(deserialize_with = "null_as_default")]
    pub current_layer: i32,
    /// The conversation so far: objects with `role` and `content`.
    #[serde(deserialize_with = "null_as_default")]
    pub messages: Vec<Value>,
    /// The tasks that ran: objects with `status` (`success`, `error`, `failed_safe`).
    #[serde(deserialize_with = "null_as_default")]
    pub tasks: Vec<Value>,
    /// What the agent or a human decided at earlier checkpoints.
    #[serde(deserialize_with = "null_as_default")]
    pub decisions: Vec<Value>,
    /// Values that tasks share.
    #[serde(deserialize_with = "null_as_default")]
    pub context: Map<String, Value>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

impl WorkflowState {
    /// Checks what must hold of every state.
    ///
    /// # Errors
    /// [`InvalidDocument`] names the key: a blank workflow id, a negative layer, more decisions than tasks.
    pub fn validate(&self) -> Result<(), InvalidDocument> {
        let refused = |reason: &str| Err(InvalidDocument::new("WorkflowState", reason));
        if self.workflow_id.trim().is_empty() {
            return refused("workflow_id is blank");
        }
        if self.current_layer < 0 {
            return refused("current_layer is negative");
        }
        if self.decisions.len() > self.tasks.len() {
            return refused("decisions has more entries than tasks");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_rules_name_the_key() {
        let state = WorkflowState {
            workflow_id: "w".into(),
            ..WorkflowState::default()
        };
        assert!(state.validate().is_ok());
        let reason = |state: WorkflowState| state.validate().unwrap_err().to_string();
        assert!(reason(WorkflowState::default()).contains("workflow_id"));
        assert!(
            reason(WorkflowState {
                current_layer: -1,
                ..state.clone()
            })
            .contains("current_layer")
        );
        assert!(
            reason(WorkflowState {
                decisions: vec![json!({})],
                ..state
            })
            .contains("decisions")
        );
    }

    #[test]
    fn an_incomplete_state_reads_and_keeps_what_it_has() {
        let read: WorkflowState =
            serde_json::from_value(json!({"workflow_id": "w", "plan": 1, "tasks": null})).unwrap();
        let written = serde_json::to_value(read).unwrap();
        assert_eq!(written["plan"], 1);
        assert_eq!(written["tasks"], json!([]));
    }
}

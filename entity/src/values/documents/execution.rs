//! What a run was given, what it decided and what its tasks returned.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, null_as_default};
use crate::values::text_enum::text_enum;

/// `execution_trace.initial_context`: the input of a run.
///
/// Free-form except for two keys: `intent` doubles as the run's intent text, and `workflow_execution` marks a row that came
/// from the table of that name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InitialContext(pub Map<String, Value>);

impl InitialContext {
    /// Key of the intent text.
    pub const INTENT: &'static str = "intent";
    /// Key of what a row of the former table `workflow_execution` knew beyond a trace.
    pub const WORKFLOW_EXECUTION: &'static str = "workflow_execution";

    /// A context that holds only an intent.
    pub fn with_intent(intent: impl Into<String>) -> Self {
        Self(Map::from_iter([(
            Self::INTENT.to_owned(),
            Value::String(intent.into()),
        )]))
    }

    /// The intent text; `None` when it is missing, empty or no text.
    pub fn intent(&self) -> Option<&str> {
        self.0
            .get(Self::INTENT)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// What the former table `workflow_execution` knew about this run: `dag_structure`, `code_snippet`, `code_hash`.
    pub fn workflow_execution(&self) -> Option<&Value> {
        self.0.get(Self::WORKFLOW_EXECUTION)
    }
}

/// `execution_trace.decisions`: the branches that a run took, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BranchDecisions(pub Vec<BranchDecision>);

/// One branch that a run took. Its keys are in camel case, unlike those of [`TaskResult`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BranchDecision {
    /// The decision node of the capability's static structure.
    #[serde(alias = "node_id", deserialize_with = "null_as_default")]
    pub node_id: String,
    /// `true`, `false` or `case:<value>`.
    #[serde(deserialize_with = "null_as_default")]
    pub outcome: String,
    /// The condition as the code spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `execution_trace.task_results`: one result per task; the single source of truth about what a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskResults(pub Vec<TaskResult>);

text_enum! {
    /// The kind of loop that a task stands for, as the language spells it.
    pub enum LoopType {
        /// `for (;;)`
        For = "for",
        /// `while`
        While = "while",
        /// `for … of`
        ForOf = "forOf",
        /// `for … in`
        ForIn = "forIn",
        /// `do … while`
        DoWhile = "doWhile",
    }
}

/// The result of one task. Absent values are left out, not written as null.
///
/// One writer of the older system spelt the keys in camel case; both spellings are read, snake case is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskResult {
    /// The task within its workflow.
    #[serde(alias = "taskId", deserialize_with = "null_as_default")]
    pub task_id: String,
    /// What ran: a tool id, `$cap:<registry id>`, `loop:*` or `code:*`.
    #[serde(deserialize_with = "null_as_default")]
    pub tool: String,
    /// Its arguments, without secrets.
    #[serde(deserialize_with = "null_as_default")]
    pub args: Map<String, Value>,
    /// What it returned, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Whether it succeeded.
    #[serde(deserialize_with = "null_as_default")]
    pub success: bool,
    /// How long it took, in milliseconds; may have a fraction.
    #[serde(alias = "durationMs", deserialize_with = "null_as_default")]
    pub duration_ms: f64,
    /// Its layer in the workflow: 0 depends on nothing, tasks of one layer ran in parallel.
    #[serde(alias = "layerIndex", skip_serializing_if = "Option::is_none")]
    pub layer_index: Option<i32>,
    /// Whether it stands for several logical operations that ran as one.
    #[serde(alias = "isFused", skip_serializing_if = "Option::is_none")]
    pub is_fused: Option<bool>,
    /// Those operations.
    #[serde(alias = "logicalOperations", skip_serializing_if = "Option::is_none")]
    pub logical_operations: Option<Vec<LogicalOperation>>,
    /// The loop it belongs to.
    #[serde(alias = "loopId", skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<String>,
    /// The kind of that loop.
    #[serde(alias = "loopType", skip_serializing_if = "Option::is_none")]
    pub loop_type: Option<LoopType>,
    /// The condition of that loop as the code spells it.
    #[serde(alias = "loopCondition", skip_serializing_if = "Option::is_none")]
    pub loop_condition: Option<String>,
    /// The tools that the body of a `loop:*` task calls.
    #[serde(alias = "bodyTools", skip_serializing_if = "Option::is_none")]
    pub body_tools: Option<Vec<String>>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One of several operations that ran as one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogicalOperation {
    /// The tool it stands for.
    #[serde(alias = "toolId", deserialize_with = "null_as_default")]
    pub tool_id: String,
    /// Its share of the task's duration, in milliseconds.
    #[serde(alias = "durationMs", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_intent_is_no_intent() {
        assert_eq!(
            InitialContext::with_intent("list files").intent(),
            Some("list files")
        );
        assert_eq!(InitialContext::with_intent("").intent(), None);
        assert_eq!(
            InitialContext(Map::from_iter([("intent".to_owned(), json!(7))])).intent(),
            None
        );
    }

    #[test]
    fn both_spellings_of_a_task_result_read_alike() {
        let snake = json!([{"task_id": "t1", "tool": "fs:read", "duration_ms": 3, "layer_index": 0, "success": true}]);
        let camel = json!([{"taskId": "t1", "tool": "fs:read", "durationMs": 3, "layerIndex": 0, "success": true}]);
        let from_snake: TaskResults = serde_json::from_value(snake).unwrap();
        let from_camel: TaskResults = serde_json::from_value(camel).unwrap();
        assert_eq!(from_snake, from_camel);
        assert_eq!(
            serde_json::to_value(&from_camel).unwrap()[0]["task_id"],
            "t1"
        );
    }

    #[test]
    fn absent_values_are_left_out_and_null_arguments_read_as_none() {
        let read: TaskResult =
            serde_json::from_value(json!({"task_id": "t", "args": null, "attempt": 2})).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(
            written,
            json!({"task_id": "t", "tool": "", "args": {}, "success": false, "duration_ms": 0.0, "attempt": 2})
        );
    }

    #[test]
    fn decisions_keep_their_camel_case() {
        let decision = BranchDecision {
            node_id: "d1".into(),
            outcome: "case:b".into(),
            ..BranchDecision::default()
        };
        assert_eq!(
            serde_json::to_value(decision).unwrap(),
            json!({"nodeId": "d1", "outcome": "case:b"})
        );
    }
}

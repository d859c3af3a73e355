//! What a replay is to do, and how far it came.

use std::collections::BTreeSet;

use pml_entity::values::{
    EndpointPattern, EndpointStep, HookSequence, RagQuery, SuccessPatternId, UsageOutcome,
};
use serde::{Deserialize, Serialize};

/// The steps of a pattern: what its hash fixes, and so what never changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatternSteps {
    /// The agents in their order.
    pub agent_sequence: Vec<String>,
    /// The hooks.
    pub hooks: HookSequence,
    /// The calls.
    pub endpoints: EndpointPattern,
}

/// The figures of a pattern that move with each replay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PatternFigures {
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i32,
    /// Longest duration in milliseconds.
    pub max_duration_ms: i32,
    /// Share of replays that worked as planned, 0–1.
    pub success_rate: f64,
}

/// How to repeat what worked (section 12.4).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayPlan {
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// The first agent. `None` for a pattern whose source had no routing decision.
    pub agent: Option<String>,
    /// What each hook is expected to do.
    pub hook_plan: Vec<PlannedHook>,
    /// What the hooks together are expected to find out.
    pub intelligence_plan: IntelligencePlan,
    /// The calls.
    pub endpoint_expectations: Vec<EndpointStep>,
    /// How long and how much.
    pub performance_expectations: PerformanceExpectations,
    /// How often the pattern worked, 0–1.
    pub confidence: f64,
}

/// One hook of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedHook {
    /// What it hooks into.
    pub hook_type: String,
    /// The tool that it intercepts.
    pub tool_name: Option<String>,
    /// Intelligence functions that are to run.
    pub expected_intelligence_functions: Vec<String>,
    /// Quality gates that are to pass.
    pub expected_quality_gates: Vec<String>,
    /// How long it is to take, in milliseconds.
    pub expected_duration_ms: Option<i64>,
}

/// What the hooks of a plan find out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct IntelligencePlan {
    /// Every intelligence function once, sorted.
    pub intelligence_functions: Vec<String>,
    /// The retrieval queries, in their order.
    pub rag_query_patterns: Vec<RagQuery>,
}

/// How long and how much a plan expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PerformanceExpectations {
    /// The mean duration, in milliseconds.
    pub expected_duration_ms: i32,
    /// The longest duration, in milliseconds.
    pub max_duration_ms: i32,
    /// Hooks of the plan.
    pub expected_hook_count: usize,
    /// Calls of the plan.
    pub expected_endpoint_count: usize,
}

impl ReplayPlan {
    /// Puts a plan together.
    pub fn of(pattern_id: SuccessPatternId, steps: &PatternSteps, figures: PatternFigures) -> Self {
        let functions: BTreeSet<&String> = steps
            .hooks
            .0
            .iter()
            .flat_map(|hook| &hook.intelligence_functions)
            .collect();
        Self {
            pattern_id,
            agent: steps.agent_sequence.first().cloned(),
            hook_plan: steps
                .hooks
                .0
                .iter()
                .map(|hook| PlannedHook {
                    hook_type: hook.hook_type.clone(),
                    tool_name: hook.tool_name.clone(),
                    expected_intelligence_functions: hook.intelligence_functions.clone(),
                    expected_quality_gates: hook.quality_gates.clone(),
                    expected_duration_ms: hook.duration_ms,
                })
                .collect(),
            intelligence_plan: IntelligencePlan {
                intelligence_functions: functions.into_iter().cloned().collect(),
                rag_query_patterns: steps
                    .hooks
                    .0
                    .iter()
                    .flat_map(|hook| hook.rag_queries.clone())
                    .collect(),
            },
            endpoint_expectations: steps.endpoints.0.clone(),
            performance_expectations: PerformanceExpectations {
                expected_duration_ms: figures.avg_duration_ms,
                max_duration_ms: figures.max_duration_ms,
                expected_hook_count: steps.hooks.0.len(),
                expected_endpoint_count: steps.endpoints.0.len(),
            },
            confidence: figures.success_rate,
        }
    }
}

/// Where a replay departed from its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deviation {
    /// A hook of the plan failed.
    HookFailed {
        /// What it hooks into.
        hook_type: String,
        /// The tool.
        tool_name: Option<String>,
    },
    /// An intelligence function of the plan did not run.
    IntelligenceMissing {
        /// The function.
        function: String,
    },
    /// A call of the plan failed.
    CallFailed {
        /// The service.
        service: String,
        /// The path.
        endpoint: String,
    },
}

/// What came of a replay: a success has no deviation, a partial one has some, everything else is a failure.
pub const fn outcome(success: bool, deviations: usize) -> UsageOutcome {
    match (success, deviations) {
        (true, 0) => UsageOutcome::Success,
        (true, _) => UsageOutcome::PartialSuccess,
        (false, _) => UsageOutcome::Failure,
    }
}

/// (actual − expected) / expected; `None` where nothing, or no time at all, was expected.
pub fn variance(expected_ms: Option<i32>, actual_ms: Option<i32>) -> Option<f64> {
    let expected = f64::from(expected_ms.filter(|expected| *expected != 0)?);
    Some((f64::from(actual_ms?) - expected) / expected)
}

#[cfg(test)]
mod tests {
    use pml_entity::values::HookStep;

    use super::*;

    /// Example 41.
    #[test]
    #[allow(clippy::float_cmp, reason = "a quarter is exact")]
    fn the_variance_is_a_share_of_what_was_expected() {
        assert_eq!(variance(Some(1_000), Some(1_250)), Some(0.25));
        assert_eq!(variance(Some(0), Some(1_250)), None);
        assert_eq!(variance(None, Some(1_250)), None);
        assert_eq!(variance(Some(1_000), None), None);
        assert_eq!(variance(Some(i32::MAX), Some(0)), Some(-1.0));
    }

    #[test]
    fn success_with_deviations_is_partial() {
        assert_eq!(outcome(true, 0), UsageOutcome::Success);
        assert_eq!(outcome(true, 1), UsageOutcome::PartialSuccess);
        assert_eq!(outcome(false, 0), UsageOutcome::Failure);
    }

    #[test]
    fn a_plan_lists_the_steps_and_each_function_once() {
        let hook = |functions: &[&str]| HookStep {
            hook_type: "PreToolUse".to_owned(),
            intelligence_functions: functions.iter().map(|name| (*name).to_owned()).collect(),
            rag_queries: vec![RagQuery::default()],
            duration_ms: Some(20),
            ..HookStep::default()
        };
        let steps = PatternSteps {
            agent_sequence: vec!["agent-a".to_owned(), "agent-b".to_owned()],
            hooks: HookSequence(vec![
                hook(&["IC-002", "IC-001"]),
                hook(&["IC-002"]),
                hook(&[]),
            ]),
            endpoints: EndpointPattern(vec![EndpointStep::default()]),
        };
        let id = SuccessPatternId::generate();
        let plan = ReplayPlan::of(
            id,
            &steps,
            PatternFigures {
                avg_duration_ms: 900,
                max_duration_ms: 1_500,
                success_rate: 0.9,
            },
        );
        assert_eq!(
            (plan.pattern_id, plan.agent.as_deref()),
            (id, Some("agent-a"))
        );
        assert_eq!(
            plan.intelligence_plan.intelligence_functions,
            ["IC-001", "IC-002"]
        );
        assert_eq!(plan.intelligence_plan.rag_query_patterns.len(), 3);
        assert_eq!(
            plan.hook_plan[2].expected_intelligence_functions,
            Vec::<String>::new()
        );
        assert_eq!(plan.hook_plan[0].expected_duration_ms, Some(20));
        assert_eq!(
            plan.performance_expectations,
            PerformanceExpectations {
                expected_duration_ms: 900,
                max_duration_ms: 1_500,
                expected_hook_count: 3,
                expected_endpoint_count: 1,
            }
        );
    }
}

//! When an execution is good enough to learn from.

use serde_json::Value;

use super::observation::{Observation, ObservedHook};

/// Limits that the criteria measure against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriteriaLimits {
    /// Longest duration that counts as within the thresholds, in milliseconds. Default 60,000.
    pub max_duration_ms: i32,
}

impl Default for CriteriaLimits {
    fn default() -> Self {
        Self {
            max_duration_ms: 60_000,
        }
    }
}

/// The nine criteria. Five of them are gates, six of them have a weight; the two things are independent.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a criterion of its own"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// It ended. Gate; weight 0.25.
    pub execution_completed: bool,
    /// It succeeded and reports no error. Gate; weight 0.25.
    pub no_errors: bool,
    /// Every hook succeeded. Gate; weight 0.15.
    pub hooks_succeeded: bool,
    /// No hook found more violations than it corrected. Gate; weight 0.15.
    pub quality_gates_passed: bool,
    /// It took no longer than the limit. Weight 0.10.
    pub within_performance_thresholds: bool,
    /// Neither it nor a hook or a call of it ran out of time. Gate, without weight.
    pub no_timeouts: bool,
    /// A hook asked a retrieval service. Weight 0.05.
    pub intelligence_gathered: bool,
    /// A known pattern led to it. Without weight.
    pub patterns_identified: bool,
    /// Nobody said that it did not help. Weight 0.05.
    pub user_confirmed_success: bool,
}

/// Section 12.1: criterion and weight in hundredths, so that the sum is exact.
const fn weights(criteria: &Criteria) -> [(bool, u8); 7] {
    [
        (criteria.execution_completed, 25),
        (criteria.no_errors, 25),
        (criteria.hooks_succeeded, 15),
        (criteria.quality_gates_passed, 15),
        (criteria.within_performance_thresholds, 10),
        (criteria.intelligence_gathered, 5),
        (criteria.user_confirmed_success, 5),
    ]
}

impl Criteria {
    /// Reads them off an execution. A verdict of the user is the context's key `user_confirmed_success`, and true where it is missing.
    pub fn of(observation: &Observation, limits: &CriteriaLimits) -> Self {
        let timeouts = std::iter::once(&observation.error_type)
            .chain(observation.hooks.iter().map(|hook| &hook.error_type))
            .chain(observation.calls.iter().map(|call| &call.error_type));
        Self {
            execution_completed: observation.completed_at.is_some(),
            no_errors: observation.success == Some(true) && observation.error_message.is_none(),
            hooks_succeeded: observation.hooks.iter().all(|hook| hook.succeeded),
            quality_gates_passed: !observation.hooks.iter().any(has_open_violations),
            within_performance_thresholds: observation
                .duration_ms
                .is_some_and(|duration| duration <= limits.max_duration_ms),
            no_timeouts: !timeouts.flatten().any(|error| error == "timeout"),
            intelligence_gathered: observation
                .hooks
                .iter()
                .any(|hook| hook.rag_query_performed),
            patterns_identified: observation.replayed_pattern.is_some(),
            user_confirmed_success: observation
                .context
                .as_ref()
                .and_then(|context| context.get("user_confirmed_success"))
                .and_then(Value::as_bool)
                .unwrap_or(true),
        }
    }

    /// Whether all five gates are open: only then is there a pattern.
    pub const fn is_successful(&self) -> bool {
        self.execution_completed
            && self.no_errors
            && self.hooks_succeeded
            && self.quality_gates_passed
            && self.no_timeouts
    }

    /// The weights of the criteria that are met, 0–1. An execution that fails a gate can still have 0.85.
    pub fn score(&self) -> f64 {
        let hundredths: u32 = weights(self)
            .into_iter()
            .filter(|(met, _)| *met)
            .map(|(_, weight)| u32::from(weight))
            .sum();
        (f64::from(hundredths) / 100.0).min(1.0)
    }
}

/// Counts that are given as lists count by their length.
fn has_open_violations(hook: &ObservedHook) -> bool {
    let count = |key: &str| {
        let value = hook
            .quality_results
            .as_ref()
            .and_then(|results| results.get(key));
        match value {
            Some(Value::Array(items)) => u64::try_from(items.len()).unwrap_or(u64::MAX),
            Some(value) => value.as_u64().unwrap_or(0),
            None => 0,
        }
    };
    count("violations_found") > count("corrections_applied")
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;
    use crate::traceability::learning::observation::ObservedCall;

    fn good() -> Observation {
        Observation {
            completed_at: Some(Utc::now()),
            success: Some(true),
            duration_ms: Some(1_000),
            hooks: vec![ObservedHook {
                succeeded: true,
                rag_query_performed: true,
                quality_results: Some(json!({"violations_found": 2, "corrections_applied": 2})),
                ..ObservedHook::default()
            }],
            ..Observation::default()
        }
    }

    fn criteria(change: impl FnOnce(&mut Observation)) -> Criteria {
        let mut observation = good();
        change(&mut observation);
        Criteria::of(&observation, &CriteriaLimits::default())
    }

    #[allow(clippy::float_cmp, reason = "the sum is exact")]
    fn has_score(criteria: Criteria, score: f64) -> bool {
        criteria.score() == score
    }

    #[test]
    fn everything_met_is_one() {
        let criteria = criteria(|_| ());
        assert!(
            criteria.is_successful() && has_score(criteria, 1.0),
            "{criteria:?}"
        );
    }

    /// Example 39.
    #[test]
    fn a_failed_hook_closes_a_gate_and_costs_its_weight() {
        let criteria = criteria(|it| it.hooks[0].succeeded = false);
        assert!(!criteria.is_successful() && has_score(criteria, 0.85));
    }

    #[test]
    fn each_gate_closes_alone() {
        for (change, score) in [
            ((|it| it.completed_at = None) as fn(&mut Observation), 0.75),
            (|it| it.success = None, 0.75),
            (|it| it.error_message = Some("late".to_owned()), 0.75),
            (
                |it| {
                    it.hooks[0].quality_results =
                        Some(json!({"violations_found": 3, "corrections_applied": 2}));
                },
                0.85,
            ),
            (
                |it| {
                    it.hooks[0].quality_results =
                        Some(json!({"violations_found": [{"rule": "x"}]}));
                },
                0.85,
            ),
            (|it| it.error_type = Some("timeout".to_owned()), 1.0),
            (
                |it| {
                    it.calls.push(ObservedCall {
                        error_type: Some("timeout".to_owned()),
                        ..ObservedCall::default()
                    });
                },
                1.0,
            ),
        ] {
            let criteria = criteria(change);
            assert!(!criteria.is_successful(), "{criteria:?}");
            assert!(has_score(criteria, score), "{criteria:?}");
        }
    }

    #[test]
    fn what_is_no_gate_only_costs_its_weight() {
        for (change, score) in [
            (
                (|it| it.duration_ms = Some(60_001)) as fn(&mut Observation),
                0.9,
            ),
            (|it| it.duration_ms = None, 0.9),
            (|it| it.hooks.clear(), 0.95),
            (
                |it| it.context = Some(json!({"user_confirmed_success": false})),
                0.95,
            ),
        ] {
            let criteria = criteria(change);
            assert!(
                criteria.is_successful() && has_score(criteria, score),
                "{criteria:?}"
            );
        }
    }
}

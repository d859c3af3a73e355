//! 108: every column that holds a word of a closed set says so. Words the older system wrote are mapped to the set.
//! Data: unknown edge types become `sequence`, edge sources `inferred` (`user` becomes `template`), algorithm names `Other`,
//! error types `UNKNOWN`; `rejected…` decisions become `rejected_by_threshold`, `filtered` is `filtered_by_reliability`. A mode, a
//! target or a decision that means nothing here cannot be guessed: the step fails and lists them.
//! Down: the words stay as they were mapped.

use super::shapes::{drop_check, one_of};
use crate::step::Step;

const SETS: &[(&str, &str, &[&str])] = &[
    ("tool_dependency", "edge_type", EDGE_TYPES),
    ("tool_dependency", "edge_source", EDGE_SOURCES),
    ("capability_dependency", "edge_type", EDGE_TYPES),
    ("capability_dependency", "edge_source", EDGE_SOURCES),
    (
        "algorithm_traces",
        "algorithm_mode",
        &["active_search", "passive_suggestion"],
    ),
    ("algorithm_traces", "target_type", &["tool", "capability"]),
    (
        "algorithm_traces",
        "decision",
        &[
            "accepted",
            "filtered_by_reliability",
            "rejected_by_threshold",
        ],
    ),
    (
        "algorithm_traces",
        "algorithm_name",
        &[
            "CapabilityMatcher",
            "DAGSuggester",
            "HybridSearch",
            "SHGAT",
            "DRDSP",
            "AlternativesPrediction",
            "CapabilitiesPrediction",
            "Thompson",
            "Other",
        ],
    ),
    (
        "execution_trace",
        "error_type",
        &[
            "TIMEOUT",
            "PERMISSION",
            "NOT_FOUND",
            "VALIDATION",
            "NETWORK",
            "UNKNOWN",
        ],
    ),
];
const EDGE_TYPES: &[&str] = &[
    "contains",
    "sequence",
    "dependency",
    "alternative",
    "provides",
];
const EDGE_SOURCES: &[&str] = &["inferred", "observed", "template"];

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut statements = statements![include_str!("m20261121_000108_value_sets.sql")];
        statements.extend(
            SETS.iter()
                .map(|(table, column, words)| one_of(table, column, words)),
        );
        statements
    }

    fn down(&self) -> Vec<String> {
        SETS.iter()
            .map(|(table, column, _)| drop_check(table, column))
            .collect()
    }
}

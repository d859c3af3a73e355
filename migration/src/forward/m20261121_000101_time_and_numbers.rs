//! 101: one type per meaning. Times are `timestamptz` (they were written in UTC), scores and measures `double precision`,
//! counters `bigint`; a column with a default is NOT NULL where NULL means nothing; counters and scores have their range.
//! Data: missing values get the column's default, negative counters 0, scores are clamped to 0..1, and a score of 0.7 stays
//! 0.7 (a plain cast would make it 0.699999988).
//! Down: counters above the old type's range are cut to it, and an explicit threshold of 0.8 becomes 0.79999995, because the
//! old type cannot hold 0.8 without breaking its own CHECK.

use super::retype::{
    Column, Retype, count, filled, key, measure, score, stamped, threshold, time, whole,
};
use super::shapes::{btree_desc, drop_index};
use crate::step::Step;

/// The step.
pub struct Migration;

const TABLES: &[Retype] = &[
    Retype("config", &[time("updated_at")]),
    Retype(
        "tool_schema",
        &[stamped("cached_at"), stamped("updated_at")],
    ),
    Retype("tool_embedding", &[time("created_at")]),
    Retype(
        "tool_dependency",
        &[
            count("observed_count", "1"),
            score("confidence_score", "0.5"),
            time("last_observed"),
            filled("edge_type", "'sequence'"),
            filled("edge_source", "'inferred'"),
        ],
    ),
    Retype(
        "workflow_pattern",
        &[
            count("usage_count", "1"),
            count("success_count", "0"),
            count("avg_duration_ms", "0"),
            score("success_rate", "1.0"),
            score("permission_confidence", "0.0"),
            time("last_used"),
            stamped("created_at"),
            filled("source", "'emergent'"),
            filled("permission_set", "'minimal'"),
            filled("hierarchy_level", "0"),
            filled(
                "cache_config",
                "'{\"ttl_ms\": 3600000, \"cacheable\": true}'",
            ),
        ],
    ),
    Retype("capability_records", &[filled("tags", "'{}'")]),
    Retype(
        "capability_dependency",
        &[
            count("observed_count", "1"),
            score("confidence_score", "0.5"),
            stamped("created_at"),
            stamped("last_observed"),
            filled("edge_type", "'sequence'"),
            filled("edge_source", "'inferred'"),
        ],
    ),
    Retype(
        "workflow_execution",
        &[time("executed_at"), whole("execution_time_ms")],
    ),
    Retype(
        "execution_trace",
        &[
            whole("duration_ms"),
            stamped("executed_at"),
            filled("initial_context", "'{}'"),
            filled("decisions", "'[]'"),
            filled("task_results", "'[]'"),
            Column::Score {
                name: "priority",
                default: "0.5",
                was: "double precision",
            },
        ],
    ),
    Retype("workflow_checkpoint", &[stamped("timestamp")]),
    Retype("episodic_events", &[stamped("timestamp")]),
    Retype(
        "algorithm_traces",
        &[
            stamped("timestamp"),
            stamped("created_at"),
            measure("final_score"),
            measure("threshold_used"),
        ],
    ),
    Retype(
        "adaptive_thresholds",
        &[
            measure("suggestion_threshold"),
            threshold("explicit_threshold"),
            measure("success_rate"),
            count("sample_count", "0"),
            stamped("created_at"),
            stamped("updated_at"),
        ],
    ),
    Retype(
        "adaptive_config",
        &[
            measure("config_value"),
            time("last_updated"),
            count("total_samples", "0"),
        ],
    ),
    Retype(
        "entropy_history",
        &[
            key("id"),
            measure("von_neumann_entropy"),
            measure("structural_entropy"),
            measure("normalized_entropy"),
            measure("semantic_entropy"),
            measure("semantic_diversity"),
            measure("avg_cosine_similarity"),
            measure("dual_entropy"),
            measure("threshold_low"),
            measure("threshold_high"),
            measure("compute_time_ms"),
            whole("node_count"),
            whole("edge_count"),
            whole("hyperedge_count"),
        ],
    ),
    Retype("metrics", &[key("id"), measure("value"), time("timestamp")]),
    Retype("error_log", &[key("id"), time("timestamp")]),
    Retype(
        "users",
        &[
            stamped("created_at"),
            stamped("updated_at"),
            filled("role", "'user'"),
        ],
    ),
];

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        // Inline vectors: a scan that reads them anyway is 2.7 times faster, and the planner sees what a scan costs. Set
        // before the rewrite of the table, so that the rewrite moves the vectors.
        let mut statements =
            statements!["ALTER TABLE tool_embedding ALTER COLUMN embedding SET STORAGE PLAIN"];
        statements.extend(TABLES.iter().flat_map(Retype::up));
        statements.extend(statements![btree_desc(
            "idx_metrics_timestamp",
            "metrics",
            "timestamp"
        )]);
        statements
    }

    fn down(&self) -> Vec<String> {
        let mut statements = statements![
            drop_index("idx_metrics_timestamp"),
            "ALTER TABLE tool_embedding ALTER COLUMN embedding SET STORAGE EXTERNAL",
        ];
        statements.extend(TABLES.iter().rev().flat_map(Retype::down));
        statements
    }
}

//! The recorded history: 33 steps from the empty database to version 034, each reaching exactly the schema the record has
//! for it (see [`catalog::recorded`](crate::catalog::recorded)). Number 031 never existed.
//!
//! A name ends in the recorded title; the date is that of the document which settles the step. Where the older system's
//! *data* step lost or broke something, ours does what was meant; each file says what, and what `down` cannot bring back.

// The column helpers of `sea_orm_migration::schema` are made to be imported as a set.
#![allow(clippy::wildcard_imports)]

pub(crate) mod shapes;

pub mod m20251218_000001_initial_schema;
pub mod m20251218_000002_telemetry_logging;
pub mod m20251218_000003_error_logging;
pub mod m20251218_000004_mcp_tool_tables;
pub mod m20251218_000005_users_table;
pub mod m20251218_000006_workflow_checkpoints;
pub mod m20251218_000007_episodic_memory;
pub mod m20251218_000008_workflow_dags;
pub mod m20251218_000009_tool_dependency_source;
pub mod m20251218_000010_graphrag_tables;
pub mod m20251218_000011_capability_storage;
pub mod m20251218_000012_edge_types;
pub mod m20251218_000013_user_id_workflow_execution;
pub mod m20251218_000014_algorithm_traces;
pub mod m20251218_000015_capability_community_id;
pub mod m20251218_000016_capability_dependency;
pub mod m20251218_000017_permission_inference;
pub mod m20251218_000018_permission_audit_log;
pub mod m20251222_000019_db_schema_cleanup;
pub mod m20251222_000020_execution_trace;
pub mod m20251222_000021_capability_records;
pub mod m20251222_000022_unify_capability_naming;
pub mod m20251222_000023_capability_records_fk;
pub mod m20251222_000024_error_type_column;
pub mod m20251222_000025_intent_embedding_column;
pub mod m20251222_000026_algorithm_name_column;
pub mod m20251222_000027_shgat_params;
pub mod m20251222_000028_capability_uuid_pk;
pub mod m20251222_000029_capability_hierarchy_level;
pub mod m20251222_000030_remove_trace_intent_duplication;
pub mod m20251222_000032_entropy_history;
pub mod m20251222_000033_workflow_pattern_created_by;
pub mod m20251222_000034_drop_capability_records_usage_columns;

use crate::step::Step;

/// The recorded steps in order.
pub const STEPS: &[&dyn Step] = &[
    &m20251218_000001_initial_schema::Migration,
    &m20251218_000002_telemetry_logging::Migration,
    &m20251218_000003_error_logging::Migration,
    &m20251218_000004_mcp_tool_tables::Migration,
    &m20251218_000005_users_table::Migration,
    &m20251218_000006_workflow_checkpoints::Migration,
    &m20251218_000007_episodic_memory::Migration,
    &m20251218_000008_workflow_dags::Migration,
    &m20251218_000009_tool_dependency_source::Migration,
    &m20251218_000010_graphrag_tables::Migration,
    &m20251218_000011_capability_storage::Migration,
    &m20251218_000012_edge_types::Migration,
    &m20251218_000013_user_id_workflow_execution::Migration,
    &m20251218_000014_algorithm_traces::Migration,
    &m20251218_000015_capability_community_id::Migration,
    &m20251218_000016_capability_dependency::Migration,
    &m20251218_000017_permission_inference::Migration,
    &m20251218_000018_permission_audit_log::Migration,
    &m20251222_000019_db_schema_cleanup::Migration,
    &m20251222_000020_execution_trace::Migration,
    &m20251222_000021_capability_records::Migration,
    &m20251222_000022_unify_capability_naming::Migration,
    &m20251222_000023_capability_records_fk::Migration,
    &m20251222_000024_error_type_column::Migration,
    &m20251222_000025_intent_embedding_column::Migration,
    &m20251222_000026_algorithm_name_column::Migration,
    &m20251222_000027_shgat_params::Migration,
    &m20251222_000028_capability_uuid_pk::Migration,
    &m20251222_000029_capability_hierarchy_level::Migration,
    &m20251222_000030_remove_trace_intent_duplication::Migration,
    &m20251222_000032_entropy_history::Migration,
    &m20251222_000033_workflow_pattern_created_by::Migration,
    &m20251222_000034_drop_capability_records_usage_columns::Migration,
];

/// The recorded step of a version, `001` to `034`; `None` for 031 and anything else.
pub fn step(version: u16) -> Option<&'static dyn Step> {
    STEPS
        .iter()
        .copied()
        .find(|step| version_of(step.name()) == Some(version))
}

/// Whether a step belongs to the recorded history, and not to another system whose steps are numbered from 1 as well.
pub fn is_recorded(step: &dyn Step) -> bool {
    STEPS.iter().any(|recorded| recorded.name() == step.name())
}

/// The recorded version a step's name stands for: `m20251222_000019_db_schema_cleanup` is 19.
pub fn version_of(name: &str) -> Option<u16> {
    name.split('_').nth(1)?.parse().ok()
}

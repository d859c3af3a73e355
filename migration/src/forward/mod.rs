//! Our own steps: from the recorded version 034 to the target schema. Numbers start at 101, so that the recorded system's own
//! later numbers stay free.
//!
//! A published step never changes. A new one is a new file here, a line in [`STEPS`] and a line in `published.sha256`.

mod retype;
mod shapes;

pub mod m20261121_000101_time_and_numbers;
pub mod m20261121_000102_workflow_pattern_target;
pub mod m20261121_000103_permission_audit_log_target;
pub mod m20261121_000104_default_thresholds;
pub mod m20261121_000105_workflow_execution_into_execution_trace;
pub mod m20261121_000106_ownership;
pub mod m20261121_000107_tool_keys;
pub mod m20261121_000108_value_sets;
pub mod m20261121_000109_users_constraints;
pub mod m20261121_000110_capability_view;
pub mod m20261121_000111_capability_owners;
pub mod m20261121_000112_capability_names;
pub mod m20261121_000113_capability_indexes;
pub mod m20261121_000114_capability_view_tools;
pub mod m20261127_000115_traceability_archive;
pub mod m20261127_000116_traceability_snapshots;
pub mod m20261127_000117_traceability_learning;

use crate::step::Step;

/// The forward steps in order.
pub const STEPS: &[&dyn Step] = &[
    &m20261121_000101_time_and_numbers::Migration,
    &m20261121_000102_workflow_pattern_target::Migration,
    &m20261121_000103_permission_audit_log_target::Migration,
    &m20261121_000104_default_thresholds::Migration,
    &m20261121_000105_workflow_execution_into_execution_trace::Migration,
    &m20261121_000106_ownership::Migration,
    &m20261121_000107_tool_keys::Migration,
    &m20261121_000108_value_sets::Migration,
    &m20261121_000109_users_constraints::Migration,
    &m20261121_000110_capability_view::Migration,
    &m20261121_000111_capability_owners::Migration,
    &m20261121_000112_capability_names::Migration,
    &m20261121_000113_capability_indexes::Migration,
    &m20261121_000114_capability_view_tools::Migration,
    &m20261127_000115_traceability_archive::Migration,
    &m20261127_000116_traceability_snapshots::Migration,
    &m20261127_000117_traceability_learning::Migration,
];

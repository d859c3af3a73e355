//! The traceability and pattern-learning schema: twelve steps, one for each file that its document lists, under the document's
//! numbers and titles. They are dated before the recorded history and lean on nothing of it, so on a database that has the history
//! already they simply come late.
//!
//! Counts, as documented: 8 tables, 60 named indexes, 5 views, 6 functions, 8 triggers, 16 policies, 6 foreign keys.

// The column helpers of `sea_orm_migration::schema` are made to be imported as a set.
#![allow(clippy::wildcard_imports)]

mod shapes;

pub mod m20251001_000001_execution_traces;
pub mod m20251001_000002_agent_routing_decisions;
pub mod m20251001_000003_hook_executions;
pub mod m20251001_000004_endpoint_calls;
pub mod m20251001_000005_success_patterns;
pub mod m20251001_000006_pattern_usage_log;
pub mod m20251001_000007_agent_chaining_patterns;
pub mod m20251001_000008_error_patterns;
pub mod m20251001_000009_indexes;
pub mod m20251001_000010_views;
pub mod m20251001_000011_functions;
pub mod m20251001_000012_rls_policies;

use crate::step::Step;

/// The documented steps in order.
pub const STEPS: &[&dyn Step] = &[
    &m20251001_000001_execution_traces::Migration,
    &m20251001_000002_agent_routing_decisions::Migration,
    &m20251001_000003_hook_executions::Migration,
    &m20251001_000004_endpoint_calls::Migration,
    &m20251001_000005_success_patterns::Migration,
    &m20251001_000006_pattern_usage_log::Migration,
    &m20251001_000007_agent_chaining_patterns::Migration,
    &m20251001_000008_error_patterns::Migration,
    &m20251001_000009_indexes::Migration,
    &m20251001_000010_views::Migration,
    &m20251001_000011_functions::Migration,
    &m20251001_000012_rls_policies::Migration,
];

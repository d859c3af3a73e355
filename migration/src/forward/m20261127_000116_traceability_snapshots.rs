//! 116: the two views that read every execution are kept ready for the service, and readers of a part of them find it by index. Data:
//! none; the snapshots stay empty until they are refreshed for the first time. Down: drops them, and the old view is back.
//!
//! A materialised view knows no policies and shows everybody's numbers, so only `service_role` may read it. The unique indexes are what
//! `REFRESH … CONCURRENTLY` needs. "Mine or nobody's", the policy of executions, is served by the index on the owner together with the
//! one on those without.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "CREATE INDEX execution_traces_error_time_idx ON execution_traces ((coalesce(completed_at, started_at)) DESC, id DESC) WHERE error_type IS NOT NULL",
            "CREATE INDEX execution_traces_ownerless_idx ON execution_traces (started_at DESC) WHERE user_id IS NULL",
            include_str!("m20261127_000116_traceability_snapshots.view.sql"),
            "CREATE MATERIALIZED VIEW dashboard_summary_snapshot AS SELECT d.*, now() AS refreshed_at FROM dashboard_summary d WITH NO DATA",
            "CREATE UNIQUE INDEX dashboard_summary_snapshot_total_traces_key ON dashboard_summary_snapshot (total_traces)",
            "CREATE MATERIALIZED VIEW agent_performance_snapshot AS SELECT a.*, now() AS refreshed_at FROM agent_performance a WITH NO DATA",
            "CREATE UNIQUE INDEX agent_performance_snapshot_agent_name_key ON agent_performance_snapshot (agent_name)",
            "REVOKE ALL ON dashboard_summary_snapshot, agent_performance_snapshot FROM PUBLIC, anon, authenticated",
            "GRANT SELECT ON dashboard_summary_snapshot, agent_performance_snapshot TO service_role",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "DROP MATERIALIZED VIEW agent_performance_snapshot",
            "DROP MATERIALIZED VIEW dashboard_summary_snapshot",
            include_str!("m20261127_000116_traceability_snapshots.down.sql"),
            "DROP INDEX execution_traces_ownerless_idx",
            "DROP INDEX execution_traces_error_time_idx",
        ]
    }
}

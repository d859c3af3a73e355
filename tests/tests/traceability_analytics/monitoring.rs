//! The monitoring queries of the seed document, in words of their own.

use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::given::*;

#[tokio::test]
async fn the_monitoring_queries_run_for_whoever_connects_and_for_the_service() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    sql(db, "UPDATE execution_traces SET started_at = now()").await;
    for (query, rows) in [
        (
            "SELECT tablename, pg_size_pretty(pg_total_relation_size(schemaname || '.' || tablename)) FROM pg_tables \
             WHERE schemaname = 'public' AND tablename IN ('execution_traces', 'agent_routing_decisions', 'hook_executions', 'endpoint_calls', \
             'success_patterns', 'pattern_usage_log', 'agent_chaining_patterns', 'error_patterns') ORDER BY 2",
            8,
        ),
        (
            "SELECT relname, indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname = 'error_patterns' ORDER BY idx_scan DESC",
            7,
        ),
        (
            "SELECT status, count(*) FROM execution_traces WHERE started_at > now() - interval '1 hour' GROUP BY status",
            1,
        ),
        (
            "SELECT * FROM pattern_effectiveness ORDER BY success_rate DESC, total_usage_count DESC LIMIT 10",
            0,
        ),
        (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND rowsecurity AND (tablename LIKE '%trace%' OR tablename LIKE '%pattern%') \
             AND tablename IN ('execution_traces', 'success_patterns', 'agent_chaining_patterns', 'error_patterns', 'pattern_usage_log')",
            5,
        ),
    ] {
        let found = db
            .query_all_raw(Statement::from_string(DbBackend::Postgres, query))
            .await
            .unwrap();
        assert_eq!(found.len(), rows, "{query}");
    }
}

CREATE OR REPLACE VIEW dashboard_summary WITH (security_invoker = true) AS
SELECT
    t.total_traces,
    t.completed_traces,
    t.successful_traces,
    coalesce(round(100.0 * t.successful_traces / nullif(t.completed_traces, 0), 2), 0)::numeric(5, 2) AS overall_success_rate,
    p.total_patterns,
    p.high_quality_patterns,
    p.avg_pattern_success_rate,
    a.active_agents,
    a.most_used_agent,
    t.errors_24h,
    (SELECT count(DISTINCT e.error_type) FROM error_patterns e) AS unique_error_types,
    t.median_duration_ms,
    t.p95_duration_ms
FROM (
    SELECT
        count(*) AS total_traces,
        -- Not `status = 'completed'`: that status is only ever given to successes.
        count(*) FILTER (WHERE completed_at IS NOT NULL) AS completed_traces,
        count(*) FILTER (WHERE completed_at IS NOT NULL AND success) AS successful_traces,
        count(*) FILTER (
            WHERE error_type IS NOT NULL AND coalesce(completed_at, started_at) >= now() - interval '24 hours'
        ) AS errors_24h,
        coalesce(
            round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE completed_at IS NOT NULL)), 0
        )::integer AS median_duration_ms,
        coalesce(
            round(percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE completed_at IS NOT NULL)), 0
        )::integer AS p95_duration_ms
    FROM execution_traces
) t
CROSS JOIN (
    SELECT
        count(*) AS total_patterns,
        count(*) FILTER (WHERE success_rate >= 0.80 AND total_usage_count >= 5) AS high_quality_patterns,
        coalesce(round(avg(success_rate) FILTER (WHERE total_usage_count > 0), 4), 0)::numeric(5, 4) AS avg_pattern_success_rate
    FROM success_patterns
) p
CROSS JOIN (
    SELECT
        count(*) AS active_agents,
        (array_agg(agent_selected ORDER BY decisions DESC, agent_selected))[1] AS most_used_agent
    FROM (
        SELECT agent_selected, count(*) AS decisions FROM agent_routing_decisions GROUP BY agent_selected
    ) per_agent
) a;

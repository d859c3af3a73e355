CREATE VIEW pattern_effectiveness WITH (security_invoker = true) AS
SELECT
    p.id,
    p.pattern_id,
    p.pattern_hash,
    p.intent_classification,
    p.keywords,
    p.agent_sequence,
    p.success_count,
    p.failure_count,
    p.total_usage_count,
    p.success_rate,
    p.avg_duration_ms,
    p.confidence_score,
    p.last_used_at,
    l.logged_uses,
    l.logged_successes,
    l.avg_match_score,
    l.avg_performance_variance
FROM success_patterns p
-- Row by row, so that the ten best cost ten look-ups and not a pass over the whole log.
CROSS JOIN LATERAL (
    SELECT
        count(*) AS logged_uses,
        count(*) FILTER (WHERE u.success) AS logged_successes,
        round(avg(u.match_score), 4)::numeric(5, 4) AS avg_match_score,
        avg(u.performance_variance) AS avg_performance_variance
    FROM pattern_usage_log u
    WHERE u.pattern_id = p.pattern_id AND u.used
) l;

CREATE VIEW trace_summary WITH (security_invoker = true) AS
SELECT
    t.id,
    t.correlation_id,
    t.session_id,
    t.prompt_text,
    t.started_at,
    t.completed_at,
    t.duration_ms,
    t.status,
    t.success,
    d.agent_selected,
    d.confidence_score AS routing_confidence,
    -- Counted apart: a join of both would multiply them.
    (SELECT count(*) FROM hook_executions h WHERE h.trace_id = t.id) AS hook_count,
    (SELECT count(*) FROM endpoint_calls c WHERE c.trace_id = t.id) AS endpoint_count,
    t.error_type
FROM execution_traces t
LEFT JOIN LATERAL (
    SELECT r.agent_selected, r.confidence_score
    FROM agent_routing_decisions r
    WHERE r.trace_id = t.id
    ORDER BY r.created_at DESC, r.id DESC
    LIMIT 1
) d ON true;

CREATE VIEW agent_performance WITH (security_invoker = true) AS
SELECT
    r.agent_selected AS agent_name,
    count(*) AS total_executions,
    count(*) FILTER (WHERE t.success) AS successful_executions,
    count(*) - count(*) FILTER (WHERE t.success) AS failed_executions,
    round(100.0 * count(*) FILTER (WHERE t.success) / count(*), 2)::numeric(5, 2) AS success_rate_pct,
    round(avg(t.duration_ms))::integer AS avg_duration_ms,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t.duration_ms))::integer AS p95_duration_ms,
    round(avg(r.confidence_score), 4)::numeric(5, 4) AS avg_routing_confidence,
    count(DISTINCT r.pattern_id) AS patterns_used,
    max(t.started_at) AS last_used_at
FROM agent_routing_decisions r
JOIN execution_traces t ON t.id = r.trace_id
WHERE t.completed_at IS NOT NULL
GROUP BY r.agent_selected;

CREATE VIEW error_analysis WITH (security_invoker = true) AS
SELECT
    e.error_type,
    e.error_category,
    e.severity,
    e.last_occurrence_at,
    e.affected_agents,
    e.occurrence_count AS error_count,
    e.resolution_pattern,
    e.resolution_success_rate,
    e.prevention_strategies,
    coalesce(w.occurrences_24h, 0) AS occurrences_24h,
    coalesce(w.occurrences_7d, 0) AS occurrences_7d
FROM error_patterns e
LEFT JOIN (
    SELECT
        t.error_type,
        count(*) FILTER (WHERE coalesce(t.completed_at, t.started_at) >= now() - interval '24 hours') AS occurrences_24h,
        count(*) AS occurrences_7d
    FROM execution_traces t
    WHERE t.error_type IS NOT NULL AND coalesce(t.completed_at, t.started_at) >= now() - interval '7 days'
    GROUP BY t.error_type
) w ON w.error_type = e.error_type;

CREATE VIEW dashboard_summary WITH (security_invoker = true) AS
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

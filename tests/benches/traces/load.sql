-- $1 is the number of traces. Each statement stands alone. Every trace has one decision and one hook, every second one call; 20 agents; 5 % fail with
-- one of 12 types of error; 1 % belong to `alice`; the newest ends now, the oldest began 90 days ago; three of ten are one small tree.
INSERT INTO execution_traces
    (id, correlation_id, root_id, parent_id, session_id, user_id, source, prompt_text, started_at, completed_at, duration_ms, status, success,
     error_message, error_type, context, tags)
SELECT
    ('1' || lpad(to_hex(n), 31, '0'))::uuid, ('2' || lpad(to_hex(n), 31, '0'))::uuid,
    ('2' || lpad(to_hex(CASE WHEN n % 10 IN (1, 2) THEN n - n % 10 ELSE n END), 31, '0'))::uuid,
    CASE WHEN n % 10 IN (1, 2) THEN ('2' || lpad(to_hex(n - n % 10), 31, '0'))::uuid END,
    ('3' || lpad(to_hex(n / 50), 31, '0'))::uuid,
    CASE WHEN n % 100 = 7 THEN 'alice' ELSE 'user-' || n % 997 END,
    CASE WHEN n % 10 IN (1, 2) THEN 'agent_delegation' ELSE 'user_prompt' END,
    'Please look at the thing that has number ' || n || ' and say why it is slow',
    moment.begun, moment.begun + moment.took * interval '1 millisecond', moment.took,
    CASE WHEN failed THEN 'failed' ELSE 'completed' END, NOT failed,
    CASE WHEN failed THEN 'it did not work' END,
    CASE WHEN failed THEN 'error_' || lpad((n / 20 % 12)::text, 2, '0') END,
    '{"domain": "backend"}', ARRAY['tag_' || n % 30]
FROM generate_series(1, $1::bigint) AS n
CROSS JOIN LATERAL (SELECT n % 20 = 3 AS failed) outcome
CROSS JOIN LATERAL (
    SELECT now() - ($1::bigint - n + 1) * (interval '90 days' / $1::double precision) AS begun, (n * 7919 % 60000)::integer AS took
) moment;
INSERT INTO agent_routing_decisions
    (id, trace_id, query_text, agent_selected, selection_reason, confidence_score, routing_strategy, pattern_id, decision_duration_ms,
     execution_started_at, execution_completed_at, created_at)
SELECT
    ('4' || lpad(to_hex(n), 31, '0'))::uuid, t.id, 'number ' || n, 'agent-' || lpad((n * 31 % 20)::text, 2, '0'), 'it fits', (n % 10000)::numeric / 10000,
    CASE WHEN n % 5 = 0 THEN 'learned_pattern' ELSE 'normal' END,
    CASE WHEN n % 5 = 0 THEN ('5' || lpad(to_hex(n % 10000), 31, '0'))::uuid END,
    (n % 90)::integer, t.started_at, t.completed_at, t.started_at + interval '5 milliseconds'
FROM generate_series(1, $1::bigint) AS n JOIN execution_traces t ON t.id = ('1' || lpad(to_hex(n), 31, '0'))::uuid;
INSERT INTO hook_executions
    (id, trace_id, hook_type, hook_name, execution_order, tool_name, started_at, completed_at, duration_ms, status, rag_query_performed,
     quality_check_performed, error_message)
SELECT
    ('6' || lpad(to_hex(n), 31, '0'))::uuid, t.id, CASE WHEN n % 2 = 0 THEN 'PreToolUse' ELSE 'PostToolUse' END, 'quality-enforcer', 1, 'Write',
    t.started_at + interval '10 milliseconds', t.started_at + interval '20 milliseconds', 10, 'completed', n % 7 = 0, n % 3 = 0, NULL
FROM generate_series(1, $1::bigint) AS n JOIN execution_traces t ON t.id = ('1' || lpad(to_hex(n), 31, '0'))::uuid;
INSERT INTO endpoint_calls
    (id, trace_id, hook_execution_id, service_name, endpoint_path, http_method, response_status, started_at, completed_at, duration_ms, success)
SELECT
    ('7' || lpad(to_hex(n), 31, '0'))::uuid, t.id, ('6' || lpad(to_hex(n), 31, '0'))::uuid, 'service-' || n % 6, '/api/' || n % 40, 'POST',
    CASE WHEN n % 50 = 0 THEN 503 ELSE 200 END, t.started_at + interval '12 milliseconds', t.started_at + interval '18 milliseconds', 6, n % 50 <> 0
FROM generate_series(2, $1::bigint, 2) AS n JOIN execution_traces t ON t.id = ('1' || lpad(to_hex(n), 31, '0'))::uuid;
INSERT INTO success_patterns
    (pattern_id, pattern_hash, source_correlation_id, prompt_text, intent_classification, keywords, agent_sequence, avg_duration_ms, min_duration_ms,
     max_duration_ms, success_score, total_usage_count, success_count, failure_count, context, last_used_at)
SELECT
    ('5' || lpad(to_hex(n), 31, '0'))::uuid, lpad(to_hex(n), 16, '0'), ('2' || lpad(to_hex(n), 31, '0'))::uuid, 'prompt ' || n,
    CASE WHEN n % 2 = 0 THEN 'debugging' ELSE 'testing' END, ARRAY['word_' || n % 100], ARRAY['agent-' || lpad((n % 20)::text, 2, '0')],
    1000, 900, 1100, 0.9, (n % 41)::integer, (n % 41 * (n % 11) / 10)::integer, 0,
    jsonb_build_object('domain', 'domain_' || n % 10), now() - n * interval '1 minute'
FROM generate_series(0, least($1::bigint / 100, 9999)) AS n;
INSERT INTO pattern_usage_log
    (pattern_id, trace_id, correlation_id, user_request, match_score, used, outcome, success, expected_duration_ms, actual_duration_ms,
     performance_variance, used_at)
SELECT
    ('5' || lpad(to_hex(n % least($1::bigint / 100, 9999)), 31, '0'))::uuid, ('1' || lpad(to_hex(n * 5), 31, '0'))::uuid, ('2' || lpad(to_hex(n * 5), 31, '0'))::uuid,
    'number ' || n, 0.9, true, CASE WHEN n % 9 = 0 THEN 'failure' ELSE 'success' END, n % 9 <> 0, 1000, 1100, 0.1,
    now() - ($1::bigint / 5 - n) * (interval '90 days' / ($1::double precision / 5))
FROM generate_series(1, $1::bigint / 5) AS n;
INSERT INTO agent_chaining_patterns
    (primary_agent, delegated_agents, delegation_depth, trigger_context, success_rate, usage_count, avg_total_duration_ms,
     avg_coordination_overhead_ms, source_traces)
SELECT 'agent-' || lpad((n % 20)::text, 2, '0'), ARRAY['agent-' || lpad((n / 20)::text, 2, '0')], 1, 'review', 0.9, n, 2000, 100,
    ARRAY[('2' || lpad(to_hex(n), 31, '0'))::uuid]
FROM generate_series(1, 399) AS n;
INSERT INTO error_patterns
    (error_type, error_category, error_message_pattern, affected_agents, occurrence_count, sample_correlation_ids, severity)
SELECT 'error_' || lpad((n % 12)::text, 2, '0'), 'network', 'message ' || n, ARRAY['agent-01'], 1000 + n, ARRAY[('2' || lpad(to_hex(n), 31, '0'))::uuid], 'high'
FROM generate_series(0, 23) AS n;

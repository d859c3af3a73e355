CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

-- A trace with everything it delegated, level by level. A repeated id and depth 32 end a branch, so a cycle ends too.
CREATE OR REPLACE FUNCTION get_trace_hierarchy(root uuid)
RETURNS TABLE (
    trace_id uuid,
    correlation_id uuid,
    parent_id uuid,
    depth integer,
    path uuid[],
    source text,
    status text,
    success boolean,
    started_at timestamptz,
    duration_ms integer
)
LANGUAGE sql STABLE
AS $$
    WITH RECURSIVE tree AS (
        SELECT
            t.id, t.correlation_id, t.parent_id, 0 AS depth, ARRAY[t.correlation_id] AS path,
            t.source, t.status, t.success, t.started_at, t.duration_ms
        FROM execution_traces t
        WHERE t.correlation_id = root
        UNION ALL
        SELECT
            c.id, c.correlation_id, c.parent_id, p.depth + 1, p.path || c.correlation_id,
            c.source, c.status, c.success, c.started_at, c.duration_ms
        FROM tree p
        JOIN execution_traces c ON c.parent_id = p.correlation_id
        WHERE p.depth < 32 AND c.correlation_id <> ALL (p.path)
    )
    SELECT * FROM tree ORDER BY depth, started_at, correlation_id
$$;

-- A trace and its direct children, each with its newest decision, its hooks and its calls. Null for an unknown id.
CREATE OR REPLACE FUNCTION get_complete_trace(correlation uuid) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    WITH chosen AS (
        SELECT t.*, 0 AS level FROM execution_traces t WHERE t.correlation_id = correlation
        UNION ALL
        SELECT t.*, 1 FROM execution_traces t WHERE t.parent_id = correlation AND t.correlation_id <> correlation
    ),
    assembled AS (
        SELECT t.level, t.started_at, t.correlation_id, jsonb_build_object(
            'correlation_id', t.correlation_id,
            'root_id', t.root_id,
            'session_id', t.session_id,
            'prompt_text', t.prompt_text,
            'started_at', t.started_at,
            'completed_at', t.completed_at,
            'duration_ms', t.duration_ms,
            'status', t.status,
            'success', t.success,
            'routing_decision', (
                SELECT to_jsonb(r) - 'query_embedding' FROM agent_routing_decisions r
                WHERE r.trace_id = t.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1
            ),
            'hook_executions', h.hooks,
            'endpoint_calls', c.calls,
            'child_traces', '[]'::jsonb,
            'total_hooks', h.total,
            'total_endpoints', c.total,
            'total_rag_queries', h.rag_queries,
            'total_quality_gates', h.quality_gates
        ) AS trace
        FROM chosen t
        CROSS JOIN LATERAL (
            SELECT
                coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.execution_order, x.started_at, x.id), '[]') AS hooks,
                count(*) AS total,
                count(*) FILTER (WHERE x.rag_query_performed) AS rag_queries,
                coalesce(sum(coalesce(
                    nullif(cardinality(x.quality_gates_validated), 0), x.quality_check_performed::integer
                )), 0) AS quality_gates
            FROM hook_executions x WHERE x.trace_id = t.id
        ) h
        CROSS JOIN LATERAL (
            SELECT
                coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.started_at, x.id), '[]') AS calls,
                count(*) AS total
            FROM endpoint_calls x WHERE x.trace_id = t.id
        ) c
    )
    SELECT a.trace || jsonb_build_object('child_traces', (
        SELECT coalesce(jsonb_agg(x.trace ORDER BY x.started_at, x.correlation_id), '[]') FROM assembled x WHERE x.level = 1
    ))
    FROM assembled a WHERE a.level = 0
$$;

-- The exact answer, by comparing with every pattern.
CREATE OR REPLACE FUNCTION find_similar_patterns(
    embedding vector(1536),
    min_similarity double precision DEFAULT 0.70,
    max_results integer DEFAULT 5
)
RETURNS TABLE (
    pattern_id uuid,
    pattern_hash text,
    prompt_text text,
    intent_classification text,
    similarity double precision,
    success_rate numeric,
    total_usage_count integer
)
LANGUAGE sql STABLE
AS $$
    SELECT p.pattern_id, p.pattern_hash, p.prompt_text, p.intent_classification, s.similarity, p.success_rate, p.total_usage_count
    FROM success_patterns p
    CROSS JOIN LATERAL (SELECT 1 - (p.prompt_embedding <=> embedding) AS similarity) s
    WHERE p.prompt_embedding IS NOT NULL AND s.similarity >= min_similarity
    ORDER BY s.similarity DESC, p.success_rate DESC, p.pattern_id
    LIMIT max_results
$$;

-- Counts one replay. One UPDATE, which locks the row: concurrent calls add up.
CREATE OR REPLACE FUNCTION update_pattern_stats(pattern uuid, outcome text, duration_ms integer DEFAULT NULL)
RETURNS success_patterns
LANGUAGE plpgsql
AS $$
DECLARE
    updated success_patterns;
BEGIN
    IF outcome IS NULL OR outcome NOT IN ('success', 'failure', 'partial_success') THEN
        RAISE EXCEPTION 'outcome % is not success, failure or partial_success', quote_nullable(outcome)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF duration_ms < 0 THEN
        RAISE EXCEPTION 'a duration of % ms is negative', duration_ms USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE success_patterns p SET
        total_usage_count = p.total_usage_count + 1,
        success_count = p.success_count + (outcome = 'success')::integer,
        failure_count = p.failure_count + (outcome = 'failure')::integer,
        last_used_at = now(),
        confidence_score = least(0.95, 0.5 + 0.02 * (p.total_usage_count + 1)),
        -- The trace that the pattern was taken from counts as one observation.
        avg_duration_ms = CASE WHEN duration_ms IS NULL THEN p.avg_duration_ms ELSE
            round((p.avg_duration_ms::numeric * (p.total_usage_count + 1) + duration_ms) / (p.total_usage_count + 2))::integer END,
        min_duration_ms = least(p.min_duration_ms, duration_ms),
        max_duration_ms = greatest(p.max_duration_ms, duration_ms)
    WHERE p.pattern_id = pattern
    RETURNING p.* INTO updated;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no pattern %', pattern USING ERRCODE = 'no_data_found';
    END IF;
    RETURN updated;
END
$$;

-- The three retention rules, all or nothing. Large backlogs are better worked off in batches by the application.
CREATE OR REPLACE FUNCTION apply_retention(
    trace_days integer DEFAULT 90,
    usage_days integer DEFAULT 180,
    idle_days integer DEFAULT 30
)
RETURNS TABLE (archived_traces bigint, deleted_usage bigint, deleted_patterns bigint)
LANGUAGE plpgsql
AS $$
BEGIN
    IF trace_days IS NULL OR usage_days IS NULL OR idle_days IS NULL OR least(trace_days, usage_days, idle_days) < 0 THEN
        RAISE EXCEPTION 'a number of days must be 0 or more' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass('execution_traces_archive') IS NULL THEN
        CREATE TABLE execution_traces_archive (LIKE execution_traces INCLUDING ALL);
    END IF;

    WITH moved AS (
        DELETE FROM execution_traces WHERE started_at < now() - make_interval(days => trace_days) RETURNING *
    )
    INSERT INTO execution_traces_archive SELECT * FROM moved;
    GET DIAGNOSTICS archived_traces = ROW_COUNT;

    DELETE FROM pattern_usage_log WHERE used_at < now() - make_interval(days => usage_days);
    GET DIAGNOSTICS deleted_usage = ROW_COUNT;

    DELETE FROM success_patterns
    WHERE total_usage_count < 5 AND success_rate < 0.5 AND last_used_at < now() - make_interval(days => idle_days);
    GET DIAGNOSTICS deleted_patterns = ROW_COUNT;

    RETURN NEXT;
END
$$;

CREATE TRIGGER update_execution_traces_updated_at
    BEFORE UPDATE ON execution_traces FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_agent_routing_decisions_updated_at
    BEFORE UPDATE ON agent_routing_decisions FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_hook_executions_updated_at
    BEFORE UPDATE ON hook_executions FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_endpoint_calls_updated_at
    BEFORE UPDATE ON endpoint_calls FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_success_patterns_updated_at
    BEFORE UPDATE ON success_patterns FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_pattern_usage_log_updated_at
    BEFORE UPDATE ON pattern_usage_log FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_agent_chaining_patterns_updated_at
    BEFORE UPDATE ON agent_chaining_patterns FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_error_patterns_updated_at
    BEFORE UPDATE ON error_patterns FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Nobody who calls them chooses what their names mean. The same path on every server, whatever its sessions have by default; the
-- extension may live in `public` while the tables do not.
DO $paths$
DECLARE
    path text := CASE current_schema() WHEN 'public' THEN 'public' ELSE format('%I, public', current_schema()) END;
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'update_updated_at_column()',
        'get_trace_hierarchy(uuid)',
        'get_complete_trace(uuid)',
        'find_similar_patterns(vector, double precision, integer)',
        'update_pattern_stats(uuid, text, integer)',
        'apply_retention(integer, integer, integer)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %s', signature, path);
    END LOOP;
END
$paths$;

-- Roles belong to the whole server: two databases that migrate at once may both find them missing.
DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the role % is missing and % may not create it', wanted, current_user
                        USING ERRCODE = 'insufficient_privilege',
                            HINT = format('Let an administrator run: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;', wanted, wanted, current_user);
            END;
        END IF;
        -- The application works under these roles, so its login must be able to take them on; a superuser always is.
        IF current_setting('is_superuser') = 'off' THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION
                WHEN unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
                        RAISE EXCEPTION '% may not take on the role %', current_user, wanted
                            USING ERRCODE = 'insufficient_privilege',
                                HINT = format('Let an administrator run: GRANT %I TO %I;', wanted, current_user);
                    END IF;
            END;
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO authenticated, service_role', current_schema());
END
$roles$;

REVOKE ALL ON
    execution_traces, agent_routing_decisions, hook_executions, endpoint_calls,
    success_patterns, pattern_usage_log, agent_chaining_patterns, error_patterns,
    pattern_effectiveness, trace_summary, agent_performance, error_analysis, dashboard_summary
    FROM PUBLIC, anon, authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    execution_traces, agent_routing_decisions, hook_executions, endpoint_calls,
    success_patterns, pattern_usage_log, agent_chaining_patterns, error_patterns
    TO service_role;
GRANT SELECT ON
    execution_traces, agent_routing_decisions, hook_executions, endpoint_calls,
    success_patterns, pattern_usage_log, agent_chaining_patterns, error_patterns
    TO authenticated;
GRANT SELECT ON
    pattern_effectiveness, trace_summary, agent_performance, error_analysis, dashboard_summary
    TO service_role, authenticated;
REVOKE EXECUTE ON FUNCTION update_pattern_stats(uuid, text, integer), apply_retention(integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION update_pattern_stats(uuid, text, integer), apply_retention(integer, integer, integer) TO service_role;

ALTER TABLE execution_traces ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_routing_decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE hook_executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE endpoint_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE success_patterns ENABLE ROW LEVEL SECURITY;
ALTER TABLE pattern_usage_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_chaining_patterns ENABLE ROW LEVEL SECURITY;
ALTER TABLE error_patterns ENABLE ROW LEVEL SECURITY;

CREATE POLICY service_role_all_execution_traces ON execution_traces FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_agent_routing_decisions ON agent_routing_decisions FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_hook_executions ON hook_executions FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_endpoint_calls ON endpoint_calls FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_success_patterns ON success_patterns FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_pattern_usage_log ON pattern_usage_log FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_agent_chaining_patterns ON agent_chaining_patterns FOR ALL TO service_role USING (true) WITH CHECK (true);
CREATE POLICY service_role_all_error_patterns ON error_patterns FOR ALL TO service_role USING (true) WITH CHECK (true);

-- Who asks: `app.user_id`, or the subject of the platform's token. A setting that was used before reads as '', not as NULL. In a
-- sub-query, so that it is read once and not for every row. Nobody: only traces that nobody owns.
CREATE POLICY authenticated_read_execution_traces ON execution_traces FOR SELECT TO authenticated USING (
    user_id = (SELECT coalesce(
        nullif(current_setting('app.user_id', true), ''),
        nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
    ))
    OR user_id IS NULL
);
CREATE POLICY authenticated_read_agent_routing_decisions ON agent_routing_decisions FOR SELECT TO authenticated USING (
    EXISTS (
        SELECT FROM execution_traces t
        WHERE t.id = trace_id AND (
            t.user_id = (SELECT coalesce(
                nullif(current_setting('app.user_id', true), ''),
                nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
            ))
            OR t.user_id IS NULL
        )
    )
);
CREATE POLICY authenticated_read_hook_executions ON hook_executions FOR SELECT TO authenticated USING (
    EXISTS (
        SELECT FROM execution_traces t
        WHERE t.id = trace_id AND (
            t.user_id = (SELECT coalesce(
                nullif(current_setting('app.user_id', true), ''),
                nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
            ))
            OR t.user_id IS NULL
        )
    )
);
CREATE POLICY authenticated_read_endpoint_calls ON endpoint_calls FOR SELECT TO authenticated USING (
    EXISTS (
        SELECT FROM execution_traces t
        WHERE t.id = trace_id AND (
            t.user_id = (SELECT coalesce(
                nullif(current_setting('app.user_id', true), ''),
                nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
            ))
            OR t.user_id IS NULL
        )
    )
);
CREATE POLICY authenticated_read_pattern_usage_log ON pattern_usage_log FOR SELECT TO authenticated USING (
    EXISTS (
        SELECT FROM execution_traces t
        WHERE t.id = trace_id AND (
            t.user_id = (SELECT coalesce(
                nullif(current_setting('app.user_id', true), ''),
                nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')
            ))
            OR t.user_id IS NULL
        )
    )
);
CREATE POLICY authenticated_read_success_patterns ON success_patterns FOR SELECT TO authenticated USING (true);
CREATE POLICY authenticated_read_agent_chaining_patterns ON agent_chaining_patterns FOR SELECT TO authenticated USING (true);
CREATE POLICY authenticated_read_error_patterns ON error_patterns FOR SELECT TO authenticated USING (true);

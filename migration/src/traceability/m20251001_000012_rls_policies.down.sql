DROP POLICY service_role_all_execution_traces ON execution_traces;
DROP POLICY authenticated_read_execution_traces ON execution_traces;
ALTER TABLE execution_traces DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_agent_routing_decisions ON agent_routing_decisions;
DROP POLICY authenticated_read_agent_routing_decisions ON agent_routing_decisions;
ALTER TABLE agent_routing_decisions DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_hook_executions ON hook_executions;
DROP POLICY authenticated_read_hook_executions ON hook_executions;
ALTER TABLE hook_executions DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_endpoint_calls ON endpoint_calls;
DROP POLICY authenticated_read_endpoint_calls ON endpoint_calls;
ALTER TABLE endpoint_calls DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_success_patterns ON success_patterns;
DROP POLICY authenticated_read_success_patterns ON success_patterns;
ALTER TABLE success_patterns DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_pattern_usage_log ON pattern_usage_log;
DROP POLICY authenticated_read_pattern_usage_log ON pattern_usage_log;
ALTER TABLE pattern_usage_log DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_agent_chaining_patterns ON agent_chaining_patterns;
DROP POLICY authenticated_read_agent_chaining_patterns ON agent_chaining_patterns;
ALTER TABLE agent_chaining_patterns DISABLE ROW LEVEL SECURITY;
DROP POLICY service_role_all_error_patterns ON error_patterns;
DROP POLICY authenticated_read_error_patterns ON error_patterns;
ALTER TABLE error_patterns DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON
    execution_traces, agent_routing_decisions, hook_executions, endpoint_calls,
    success_patterns, pattern_usage_log, agent_chaining_patterns, error_patterns,
    pattern_effectiveness, trace_summary, agent_performance, error_analysis, dashboard_summary
    FROM service_role, authenticated;
REVOKE ALL ON FUNCTION update_pattern_stats(uuid, text, integer), apply_retention(integer, integer, integer) FROM service_role;
GRANT EXECUTE ON FUNCTION update_pattern_stats(uuid, text, integer), apply_retention(integer, integer, integer) TO PUBLIC;

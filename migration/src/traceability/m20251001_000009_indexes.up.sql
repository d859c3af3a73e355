CREATE INDEX idx_execution_traces_correlation ON execution_traces (correlation_id);
CREATE INDEX idx_execution_traces_root ON execution_traces (root_id);
CREATE INDEX idx_execution_traces_parent ON execution_traces (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_execution_traces_session ON execution_traces (session_id);
CREATE INDEX idx_execution_traces_user ON execution_traces (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX idx_execution_traces_status ON execution_traces (status);
CREATE INDEX idx_execution_traces_started_at ON execution_traces (started_at DESC);
CREATE INDEX idx_execution_traces_tags ON execution_traces USING gin (tags);
CREATE INDEX idx_execution_traces_successful ON execution_traces (correlation_id, started_at DESC) WHERE success = true;
CREATE INDEX idx_execution_traces_status_started ON execution_traces (status, started_at DESC);
CREATE INDEX idx_execution_traces_error_type ON execution_traces (error_type) WHERE error_type IS NOT NULL;

CREATE INDEX idx_routing_trace ON agent_routing_decisions (trace_id);
CREATE INDEX idx_routing_agent ON agent_routing_decisions (agent_selected);
CREATE INDEX idx_routing_pattern ON agent_routing_decisions (pattern_id) WHERE pattern_id IS NOT NULL;
CREATE INDEX idx_routing_strategy ON agent_routing_decisions (routing_strategy);
CREATE INDEX idx_routing_confidence ON agent_routing_decisions (confidence_score DESC);
CREATE INDEX idx_routing_created_at ON agent_routing_decisions (created_at DESC);
CREATE INDEX idx_routing_agent_created ON agent_routing_decisions (agent_selected, created_at DESC);
CREATE INDEX idx_routing_embedding ON agent_routing_decisions USING ivfflat (query_embedding vector_cosine_ops) WITH (lists = 100);

CREATE INDEX idx_hook_executions_trace ON hook_executions (trace_id);
CREATE INDEX idx_hook_executions_order ON hook_executions (trace_id, execution_order);
CREATE INDEX idx_hook_executions_execution ON hook_executions (execution_id);
CREATE INDEX idx_hook_executions_parent ON hook_executions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_hook_executions_hook_type ON hook_executions (hook_type);
CREATE INDEX idx_hook_executions_started_at ON hook_executions (started_at DESC);
CREATE INDEX idx_hook_executions_status ON hook_executions (status);
CREATE INDEX idx_hook_executions_tool ON hook_executions (tool_name) WHERE tool_name IS NOT NULL;
CREATE INDEX idx_hook_executions_rag ON hook_executions (trace_id) WHERE rag_query_performed;

CREATE INDEX idx_endpoint_calls_trace ON endpoint_calls (trace_id);
CREATE INDEX idx_endpoint_calls_hook ON endpoint_calls (hook_execution_id) WHERE hook_execution_id IS NOT NULL;
CREATE INDEX idx_endpoint_calls_service ON endpoint_calls (service_name);
CREATE INDEX idx_endpoint_calls_endpoint ON endpoint_calls (endpoint_path);
CREATE INDEX idx_endpoint_calls_started_at ON endpoint_calls (started_at DESC);
CREATE INDEX idx_endpoint_calls_status ON endpoint_calls (response_status);
CREATE INDEX idx_endpoint_calls_failed ON endpoint_calls (started_at DESC) WHERE success = false;

CREATE INDEX idx_pattern_embedding ON success_patterns USING ivfflat (prompt_embedding vector_cosine_ops) WITH (lists = 100);
CREATE UNIQUE INDEX idx_pattern_hash ON success_patterns (pattern_hash);
CREATE INDEX idx_pattern_intent ON success_patterns (intent_classification);
CREATE INDEX idx_pattern_agents ON success_patterns USING gin (agent_sequence);
CREATE INDEX idx_pattern_success_rate ON success_patterns (success_rate DESC);
CREATE INDEX idx_pattern_total_usage ON success_patterns (total_usage_count DESC);
CREATE INDEX idx_pattern_effectiveness ON success_patterns (success_rate DESC, total_usage_count DESC);
CREATE INDEX idx_pattern_keywords ON success_patterns USING gin (keywords);
CREATE INDEX idx_pattern_tags ON success_patterns USING gin (tags);
CREATE INDEX idx_pattern_context ON success_patterns USING gin (context);
CREATE INDEX idx_pattern_last_used ON success_patterns (last_used_at DESC NULLS LAST);

CREATE INDEX idx_pattern_usage_pattern ON pattern_usage_log (pattern_id);
CREATE INDEX idx_pattern_usage_trace ON pattern_usage_log (trace_id);
CREATE INDEX idx_pattern_usage_outcome ON pattern_usage_log (outcome);
CREATE INDEX idx_pattern_usage_used_at ON pattern_usage_log (used_at DESC);
CREATE INDEX idx_pattern_usage_pattern_used ON pattern_usage_log (pattern_id, used_at DESC);

CREATE INDEX idx_agent_chaining_primary ON agent_chaining_patterns (primary_agent);
CREATE INDEX idx_agent_chaining_success_rate ON agent_chaining_patterns (success_rate DESC);
CREATE INDEX idx_agent_chaining_usage_count ON agent_chaining_patterns (usage_count DESC);

CREATE INDEX idx_error_type ON error_patterns (error_type);
CREATE INDEX idx_error_agent ON error_patterns (agent) WHERE agent IS NOT NULL;
CREATE INDEX idx_error_endpoint ON error_patterns (endpoint_path) WHERE endpoint_path IS NOT NULL;
CREATE INDEX idx_error_occurrence ON error_patterns (occurrence_count DESC);
CREATE INDEX idx_error_severity ON error_patterns (severity);
CREATE INDEX idx_error_recent ON error_patterns (last_occurrence_at DESC, severity);

CREATE VIEW workflow_execution WITH (security_invoker = true) AS
SELECT
    coalesce(initial_context #>> '{workflow_execution,execution_id}', id::text)::uuid AS execution_id,
    executed_at,
    initial_context ->> 'intent' AS intent_text,
    initial_context #> '{workflow_execution,dag_structure}' AS dag_structure,
    success,
    duration_ms AS execution_time_ms,
    error_message,
    initial_context #>> '{workflow_execution,code_snippet}' AS code_snippet,
    initial_context #>> '{workflow_execution,code_hash}' AS code_hash,
    user_id,
    created_by,
    updated_by
FROM execution_trace
WHERE initial_context ? 'workflow_execution'

-- Runs keep their identity, so copying again adds nothing. `executed_at` had no time zone and was written in UTC.
INSERT INTO execution_trace
    (id, intent_text, executed_at, success, duration_ms, error_message, user_id, created_by, decisions, task_results, priority)
SELECT
    execution_id, intent_text, executed_at AT TIME ZONE 'UTC', success, execution_time_ms, error_message,
    coalesce(user_id, 'local'), 'migration', '[]', '[]', 0.5
FROM workflow_execution
ON CONFLICT (id) DO NOTHING;

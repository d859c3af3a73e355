CREATE TEMPORARY TABLE moving_run ON COMMIT DROP AS
WITH copy AS (
    -- Several runs can agree in time, duration and outcome: the nth of them meets the nth copy.
    SELECT t.id, t.executed_at, t.duration_ms, t.success,
        row_number() OVER (PARTITION BY t.executed_at, t.duration_ms, t.success ORDER BY t.id) AS place
    FROM execution_trace t
    WHERE (t.created_by = 'migration' OR t.updated_by = 'migration')
        AND NOT EXISTS (SELECT FROM workflow_execution e WHERE e.execution_id = t.id)
),
run AS (
    SELECT e.*,
        EXISTS (SELECT FROM execution_trace t WHERE t.id = e.execution_id) AS same_id
    FROM workflow_execution e
),
placed AS (
    SELECT r.*, CASE WHEN NOT r.same_id THEN row_number() OVER (
        PARTITION BY r.same_id, r.executed_at, r.execution_time_ms, r.success ORDER BY r.execution_id
    ) END AS place
    FROM run r
)
SELECT p.execution_id, p.executed_at, p.success, p.execution_time_ms, p.error_message, p.intent_text,
    p.user_id, p.created_by, p.updated_by,
    CASE WHEN p.same_id THEN p.execution_id ELSE c.id END AS copied_as,
    (SELECT w.pattern_id FROM workflow_pattern w WHERE w.code_hash = p.code_hash) AS capability_id,
    jsonb_build_object('dag_structure', p.dag_structure, 'code_snippet', p.code_snippet, 'code_hash', p.code_hash) AS run
FROM placed p
LEFT JOIN copy c ON c.executed_at = p.executed_at AND c.duration_ms = p.execution_time_ms
    AND c.success = p.success AND c.place = p.place;

UPDATE execution_trace t
SET capability_id = coalesce(t.capability_id, m.capability_id),
    error_message = coalesce(t.error_message, m.error_message),
    initial_context = CASE WHEN m.intent_text IS NULL THEN '{}' ELSE jsonb_build_object('intent', m.intent_text) END
        || CASE WHEN jsonb_typeof(t.initial_context) = 'object' THEN t.initial_context
            ELSE jsonb_build_object('value', t.initial_context) END
        || jsonb_build_object('workflow_execution', m.run || jsonb_build_object('execution_id', m.execution_id))
FROM moving_run m
WHERE m.copied_as = t.id;

INSERT INTO execution_trace
    (id, capability_id, initial_context, executed_at, success, duration_ms, error_message, user_id, created_by, updated_by)
SELECT m.execution_id, m.capability_id,
    CASE WHEN m.intent_text IS NULL THEN '{}' ELSE jsonb_build_object('intent', m.intent_text) END
        || jsonb_build_object('workflow_execution', m.run),
    m.executed_at, m.success, m.execution_time_ms, m.error_message,
    coalesce(m.user_id, 'local'), coalesce(m.created_by, m.user_id, 'local'), m.updated_by
FROM moving_run m
WHERE m.copied_as IS NULL;

DROP TABLE moving_run;
DROP TABLE workflow_execution;

CREATE TEMPORARY TABLE returning_run ON COMMIT DROP AS
SELECT w.*, t.id AS trace_id, t.initial_context #> '{workflow_execution,execution_id}' IS NOT NULL AS was_copied
FROM execution_trace t
JOIN workflow_execution w
    ON w.execution_id = coalesce(t.initial_context #>> '{workflow_execution,execution_id}', t.id::text)::uuid
WHERE t.initial_context ? 'workflow_execution';

DROP VIEW workflow_execution;

CREATE TABLE workflow_execution (
    execution_id uuid NOT NULL DEFAULT gen_random_uuid(),
    executed_at timestamptz NOT NULL DEFAULT now(),
    intent_text text,
    dag_structure jsonb NOT NULL,
    success boolean NOT NULL,
    execution_time_ms bigint NOT NULL,
    error_message text,
    code_snippet text,
    code_hash text,
    user_id text,
    created_by text,
    updated_by text,
    CONSTRAINT workflow_execution_pkey PRIMARY KEY (execution_id),
    CONSTRAINT workflow_execution_execution_time_ms_check CHECK (execution_time_ms >= 0)
);
CREATE INDEX idx_execution_timestamp ON workflow_execution (executed_at DESC);
CREATE INDEX idx_workflow_execution_code_hash ON workflow_execution (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX idx_workflow_execution_user_id ON workflow_execution (user_id);

INSERT INTO workflow_execution
    (execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms, error_message, code_snippet,
    code_hash, user_id, created_by, updated_by)
SELECT execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms, error_message, code_snippet,
    code_hash, user_id, created_by, updated_by
FROM returning_run;

DELETE FROM execution_trace t USING returning_run r WHERE r.trace_id = t.id AND NOT r.was_copied;

UPDATE execution_trace t
SET initial_context = t.initial_context - 'workflow_execution'
FROM returning_run r
WHERE r.trace_id = t.id AND r.was_copied;

DROP TABLE returning_run;

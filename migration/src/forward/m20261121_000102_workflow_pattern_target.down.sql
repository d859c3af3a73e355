-- A stored generated column turns into a plain one and keeps its values.
ALTER TABLE workflow_pattern ALTER COLUMN avg_duration_ms DROP EXPRESSION;
UPDATE workflow_pattern SET avg_duration_ms = 0 WHERE avg_duration_ms IS NULL;

ALTER TABLE workflow_pattern
    ALTER COLUMN avg_duration_ms SET DEFAULT 0,
    ALTER COLUMN avg_duration_ms SET NOT NULL,
    ADD CONSTRAINT workflow_pattern_avg_duration_ms_check CHECK (avg_duration_ms >= 0),
    ALTER COLUMN permission_set DROP DEFAULT,
    ALTER COLUMN permission_set TYPE varchar(50),
    ALTER COLUMN permission_set SET DEFAULT 'minimal',
    DROP COLUMN name,
    DROP COLUMN user_id,
    DROP COLUMN total_duration_ms;

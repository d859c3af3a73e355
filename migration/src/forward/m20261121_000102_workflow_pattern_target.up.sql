ALTER TABLE workflow_pattern
    ADD COLUMN name text,
    ADD COLUMN user_id uuid,
    ADD COLUMN total_duration_ms bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT workflow_pattern_total_duration_ms_check CHECK (total_duration_ms >= 0);

ALTER TABLE workflow_pattern
    ALTER COLUMN total_duration_ms TYPE bigint USING avg_duration_ms * usage_count,
    ALTER COLUMN permission_set DROP DEFAULT,
    ALTER COLUMN permission_set TYPE text USING CASE
        WHEN permission_set IN ('minimal', 'readonly', 'filesystem', 'network-api', 'mcp-standard', 'trusted')
            THEN permission_set
        ELSE 'minimal'
    END,
    ALTER COLUMN permission_set SET DEFAULT 'minimal',
    ALTER COLUMN source TYPE text USING CASE WHEN source IN ('emergent', 'manual') THEN source ELSE 'emergent' END;

ALTER TABLE workflow_pattern DROP COLUMN avg_duration_ms;
ALTER TABLE workflow_pattern ADD COLUMN avg_duration_ms bigint GENERATED ALWAYS AS (
    CASE WHEN usage_count > 0 THEN total_duration_ms / usage_count ELSE 0 END
) STORED NOT NULL;

-- The text of a uuid is lower case, whatever case the old system was given.
UPDATE workflow_pattern p SET user_id = u.id FROM users u WHERE u.id::text = lower(p.created_by);

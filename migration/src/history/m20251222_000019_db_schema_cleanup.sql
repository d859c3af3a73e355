-- Ties permission_audit_log to the capabilities it speaks of. Safe to run again, also on a database where an earlier
-- attempt stopped between the two halves.
DO $$
DECLARE
    -- Every spelling PostgreSQL reads as a UUID, in any case; surrounding blanks and braces are trimmed first.
    uuid_text CONSTANT text := '^([0-9a-f]{4}-?){7}[0-9a-f]{4}$';
    padding CONSTANT text := E' \t\r\n{}';
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'permission_audit_log'::regclass AND attname = 'capability_id' AND atttypid = 'text'::regtype
    ) THEN
        DELETE FROM permission_audit_log
        WHERE btrim(capability_id, padding) !~* uuid_text;

        ALTER TABLE permission_audit_log
            ALTER COLUMN capability_id TYPE uuid USING btrim(capability_id, E' \t\r\n{}')::uuid;
    END IF;

    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'permission_audit_log'::regclass AND conname = 'fk_permission_audit_capability'
    ) THEN
        DELETE FROM permission_audit_log a
        WHERE NOT EXISTS (SELECT FROM workflow_pattern p WHERE p.pattern_id = a.capability_id);

        ALTER TABLE permission_audit_log
            ADD CONSTRAINT fk_permission_audit_capability
            FOREIGN KEY (capability_id) REFERENCES workflow_pattern (pattern_id) ON DELETE SET NULL;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION permission_audit_log_append_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    -- A later column is protected from the day it is added.
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'capability_id' = to_jsonb(NEW) - 'capability_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'permission_audit_log is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = 'permission_audit_log',
            HINT = 'only capability_id of a row may change, when two capabilities are merged';
END
$$;

CREATE TRIGGER permission_audit_log_append_only
    BEFORE UPDATE ON permission_audit_log
    FOR EACH ROW EXECUTE FUNCTION permission_audit_log_append_only();

-- Per statement: also a DELETE that would hit no row is refused.
CREATE TRIGGER permission_audit_log_keep
    BEFORE DELETE OR TRUNCATE ON permission_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION permission_audit_log_append_only();

ALTER TABLE permission_audit_log
    ALTER COLUMN id DROP DEFAULT,
    ALTER COLUMN id TYPE text,
    ALTER COLUMN timestamp DROP DEFAULT,
    ALTER COLUMN timestamp TYPE bigint USING (extract(epoch FROM timestamp) * 1000)::bigint,
    ALTER COLUMN approved TYPE integer USING approved::integer;

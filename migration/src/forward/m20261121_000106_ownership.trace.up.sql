-- An owner that is no user stays readable: it is what `created_by` says from now on.
UPDATE execution_trace t
SET updated_by = coalesce(t.updated_by, t.created_by),
    created_by = t.user_id
WHERE t.user_id IS NOT NULL
    AND t.created_by IS DISTINCT FROM t.user_id
    AND NOT EXISTS (SELECT FROM users u WHERE u.id::text = lower(t.user_id));

UPDATE execution_trace t
SET user_id = NULL
WHERE t.user_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    AND NOT EXISTS (SELECT FROM users u WHERE u.id::text = lower(t.user_id));

ALTER TABLE execution_trace
    ALTER COLUMN user_id DROP DEFAULT,
    ALTER COLUMN user_id TYPE uuid USING CASE
        WHEN user_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN user_id::uuid
    END;

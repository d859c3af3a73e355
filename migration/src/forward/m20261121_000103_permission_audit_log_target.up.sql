-- Two spellings of one UUID are two rows: all but the lower-case one count as text.
UPDATE permission_audit_log a
SET id = md5(id)::uuid::text
WHERE id !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    OR id <> lower(id)
        AND EXISTS (SELECT FROM permission_audit_log b WHERE b.id <> a.id AND lower(b.id) = lower(a.id));

-- What cannot be kept in its column is kept in words.
WITH known AS (
    SELECT ARRAY['minimal', 'readonly', 'filesystem', 'network-api', 'mcp-standard', 'trusted'] AS sets,
           ARRAY['read', 'write', 'net', 'env', 'run', 'ffi'] AS operations
)
UPDATE permission_audit_log
SET reason = concat_ws('; ', reason,
        CASE WHEN from_set <> ALL (sets) THEN 'recorded from_set: ' || from_set END,
        CASE WHEN to_set <> ALL (sets) THEN 'recorded to_set: ' || to_set END,
        CASE WHEN detected_operation <> ALL (operations) THEN 'recorded operation: ' || detected_operation END),
    from_set = CASE WHEN from_set = ANY (sets) THEN from_set ELSE 'minimal' END,
    to_set = CASE WHEN to_set = ANY (sets) THEN to_set ELSE 'minimal' END,
    detected_operation = CASE WHEN detected_operation = ANY (operations) THEN detected_operation END
FROM known
WHERE from_set <> ALL (sets) OR to_set <> ALL (sets) OR detected_operation <> ALL (operations);

ALTER TABLE permission_audit_log
    ALTER COLUMN id TYPE uuid USING id::uuid,
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    -- An interval counts whole microseconds, so no millisecond is rounded.
    ALTER COLUMN timestamp TYPE timestamptz
        USING timestamptz '1970-01-01 00:00:00+00' + timestamp * interval '1 millisecond',
    ALTER COLUMN timestamp SET DEFAULT now(),
    ALTER COLUMN approved TYPE boolean USING approved <> 0;

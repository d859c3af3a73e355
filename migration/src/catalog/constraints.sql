, named AS (
    SELECT
        k.oid,
        (SELECT jsonb_agg(a.attname ORDER BY u.position)
            FROM unnest(k.conkey) WITH ORDINALITY u (number, position)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
        (SELECT jsonb_agg(a.attname ORDER BY u.position)
            FROM unnest(k.confkey) WITH ORDINALITY u (number, position)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) AS ref_columns
    FROM pg_constraint k
    WHERE k.conrelid IN (SELECT oid FROM relation)
),
action (code, name) AS (
    VALUES ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'), ('d', 'SET DEFAULT')
)
SELECT
    r.name AS owner,
    CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'unique' ELSE 'check' END AS kind,
    k.conname AS name,
    CASE k.contype
        WHEN 'p' THEN jsonb_build_object('name', k.conname, 'columns', n.columns)
        WHEN 'u' THEN n.columns
        WHEN 'f' THEN jsonb_build_object(
            'columns', n.columns,
            'references', CASE WHEN f.relnamespace = (SELECT oid FROM scope)
                THEN f.relname ELSE f.relnamespace::regnamespace || '.' || f.relname END,
            'ref_columns', n.ref_columns,
            'on_delete', (SELECT name FROM action WHERE code = k.confdeltype::text),
            'on_update', (SELECT name FROM action WHERE code = k.confupdtype::text),
            'deferrable', k.condeferrable,
            'initially_deferred', k.condeferred,
            'not_valid', NOT k.convalidated
        )
        WHEN 'c' THEN to_jsonb(pg_get_expr(k.conbin, k.conrelid) || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END)
        ELSE to_jsonb(pg_get_constraintdef(k.oid))
    END AS definition
FROM pg_constraint k
JOIN relation r ON r.oid = k.conrelid
JOIN named n ON n.oid = k.oid
LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype IN ('p', 'f', 'u', 'c', 'x')
ORDER BY r.name, k.conname

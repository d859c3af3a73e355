SELECT
    r.name AS owner,
    CASE WHEN r.kind IN ('r', 'p') THEN 'table' ELSE 'view' END AS kind,
    r.name AS name,
    CASE WHEN r.kind IN ('r', 'p') THEN jsonb_build_object(
        'columns', '[]'::jsonb,
        'has_comment', obj_description(r.oid, 'pg_class') IS NOT NULL,
        'row_security', CASE
            WHEN NOT r.relrowsecurity THEN 'off' WHEN r.relforcerowsecurity THEN 'forced' ELSE 'enabled' END
    ) ELSE jsonb_build_object(
        'columns', '[]'::jsonb,
        'definition', pg_get_viewdef(r.oid),
        'with', coalesce((SELECT jsonb_agg(o ORDER BY o) FROM unnest(r.options) o), '[]'),
        'materialized', r.kind = 'm'
    ) END AS definition
FROM relation r
ORDER BY r.name

SELECT
    r.name AS owner,
    'index' AS kind,
    c.relname AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'method', m.amname,
        'unique', i.indisunique,
        'keys', (
            SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'key', pg_get_indexdef(i.indexrelid, n, false),
                'opclass', o.opcname,
                'order', CASE WHEN m.amname = 'btree' THEN
                    CASE WHEN i.indoption[n - 1] & 1 = 1 THEN 'DESC' ELSE 'ASC' END END,
                'nulls', CASE WHEN m.amname = 'btree' THEN
                    CASE i.indoption[n - 1] & 3 WHEN 2 THEN 'FIRST' WHEN 1 THEN 'LAST' END END
            )) ORDER BY n)
            FROM generate_series(1, i.indnkeyatts) n
            JOIN pg_opclass o ON o.oid = i.indclass[n - 1]
        ),
        'include', coalesce((
            SELECT jsonb_agg(pg_get_indexdef(i.indexrelid, n, false) ORDER BY n)
            FROM generate_series(i.indnkeyatts + 1, i.indnatts) n
        ), '[]'),
        'predicate', pg_get_expr(i.indpred, i.indrelid),
        'with', coalesce((SELECT jsonb_agg(o ORDER BY o) FROM unnest(c.reloptions) o), '[]'),
        'nulls_not_distinct', i.indnullsnotdistinct,
        'invalid', NOT i.indisvalid
    )) AS definition
FROM pg_index i
JOIN relation r ON r.oid = i.indrelid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
ORDER BY r.name, c.relname

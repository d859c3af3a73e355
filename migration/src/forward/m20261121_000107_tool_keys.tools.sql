-- Operations that the older system kept beside real tools.
UPDATE tool_schema SET kind = 'operation' WHERE tool_id ~ '^(code|loop):';

INSERT INTO tool_schema (tool_id, server_id, name, description, input_schema, kind)
SELECT
    named.tool_id,
    coalesce(e.server_id, CASE WHEN strpos(named.tool_id, ':') > 1 THEN split_part(named.tool_id, ':', 1) ELSE 'unknown' END),
    coalesce(e.tool_name, nullif(substr(named.tool_id, strpos(named.tool_id, ':') + 1), ''), named.tool_id),
    e.metadata ->> 'description',
    '{}',
    CASE
        WHEN named.tool_id ~ '^(code|loop):' OR e.metadata ->> 'source' = 'pure_operations' THEN 'operation'
        ELSE 'unresolved'
    END
FROM (
    SELECT tool_id FROM tool_embedding
    UNION SELECT from_tool_id FROM tool_dependency
    UNION SELECT to_tool_id FROM tool_dependency
) named
LEFT JOIN tool_embedding e USING (tool_id)
WHERE NOT EXISTS (SELECT FROM tool_schema s WHERE s.tool_id = named.tool_id);

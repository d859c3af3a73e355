-- Exactly the rows that going up again would create: named by a vector or an edge, with nothing of their own.
DELETE FROM tool_schema s
WHERE s.kind <> 'mcp'
    AND s.input_schema = '{}'
    AND s.output_schema IS NULL
    AND s.description IS NOT DISTINCT FROM (
        SELECT e.metadata ->> 'description' FROM tool_embedding e WHERE e.tool_id = s.tool_id
    )
    AND s.tool_id IN (
        SELECT tool_id FROM tool_embedding
        UNION SELECT from_tool_id FROM tool_dependency
        UNION SELECT to_tool_id FROM tool_dependency
    );

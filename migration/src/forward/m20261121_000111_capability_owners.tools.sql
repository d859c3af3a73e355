-- Only a list of tools is a list: one word becomes a list of one, anything else none.
UPDATE workflow_pattern
SET dag_structure = jsonb_set(dag_structure, '{tools_used}', CASE jsonb_typeof(dag_structure -> 'tools_used')
    WHEN 'string' THEN jsonb_build_array(dag_structure -> 'tools_used')
    ELSE '[]'::jsonb
END)
WHERE jsonb_typeof(dag_structure -> 'tools_used') <> 'array';

ALTER TABLE workflow_pattern ADD CONSTRAINT workflow_pattern_tools_used_check
    CHECK (coalesce(jsonb_typeof(dag_structure -> 'tools_used'), 'array') = 'array');

-- The tools of a pattern as a set, each in its short form `server:action`, whatever form a writer used:
-- org.project.server.action[.hash], mcp.server.action, mcp__server__action or server:action.
CREATE FUNCTION workflow_pattern_tool_ids(dag jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT short.id COLLATE "C" ORDER BY short.id COLLATE "C"), '{}')
    FROM (
        SELECT CASE
            WHEN tool LIKE '%:%' THEN tool
            WHEN tool LIKE 'mcp.%' THEN parts[2] || ':' || array_to_string(parts[3:], '_')
            WHEN cardinality(parts) >= 4 THEN parts[3] || ':' || parts[4]
            WHEN tool LIKE 'mcp\_\_%\_\_%' AND split_part(substr(tool, 6), '__', 1) <> ''
                AND length(tool) > 7 + length(split_part(substr(tool, 6), '__', 1)) THEN
                split_part(substr(tool, 6), '__', 1) || ':' || substr(tool, 8 + length(split_part(substr(tool, 6), '__', 1)))
            ELSE tool
        END AS id
        FROM (
            -- `mcp.s` names a server only.
            SELECT bare.tool, string_to_array(bare.tool, '.') AS parts
            FROM jsonb_array_elements(
                CASE jsonb_typeof(dag -> 'tools_used') WHEN 'array' THEN dag -> 'tools_used' ELSE '[]'::jsonb END
            ) AS element
            CROSS JOIN LATERAL (
                SELECT CASE WHEN text LIKE 'mcp.%' AND text NOT LIKE 'mcp.%.%' AND text NOT LIKE '%:%' THEN substr(text, 5) ELSE text END AS tool
                FROM (SELECT element #>> '{}' AS text) AS stored
            ) AS bare
            WHERE jsonb_typeof(element) = 'string'
        ) AS used
    ) AS short
    WHERE short.id <> '';
END;

ALTER TABLE workflow_pattern
    ADD COLUMN tool_ids text[] GENERATED ALWAYS AS (workflow_pattern_tool_ids(dag_structure)) STORED NOT NULL;

CREATE INDEX workflow_pattern_tool_ids_idx ON workflow_pattern USING gin (tool_ids)

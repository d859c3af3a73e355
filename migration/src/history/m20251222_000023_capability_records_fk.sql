-- Which pattern a record means. The record only keeps the first four hex digits of the code hash, and those collide.
-- Among the patterns whose hash begins with what the record has, in this order:
--   1. the one with the very code of the record,
--   2. the one whose hash is the SHA-256 of the record's code, or the record's hash where that is written out in full,
--   3. the oldest (created_at, then pattern_id), which is the only one when nothing collides.
UPDATE capability_records r
SET workflow_pattern_id = best.pattern_id
FROM (
    SELECT DISTINCT ON (c.id) c.id, p.pattern_id
    FROM capability_records c
    -- The first condition says less than the second, but can be hashed.
    JOIN workflow_pattern p
        ON lower(left(p.code_hash, 4)) = lower(left(c.hash, 4)) AND starts_with(lower(p.code_hash), lower(c.hash))
    WHERE c.workflow_pattern_id IS NULL AND length(c.hash) >= 4
    ORDER BY
        c.id,
        (p.code_snippet = c.code_snippet) IS NOT TRUE,
        (lower(p.code_hash) IN (lower(c.hash), encode(sha256(convert_to(c.code_snippet, 'UTF8')), 'hex'))) IS NOT TRUE,
        p.created_at,
        p.pattern_id
) best
WHERE best.id = r.id;

-- What only the record knew moves to the pattern before the columns go; of several records the oldest speaks.
UPDATE workflow_pattern p
SET
    code_snippet = coalesce(p.code_snippet, known.code_snippet),
    description = coalesce(p.description, known.description),
    parameters_schema = coalesce(p.parameters_schema, known.parameters_schema)
FROM (
    SELECT
        workflow_pattern_id,
        (array_agg(code_snippet ORDER BY created_at, id) FILTER (WHERE code_snippet IS NOT NULL))[1] AS code_snippet,
        (array_agg(description ORDER BY created_at, id) FILTER (WHERE description IS NOT NULL))[1] AS description,
        (array_agg(parameters_schema ORDER BY created_at, id) FILTER (WHERE parameters_schema IS NOT NULL))[1]
            AS parameters_schema
    FROM capability_records
    WHERE workflow_pattern_id IS NOT NULL
    GROUP BY workflow_pattern_id
) known
WHERE known.workflow_pattern_id = p.pattern_id
    AND (
        (p.code_snippet IS NULL AND known.code_snippet IS NOT NULL)
        OR (p.description IS NULL AND known.description IS NOT NULL)
        OR (p.parameters_schema IS NULL AND known.parameters_schema IS NOT NULL)
    );

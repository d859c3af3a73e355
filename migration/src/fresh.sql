DO $fresh$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        -- By an extension, or by another object that takes it along: the constructors of a range, an identity's sequence.
        WITH owned AS (
            SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'i')
        ),
        relation AS (
            SELECT
                CASE c.relkind
                    WHEN 'v' THEN 'VIEW'
                    WHEN 'm' THEN 'MATERIALIZED VIEW'
                    WHEN 'S' THEN 'SEQUENCE'
                    WHEN 'f' THEN 'FOREIGN TABLE'
                    ELSE 'TABLE'
                END AS kind,
                format('%I.%I', current_schema(), c.relname) AS name
            FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace
                AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                AND NOT EXISTS (
                    SELECT FROM owned e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                )
        ),
        routine AS (
            SELECT p.oid::regprocedure::text AS name, CASE p.prokind WHEN 'a' THEN 'AGGREGATE' ELSE 'ROUTINE' END AS kind
            FROM pg_proc p
            WHERE p.pronamespace = current_schema()::regnamespace
                AND NOT EXISTS (
                    SELECT FROM owned e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid
                )
        ),
        -- Enums, domains, ranges and free composites; row types, arrays and multiranges go with what they belong to.
        kind AS (
            SELECT format('%I.%I', current_schema(), t.typname) AS name
            FROM pg_type t
            WHERE t.typnamespace = current_schema()::regnamespace
                AND (
                    t.typtype IN ('e', 'd', 'r')
                    OR t.typtype = 'c' AND (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c'
                )
                AND NOT EXISTS (
                    SELECT FROM owned e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid
                )
        ),
        dropping AS (
            -- `IF EXISTS ... CASCADE`: an earlier drop may have taken a later object along.
            SELECT 1 AS place, format('DROP %s IF EXISTS %s CASCADE', r.kind, r.name) AS sql FROM relation r
            UNION ALL
            SELECT 2, format('DROP %s IF EXISTS %s CASCADE', r.kind, r.name) FROM routine r
            UNION ALL
            SELECT 3, format('DROP TYPE IF EXISTS %s CASCADE', k.name) FROM kind k
        )
        SELECT sql FROM dropping ORDER BY place, sql
    LOOP
        EXECUTE statement;
    END LOOP;
END
$fresh$

WITH scope AS (
    SELECT oid FROM pg_namespace WHERE nspname = current_schema()
),
relation AS (
    SELECT c.oid, c.relname AS name, c.relkind AS kind, c.reloptions AS options, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c
    WHERE c.relnamespace = (SELECT oid FROM scope)
        AND c.relkind IN ('r', 'p', 'v', 'm')
        AND c.relname <> ALL ($1)
        AND NOT EXISTS (
            SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        )
)

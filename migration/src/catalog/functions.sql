SELECT
    '' AS owner,
    'function' AS kind,
    f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ')' AS name,
    to_jsonb(pg_get_functiondef(f.oid)) AS definition
FROM pg_proc f
WHERE f.pronamespace = (SELECT oid FROM scope)
    AND f.prokind IN ('f', 'p')
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e'
    )
ORDER BY 3

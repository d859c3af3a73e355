SELECT
    r.name AS owner,
    'policy' AS kind,
    p.polname AS name,
    to_jsonb(concat_ws(' ',
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        'TO ' || (
            SELECT string_agg(CASE WHEN u = 0 THEN 'public' ELSE u::regrole::text END, ', ' ORDER BY u::regrole::text)
            FROM unnest(p.polroles) u
        ),
        'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
    )) AS definition
FROM pg_policy p
JOIN relation r ON r.oid = p.polrelid
ORDER BY r.name, p.polname

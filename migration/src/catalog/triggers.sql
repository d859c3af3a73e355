SELECT r.name AS owner, 'trigger' AS kind, t.tgname AS name, to_jsonb(pg_get_triggerdef(t.oid, true)) AS definition
FROM pg_trigger t
JOIN relation r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal
ORDER BY r.name, t.tgname

ALTER TABLE shgat_params DROP CONSTRAINT shgat_params_user_id_created_by_key;
UPDATE shgat_params SET created_by = user_id::text WHERE user_id IS NOT NULL;

-- One set per owner again: the one written last.
DELETE FROM shgat_params older
USING shgat_params newer
WHERE newer.created_by = older.created_by
    AND (newer.updated_at, newer.id) > (older.updated_at, older.id);

ALTER TABLE shgat_params DROP COLUMN user_id;
ALTER TABLE shgat_params RENAME COLUMN created_by TO user_id;
ALTER TABLE shgat_params ADD CONSTRAINT shgat_params_user_id_key UNIQUE (user_id);

CREATE TABLE capability_name_history (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    capability_id uuid NOT NULL REFERENCES capability_records (id) ON DELETE CASCADE,
    org text NOT NULL DEFAULT 'local',
    project text NOT NULL DEFAULT 'default',
    old_namespace text NOT NULL,
    old_action text NOT NULL,
    old_hash text NOT NULL DEFAULT '',
    new_namespace text NOT NULL,
    new_action text NOT NULL,
    new_hash text NOT NULL DEFAULT '',
    old_name text GENERATED ALWAYS AS (old_namespace || ':' || old_action) STORED NOT NULL,
    new_name text GENERATED ALWAYS AS (new_namespace || ':' || new_action) STORED NOT NULL,
    old_fqdn text GENERATED ALWAYS AS
        (org || '.' || project || '.' || old_namespace || '.' || old_action || '.' || old_hash) STORED NOT NULL,
    new_fqdn text GENERATED ALWAYS AS
        (org || '.' || project || '.' || new_namespace || '.' || new_action || '.' || new_hash) STORED NOT NULL,
    renamed_at timestamptz NOT NULL DEFAULT now(),
    merged_id uuid,
    user_id uuid REFERENCES users (id) ON DELETE SET NULL
);
COMMENT ON TABLE capability_name_history IS 'Names that capabilities had before: an old name still leads to its capability';
CREATE INDEX idx_cap_name_history_capability ON capability_name_history (capability_id);
CREATE INDEX idx_cap_name_history_old ON capability_name_history (old_name);
CREATE INDEX idx_cap_name_history_old_fqdn ON capability_name_history (old_fqdn);
CREATE INDEX idx_cap_name_history_scope ON capability_name_history (org, project);
COMMENT ON COLUMN capability_name_history.merged_id IS 'Id of the entry that a merge took away; code may still call it by that id';
CREATE INDEX capability_name_history_merged_id_idx ON capability_name_history (merged_id) WHERE merged_id IS NOT NULL;
CREATE INDEX capability_name_history_user_id_idx ON capability_name_history (user_id);

-- Of several entries with one name the one in use keeps it. The end of an id is random even where its beginning is a time.
INSERT INTO capability_name_history
    (capability_id, org, project, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash, user_id)
SELECT id, org, project, namespace, action, hash, namespace, action || '_' || right(id::text, 12), hash, user_id
FROM (
    SELECT r.*, row_number() OVER (
        PARTITION BY r.org, r.project, r.namespace, r.action ORDER BY p.last_used DESC NULLS LAST, r.created_at DESC, r.id
    ) AS place
    FROM capability_records r
    LEFT JOIN workflow_pattern p ON p.pattern_id = r.workflow_pattern_id
) AS ranked
WHERE place > 1;
UPDATE capability_records r SET action = h.new_action, updated_at = h.renamed_at
FROM capability_name_history h WHERE h.capability_id = r.id;

CREATE UNIQUE INDEX capability_records_name_key ON capability_records (org, project, namespace, action)

UPDATE users SET username = 'user-' || left(id::text, 8) WHERE username IS NULL;
UPDATE users SET role = 'user' WHERE role NOT IN ('user', 'admin', 'ops');

WITH shared AS (
    SELECT id, row_number() OVER (PARTITION BY github_id ORDER BY created_at, id) AS place
    FROM users WHERE github_id IS NOT NULL
)
UPDATE users u SET github_id = NULL FROM shared s WHERE s.id = u.id AND s.place > 1;

-- A key without its hash or its prefix opens nothing; one of unknown age is as old as what is known of its user.
UPDATE users SET api_key_hash = NULL, api_key_prefix = NULL, api_key_created_at = NULL
WHERE num_nonnulls(api_key_hash, api_key_prefix, api_key_created_at) > 0
    AND (api_key_hash IS NULL OR api_key_prefix IS NULL OR api_key_prefix !~ '^ac_[A-Za-z0-9]{8}$');
UPDATE users SET api_key_created_at = updated_at WHERE api_key_hash IS NOT NULL AND api_key_created_at IS NULL;

WITH shared AS (
    SELECT id, row_number() OVER (PARTITION BY api_key_prefix ORDER BY created_at, id) AS place
    FROM users WHERE api_key_prefix IS NOT NULL
)
UPDATE users u SET api_key_hash = NULL, api_key_prefix = NULL, api_key_created_at = NULL
FROM shared s WHERE s.id = u.id AND s.place > 1;

-- The other tool's table has the two UNIQUE constraints already.
ALTER TABLE users
    DROP CONSTRAINT IF EXISTS users_github_id_unique,
    DROP CONSTRAINT IF EXISTS users_api_key_prefix_unique,
    ALTER COLUMN username SET NOT NULL,
    ADD CONSTRAINT users_github_id_unique UNIQUE (github_id),
    ADD CONSTRAINT users_api_key_prefix_unique UNIQUE (api_key_prefix),
    ADD CONSTRAINT users_api_key_check
        CHECK (num_nonnulls(api_key_hash, api_key_prefix, api_key_created_at) IN (0, 3)),
    ADD CONSTRAINT users_api_key_prefix_check CHECK (api_key_prefix ~ '^ac_[A-Za-z0-9]{8}$');

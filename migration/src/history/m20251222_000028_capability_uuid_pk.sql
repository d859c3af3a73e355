-- The new key is a function of the old one: whoever stored a full name can compute the id, and going down and up again
-- gives the same ids. Does nothing where the key is a UUID already.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'capability_records'::regclass AND attname = 'id' AND atttypid = 'text'::regtype
    ) THEN
        ALTER TABLE capability_records ADD COLUMN uuid_id uuid NOT NULL DEFAULT gen_random_uuid();
        UPDATE capability_records SET uuid_id = md5(id)::uuid;
        -- Drops the primary key and the index over display_name with them.
        ALTER TABLE capability_records DROP COLUMN id, DROP COLUMN display_name;
        ALTER TABLE capability_records RENAME COLUMN uuid_id TO id;
        ALTER TABLE capability_records ADD CONSTRAINT capability_records_pkey PRIMARY KEY (id);
    END IF;
END $$;

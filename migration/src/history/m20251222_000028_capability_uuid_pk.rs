//! 028: the registry's key becomes a UUID, so that a capability can be renamed without breaking what refers to it.
//! Data: id = md5 of the full name; replaying the step keeps every id. Aliases and display names are lost.
//! Down: rebuilds the full name and `namespace:action` from the parts; the alias table comes back empty.

use sea_orm_migration::prelude::*;

use super::m20251222_000021_capability_records as capability_records;
use super::m20251222_000023_capability_records_fk as capability_records_fk;
use super::shapes::btree;
use crate::step::Step;

pub(super) const TABLE_COMMENT: &str = "COMMENT ON TABLE capability_records IS 'The names of capabilities: a stable id and the parts of the full name'";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::drop().table("capability_aliases").if_exists(),
            include_str!("m20251222_000028_capability_uuid_pk.sql"),
            btree(
                "idx_capability_records_fqdn",
                "capability_records",
                ["org", "project", "namespace", "action", "hash"],
            )
            .unique()
            .if_not_exists(),
            TABLE_COMMENT,
            "COMMENT ON COLUMN capability_records.id IS 'Stable identity; the name may change'",
        ]
    }

    fn down(&self) -> Vec<String> {
        let mut statements = statements![
            Index::drop().name("idx_capability_records_fqdn"),
            "ALTER TABLE capability_records ADD COLUMN full_name text, ADD COLUMN display_name text",
            "UPDATE capability_records SET
                full_name = concat_ws('.', org, project, namespace, action, hash),
                display_name = namespace || ':' || action",
            "ALTER TABLE capability_records DROP COLUMN id",
            "ALTER TABLE capability_records RENAME COLUMN full_name TO id",
            "ALTER TABLE capability_records ALTER COLUMN display_name SET NOT NULL",
            "ALTER TABLE capability_records ADD CONSTRAINT capability_records_pkey PRIMARY KEY (id)",
            capability_records::name_index(),
            capability_records_fk::TABLE_COMMENT,
            capability_records::ID_COMMENT,
            capability_records::DISPLAY_NAME_COMMENT,
        ];
        statements.extend(capability_records::aliases());
        statements
    }
}

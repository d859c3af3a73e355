//! 021: capabilities get a dotted full name (org.project.namespace.action.hash), and aliases for renamed ones.
//! Data: none. Down: drops both tables; every name is lost.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_table, gin, reference, text_key};
use crate::step::Step;

pub(super) const TABLE_COMMENT: &str =
    "COMMENT ON TABLE capability_records IS 'Capabilities by their full name, with code and usage'";
pub(super) const ID_COMMENT: &str =
    "COMMENT ON COLUMN capability_records.id IS 'Full name: org.project.namespace.action.hash'";
pub(super) const DISPLAY_NAME_COMMENT: &str = "COMMENT ON COLUMN capability_records.display_name IS 'Short name for people: namespace:action'";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut statements = statements![
            capability_records(),
            name_index(),
            btree(
                "idx_capability_records_scope",
                "capability_records",
                ["org", "project"]
            ),
            btree(
                "idx_capability_records_namespace",
                "capability_records",
                ["namespace"]
            ),
            btree(
                "idx_capability_records_creator",
                "capability_records",
                ["created_by"]
            ),
            btree(
                "idx_capability_records_visibility",
                "capability_records",
                ["visibility"]
            ),
            gin("idx_capability_records_tags", "capability_records", "tags"),
            TABLE_COMMENT,
            ID_COMMENT,
            DISPLAY_NAME_COMMENT,
            "COMMENT ON COLUMN capability_records.hash IS 'First four hex digits of the hash of the code'",
            "COMMENT ON COLUMN capability_records.visibility IS 'Who may find it: private, project, org, public'",
            "COMMENT ON COLUMN capability_records.routing IS 'Where it runs: local, cloud'",
        ];
        statements.extend(aliases());
        statements
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_table("capability_aliases"),
            drop_table("capability_records")
        ]
    }
}

fn capability_records() -> TableCreateStatement {
    Table::create()
        .table("capability_records")
        .col(text_key("id"))
        .col(text("display_name"))
        .col(text("org"))
        .col(text("project"))
        .col(text("namespace"))
        .col(text("action"))
        .col(text("hash"))
        .col(defaulted(text("created_by"), "'local'"))
        .col(defaulted(timestamp_with_time_zone("created_at"), "now()"))
        .col(text_null("updated_by"))
        .col(timestamp_with_time_zone_null("updated_at"))
        .col(defaulted(integer("version"), "1"))
        .col(text_null("version_tag"))
        .col(defaulted(boolean("verified"), "false"))
        .col(text_null("signature"))
        .col(defaulted(integer("usage_count"), "0"))
        .col(defaulted(integer("success_count"), "0"))
        .col(defaulted(big_integer("total_latency_ms"), "0"))
        .col(defaulted(array_null("tags", ColumnType::Text), "'{}'"))
        .col(defaulted(text("visibility"), "'private'"))
        .col(text_null("code_snippet"))
        .col(json_binary_null("parameters_schema"))
        .col(text_null("description"))
        .col(defaulted(
            array_null("tools_used", ColumnType::Text),
            "'{}'",
        ))
        .col(defaulted(text("routing"), "'local'"))
        .check((
            "capability_records_visibility_check",
            Expr::col("visibility").is_in(["private", "project", "org", "public"]),
        ))
        .check((
            "capability_records_routing_check",
            Expr::col("routing").is_in(["local", "cloud"]),
        ))
        .take()
}

pub(super) fn name_index() -> IndexCreateStatement {
    btree(
        "idx_capability_records_name",
        "capability_records",
        ["org", "project", "display_name"],
    )
}

/// The alias table, its index and its comments. It refers to the text `id` of `capability_records`.
pub(super) fn aliases() -> Vec<String> {
    let mut key = Index::create();
    key.primary().col("org").col("project").col("alias");
    statements![
        Table::create()
            .table("capability_aliases")
            .col(text("alias"))
            .col(text("org"))
            .col(text("project"))
            .col(text("target_fqdn"))
            .col(defaulted(timestamp_with_time_zone("created_at"), "now()"))
            .primary_key(&mut key)
            .foreign_key(&mut reference(
                "capability_aliases_target_fqdn_fkey",
                ("capability_aliases", "target_fqdn"),
                ("capability_records", "id"),
                ForeignKeyAction::Cascade,
            )),
        btree(
            "idx_capability_aliases_target",
            "capability_aliases",
            ["target_fqdn"]
        ),
        "COMMENT ON TABLE capability_aliases IS 'Earlier names that still find a capability'",
        "COMMENT ON COLUMN capability_aliases.target_fqdn IS 'Full name of the capability meant'",
    ]
}

//! 001: what tools exist, one vector per tool, how tools follow each other, and key/value settings.
//! Needs the extension `vector` first. Data: none.
//! Down: the rows of all four tables are gone; the extension stays, others may use it.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, composite_key, defaulted, drop_table, hnsw, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "CREATE EXTENSION IF NOT EXISTS vector",
            tool_schema(),
            btree("idx_tool_schema_server_id", "tool_schema", ["server_id"]),
            tool_embedding(),
            hnsw("idx_tool_embedding_hnsw", "tool_embedding", "embedding"),
            btree(
                "idx_tool_embedding_server_id",
                "tool_embedding",
                ["server_id"]
            ),
            Table::create()
                .table("config")
                .col(text_key("key"))
                .col(text("value"))
                .col(defaulted(timestamp_null("updated_at"), "now()")),
            tool_dependency(),
            btree(
                "idx_tool_dependency_from",
                "tool_dependency",
                ["from_tool_id"]
            ),
            btree("idx_tool_dependency_to", "tool_dependency", ["to_tool_id"]),
            btree(
                "idx_tool_dependency_confidence",
                "tool_dependency",
                ["confidence_score"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_table("tool_dependency"),
            drop_table("config"),
            drop_table("tool_embedding"),
            drop_table("tool_schema"),
        ]
    }
}

fn tool_schema() -> TableCreateStatement {
    Table::create()
        .table("tool_schema")
        .col(text_key("tool_id"))
        .col(text("server_id"))
        .col(text("name"))
        .col(text_null("description"))
        .col(json_binary("input_schema"))
        .col(json_binary_null("output_schema"))
        .col(defaulted(
            timestamp_with_time_zone_null("cached_at"),
            "now()",
        ))
        .col(defaulted(
            timestamp_with_time_zone_null("updated_at"),
            "now()",
        ))
        .take()
}

fn tool_embedding() -> TableCreateStatement {
    Table::create()
        .table("tool_embedding")
        .col(text_key("tool_id"))
        .col(text("server_id"))
        .col(text("tool_name"))
        .col(ColumnDef::new("embedding").vector(Some(1024)).not_null())
        .col(json_binary_null("metadata"))
        .col(defaulted(timestamp_null("created_at"), "now()"))
        .take()
}

fn tool_dependency() -> TableCreateStatement {
    Table::create()
        .table("tool_dependency")
        .col(text("from_tool_id"))
        .col(text("to_tool_id"))
        .col(defaulted(integer_null("observed_count"), "1"))
        .col(defaulted(float_null("confidence_score"), "0.5"))
        .col(defaulted(timestamp_null("last_observed"), "now()"))
        .primary_key(&mut composite_key(["from_tool_id", "to_tool_id"]))
        .take()
}

//! 004: a second, simpler pair of server and tool tables for end-to-end tests; 019 removes them again.
//! Data: none. Down: drops both tables and their rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_table, serial_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("mcp_server")
                .col(serial_key("id"))
                .col(text_uniq("server_id"))
                .col(text_null("server_name"))
                .col(json_binary_null("connection_info"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .col(defaulted(
                    timestamp_with_time_zone_null("updated_at"),
                    "now()"
                )),
            Table::create()
                .table("mcp_tool")
                .col(serial_key("id"))
                .col(text("server_id"))
                .col(text("tool_name"))
                .col(json_binary("tool_schema"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .col(defaulted(
                    timestamp_with_time_zone_null("updated_at"),
                    "now()"
                ))
                .index(
                    Index::create()
                        .unique()
                        .name("mcp_tool_server_id_tool_name_key")
                        .col("server_id")
                        .col("tool_name"),
                ),
            btree("idx_mcp_tool_server_id", "mcp_tool", ["server_id"]),
            btree("idx_mcp_tool_tool_name", "mcp_tool", ["tool_name"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("mcp_tool"), drop_table("mcp_server")]
    }
}

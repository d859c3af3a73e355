//! 005: accounts, so that later steps can refer to them.
//! Created only where absent: the older system's other migration tool may have made a stricter `users` before, and the
//! record keeps that one. Data: none. Down: drops the table and its accounts.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_table, random_uuid_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("users")
                .if_not_exists()
                .col(random_uuid_key("id"))
                .col(text_null("username"))
                .col(text_null("email"))
                .col(defaulted(text_null("role"), "'user'"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .col(defaulted(
                    timestamp_with_time_zone_null("updated_at"),
                    "now()"
                ))
                .col(text_null("github_id"))
                .col(text_null("avatar_url"))
                .col(text_null("api_key_hash"))
                .col(text_null("api_key_prefix"))
                .col(timestamp_with_time_zone_null("api_key_created_at")),
            btree("idx_users_github_id", "users", ["github_id"]).if_not_exists(),
            btree("idx_users_email", "users", ["email"]).if_not_exists(),
            btree("idx_users_api_key_prefix", "users", ["api_key_prefix"]).if_not_exists(),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("users")]
    }
}

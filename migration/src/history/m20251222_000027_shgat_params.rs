//! 027: the weights of the scoring model, one row per owner. Data: none. Down: drops the table; weights must be trained again.

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
                .table("shgat_params")
                .col(random_uuid_key("id"))
                .col(defaulted(text_uniq("user_id"), "'local'"))
                .col(json_binary("params"))
                .col(defaulted(timestamp_with_time_zone("created_at"), "now()"))
                .col(defaulted(timestamp_with_time_zone("updated_at"), "now()")),
            btree("idx_shgat_params_user_id", "shgat_params", ["user_id"]),
            "COMMENT ON TABLE shgat_params IS 'Trained weights of the scoring model, one row per owner'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("shgat_params")]
    }
}

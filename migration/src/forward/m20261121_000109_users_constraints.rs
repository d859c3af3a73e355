//! 109: what the sign-in code takes for granted about users is true of the table: a name and a role, one account per GitHub
//! identity, one user per key prefix, a key whole or absent. Accepts the table in the shape the older system's other
//! migration tool gave it.
//! Data: a missing name becomes `user-` and the first 8 digits of the id; an unknown role `user`; of users that share a GitHub
//! identity or a key prefix the oldest keeps it; keys that are broken or incomplete are cleared.
//! Down: the constraints go, the values stay as they are.

use super::shapes::{drop_check, one_of};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            include_str!("m20261121_000109_users_constraints.sql"),
            one_of("users", "role", &["user", "admin", "ops"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_check("users", "role"),
            drop_check("users", "api_key"),
            drop_check("users", "api_key_prefix"),
            "ALTER TABLE users DROP CONSTRAINT users_github_id_unique, DROP CONSTRAINT users_api_key_prefix_unique, \
             ALTER COLUMN username DROP NOT NULL",
        ]
    }
}

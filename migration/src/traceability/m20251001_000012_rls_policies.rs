//! 012: the roles `anon`, `authenticated` and `service_role`, what each may do, and the sixteen policies.
//! Data: none. Down: takes policies and grants back. The roles stay: they belong to the whole server, and other databases may use them.
//!
//! The owner of the tables and a superuser are bound by no policy: an application must work under one of the roles.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20251001_000012_rls_policies.up.sql")]
    }

    fn down(&self) -> Vec<String> {
        statements![include_str!("m20251001_000012_rls_policies.down.sql")]
    }
}

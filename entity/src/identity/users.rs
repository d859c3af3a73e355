//! An account: a person who signs in, or an agent that holds an API key.
//!
//! Deleting one keeps what it owned: every table that refers to it falls back to null.

use sea_orm::entity::prelude::*;

use crate::values::{ApiKeyHash, UserId, UserRole};

/// One row of `users`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The name people see. Not unique.
    #[sea_orm(column_type = "Text")]
    pub username: String,
    /// Mail address, if the account gave one.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// What it may do on the platform itself. Database default: `user`.
    pub role: UserRole,
    /// When the account was made. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the account last changed. Database default: now.
    pub updated_at: DateTimeUtc,
    /// Numeric GitHub id as text; unique. Null: the account only has an API key.
    #[sea_orm(column_type = "Text", nullable, unique)]
    pub github_id: Option<String>,
    /// Where its picture is.
    #[sea_orm(column_type = "Text", nullable)]
    pub avatar_url: Option<String>,
    /// Argon2id hash of its API key. Null together with the two columns that follow: it has no key.
    pub api_key_hash: Option<ApiKeyHash>,
    /// The first 11 characters of its API key, `ac_` and 8 letters or digits: finds the account a key belongs to. Unique.
    #[sea_orm(column_type = "Text", nullable, unique)]
    pub api_key_prefix: Option<String>,
    /// When the API key was made.
    pub api_key_created_at: Option<DateTimeUtc>,
    /// The patterns it owns.
    #[sea_orm(has_many)]
    pub workflow_patterns: HasMany<crate::capabilities::workflow_pattern::Entity>,
    /// The registry entries it owns.
    #[sea_orm(has_many)]
    pub capability_records: HasMany<crate::capabilities::capability_records::Entity>,
    /// The names of capabilities it changed.
    #[sea_orm(has_many)]
    pub capability_name_changes: HasMany<crate::capabilities::capability_name_history::Entity>,
    /// Its runs.
    #[sea_orm(has_many)]
    pub execution_traces: HasMany<crate::execution::execution_trace::Entity>,
    /// The scores computed for it.
    #[sea_orm(has_many)]
    pub algorithm_traces: HasMany<crate::learning::algorithm_traces::Entity>,
    /// The entropy measured for it.
    #[sea_orm(has_many)]
    pub entropy_history: HasMany<crate::learning::entropy_history::Entity>,
    /// The model weights trained for it.
    #[sea_orm(has_many)]
    pub shgat_params: HasMany<crate::learning::shgat_params::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

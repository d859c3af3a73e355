//! The thresholds that hold where no context has learned its own.
//!
//! Known as `adaptive_config` in older systems; a view keeps that name readable.

use sea_orm::entity::prelude::*;

/// One row of `default_thresholds`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "default_thresholds")]
pub struct Model {
    /// `threshold_speculative`, `threshold_suggestion` or `threshold_explicit`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub config_key: String,
    /// The threshold.
    pub config_value: f64,
    /// When it last changed. Database default: now.
    pub last_updated: DateTimeUtc,
    /// Observations behind it, at least 0. Database default: 0.
    pub total_samples: i64,
}

impl ActiveModelBehavior for ActiveModel {}

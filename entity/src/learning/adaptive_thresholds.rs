//! The score a candidate needs, learned per context. Where no row exists,
//! [`default_thresholds`](super::default_thresholds) applies.

use sea_orm::entity::prelude::*;

use crate::values::{ContextHash, ContextKeys};

/// One row of `adaptive_thresholds`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "adaptive_thresholds")]
pub struct Model {
    /// Name of the context.
    #[sea_orm(primary_key, auto_increment = false)]
    pub context_hash: ContextHash,
    /// The properties the name is made of.
    pub context_keys: ContextKeys,
    /// Score from which something is suggested, 0.40..=0.90. Database default: 0.70.
    pub suggestion_threshold: f64,
    /// Score from which an explicit search shows a candidate, 0.30..=0.80. Database default: 0.50.
    pub explicit_threshold: f64,
    /// Share of speculative runs that succeeded, 0..=1. Null: none ran.
    pub success_rate: Option<f64>,
    /// Observations behind the values, at least 0. Database default: 0.
    pub sample_count: i64,
    /// When the context was first seen. Database default: now.
    pub created_at: DateTimeUtc,
    /// When a value last changed. Database default: now.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

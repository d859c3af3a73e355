//! What became of a prompt: routing, hooks, calls, outcome; and what was learned from the good ones.
//!
//! One correlation id tells the whole story. The five views are read under the rights of whoever asks; the two snapshots hold
//! everybody's numbers and are for the service alone.

/// Makes the active model of a view refuse to be saved or deleted.
macro_rules! read_only {
    ($view:literal) => {
        #[sea_orm::prelude::async_trait::async_trait]
        impl ActiveModelBehavior for ActiveModel {
            /// Always fails: the view is read-only.
            async fn before_save<C>(self, _db: &C, _insert: bool) -> Result<Self, DbErr>
            where
                C: ConnectionTrait,
            {
                Err(DbErr::Custom(
                    concat!("view ", $view, " is read-only").to_owned(),
                ))
            }

            /// Always fails: the view is read-only.
            async fn before_delete<C>(self, _db: &C) -> Result<Self, DbErr>
            where
                C: ConnectionTrait,
            {
                Err(DbErr::Custom(
                    concat!("view ", $view, " is read-only").to_owned(),
                ))
            }
        }
    };
}

pub mod agent_chaining_patterns;
pub mod agent_performance;
pub mod agent_performance_snapshot;
pub mod agent_routing_decisions;
pub mod dashboard_summary;
pub mod dashboard_summary_snapshot;
pub mod embedding_models;
pub mod endpoint_calls;
pub mod error_analysis;
pub mod error_patterns;
pub mod execution_traces;
pub mod execution_traces_archive;
pub mod hook_executions;
pub mod pattern_effectiveness;
pub mod pattern_usage_log;
pub mod success_patterns;
pub mod trace_extractions;
pub mod trace_summary;

//! 104: `adaptive_config` holds three defaults and adapts nothing; it is called what it is. A view keeps the old name
//! readable. Nothing is lost either way.

use sea_orm_migration::prelude::*;

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::rename().table("adaptive_config", "default_thresholds"),
            "ALTER TABLE default_thresholds RENAME CONSTRAINT adaptive_config_pkey TO default_thresholds_pkey",
            "ALTER TABLE default_thresholds \
             RENAME CONSTRAINT adaptive_config_total_samples_check TO default_thresholds_total_samples_check",
            "CREATE VIEW adaptive_config WITH (security_invoker = true) AS \
             SELECT config_key, config_value, last_updated, total_samples FROM default_thresholds",
            "COMMENT ON VIEW adaptive_config IS 'Old name of default_thresholds'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "DROP VIEW adaptive_config",
            Table::rename().table("default_thresholds", "adaptive_config"),
            "ALTER TABLE adaptive_config RENAME CONSTRAINT default_thresholds_pkey TO adaptive_config_pkey",
            "ALTER TABLE adaptive_config \
             RENAME CONSTRAINT default_thresholds_total_samples_check TO adaptive_config_total_samples_check",
        ]
    }
}

//! Area `capabilities`: what was learned, under which name, and what it may touch.

pub mod capability;
pub mod capability_dependency;
pub mod capability_name_history;
pub mod capability_records;
pub mod permission_audit_log;
pub mod workflow_pattern;

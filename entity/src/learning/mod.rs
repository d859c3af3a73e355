//! Area `learning`: how candidates were scored, and what was learned from it.

pub mod adaptive_thresholds;
pub mod algorithm_traces;
pub mod default_thresholds;
pub mod entropy_history;
pub mod shgat_params;

//! Learning from what worked: which executions count as good, what a pattern keeps of them, how a request finds one, and what a replay
//! did.

mod criteria;
mod hash;
mod keywords;
mod masking;
mod observation;
mod plan;
mod score;
mod shape;

pub use criteria::{Criteria, CriteriaLimits};
pub use hash::pattern_hash;
pub use keywords::{intent, keywords};
pub use masking::{StoredPrompt, message_pattern, path_pattern};
pub use observation::{Delegation, Observation, ObservedCall, ObservedHook, domain};
pub use plan::{
    Deviation, IntelligencePlan, PatternFigures, PatternSteps, PerformanceExpectations,
    PlannedHook, ReplayPlan, outcome, variance,
};
pub use score::{
    DEFAULT_MAX_RESULTS, DEFAULT_MIN_CONFIDENCE, Decision, LOW_CONFIDENCE_RATE, MatchScore,
    PatternFeatures, REPLAY_CONFIDENCE, ROUTER_MAX_RESULTS, ROUTER_MIN_CONFIDENCE, RequestFeatures,
    decide, rank,
};
pub use shape::{request_template, response_schema};

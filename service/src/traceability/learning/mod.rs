//! Learning from what worked: which executions count as good, what a pattern keeps of them, how a request finds one, and what a replay
//! did.

mod assembled;
mod chains;
mod claims;
mod criteria;
mod errors;
mod extract;
mod hash;
mod keywords;
mod lesson;
mod load;
mod masking;
mod matching;
mod model;
mod nearest;
mod observation;
mod plan;
mod schedule;
mod score;
mod shape;
mod store;
mod top;
mod usage;

pub use chains::{ChainSighting, chain};
pub use criteria::{Criteria, CriteriaLimits};
pub use extract::{BATCH, Extracted, ExtractionOptions, extract_all, extract_batch};
pub use hash::pattern_hash;
pub use keywords::{intent, keywords};
pub use lesson::{ErrorSighting, Lesson, PatternDraft};
pub use masking::{StoredPrompt, message_pattern, path_pattern};
pub use matching::{Advice, MAX_RESULTS, MatchRequest, PatternMatch, advise, find_matches};
pub use model::{embed_missing, reembed};
pub use observation::{Delegation, Observation, ObservedCall, ObservedHook, domain};
pub use plan::{
    Deviation, IntelligencePlan, PatternFigures, PatternSteps, PerformanceExpectations,
    PlannedHook, ReplayPlan, outcome, variance,
};
pub use schedule::{EVERY, ExtractionTask, schedule_extraction};
pub use score::{
    DEFAULT_MAX_RESULTS, DEFAULT_MIN_CONFIDENCE, Decision, LOW_CONFIDENCE_RATE, MatchScore,
    PatternFeatures, REPLAY_CONFIDENCE, ROUTER_MAX_RESULTS, ROUTER_MIN_CONFIDENCE, RequestFeatures,
    decide, rank,
};
pub use shape::{request_template, response_schema};
pub use top::{TopPatterns, replay_plan};
pub use usage::{
    FinishedReplay, NewUsage, PatternStats, ReplayRecord, finish_replay, log_usage,
    update_pattern_stats,
};

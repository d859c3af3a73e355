//! How far what is known about a capability speaks for it: the factor beside its likeness to the query.
//!
//! Each rule stands here twice, as a function and as SQL made of the same numbers; a test compares them.

use pml_entity::values::Decision;

use crate::Principal;
use crate::capabilities::access;

/// Share of successes below which a capability is next to useless.
const POOR_RATE: f64 = 0.50;
/// What its score is multiplied with then.
const POOR_FACTOR: f64 = 0.10;
/// Share of successes above which it is preferred.
const PROVEN_RATE: f64 = 0.90;
/// What its score is multiplied with then, and the largest reliability there is.
pub const PROVEN_FACTOR: f64 = 1.20;
/// Uses before it counts as proven: one success is no proof (defect D15 of the spec).
const PROVEN_USES: i64 = 3;
/// No score is higher: only a person is certain.
pub const MAX_SCORE: f64 = 0.95;
/// Reliability under which a refusal is put down to it.
const UNRELIABLE: f64 = 0.20;

/// Share of uses that succeeded, 0–1; 0 without uses (spec of capabilities, USE-4).
#[allow(clippy::cast_precision_loss, reason = "a share")]
pub fn success_rate(success_count: i64, usage_count: i64) -> f64 {
    if usage_count > 0 {
        success_count as f64 / usage_count as f64
    } else {
        0.0
    }
}

/// The factor for a capability's own record: 0.10 where fewer than half of its uses succeeded, 1.20 where more than 90 % of at least three did,
/// else 1 (spec of capabilities, SEARCH-3 with D15). Nothing is known about one that was never used: 1.
pub fn base(success_count: i64, usage_count: i64) -> f64 {
    let rate = success_rate(success_count, usage_count);
    if usage_count <= 0 {
        1.0
    } else if rate < POOR_RATE {
        POOR_FACTOR
    } else if rate > PROVEN_RATE && usage_count >= PROVEN_USES {
        PROVEN_FACTOR
    } else {
        1.0
    }
}

/// The final score: `min(0.95, semantic × reliability)`, where the reliability is [`base`] × the lowest success rate among the targets of its
/// `dependency` edges, one hop (spec of capabilities, SEARCH-3).
pub fn score(semantic: f64, reliability: f64) -> f64 {
    (semantic * reliability).min(MAX_SCORE)
}

/// What becomes of a candidate: taken at the threshold or above, else refused, and for its record if that is bad enough to be the reason
/// (spec of capabilities, SEARCH-3).
pub fn decide(score: f64, reliability: f64, threshold: f64) -> Decision {
    if score >= threshold {
        Decision::Accepted
    } else if reliability < UNRELIABLE {
        Decision::FilteredByReliability
    } else {
        Decision::RejectedByThreshold
    }
}

/// [`success_rate`] of the row `alias` of `workflow_pattern`.
pub(in crate::capabilities) fn success_rate_sql(alias: &str) -> String {
    format!(
        "CASE WHEN {alias}.usage_count > 0 THEN {alias}.success_count::float8 / {alias}.usage_count ELSE 0 END"
    )
}

/// [`base`] of the row `alias` of `workflow_pattern`.
pub(super) fn base_sql(alias: &str) -> String {
    let rate = success_rate_sql(alias);
    format!(
        "CASE WHEN {alias}.usage_count <= 0 THEN 1::float8 WHEN {rate} < {POOR_RATE:?} THEN {POOR_FACTOR:?}::float8 \
         WHEN {rate} > {PROVEN_RATE:?} AND {alias}.usage_count >= {PROVEN_USES} THEN {PROVEN_FACTOR:?}::float8 ELSE 1 END"
    )
}

/// The lowest success rate among the targets of the pattern's `dependency` edges, as a subquery of one value; 1 without any that was used.
///
/// A target that the principal may not see does not count: the score would tell how it fares. `first` is the number of the first parameter of
/// [`access::visible`], which it shares.
pub(super) fn transitive_sql(who: &Principal, pattern_id: &str, first: usize) -> String {
    let seen = match who {
        Principal::Local => String::new(),
        _ => format!(
            "AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = t.pattern_id AND {})",
            access::visible(who, "r", first).sql
        ),
    };
    format!(
        "coalesce((SELECT min({rate}) FROM capability_dependency d JOIN workflow_pattern t ON t.pattern_id = d.to_capability_id \
         WHERE d.from_capability_id = {pattern_id} AND d.edge_type = 'dependency' AND t.usage_count > 0 {seen}), 1)",
        rate = success_rate_sql("t")
    )
}

/// [`score`] as SQL.
pub(super) fn score_sql(semantic: &str, reliability: &str) -> String {
    format!("least({MAX_SCORE:?}::float8, ({semantic}) * ({reliability}))")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    /// AT-67.
    #[test]
    fn a_capability_that_mostly_fails_is_refused_for_its_record() {
        let reliability = base(4, 10);
        assert!(near(score(0.90, reliability), 0.09));
        assert_eq!(
            decide(0.09, reliability, 0.70),
            Decision::FilteredByReliability
        );
    }

    /// AT-69.
    #[test]
    fn a_dependency_that_fails_pulls_the_score_down() {
        let reliability = base(19, 20) * 0.5;
        let score = score(0.90, reliability);
        assert!(near(score, 0.54));
        assert_eq!(
            decide(score, reliability, 0.70),
            Decision::RejectedByThreshold
        );
    }

    #[test]
    fn the_boost_needs_three_uses_and_more_than_nine_in_ten() {
        assert!(near(base(1, 1), 1.0));
        assert!(near(base(2, 2), 1.0));
        assert!(near(base(3, 3), 1.2));
        assert!(near(base(9, 10), 1.0));
        assert!(near(base(91, 100), 1.2));
    }

    #[test]
    fn half_is_enough_not_to_be_poor_and_no_use_says_nothing() {
        assert!(near(base(1, 2), 1.0));
        assert!(near(base(0, 1), 0.1));
        assert!(near(base(0, 0), 1.0));
        assert!(near(success_rate(0, 0), 0.0));
    }

    #[test]
    fn no_score_is_above_the_cap_and_the_threshold_is_inclusive() {
        assert!(near(score(1.0, 1.2), 0.95));
        assert_eq!(decide(0.70, 1.0, 0.70), Decision::Accepted);
    }
}

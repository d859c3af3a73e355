//! Counters of use: how often a capability ran, how often it succeeded, how long it took.
//!
//! They count reuse of the same code, not traces (spec of capabilities, USE-3). Every change of them is one atomic UPDATE, so no run is
//! lost among concurrent ones; durations are summed up and the mean is derived, so that it does not drift (D16).

use pml_entity::values::CodeHash;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::access::{self, not_found};
use super::error::CapabilityError;
use super::reference::{Reference, resolve};
use crate::sql::statement;
use crate::{Error, Principal};

/// Longest duration in milliseconds: the largest whole number up to which a JSON number is exact.
pub(super) const MAX_DURATION_MS: f64 = 9_007_199_254_740_991.0;

/// The SET list for one more use of a pattern `p`; source: USE-1. `$1` is the duration in whole milliseconds, `$2` whether it succeeded.
///
/// The sum of durations stops at its largest value instead of failing.
pub(super) const COUNT_USE: &str = "\
    usage_count = p.usage_count + 1, success_count = p.success_count + $2::bool::int, \
    success_rate = (p.success_count + $2::bool::int)::float8 / (p.usage_count + 1), \
    total_duration_ms = least(p.total_duration_ms::numeric + $1::bigint, 9223372036854775807)::bigint, \
    last_used = greatest(p.last_used, now())";

/// How one run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Whether it succeeded.
    pub success: bool,
    /// How long it took in milliseconds: finite, 0 to 9,007,199,254,740,991. Rounded to a whole number, halves upward.
    pub duration_ms: f64,
}

/// Sums over the capabilities that a caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, FromQueryResult)]
pub struct Totals {
    /// Number of capabilities: patterns with code, each once whatever the number of its names.
    pub capabilities: i64,
    /// Their uses together.
    pub executions: i64,
    /// Plain mean of their success rates, 0..=1; 0 without capabilities.
    pub avg_success_rate: f64,
    /// Plain mean of their mean durations in milliseconds; 0 without capabilities.
    pub avg_duration_ms: f64,
}

/// Counts a run of the caller's own code with this hash (USE-1). `false` if they have none: nothing is written then. One statement.
///
/// # Errors
/// [`CapabilityError::InvalidDuration`].
pub async fn record_use_by_hash<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    hash: &CodeHash,
    outcome: Outcome,
) -> Result<bool, Error> {
    let duration_ms = whole_ms(outcome.duration_ms)?;
    if *who == Principal::Anonymous {
        return Ok(false);
    }
    let sql = format!(
        "UPDATE workflow_pattern p SET {COUNT_USE} WHERE p.code_hash = $3 AND {}",
        owned_by(who, 4)
    );
    let values = [
        duration_ms.into(),
        outcome.success.into(),
        hash.as_str().into(),
        who.user_id().into(),
    ];
    let done = db.execute_raw(statement(&sql, values)).await?;
    Ok(done.rows_affected() > 0)
}

/// How often a merge may take the code away between finding and counting it.
const ATTEMPTS: u8 = 3;

/// Counts a run of a capability (USE-2). `false` if its code was deleted: nothing is written then.
///
/// Whoever is signed in and may see a capability may run it, so their runs count, whoever owns it. The registry entry stays as it is.
/// One atomic statement after the one that resolves the name; a merge in between is followed.
///
/// # Errors
/// [`CapabilityError::InvalidDuration`]; [`Error::NotFound`] if it is unknown or hidden, and always for nobody.
pub async fn record_use<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    capability: &Reference,
    outcome: Outcome,
) -> Result<bool, Error> {
    let duration_ms = whole_ms(outcome.duration_ms)?;
    if *who == Principal::Anonymous {
        return Err(not_found(capability));
    }
    let sql = format!("UPDATE workflow_pattern p SET {COUNT_USE} WHERE p.pattern_id = $3");
    for _ in 0..ATTEMPTS {
        let Some(pattern) = resolve(db, who, capability).await?.pattern_id else {
            return Ok(false);
        };
        let values = [duration_ms.into(), outcome.success.into(), pattern.into()];
        let done = db.execute_raw(statement(&sql, values)).await?;
        if done.rows_affected() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sums over the visible capabilities (USE-5): the means are plain ones, not weighted by use. One statement.
///
/// # Errors
/// [`Error::DatabaseUnavailable`] and the like.
pub async fn totals<C: ConnectionTrait>(db: &C, who: &Principal) -> Result<Totals, Error> {
    let visible = access::visible(who, "r", 1);
    let sql = format!(
        "SELECT count(*) AS capabilities, coalesce(sum(p.usage_count), 0)::bigint AS executions, \
                coalesce(avg(p.success_rate), 0)::float8 AS avg_success_rate, coalesce(avg(p.avg_duration_ms), 0)::float8 AS avg_duration_ms \
         FROM workflow_pattern p \
         WHERE p.code_hash IS NOT NULL AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id AND {})",
        visible.sql
    );
    let totals = Totals::find_by_statement(statement(&sql, visible.values))
        .one(db)
        .await?;
    Ok(totals.unwrap_or_default())
}

/// Whole milliseconds of a duration: the nearest, halves upward.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number of at most 53 bits"
)]
pub(super) fn whole_ms(duration_ms: f64) -> Result<i64, CapabilityError> {
    if (0.0..=MAX_DURATION_MS).contains(&duration_ms) {
        Ok(duration_ms.round() as i64)
    } else {
        Err(CapabilityError::InvalidDuration)
    }
}

/// The condition that the caller owns pattern `p`. The owner is parameter `number`, null in local mode.
pub(super) fn owned_by(who: &Principal, number: usize) -> String {
    match who.user_id() {
        Some(_) => format!("p.user_id = ${number}::uuid"),
        None => format!("p.user_id IS NULL AND ${number}::uuid IS NULL"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn durations_are_rounded_to_the_nearest_with_halves_upward() {
        for (given, expected) in [
            (0.0, 0),
            (-0.0, 0),
            (0.499_999_999_999_999_94, 0),
            (0.5, 1),
            (100.5, 101),
            (100.4, 100),
            (101.5, 102),
            (MAX_DURATION_MS, 9_007_199_254_740_991),
        ] {
            assert_eq!(whole_ms(given).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn durations_outside_the_range_are_refused() {
        for bad in [
            -0.001,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            MAX_DURATION_MS + 1.0,
        ] {
            assert_eq!(
                whole_ms(bad),
                Err(CapabilityError::InvalidDuration),
                "{bad}"
            );
        }
    }
}

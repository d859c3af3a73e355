//! How the use of a pattern develops.

use pml_entity::values::SuccessPatternId;
use sea_orm::prelude::Date;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use crate::Error;
use crate::sql::statement;
use crate::traceability::TraceabilityError;

/// Days of a usage trend, today included.
const DAYS: i32 = 30;
/// How many of them are the recent ones.
const RECENT_DAYS: usize = 15;

/// The replays of one day (UTC).
#[derive(Clone, Debug, PartialEq, Serialize, FromQueryResult)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// Replays.
    pub count: i64,
    /// Those that worked.
    #[serde(skip)]
    pub successes: i64,
    /// Share of the replays that worked, 0–1. `None` on a day without replays.
    pub success_rate: Option<f64>,
}

/// Where the use of a pattern is heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// More than 20 per cent above the days before.
    Increasing,
    /// Neither.
    Stable,
    /// More than 20 per cent below the days before.
    Decreasing,
}

impl Trend {
    /// Compares the replays of a stretch of time with those of the stretch before it, which is as long.
    ///
    /// Exactly 20 per cent is stable; from nothing to anything is increasing; nothing and nothing is stable.
    pub const fn of(before: i64, recent: i64) -> Self {
        let (before, recent) = (before as i128, recent as i128);
        if recent * 5 > before * 6 {
            Self::Increasing
        } else if recent * 5 < before * 4 {
            Self::Decreasing
        } else {
            Self::Stable
        }
    }
}

/// The replays of a pattern in the last 30 days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsageTrend {
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// Each day, the oldest first, also those without replays.
    pub days: Vec<Day>,
    /// Replays in these days.
    pub total_count: i64,
    /// Those that worked.
    pub total_successes: i64,
    /// Share that worked, 0–1. `None` without replays.
    pub success_rate: Option<f64>,
    /// The last 15 days, today included, compared with the 15 before; see [`Trend::of`].
    pub trend: Trend,
}

/// The replays of a pattern on each of the last 30 days (UTC), of which today is the last. One statement.
///
/// Counted are the entries of the usage log with `used` true that the caller may see; they become invisible when their execution is archived.
///
/// # Errors
/// [`UnknownPattern`](TraceabilityError::UnknownPattern).
pub async fn pattern_usage<C: ConnectionTrait>(
    db: &C,
    pattern: SuccessPatternId,
) -> Result<UsageTrend, Error> {
    const SQL: &str = "\
        WITH used AS ( \
            SELECT (u.used_at AT TIME ZONE 'UTC')::date AS day, count(*) AS uses, count(*) FILTER (WHERE u.success) AS successes \
            FROM pattern_usage_log u \
            WHERE u.pattern_id = $1 AND u.used \
                AND u.used_at >= ((now() AT TIME ZONE 'UTC')::date - ($2 - 1))::timestamp AT TIME ZONE 'UTC' \
            GROUP BY 1 \
        ) \
        SELECT d.date, coalesce(u.uses, 0) AS count, coalesce(u.successes, 0) AS successes, \
            u.successes::float8 / u.uses AS success_rate \
        FROM success_patterns p \
        CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date - n AS date FROM generate_series(0, $2 - 1) AS n) d \
        LEFT JOIN used u ON u.day = d.date \
        WHERE p.pattern_id = $1 ORDER BY d.date";
    let days = Day::find_by_statement(statement(SQL, [pattern.into(), DAYS.into()]))
        .all(db)
        .await?;
    if days.is_empty() {
        return Err(TraceabilityError::UnknownPattern(pattern).into());
    }
    let total_count: i64 = days.iter().map(|day| day.count).sum();
    let total_successes: i64 = days.iter().map(|day| day.successes).sum();
    let recent: i64 = days
        .iter()
        .rev()
        .take(RECENT_DAYS)
        .map(|day| day.count)
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "counts of one month")]
    let success_rate = (total_count > 0).then(|| total_successes as f64 / total_count as f64);
    Ok(UsageTrend {
        pattern_id: pattern,
        trend: Trend::of(total_count - recent, recent),
        days,
        total_count,
        total_successes,
        success_rate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_a_change_of_more_than_a_fifth() {
        for (before, recent, trend) in [
            (0, 0, Trend::Stable),
            (0, 1, Trend::Increasing),
            (1, 0, Trend::Decreasing),
            (10, 12, Trend::Stable),
            (10, 13, Trend::Increasing),
            (10, 8, Trend::Stable),
            (10, 7, Trend::Decreasing),
            (i64::MAX, i64::MAX, Trend::Stable),
        ] {
            assert_eq!(Trend::of(before, recent), trend, "{before} {recent}");
        }
    }
}

//! Logging that a pattern matched, and counting what its replays did.

use chrono::{DateTime, Utc};
use pml_entity::traceability::pattern_usage_log;
use pml_entity::values::{CorrelationId, PatternUsageId, Score, SuccessPatternId, UsageOutcome};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, TransactionSession, TransactionTrait};

use super::plan::{Deviation, outcome, variance};
use crate::Error;
use crate::error::sqlstate;
use crate::sql::statement;
use crate::traceability::TraceabilityError;

/// Longest request that is kept, in bytes.
const MAX_REQUEST_BYTES: usize = 32 << 10;

/// One entry of the usage log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUsage {
    /// Its id, for a call that may be repeated. `None`: a new one.
    pub id: Option<PatternUsageId>,
    /// The pattern that matched.
    pub pattern_id: SuccessPatternId,
    /// The execution; it need not be known.
    pub correlation_id: CorrelationId,
    /// The request that matched.
    pub user_request: String,
    /// How well it matched, 0–1.
    pub match_score: f64,
    /// Whether the pattern was replayed.
    pub used: bool,
    /// What came of it, where that is known.
    pub outcome: Option<UsageOutcome>,
    /// Where the replay departed from the plan.
    pub deviations: Vec<Deviation>,
    /// How long the plan expected, in milliseconds.
    pub expected_duration_ms: Option<i32>,
    /// How long it took, in milliseconds.
    pub actual_duration_ms: Option<i32>,
    /// What the user said of it.
    pub user_feedback: Option<String>,
}

/// A replay that came to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedReplay {
    /// Id of the log entry, for a call that may be repeated: with the same id it counts once. `None`: a new one.
    pub id: Option<PatternUsageId>,
    /// The pattern that was replayed.
    pub pattern_id: SuccessPatternId,
    /// The execution.
    pub correlation_id: CorrelationId,
    /// The request that matched.
    pub user_request: String,
    /// How well it matched, 0–1.
    pub match_score: f64,
    /// Whether the execution worked.
    pub success: bool,
    /// Where it departed from the plan.
    pub deviations: Vec<Deviation>,
    /// How long the plan expected, in milliseconds.
    pub expected_duration_ms: Option<i32>,
    /// How long it took, in milliseconds.
    pub actual_duration_ms: Option<i32>,
}

/// The figures of a pattern after a replay.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct PatternStats {
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// How often it was replayed.
    pub total_usage_count: i32,
    /// Replays that worked as planned.
    pub success_count: i32,
    /// Replays that failed.
    pub failure_count: i32,
    /// Share of replays that worked as planned.
    pub success_rate: Score,
    /// Trust in it.
    pub confidence_score: Score,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i32,
    /// Shortest duration in milliseconds.
    pub min_duration_ms: i32,
    /// Longest duration in milliseconds.
    pub max_duration_ms: i32,
    /// When it was last replayed.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What [`finish_replay`] wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayRecord {
    /// The log entry.
    pub usage: pattern_usage_log::Model,
    /// The figures after it; `None` where the entry was there already and nothing was counted.
    pub stats: Option<PatternStats>,
}

/// Writes one entry of the usage log and changes no counter. An entry with the same id is returned as it stands.
///
/// `success` follows from the outcome as the counters do: true for `success` alone, not for a partial one. The variance follows from the
/// durations. An unknown execution leaves `trace_id` empty. One statement, two for an id that is there.
///
/// # Errors
/// [`TraceabilityError::UnknownPattern`]; [`TraceabilityError::InvalidField`] for a score outside 0–1, a negative duration, or a request that
/// cannot be stored; [`TraceabilityError::IdTaken`] for an id of another entry.
pub async fn log_usage<C: ConnectionTrait>(
    db: &C,
    usage: &NewUsage,
) -> Result<pattern_usage_log::Model, Error> {
    Ok(insert(db, usage).await?.0)
}

/// The entry, and whether it is new.
async fn insert<C: ConnectionTrait>(
    db: &C,
    usage: &NewUsage,
) -> Result<(pattern_usage_log::Model, bool), Error> {
    const SQL: &str = "\
        INSERT INTO pattern_usage_log (id, pattern_id, trace_id, correlation_id, user_request, match_score, used, outcome, success, deviations, \
            expected_duration_ms, actual_duration_ms, performance_variance, user_feedback) \
        VALUES ($1, $2, (SELECT id FROM execution_traces WHERE correlation_id = $3), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
        ON CONFLICT (id) DO NOTHING RETURNING *";
    let score = check(usage)?;
    let id = usage.id.unwrap_or_else(PatternUsageId::generate);
    let deviations = if usage.used {
        Some(serde_json::to_value(&usage.deviations).unwrap_or_default())
    } else {
        None
    };
    let values = [
        id.into(),
        usage.pattern_id.into(),
        usage.correlation_id.into(),
        usage.user_request.clone().into(),
        score.into(),
        usage.used.into(),
        usage.outcome.map(|outcome| outcome.to_string()).into(),
        usage
            .outcome
            .map(|outcome| outcome == UsageOutcome::Success)
            .into(),
        deviations.into(),
        usage.expected_duration_ms.into(),
        usage.actual_duration_ms.into(),
        variance(usage.expected_duration_ms, usage.actual_duration_ms).into(),
        usage.user_feedback.clone().into(),
    ];
    let row = db
        .query_one_raw(statement(SQL, values))
        .await
        .map_err(|error| explain(error, usage.pattern_id, usage.actual_duration_ms))?;
    if let Some(row) = row {
        return Ok((pattern_usage_log::Model::from_query_result(&row, "")?, true));
    }
    let stored = db
        .query_one_raw(statement(
            "SELECT * FROM pattern_usage_log WHERE id = $1",
            [id.into()],
        ))
        .await?
        .map(|row| pattern_usage_log::Model::from_query_result(&row, ""))
        .transpose()?
        .filter(|stored| {
            stored.pattern_id == usage.pattern_id && stored.correlation_id == usage.correlation_id
        });
    match stored {
        Some(stored) => Ok((stored, false)),
        None => Err(TraceabilityError::IdTaken {
            entity: "pattern usage",
            id: id.to_string(),
        }
        .into()),
    }
}

/// Counts one replay: uses, outcome, durations, trust (section 6.1). One statement; the row is locked by it, so calls at once add up.
///
/// # Errors
/// [`TraceabilityError::UnknownPattern`]; [`TraceabilityError::InvalidField`] for a negative duration.
pub async fn update_pattern_stats<C: ConnectionTrait>(
    db: &C,
    pattern: SuccessPatternId,
    outcome: UsageOutcome,
    duration_ms: Option<i32>,
) -> Result<PatternStats, Error> {
    const SQL: &str = "\
        SELECT pattern_id, total_usage_count, success_count, failure_count, success_rate, confidence_score, avg_duration_ms, min_duration_ms, \
               max_duration_ms, last_used_at FROM update_pattern_stats($1, $2, $3)";
    let values = [
        pattern.into(),
        outcome.to_string().into(),
        duration_ms.into(),
    ];
    let row = db
        .query_one_raw(statement(SQL, values))
        .await
        .map_err(|error| explain(error, pattern, duration_ms))?;
    match row {
        Some(row) => Ok(PatternStats::from_query_result(&row, "")?),
        None => Err(TraceabilityError::UnknownPattern(pattern).into()),
    }
}

/// Closes a replay: one log entry with the outcome and the variance, and the counters of its pattern, both or neither.
///
/// Opens a transaction. Without deviations a replay that worked is a success, with some a partial one, everything else a failure.
///
/// # Errors
/// As [`log_usage`] and [`update_pattern_stats`].
pub async fn finish_replay<C>(db: &C, replay: &FinishedReplay) -> Result<ReplayRecord, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let outcome = outcome(replay.success, replay.deviations.len());
    let usage = NewUsage {
        id: replay.id,
        pattern_id: replay.pattern_id,
        correlation_id: replay.correlation_id,
        user_request: replay.user_request.clone(),
        match_score: replay.match_score,
        used: true,
        outcome: Some(outcome),
        deviations: replay.deviations.clone(),
        expected_duration_ms: replay.expected_duration_ms,
        actual_duration_ms: replay.actual_duration_ms,
        user_feedback: None,
    };
    let tx = db.begin().await?;
    let (usage, created) = insert(&tx, &usage).await?;
    let stats = if created {
        Some(
            update_pattern_stats(&tx, replay.pattern_id, outcome, replay.actual_duration_ms)
                .await?,
        )
    } else {
        None
    };
    tx.commit().await?;
    Ok(ReplayRecord { usage, stats })
}

fn check(usage: &NewUsage) -> Result<Score, Error> {
    let invalid = |field, problem: &str| -> Error {
        TraceabilityError::InvalidField {
            field,
            problem: problem.to_owned(),
        }
        .into()
    };
    for (field, text) in [
        ("user_request", Some(&usage.user_request)),
        ("user_feedback", usage.user_feedback.as_ref()),
    ] {
        let Some(text) = text else { continue };
        if text.contains('\0') {
            return Err(invalid(field, "holds a null character"));
        }
        if text.len() > MAX_REQUEST_BYTES {
            return Err(invalid(field, "is longer than 32 KiB"));
        }
    }
    for (field, duration) in [
        ("expected_duration_ms", usage.expected_duration_ms),
        ("actual_duration_ms", usage.actual_duration_ms),
    ] {
        if duration.is_some_and(|duration| duration < 0) {
            return Err(invalid(field, "must not be negative"));
        }
    }
    Score::new(usage.match_score)
        .map_err(|_| invalid("match_score", "must be a number from 0 to 1"))
}

/// What the function of the database, or the key of the log, refused.
fn explain(error: DbErr, pattern: SuccessPatternId, duration_ms: Option<i32>) -> Error {
    match sqlstate(&error).as_deref() {
        Some("P0002" | "23503") => TraceabilityError::UnknownPattern(pattern).into(),
        Some("22023") => TraceabilityError::InvalidField {
            field: if duration_ms.is_some_and(|duration| duration < 0) {
                "duration_ms"
            } else {
                "outcome"
            },
            problem: "cannot be used".to_owned(),
        }
        .into(),
        _ => error.into(),
    }
}

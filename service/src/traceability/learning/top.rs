//! Keeping the steps of much used patterns at hand.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use pml_entity::values::{EndpointPattern, HookSequence, Score, SuccessPatternId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::plan::{PatternFigures, PatternSteps, ReplayPlan};
use crate::Error;
use crate::sql::statement;
use crate::traceability::TraceabilityError;

/// Patterns that are kept.
const CAPACITY: u64 = 1_000;
/// How long.
const LIFETIME: Duration = Duration::from_hours(1);

/// The steps of at most 1,000 patterns, each for at most an hour. Clones share them.
///
/// Only what never changes is kept, the steps that a pattern's hash fixes: long documents that are read whole. The figures are read each time, so a plan is
/// never behind a replay that another instance has finished, and a pattern that is gone is gone at once.
#[derive(Clone, Debug)]
pub struct TopPatterns(Cache<SuccessPatternId, Arc<PatternSteps>>);

#[derive(FromQueryResult)]
struct StepsRow {
    pattern_id: SuccessPatternId,
    agent_sequence: Vec<String>,
    hook_sequence: HookSequence,
    endpoint_pattern: EndpointPattern,
}

#[derive(FromQueryResult)]
struct FiguresRow {
    avg_duration_ms: i32,
    max_duration_ms: i32,
    success_rate: Score,
}

impl Default for TopPatterns {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
        )
    }
}

impl TopPatterns {
    /// Reads the most used patterns, so that none of their first plans has to. One statement.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn warm<C: ConnectionTrait>(&self, db: &C) -> Result<usize, Error> {
        const SQL: &str = "\
            SELECT pattern_id, agent_sequence, hook_sequence, endpoint_pattern FROM success_patterns \
            WHERE total_usage_count > 0 ORDER BY total_usage_count DESC LIMIT 1000";
        let rows = db.query_all_raw(statement(SQL, [])).await?;
        for row in &rows {
            self.keep(StepsRow::from_query_result(row, "")?);
        }
        Ok(rows.len())
    }

    /// How to replay a pattern. One statement.
    ///
    /// # Errors
    /// [`TraceabilityError::UnknownPattern`].
    pub async fn plan<C: ConnectionTrait>(
        &self,
        db: &C,
        pattern: SuccessPatternId,
    ) -> Result<ReplayPlan, Error> {
        const FIGURES: &str = "SELECT avg_duration_ms, max_duration_ms, success_rate FROM success_patterns WHERE pattern_id = $1";
        const ALL: &str = "\
            SELECT avg_duration_ms, max_duration_ms, success_rate, pattern_id, agent_sequence, hook_sequence, endpoint_pattern \
            FROM success_patterns WHERE pattern_id = $1";
        let known = self.0.get(&pattern);
        let sql = if known.is_some() { FIGURES } else { ALL };
        let Some(row) = db.query_one_raw(statement(sql, [pattern.into()])).await? else {
            self.0.invalidate(&pattern);
            return Err(TraceabilityError::UnknownPattern(pattern).into());
        };
        let figures = FiguresRow::from_query_result(&row, "")?;
        let steps = match known {
            Some(steps) => steps,
            None => self.keep(StepsRow::from_query_result(&row, "")?),
        };
        Ok(ReplayPlan::of(
            pattern,
            &steps,
            PatternFigures {
                avg_duration_ms: figures.avg_duration_ms,
                max_duration_ms: figures.max_duration_ms,
                success_rate: figures.success_rate.as_f64(),
            },
        ))
    }

    fn keep(&self, row: StepsRow) -> Arc<PatternSteps> {
        let steps = Arc::new(PatternSteps {
            agent_sequence: row.agent_sequence,
            hooks: row.hook_sequence,
            endpoints: row.endpoint_pattern,
        });
        self.0.insert(row.pattern_id, Arc::clone(&steps));
        steps
    }
}

/// How to replay a pattern, read anew. One statement.
///
/// # Errors
/// [`TraceabilityError::UnknownPattern`].
pub async fn replay_plan<C: ConnectionTrait>(
    db: &C,
    pattern: SuccessPatternId,
) -> Result<ReplayPlan, Error> {
    TopPatterns::default().plan(db, pattern).await
}

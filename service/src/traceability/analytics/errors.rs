//! Errors that keep coming back.

use std::fmt::Write as _;
use std::str::FromStr;

use pml_entity::values::{ErrorCategory, ErrorPatternId, Score, Severity};
use sea_orm::prelude::{DateTimeUtc, Json};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::{comparable, invalid};
use crate::sql::statement;
use crate::{Error, Page, PageRequest};

/// How far back a list of errors goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TimeRange {
    /// `24h`
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// `7d`
    #[serde(rename = "7d")]
    Week,
    /// `30d`
    #[serde(rename = "30d")]
    Month,
}

impl TimeRange {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    const fn hours(self) -> i32 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        }
    }
}

impl FromStr for TimeRange {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        [Self::Day, Self::Week, Self::Month]
            .into_iter()
            .find(|range| range.as_str() == word)
            .ok_or_else(|| invalid("time_range", "must be 24h, 7d or 30d"))
    }
}

/// Which errors a list shows. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorFilter {
    /// Only those that were last seen within it.
    pub time_range: TimeRange,
    /// Only those of this class.
    pub error_type: Option<String>,
}

/// A row of `error_analysis` with the id of its error pattern, without which two patterns of one class cannot be told apart.
#[derive(Clone, Debug, PartialEq, Serialize, FromQueryResult)]
pub struct ErrorSummary {
    /// The error pattern.
    pub id: ErrorPatternId,
    /// The class of the error.
    pub error_type: String,
    /// Where it comes from.
    pub error_category: Option<ErrorCategory>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// When it was last seen.
    pub last_occurrence_at: DateTimeUtc,
    /// Every agent it was seen with.
    pub affected_agents: Vec<String>,
    /// How often it was seen.
    pub error_count: i32,
    /// What mends it.
    pub resolution_pattern: Option<Json>,
    /// How often that helps.
    pub resolution_success_rate: Option<Score>,
    /// What keeps it from happening.
    pub prevention_strategies: Option<Json>,
    /// Executions with this class of error in the last 24 hours, of those that the caller may see.
    pub occurrences_24h: i64,
    /// The same for 7 days.
    pub occurrences_7d: i64,
}

/// The errors that match, the latest first, then by id. One statement.
///
/// # Errors
/// [`Error::InvalidCursor`] for a cursor of another list or of other conditions,
/// [`InvalidField`](crate::traceability::TraceabilityError::InvalidField) for a text that no column can hold.
pub async fn errors<C: ConnectionTrait>(
    db: &C,
    filter: &ErrorFilter,
    page: PageRequest,
) -> Result<Page<ErrorSummary>, Error> {
    let list = format!("errors {filter:?}");
    let mut values: Vec<Value> = vec![
        (i64::from(page.limit.get()) + 1).into(),
        filter.time_range.hours().into(),
    ];
    let mut conditions = String::new();
    if let Some(error_type) = comparable("error_type", filter.error_type.as_ref())? {
        values.push(error_type.into());
        conditions.push_str(" AND e.error_type = $3");
    }
    if let Some(cursor) = &page.cursor {
        let (micros, id): (i64, ErrorPatternId) = cursor.key(&list)?;
        let seen = DateTimeUtc::from_timestamp_micros(micros).ok_or(Error::InvalidCursor)?;
        let at = values.len();
        let _ = write!(
            conditions,
            " AND (e.last_occurrence_at, e.id) < (${}, ${})",
            at + 1,
            at + 2
        );
        values.extend([seen.into(), id.into()]);
    }
    // The windows are those of the view `error_analysis`, counted for the classes of the page only.
    let sql = format!(
        "WITH page AS MATERIALIZED ( \
             SELECT e.* FROM error_patterns e WHERE e.last_occurrence_at >= now() - make_interval(hours => $2){conditions} \
             ORDER BY e.last_occurrence_at DESC, e.id DESC LIMIT $1 \
         ), lately AS ( \
             SELECT t.error_type, count(*) AS occurrences_7d, \
                 count(*) FILTER (WHERE coalesce(t.completed_at, t.started_at) >= now() - interval '24 hours') AS occurrences_24h \
             FROM execution_traces t \
             WHERE t.error_type IS NOT NULL AND coalesce(t.completed_at, t.started_at) >= now() - interval '7 days' \
                 AND t.error_type IN (SELECT error_type FROM page) \
             GROUP BY t.error_type \
         ) \
         SELECT p.id, p.error_type, p.error_category, p.severity, p.last_occurrence_at, p.affected_agents, \
             p.occurrence_count AS error_count, p.resolution_pattern, p.resolution_success_rate, p.prevention_strategies, \
             coalesce(l.occurrences_24h, 0) AS occurrences_24h, coalesce(l.occurrences_7d, 0) AS occurrences_7d \
         FROM page p LEFT JOIN lately l ON l.error_type = p.error_type ORDER BY p.last_occurrence_at DESC, p.id DESC"
    );
    let rows = ErrorSummary::find_by_statement(statement(sql, values))
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, &list, |row| {
        (row.last_occurrence_at.timestamp_micros(), row.id)
    }))
}

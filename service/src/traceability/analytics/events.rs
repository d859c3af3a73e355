//! What happened lately, as a stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pml_entity::values::{CorrelationId, Score};
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::{comparable, invalid};
use crate::sql::statement;
use crate::traceability::TraceabilityError;
use crate::{Cursor, Error, Limit, Page};

/// Longest window, in hours.
const MAX_HOURS: i32 = 168;

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An action of an agent. Another system records these: there are none here, and asking for them is no mistake.
    AgentAction,
    /// An execution was given to an agent.
    RoutingDecision,
    /// An execution met an error.
    Error,
}

impl EventKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentAction => "agent_action",
            Self::RoutingDecision => "routing_decision",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        [Self::AgentAction, Self::RoutingDecision, Self::Error]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| {
                invalid(
                    "event_type",
                    "must be agent_action, routing_decision or error",
                )
            })
    }
}

/// Which events a stream shows. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of the last so many hours, 1–168.
    pub hours: i32,
    /// Only this kind.
    pub event_type: Option<EventKind>,
    /// Only those of this agent; of an error, the agent of the newest decision.
    pub agent_name: Option<String>,
    /// Only those of this execution.
    pub correlation_id: Option<CorrelationId>,
    /// How many at once.
    pub limit: Limit,
    /// Where to go on; `None` from the newest.
    pub cursor: Option<Cursor>,
}

impl Default for EventFilter {
    /// The newest 100 of the last 24 hours.
    fn default() -> Self {
        Self {
            hours: 24,
            event_type: None,
            agent_name: None,
            correlation_id: None,
            limit: Limit::or(None, 100).unwrap_or_default(),
            cursor: None,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamEvent {
    /// The row it stands for: of the decision, or of the execution that met the error.
    pub id: Uuid,
    /// What kind.
    pub event_type: EventKind,
    /// When: of a decision, when it was made; of an error, when the execution ended, or began if nobody said.
    pub timestamp: DateTimeUtc,
    /// The execution.
    pub correlation_id: CorrelationId,
    /// The agent.
    pub agent_name: Option<String>,
    /// How sure the choice was.
    pub confidence_score: Option<Score>,
    /// How the agent was chosen.
    pub routing_strategy: Option<String>,
    /// How long the choice, or the execution, took.
    pub duration_ms: Option<i32>,
    /// The class of the error.
    pub error_type: Option<String>,
    /// The error, in words.
    pub error_message: Option<String>,
}

/// The least and the greatest time of some events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeSpan {
    /// The least.
    pub from: DateTimeUtc,
    /// The greatest.
    pub to: DateTimeUtc,
}

/// A part of the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventStream {
    /// The events, newest first.
    pub items: Vec<StreamEvent>,
    /// Where the stream goes on; `None` at its end.
    pub next_cursor: Option<String>,
    /// Number of these events.
    pub total: usize,
    /// Their span; both now when there are none.
    pub time_range: TimeSpan,
    /// Number of these events by kind.
    pub event_counts: BTreeMap<EventKind, usize>,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    id: Uuid,
    is_error: bool,
    timestamp: DateTimeUtc,
    correlation_id: CorrelationId,
    agent_name: Option<String>,
    confidence_score: Option<Score>,
    routing_strategy: Option<String>,
    duration_ms: Option<i32>,
    error_type: Option<String>,
    error_message: Option<String>,
}

/// Routing decisions and errors, newest first, then by id. One statement.
///
/// Source: spec of traceability, section 11.3. Which rows are errors is chosen here: executions with an `error_type`.
///
/// # Errors
/// [`Error::InvalidCursor`] for a cursor of another stream, [`InvalidField`](TraceabilityError::InvalidField) for `hours` outside 1–168 or a
/// text that no column can hold.
pub async fn events<C: ConnectionTrait>(
    db: &C,
    filter: &EventFilter,
) -> Result<EventStream, Error> {
    if !(1..=MAX_HOURS).contains(&filter.hours) {
        return Err(TraceabilityError::InvalidField {
            field: "hours",
            problem: format!("must be between 1 and {MAX_HOURS}, not {}", filter.hours),
        }
        .into());
    }
    let list = format!(
        "events {} {:?} {:?} {:?}",
        filter.hours, filter.event_type, filter.agent_name, filter.correlation_id
    );
    let mut values: Vec<Value> = vec![
        (i64::from(filter.limit.get()) + 1).into(),
        filter.hours.into(),
    ];
    let mut conditions = String::new();
    let mut add = |before: &str, new: Vec<Value>, after: &str| {
        let places: Vec<String> = (values.len() + 1..=values.len() + new.len())
            .map(|place| format!("${place}"))
            .collect();
        values.extend(new);
        let _ = write!(conditions, " AND {before}{}{after}", places.join(", "));
    };
    if let Some(agent) = comparable("agent_name", filter.agent_name.as_ref())? {
        add("e.agent_name = ", vec![agent.into()], "");
    }
    if let Some(correlation) = filter.correlation_id {
        add("e.correlation_id = ", vec![correlation.into()], "");
    }
    if let Some(cursor) = &filter.cursor {
        let (micros, id): (i64, Uuid) = cursor.key(&list)?;
        let at = DateTimeUtc::from_timestamp_micros(micros).ok_or(Error::InvalidCursor)?;
        add("(e.timestamp, e.id) < (", vec![at.into(), id.into()], ")");
    }
    let rows = match sources(filter.event_type, &conditions) {
        Some(sql) => {
            Row::find_by_statement(statement(sql, values))
                .all(db)
                .await?
        }
        None => Vec::new(),
    };
    Ok(stream(Page::cut(
        rows.into_iter().map(StreamEvent::from).collect(),
        filter.limit,
        &list,
        |event: &StreamEvent| (event.timestamp.timestamp_micros(), event.id),
    )))
}

/// The statement. Each source brings its own newest rows, so that its index on time serves.
fn sources(kind: Option<EventKind>, conditions: &str) -> Option<String> {
    const DECISIONS: &str = "\
        SELECT r.id, false AS is_error, r.created_at AS timestamp, t.correlation_id, r.agent_selected AS agent_name, r.confidence_score, \
            r.routing_strategy, r.decision_duration_ms AS duration_ms, NULL::text AS error_type, NULL::text AS error_message \
        FROM agent_routing_decisions r JOIN execution_traces t ON t.id = r.trace_id \
        WHERE r.created_at >= now() - make_interval(hours => $2)";
    const ERRORS: &str = "\
        SELECT t.id, true AS is_error, coalesce(t.completed_at, t.started_at) AS timestamp, t.correlation_id, d.agent_selected AS agent_name, \
            NULL::numeric AS confidence_score, NULL::text AS routing_strategy, t.duration_ms, t.error_type, t.error_message \
        FROM execution_traces t LEFT JOIN LATERAL ( \
            SELECT r.agent_selected FROM agent_routing_decisions r WHERE r.trace_id = t.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1 \
        ) d ON true \
        WHERE t.error_type IS NOT NULL AND coalesce(t.completed_at, t.started_at) >= now() - make_interval(hours => $2)";
    let newest = |source: &str| {
        format!(
            "(SELECT e.* FROM ({source}) e WHERE true{conditions} ORDER BY e.timestamp DESC, e.id DESC LIMIT $1)"
        )
    };
    let all = match kind {
        Some(EventKind::AgentAction) => return None,
        Some(EventKind::RoutingDecision) => newest(DECISIONS),
        Some(EventKind::Error) => newest(ERRORS),
        None => format!("{} UNION ALL {}", newest(DECISIONS), newest(ERRORS)),
    };
    Some(format!(
        "SELECT * FROM ({all}) e ORDER BY e.timestamp DESC, e.id DESC LIMIT $1"
    ))
}

impl From<Row> for StreamEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            event_type: if row.is_error {
                EventKind::Error
            } else {
                EventKind::RoutingDecision
            },
            timestamp: row.timestamp,
            correlation_id: row.correlation_id,
            agent_name: row.agent_name,
            confidence_score: row.confidence_score,
            routing_strategy: row.routing_strategy,
            duration_ms: row.duration_ms,
            error_type: row.error_type,
            error_message: row.error_message,
        }
    }
}

fn stream(page: Page<StreamEvent>) -> EventStream {
    let now = chrono::Utc::now();
    let mut event_counts = BTreeMap::new();
    for event in &page.items {
        *event_counts.entry(event.event_type).or_default() += 1;
    }
    EventStream {
        total: page.items.len(),
        time_range: TimeSpan {
            from: page.items.last().map_or(now, |event| event.timestamp),
            to: page.items.first().map_or(now, |event| event.timestamp),
        },
        event_counts,
        items: page.items,
        next_cursor: page.next_cursor,
    }
}

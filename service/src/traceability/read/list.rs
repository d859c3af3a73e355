//! Lists of executions.

use std::fmt::Write as _;

use pml_entity::traceability::trace_summary;
use pml_entity::values::{CorrelationId, ExecutionTraceId, SessionId, TraceStatus};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::sql::statement;
use crate::traceability::TraceabilityError;
use crate::{Error, Page, PageRequest};

/// Which executions a list shows. All conditions must hold; the default shows everything the caller may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Only those that are this far.
    pub status: Option<TraceStatus>,
    /// Only those that worked, or only those that did not. Those that run are neither.
    pub success: Option<bool>,
    /// Only those of this session.
    pub session_id: Option<SessionId>,
    /// Only those of this chain.
    pub root_id: Option<CorrelationId>,
    /// Only those of this user.
    pub user_id: Option<String>,
    /// Only those that this set off.
    pub source: Option<String>,
    /// Only those whose newest decision chose this agent, which is the one that the list shows.
    pub agent: Option<String>,
    /// Only those that failed with this class of error.
    pub error_type: Option<String>,
    /// Only those with this label.
    pub tag: Option<String>,
    /// Only those that began then or later.
    pub since: Option<DateTimeUtc>,
    /// Only those that began earlier.
    pub until: Option<DateTimeUtc>,
}

/// The executions that match, newest first. One statement.
///
/// The page is found in the table, by whichever index serves the conditions; decisions, hooks and calls are looked up for its rows only.
///
/// # Errors
/// [`Error::InvalidCursor`] for a cursor of another list or of other conditions,
/// [`InvalidField`](TraceabilityError::InvalidField) for a text that no column can hold.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    filter: &TraceFilter,
    page: PageRequest,
) -> Result<Page<trace_summary::Model>, Error> {
    let list = format!("traces {filter:?}");
    let mut wanted = matching(filter)?;
    if let Some(cursor) = &page.cursor {
        let (micros, id): (i64, ExecutionTraceId) = cursor.key(&list)?;
        let started_at = DateTimeUtc::from_timestamp_micros(micros).ok_or(Error::InvalidCursor)?;
        wanted.add(
            "(t.started_at, t.id) < (",
            [started_at.into(), id.into()],
            ")",
        );
    }
    let limit = wanted.bind((i64::from(page.limit.get()) + 1).into());
    let sql = format!(
        "WITH page AS MATERIALIZED ( \
             SELECT t.id FROM execution_traces t WHERE {conditions} ORDER BY t.started_at DESC, t.id DESC LIMIT {limit} \
         ) SELECT s.* FROM page JOIN trace_summary s ON s.id = page.id ORDER BY s.started_at DESC, s.id DESC",
        conditions = wanted.conditions,
    );
    let rows = trace_summary::Model::find_by_statement(statement(sql, wanted.values))
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, &list, |row| {
        (row.started_at.timestamp_micros(), row.id)
    }))
}

/// Conditions on a row `t` of `execution_traces`, with their values.
struct Wanted {
    conditions: String,
    values: Vec<Value>,
}

impl Wanted {
    /// The placeholder of a value.
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Adds a condition: `before`, the placeholders of the values, `after`. Both are SQL of ours.
    fn add(&mut self, before: &str, values: impl IntoIterator<Item = Value>, after: &str) {
        let places: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        let _ = write!(self.conditions, " AND {before}{}{after}", places.join(", "));
    }
}

fn matching(filter: &TraceFilter) -> Result<Wanted, Error> {
    let mut wanted = Wanted {
        conditions: "true".to_owned(),
        values: Vec::new(),
    };
    let texts = [
        ("user_id", "t.user_id = ", &filter.user_id, ""),
        ("source", "t.source = ", &filter.source, ""),
        ("error_type", "t.error_type = ", &filter.error_type, ""),
        ("tag", "t.tags @> ARRAY[", &filter.tag, "]::text[]"),
        // Either side may drive: the newest executions where the agent is busy, its decisions where it is not.
        (
            "agent",
            "t.id IN (SELECT r.trace_id FROM agent_routing_decisions r WHERE r.agent_selected = ",
            &filter.agent,
            ")",
        ),
        // Most of those pass. As a plain comparison it would be taken for one in 200, and all of a busy agent's would be sorted.
        (
            "agent",
            "CASE WHEN (SELECT r.agent_selected FROM agent_routing_decisions r WHERE r.trace_id = t.id \
             ORDER BY r.created_at DESC, r.id DESC LIMIT 1) = ",
            &filter.agent,
            " THEN true ELSE false END",
        ),
    ];
    for (field, before, text, after) in texts {
        let Some(text) = text else { continue };
        if text.contains('\0') {
            return Err(TraceabilityError::InvalidField {
                field,
                problem: "must not contain a null character".to_owned(),
            }
            .into());
        }
        wanted.add(before, [text.as_str().into()], after);
    }
    let others: [(&str, Option<Value>); 6] = [
        ("t.status = ", filter.status.map(Value::from)),
        ("t.success = ", filter.success.map(Value::from)),
        ("t.session_id = ", filter.session_id.map(Value::from)),
        ("t.root_id = ", filter.root_id.map(Value::from)),
        ("t.started_at >= ", filter.since.map(Value::from)),
        ("t.started_at < ", filter.until.map(Value::from)),
    ];
    for (before, value) in others {
        if let Some(value) = value {
            wanted.add(before, [value], "");
        }
    }
    Ok(wanted)
}

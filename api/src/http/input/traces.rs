//! Requests of the traceability area.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use pml_service::{
    Cursor, PageRequest,
    traceability::{
        analytics::{ErrorFilter, EventFilter, EventKind, PatternFilter, TimeRange},
        read::TraceFilter,
    },
};

use super::{super::problem::Problem, page_request, start, switch, word};
use crate::wire::traceability::{
    ErrorListQuery, EventListQuery, PageQuery, PatternListQuery, TraceListQuery, WindowQuery,
};

/// Events that a stream shows which asks for no number.
const DEFAULT_EVENTS: u32 = 100;

/// Reads which executions to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter.
pub fn list_request(query: TraceListQuery) -> Result<(TraceFilter, PageRequest), Problem> {
    let page = page_request(query.limit.as_deref(), query.cursor)?;
    let status = query
        .status
        .map(|text| word("invalid_filter", "status", &text));
    let filter = TraceFilter {
        status: status.transpose()?,
        success: switch("invalid_filter", "success", query.success.as_deref())?,
        session_id: optional_id("session_id", query.session_id.as_deref())?,
        root_id: optional_id("root_id", query.root_id.as_deref())?,
        user_id: query.user_id,
        source: query.source,
        agent: query.agent,
        error_type: query.error_type,
        tag: query.tag,
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
    };
    Ok((filter, page))
}

/// Reads which patterns to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter.
pub fn patterns_request(query: PatternListQuery) -> Result<(PatternFilter, PageRequest), Problem> {
    let page = page_request(query.limit.as_deref(), query.cursor)?;
    let filter = PatternFilter {
        min_success_rate: numeric("min_success_rate", query.min_success_rate.as_deref())?,
        min_usage_count: numeric("min_usage_count", query.min_usage_count.as_deref())?,
        domain: query.domain,
        intent: query.intent,
        agent: query.agent,
    };
    Ok((filter, page))
}

/// Reads which errors to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter.
pub fn errors_request(query: ErrorListQuery) -> Result<(ErrorFilter, PageRequest), Problem> {
    let page = page_request(query.limit.as_deref(), query.cursor)?;
    let time_range = query.time_range.as_deref().map(str::parse::<TimeRange>);
    let filter = ErrorFilter {
        time_range: time_range.transpose()?.unwrap_or_default(),
        error_type: query.error_type,
    };
    Ok((filter, page))
}

/// Reads which events to show and which part of the stream.
///
/// # Errors
/// A problem with the code of the first bad parameter.
pub fn events_request(query: EventListQuery) -> Result<EventFilter, Problem> {
    let limit = query.limit.unwrap_or_else(|| DEFAULT_EVENTS.to_string());
    let PageRequest { limit, .. } = page_request(Some(&limit), None)?;
    let event_type = query.event_type.as_deref().map(str::parse::<EventKind>);
    Ok(EventFilter {
        hours: numeric("hours", query.hours.as_deref())?.unwrap_or(24),
        event_type: event_type.transpose()?,
        agent_name: query.agent_name,
        correlation_id: optional_id("correlation_id", query.correlation_id.as_deref())?,
        limit,
        cursor: query.cursor.map(Cursor::from),
    })
}

/// Reads which part of a list is wanted.
///
/// # Errors
/// `invalid_limit`.
pub fn page(query: PageQuery) -> Result<PageRequest, Problem> {
    page_request(query.limit.as_deref(), query.cursor)
}

/// Reads a number of days.
///
/// # Errors
/// `invalid_parameter`.
pub fn window(query: &WindowQuery) -> Result<Option<i32>, Problem> {
    numeric("window_days", query.window_days.as_deref())
}

fn numeric<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        text.trim().parse().map_err(|_| {
            let shown = start(text);
            Problem::new(
                "invalid_parameter",
                format!("{name} must be a number, not {shown:?}"),
            )
        })
    };
    text.map(read).transpose()
}

/// Reads an id.
///
/// # Errors
/// `invalid_parameter` for anything but a UUID.
pub fn id<T: FromStr>(name: &str, text: &str) -> Result<T, Problem> {
    text.trim().parse().map_err(|_| {
        let shown = start(text);
        Problem::new(
            "invalid_parameter",
            format!("{name} must be a UUID, not {shown:?}"),
        )
    })
}

fn optional_id<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(|text| id(name, text)).transpose()
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let read = |text: &str| {
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .map_err(|_| {
                let shown = start(text);
                Problem::new(
                    "invalid_parameter",
                    format!("{name} must be a time like 2026-11-27T09:00:00Z, not {shown:?}"),
                )
            })
    };
    text.map(read).transpose()
}

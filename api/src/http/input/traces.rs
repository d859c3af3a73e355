//! Requests of the traceability area.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use pml_service::{PageRequest, traceability::read::TraceFilter};

use super::{super::problem::Problem, page_request, start, switch, word};
use crate::wire::traceability::TraceListQuery;

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

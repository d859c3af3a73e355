//! `pml traces timeline`: the events of an execution by time.

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::traceability::{Timeline, TimelineEvent};

/// Prints the events.
///
/// # Errors
/// [`Failure`] when there is no such execution, or the database cannot be had.
pub async fn run(backend: &Backend, id: &str, format: Format) -> Result<(), Failure> {
    format.print(&backend.trace_timeline(id).await?, table)
}

fn table(timeline: &Timeline) -> String {
    let Some(first) = timeline.events.first() else {
        return "nothing happened".to_owned();
    };
    let began = first.timestamp;
    let rows = timeline.events.iter().map(|event| {
        let after = event.timestamp - began;
        [
            format!("+{} ms", after.num_milliseconds()),
            event.event_type.replace('_', " "),
            details(event),
        ]
    });
    let table = output::table(["after", "event", "details"], rows);
    format!(
        "{} began {}\n{table}",
        timeline.correlation_id,
        output::time(began)
    )
}

/// What the event carries, as `key value` in the order of its keys; nulls are left out.
fn details(event: &TimelineEvent) -> String {
    let Some(data) = event.data.as_object() else {
        return String::new();
    };
    let shown = data
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), output::short);
            format!("{key} {value}")
        });
    shown.collect::<Vec<_>>().join(", ")
}

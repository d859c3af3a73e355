//! `pml config`: the values in force and where each comes from.

use serde::Serialize;

use super::{
    connection::ConnectionArgs,
    exit::Failure,
    output::{self, Format},
};

/// One value in force.
#[derive(Debug, Serialize)]
struct Entry {
    key: String,
    value: String,
    source: String,
}

/// Prints the configuration; secrets are hidden.
///
/// # Errors
/// [`Failure`] when a value cannot be used.
pub fn run(connection: &ConnectionArgs, format: Format) -> Result<(), Failure> {
    let entries: Vec<_> = connection
        .settings()?
        .describe()
        .into_iter()
        .map(|value| Entry {
            key: value.key,
            value: value.value,
            source: value.source,
        })
        .collect();
    format.print(&entries, |entries| {
        output::table(
            ["setting", "value", "from"],
            entries
                .iter()
                .map(|entry| [entry.key.clone(), entry.value.clone(), entry.source.clone()]),
        )
    })
}

//! `pml capabilities show`: everything about one capability.

use std::fmt::Write;

use serde::Serialize;

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use super::{dependencies, note_all, percent, times};
use crate::wire::capabilities::{
    CapabilityDetails, DependenciesQuery, Dependency, PermissionState,
};

/// How much code is shown without being asked for.
const CODE_LINES: usize = 40;

/// Which capability, and how much of it.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its id, org.project.namespace.action[.hash], namespace:action, or an action
    reference: String,
    /// All of its code, not only the first 40 lines
    #[arg(long)]
    code: bool,
    #[command(flatten)]
    format: Format,
}

/// A capability with what belongs to it.
#[derive(Debug, Serialize)]
struct Card {
    #[serde(flatten)]
    details: CapabilityDetails,
    permissions: Option<PermissionState>,
    dependencies: Vec<Dependency>,
}

/// Prints one capability.
///
/// # Errors
/// [`Failure`] when there is no such capability, several could be meant, or the database cannot be had.
pub async fn run(backend: &Backend, args: ShowArgs) -> Result<(), Failure> {
    let details = backend.get_capability(&args.reference).await?;
    note_all(&details.warnings);
    let id = details.id.to_string();
    let (permissions, dependencies) = if details.pattern_id.is_some() {
        let edges = backend.dependencies(&id, DependenciesQuery::default());
        (Some(backend.permissions(&id).await?), edges.await?.items)
    } else {
        (None, Vec::new())
    };
    let card = Card {
        details,
        permissions,
        dependencies,
    };
    args.format.print(&card, |card| text(card, args.code))
}

fn text(card: &Card, all_code: bool) -> String {
    let details = &card.details;
    let mut text = output::table(["field", "value"], rows(card));
    if let Some(schema) = &details.parameters_schema {
        let _ = write!(text, "\n\narguments:\n{schema:#}");
    }
    if !card.dependencies.is_empty() {
        let table = dependencies::table(&card.dependencies, details.pattern_id);
        let _ = write!(text, "\n\ndependencies:\n{table}");
    }
    match &details.code_snippet {
        None => text.push_str("\n\nits code was deleted"),
        Some(code) => {
            let lines: Vec<_> = code.lines().collect();
            let shown = if all_code { lines.len() } else { CODE_LINES };
            let left = lines.len().saturating_sub(shown);
            let code: Vec<_> = lines.into_iter().take(shown).collect();
            let _ = write!(text, "\n\ncode:\n{}", code.join("\n"));
            if left > 0 {
                let _ = write!(text, "\n… {left} more lines: --code");
            }
        }
    }
    text
}

fn rows(card: &Card) -> Vec<[String; 2]> {
    let details = &card.details;
    let mut rows = vec![
        row("capability", details.display_name.clone()),
        row("id", details.id.to_string()),
        row("full name", details.fqdn.clone()),
    ];
    let mut push = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push(row(name, value));
        }
    };
    push("description", details.description.clone());
    push("visibility", Some(details.visibility.clone()));
    push("runs", Some(details.routing.clone()));
    push("tags", Some(details.tags.join(", ")));
    push("version", Some(version(details)));
    push(
        "verified",
        details.verified.then(|| "by a signature".to_owned()),
    );
    push("statistics", Some(statistics(details)));
    push("tools", Some(details.tools.join("\n")));
    push("permissions", card.permissions.as_ref().map(permissions));
    push(
        "level",
        details.hierarchy_level.map(|level| level.to_string()),
    );
    push(
        "community",
        details.community_id.map(|community| community.to_string()),
    );
    push("code hash", details.code_hash.clone());
    push("made", Some(output::time(details.created_at)));
    push("changed", details.updated_at.map(output::time));
    push(
        "vector",
        details
            .embedding_stale
            .then(|| "older than name or description; `pml capabilities reembed`".to_owned()),
    );
    rows
}

fn row(name: &str, value: String) -> [String; 2] {
    [name.to_owned(), value]
}

fn version(details: &CapabilityDetails) -> String {
    match &details.version_tag {
        None => details.version.to_string(),
        Some(tag) => format!("{} ({tag})", details.version),
    }
}

fn statistics(details: &CapabilityDetails) -> String {
    let mut text = format!(
        "used {}, {} successful ({}), {} ms on average",
        times(details.usage_count),
        details.success_count,
        percent(details.success_rate),
        details.avg_duration_ms
    );
    if let Some(last_used) = details.last_used {
        let _ = write!(text, ", last at {}", output::time(last_used));
    }
    text
}

fn permissions(state: &PermissionState) -> String {
    let PermissionState {
        permission_set,
        permission_confidence,
        effective_set,
        risk,
        ..
    } = state;
    format!(
        "{permission_set} (trust {permission_confidence:.2}); a run gets {effective_set}, which is {risk}"
    )
}

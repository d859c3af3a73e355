//! `pml capabilities list` and `search`.

use serde_json::json;

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use super::percent;
use crate::wire::{
    List,
    capabilities::{CapabilityListQuery, CapabilitySearchAnswer, CapabilitySummary},
};

/// Which capabilities to list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only names (namespace:action) that match; * is any text, ? any character
    pattern: Option<String>,
    /// Only this namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Only this organisation
    #[arg(long)]
    org: Option<String>,
    /// Only this project
    #[arg(long)]
    project: Option<String>,
    /// Only those with this label
    #[arg(long)]
    tag: Option<String>,
    /// Only this visibility: private, project, org or public
    #[arg(long)]
    visibility: Option<String>,
    /// Only those that run there: local or cloud
    #[arg(long)]
    routing: Option<String>,
    /// Only verified ones, or with =false only others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verified: Option<String>,
    /// Only this community of the graph
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    community: Option<String>,
    /// Only those that succeeded at least that often (0 to 1)
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    min_success_rate: Option<String>,
    /// Only those that were used at least so many times
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    min_usage: Option<String>,
    /// Only those with a made-up name
    #[arg(long)]
    unnamed: bool,
    /// Only your own
    #[arg(long)]
    mine: bool,
    /// `usage_count`, `name`, `success_rate`, `last_used` or `created_at` [default: `usage_count`]
    #[arg(long)]
    sort: Option<String>,
    /// asc or desc [default: names upwards, everything else downwards]
    #[arg(long)]
    order: Option<String>,
    /// The most capabilities, 1 to 500 [default: 50]
    #[arg(long, allow_negative_numbers = true)]
    limit: Option<i64>,
    /// Go on where the list before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// What to look for.
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// What it should do, in words
    query: String,
    /// The most results, 1 to 500 [default: 5]
    #[arg(long, allow_negative_numbers = true)]
    limit: Option<i64>,
    /// Leave out results below this score (0 to 1)
    #[arg(long, allow_negative_numbers = true)]
    min_score: Option<f64>,
    #[command(flatten)]
    format: Format,
}

/// Lists capabilities.
///
/// # Errors
/// [`Failure`] for a filter that is not valid, or when the database cannot be had.
pub async fn list(backend: &Backend, args: ListArgs) -> Result<(), Failure> {
    let yes = |flag: bool| flag.then(|| "true".to_owned());
    let query = CapabilityListQuery {
        pattern: args.pattern,
        namespace: args.namespace,
        org: args.org,
        project: args.project,
        tag: args.tag,
        visibility: args.visibility,
        routing: args.routing,
        verified: args.verified,
        community_id: args.community,
        min_success_rate: args.min_success_rate,
        min_usage: args.min_usage,
        unnamed: yes(args.unnamed),
        mine: yes(args.mine),
        sort: args.sort,
        order: args.order,
        limit: args.limit.map(|limit| limit.to_string()),
        cursor: args.cursor,
        offset: None,
    };
    args.format
        .print(&backend.list_capabilities(query).await?, listed)
}

/// Finds capabilities.
///
/// # Errors
/// [`Failure`] for a number out of range, or when the database cannot be had.
pub async fn search(backend: &Backend, args: SearchArgs) -> Result<(), Failure> {
    let mut body = json!({ "query": args.query });
    if let Some(limit) = args.limit {
        body["limit"] = limit.into();
    }
    if let Some(min_score) = args.min_score {
        body["min_score"] = min_score.into();
    }
    args.format
        .print(&backend.search_capabilities(body).await?, hits)
}

fn listed(list: &List<CapabilitySummary>) -> String {
    if list.items.is_empty() {
        return "no capability matches".to_owned();
    }
    let mut text = output::table(
        [
            "capability",
            "uses",
            "success",
            "mean",
            "visibility",
            "description",
        ],
        list.items.iter().map(|capability| {
            let verified = if capability.verified { " ✓" } else { "" };
            [
                format!("{}{verified}", capability.display_name),
                capability.usage_count.to_string(),
                percent(capability.success_rate),
                format!("{} ms", capability.avg_duration_ms),
                capability.visibility.clone(),
                output::short(capability.description.as_deref().unwrap_or_default()),
            ]
        }),
    );
    if let Some(cursor) = &list.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

fn hits(answer: &CapabilitySearchAnswer) -> String {
    if answer.results.is_empty() {
        return "no capability matches".to_owned();
    }
    output::table(
        ["score", "capability", "uses", "success", "description"],
        answer.results.iter().map(|hit| {
            [
                format!("{:.3}", hit.score),
                hit.display_name.clone(),
                hit.usage_count.to_string(),
                percent(hit.success_rate),
                output::short(hit.description.as_deref().unwrap_or_default()),
            ]
        }),
    )
}

//! `pml tools`: store, find and show the tools of MCP servers.

mod show;
mod sync;

use serde_json::json;

use super::{
    backend::Backend,
    connection::ConnectionArgs,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::{
    List,
    tools::{ListQuery, SearchAnswer, StoredTool},
};

/// What to do with the tools.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Ask an MCP server for its tools and store them.
    Sync(sync::SyncArgs),
    /// Find tools by what they should do.
    Search(SearchArgs),
    /// List stored tools.
    List(ListArgs),
    /// Show one tool with its schemas.
    Show {
        /// `server:name`
        tool_id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Remove one tool.
    Remove {
        /// `server:name`
        tool_id: String,
    },
}

/// What to look for.
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// What the tool should do, in words
    query: String,
    /// The most results, 1 to 500
    #[arg(long, allow_negative_numbers = true)]
    limit: Option<i64>,
    /// Leave out results below this score (0 to 1)
    #[arg(long, allow_negative_numbers = true)]
    min_score: Option<f64>,
    /// Only tools of this server; may be given several times
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    #[command(flatten)]
    format: Format,
}

/// Which tools to list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only tools of this server
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Also tools that their server no longer offers
    #[arg(long)]
    all: bool,
    /// The most tools, 1 to 500 [default: 50]
    #[arg(long, allow_negative_numbers = true)]
    limit: Option<i64>,
    /// Go on where the list before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Runs a command of this area.
///
/// # Errors
/// [`Failure`] with the reason and the exit code.
pub async fn run(connection: &ConnectionArgs, command: Command) -> Result<(), Failure> {
    if let Command::Sync(args) = command {
        return sync::run(connection, args).await;
    }
    let backend = Backend::open(connection).await?;
    let result = match command {
        Command::Sync(_) => Ok(()),
        Command::Search(args) => search(&backend, args).await,
        Command::List(args) => list(&backend, args).await,
        Command::Show { tool_id, format } => show::run(&backend, &tool_id, format).await,
        Command::Remove { tool_id } => backend
            .remove_tool(&tool_id)
            .await
            .map(|()| output::line(&format!("{tool_id} is removed"))),
    };
    backend.close().await;
    result
}

async fn search(backend: &Backend, args: SearchArgs) -> Result<(), Failure> {
    let SearchArgs {
        query,
        limit,
        min_score,
        server,
        format,
    } = args;
    let mut body = json!({ "query": query, "server_ids": server });
    if let Some(limit) = limit {
        body["limit"] = limit.into();
    }
    if let Some(min_score) = min_score {
        body["min_score"] = min_score.into();
    }
    format.print(&backend.search_tools(body).await?, hits)
}

fn hits(answer: &SearchAnswer) -> String {
    if answer.results.is_empty() {
        return "no tool matches".to_owned();
    }
    output::table(
        ["score", "tool", "description"],
        answer.results.iter().map(|hit| {
            let description = hit.description.as_deref().unwrap_or_default();
            [
                format!("{:.3}", hit.score),
                hit.tool_id.clone(),
                output::short(description),
            ]
        }),
    )
}

async fn list(backend: &Backend, args: ListArgs) -> Result<(), Failure> {
    let query = ListQuery {
        server_id: args.server,
        include_removed: args.all.then(|| "true".to_owned()),
        limit: args.limit.map(|limit| limit.to_string()),
        cursor: args.cursor,
        ..ListQuery::default()
    };
    args.format.print(&backend.list_tools(query).await?, stored)
}

fn stored(list: &List<StoredTool>) -> String {
    if list.items.is_empty() {
        return "no tools are stored; `pml tools sync --server NAME -- COMMAND` brings some"
            .to_owned();
    }
    let mut text = output::table(
        ["tool", "kind", "state", "description"],
        list.items.iter().map(|tool| {
            let state = if tool.removed_at.is_some() {
                "removed"
            } else {
                ""
            };
            let description = tool.description.as_deref().unwrap_or_default();
            [
                tool.tool_id.clone(),
                tool.kind.clone(),
                state.to_owned(),
                output::short(description),
            ]
        }),
    );
    if let Some(cursor) = &list.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

//! `pml traces`: what became of a prompt.

mod tail;
mod timeline;
mod tree;

use super::{
    backend::Backend,
    connection::ConnectionArgs,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::{
    List,
    traceability::{TraceListQuery, TraceSummary},
};

/// What to do with the executions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show an execution as a tree: routing, hooks, calls, and what it delegated.
    Show {
        /// Its correlation id, also as logs write it (corr-…)
        correlation_id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Show the events of an execution by time.
    Timeline {
        /// Its correlation id
        correlation_id: String,
        #[command(flatten)]
        format: Format,
    },
    /// List executions, newest first.
    List(ListArgs),
    /// Print executions as they begin and end, until Ctrl-C.
    Tail(tail::TailArgs),
}

/// Which executions.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Filter {
    /// Only `in_progress`, `completed`, `failed` or `cancelled` ones
    #[arg(long)]
    status: Option<String>,
    /// Only those that worked, or with =false only those that did not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    success: Option<String>,
    /// Only those of this session
    #[arg(long, value_name = "UUID")]
    session: Option<String>,
    /// Only those of the chain that began with this execution
    #[arg(long, value_name = "UUID")]
    root: Option<String>,
    /// Only those of this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only those that this set off, for example `user_prompt`
    #[arg(long)]
    source: Option<String>,
    /// Only those whose newest decision chose this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only those that failed with this class of error
    #[arg(long)]
    error_type: Option<String>,
    /// Only those with this label
    #[arg(long)]
    tag: Option<String>,
}

impl Filter {
    fn query(self) -> TraceListQuery {
        TraceListQuery {
            status: self.status,
            success: self.success,
            session_id: self.session,
            root_id: self.root,
            user_id: self.user,
            source: self.source,
            agent: self.agent,
            error_type: self.error_type,
            tag: self.tag,
            ..TraceListQuery::default()
        }
    }
}

/// Which executions to list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    /// Only those that began then or later, for example 2026-11-27T09:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those that began earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The most executions, 1 to 500 [default: 50]
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
    let backend = Backend::open(connection).await?;
    let result = match command {
        Command::Show {
            correlation_id,
            format,
        } => show(&backend, bare(&correlation_id), format).await,
        Command::Timeline {
            correlation_id,
            format,
        } => timeline::run(&backend, bare(&correlation_id), format).await,
        Command::List(args) => list(&backend, args).await,
        Command::Tail(args) => tail::run(&backend, args).await,
    };
    backend.close().await;
    result
}

/// Logs write correlation ids with this before them.
fn bare(id: &str) -> &str {
    id.strip_prefix("corr-").unwrap_or(id)
}

async fn show(backend: &Backend, id: &str, format: Format) -> Result<(), Failure> {
    format.print(&backend.get_trace(id).await?, tree::render)
}

async fn list(backend: &Backend, args: ListArgs) -> Result<(), Failure> {
    let query = TraceListQuery {
        since: args.since,
        until: args.until,
        limit: args.limit.map(|limit| limit.to_string()),
        cursor: args.cursor,
        ..args.filter.query()
    };
    args.format
        .print(&backend.list_traces(query).await?, listed)
}

fn listed(list: &List<TraceSummary>) -> String {
    if list.items.is_empty() {
        return "no execution matches".to_owned();
    }
    let mut text = output::table(
        [
            "began",
            "correlation id",
            "outcome",
            "took",
            "agent",
            "prompt",
        ],
        list.items.iter().map(|trace| {
            [
                output::time(trace.started_at),
                trace.correlation_id.to_string(),
                outcome(&trace.status, trace.success, trace.error_type.as_deref()),
                duration(trace.duration_ms),
                trace.agent_selected.clone().unwrap_or_default(),
                output::short(trace.prompt_text.as_deref().unwrap_or_default()),
            ]
        }),
    );
    if let Some(cursor) = &list.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

/// What came of it, in a word or two. The flag counts, not the status.
fn outcome(status: &str, success: Option<bool>, error_type: Option<&str>) -> String {
    match (success, error_type) {
        (Some(true), _) => "✓ worked".to_owned(),
        (Some(false), Some(error)) => format!("✗ {error}"),
        (Some(false), None) => "✗ failed".to_owned(),
        (None, _) if status == "in_progress" => "… running".to_owned(),
        (None, _) => status.to_owned(),
    }
}

/// Milliseconds below ten seconds, seconds above.
fn duration(duration_ms: Option<i32>) -> String {
    match duration_ms {
        None => String::new(),
        Some(ms) if ms < 10_000 => format!("{ms} ms"),
        Some(ms) => format!("{:.1} s", f64::from(ms) / 1000.0),
    }
}

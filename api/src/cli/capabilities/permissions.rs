//! `pml capabilities permissions`: what a capability may touch, and who decided it.

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::{
    List,
    capabilities::{AuditEntry, AuditQuery, PermissionAnswer, PermissionBody, PermissionState},
};

/// What to do with permissions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what a capability may touch.
    Show {
        /// Its id or name
        reference: String,
        #[command(flatten)]
        format: Format,
    },
    /// Let a capability touch more. It is in force at once.
    Allow(DecisionArgs),
    /// Turn a request down. It only goes into the audit log.
    Deny(DecisionArgs),
    /// List the decisions, the newest first.
    Audit(AuditArgs),
}

/// What is decided.
#[derive(Debug, clap::Args)]
pub struct DecisionArgs {
    /// Id or name of the capability
    reference: String,
    /// readonly, filesystem, network-api or mcp-standard
    set: String,
    /// The set that you saw; if another one is stored by now, nothing happens
    #[arg(long, value_name = "SET")]
    from: Option<String>,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What it wanted to do: read, write, net, env, run or ffi
    #[arg(long)]
    operation: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Which decisions to list.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// Only those about this capability
    reference: Option<String>,
    /// Only approved ones
    #[arg(long, conflicts_with = "denied")]
    approved: bool,
    /// Only those that were turned down
    #[arg(long)]
    denied: bool,
    /// Not before this time, such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The most decisions, 1 to 500 [default: 50]
    #[arg(long, allow_negative_numbers = true)]
    limit: Option<i64>,
    /// Go on where the list before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Runs a command about permissions.
///
/// # Errors
/// [`Failure`] with the reason and the exit code.
pub async fn run(backend: &Backend, command: Command) -> Result<(), Failure> {
    match command {
        Command::Show { reference, format } => {
            format.print(&backend.permissions(&reference).await?, state)
        }
        Command::Allow(args) => decide(backend, args, true).await,
        Command::Deny(args) => decide(backend, args, false).await,
        Command::Audit(args) => audit(backend, args).await,
    }
}

async fn decide(backend: &Backend, args: DecisionArgs, approved: bool) -> Result<(), Failure> {
    let body = PermissionBody {
        to_set: args.set,
        from_set: args.from,
        approved: Some(approved),
        approved_by: args.by,
        reason: args.reason,
        detected_operation: args.operation,
    };
    let answer = backend.decide_permission(&args.reference, body).await?;
    args.format.print(&answer, |answer| {
        let PermissionAnswer {
            from_set, to_set, ..
        } = answer;
        if answer.approved {
            format!("{from_set} -> {to_set}")
        } else {
            format!("{from_set} stays; the request for {to_set} is turned down")
        }
    })
}

async fn audit(backend: &Backend, args: AuditArgs) -> Result<(), Failure> {
    let query = AuditQuery {
        capability: args.reference,
        approved: (args.approved || args.denied).then(|| args.approved.to_string()),
        from: args.since,
        to: args.until,
        limit: args.limit.map(|limit| limit.to_string()),
        cursor: args.cursor,
        offset: None,
    };
    args.format
        .print(&backend.permission_audit(query).await?, decisions)
}

fn state(state: &PermissionState) -> String {
    output::table(
        ["field", "value"],
        [
            ["stored".to_owned(), state.permission_set.clone()],
            [
                "trust".to_owned(),
                format!("{:.2}", state.permission_confidence),
            ],
            ["a run gets".to_owned(), state.effective_set.clone()],
            ["learned or written".to_owned(), state.source.clone()],
            ["risk".to_owned(), state.risk.clone()],
        ],
    )
}

fn decisions(list: &List<AuditEntry>) -> String {
    if list.items.is_empty() {
        return "nothing was decided".to_owned();
    }
    let mut text = output::table(
        [
            "time",
            "capability",
            "from",
            "to",
            "approved",
            "by",
            "reason",
        ],
        list.items.iter().map(|entry| {
            let name = entry.display_name.clone();
            [
                output::time(entry.timestamp),
                name.unwrap_or_else(|| entry.pattern_id.to_string()),
                entry.from_set.clone(),
                entry.to_set.clone(),
                if entry.approved { "yes" } else { "no" }.to_owned(),
                entry.approved_by.clone().unwrap_or_default(),
                output::short(entry.reason.as_deref().unwrap_or_default()),
            ]
        }),
    );
    if let Some(cursor) = &list.next_cursor {
        text.push_str("\nmore: --cursor ");
        text.push_str(cursor);
    }
    text
}

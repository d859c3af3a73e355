//! `pml retention`: what is old, and what becomes of it.

use std::sync::Arc;

use indicatif::ProgressBar;
use pml_service::{
    Settings,
    retention::{self, Action, Done, Due, OnRetention, Policy, RunOptions},
};
use tokio::sync::watch;

use super::{
    backend::{Backend, Local},
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output::{self, Format},
};
use crate::http;

/// What to do where `pml serve` holds the folder.
const INSTEAD: &str = "`pml serve` carries the policies out by itself (settings retention.enabled and retention.interval_minutes); \
to do it now, stop it and run the command again";

/// What to do with old rows.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what is due under each policy. Changes nothing.
    Plan(Format),
    /// Archive or delete what is due, in small batches. Safe while others work.
    Run(RunArgs),
}

/// How to run.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Only show what is due, like `plan`
    #[arg(long)]
    dry_run: bool,
    /// Only this policy; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Most rows of one transaction, instead of what each policy says
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: Option<u32>,
    #[command(flatten)]
    format: Format,
}

/// Runs a command of this group.
///
/// # Errors
/// [`Failure`] with the reason and the exit code.
pub async fn run(connection: &ConnectionArgs, command: Command) -> Result<(), Failure> {
    let policies = retention::policies(&connection.settings()?.retention);
    let (only, dry_run) = match &command {
        Command::Plan(_) => (&[][..], true),
        Command::Run(args) => (&args.policy[..], args.dry_run),
    };
    let policies = chosen(policies, only)?;
    let local = Backend::open_here(connection, INSTEAD).await?;
    let result = match command {
        Command::Plan(format) => plan(&local, &policies, format).await,
        Command::Run(args) if dry_run => plan(&local, &policies, args.format).await,
        Command::Run(args) => carry_out(&local, &policies, args).await,
    };
    super::close(local.db).await;
    result
}

/// The scheduler of a server, unless it is switched off.
pub fn schedule(db: &pml_service::Db, settings: &Settings) -> Option<retention::Scheduler> {
    let retention = &settings.retention;
    if !retention.enabled {
        tracing::info!("retention is switched off (retention.enabled)");
        return None;
    }
    let every = std::time::Duration::from_secs(u64::from(retention.interval_minutes) * 60);
    let policies = retention::policies(retention);
    for policy in &policies {
        tracing::info!(
            policy = policy.name,
            table = policy.table,
            rule = policy.rule(),
            action = action(policy.action),
            every_minutes = retention.interval_minutes,
            "retention"
        );
    }
    Some(retention::Scheduler::start(db.clone(), policies, every))
}

fn chosen(policies: Vec<Policy>, only: &[String]) -> Result<Vec<Policy>, Failure> {
    let names: Vec<_> = policies.iter().map(|policy| policy.name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        let message = format!("there is no retention policy {unknown}");
        return Err(
            Failure::new(Exit::Usage, message).hint(format!("they are: {}", names.join(", ")))
        );
    }
    Ok(policies
        .into_iter()
        .filter(|policy| only.is_empty() || only.iter().any(|name| name == policy.name))
        .collect())
}

async fn plan(local: &Local, policies: &[Policy], format: Format) -> Result<(), Failure> {
    let progress = output::spinner("counting");
    let plan = retention::plan(&local.db, policies).await;
    progress.finish_and_clear();
    format.print(&plan?, |plan| plan_table(plan))
}

fn plan_table(plan: &[Due]) -> String {
    let rows = plan.iter().map(|due| {
        [
            due.policy.to_owned(),
            due.table.to_owned(),
            due.rule.clone(),
            action(due.action),
            due.due.to_string(),
            due.oldest.map(output::time).unwrap_or_default(),
            due.limit.map(output::time).unwrap_or_default(),
        ]
    });
    output::table(
        [
            "policy", "table", "rows", "action", "due", "oldest", "limit",
        ],
        rows,
    )
}

/// Ends after the batch it is at when the person does not want to wait any longer.
async fn carry_out(local: &Local, policies: &[Policy], args: RunArgs) -> Result<(), Failure> {
    let interrupted =
        http::shutdown_signal().map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    let (stop, stopped) = watch::channel(false);
    let progress = output::spinner("counting what is due");
    let options = RunOptions {
        batch: args.batch,
        stop: Some(stopped),
        on_progress: Some(show(progress.clone())),
        ..RunOptions::default()
    };
    let work = retention::run(&local.db, policies, &options);
    tokio::pin!(work);
    let done = tokio::select! {
        done = &mut work => done,
        () = interrupted => {
            stop.send_replace(true);
            work.await
        }
    };
    progress.finish_and_clear();
    let done = done?;
    args.format.print(&done, |done| done_table(done))?;
    if *stop.borrow() {
        return Err(Failure::new(
            Exit::Other,
            "interrupted; what is shown is done, the rest is not",
        ));
    }
    Ok(())
}

/// Moves the bar as the run goes on.
fn show(bar: ProgressBar) -> OnRetention {
    Arc::new(move |progress| {
        let [done, due] =
            [progress.done, progress.due].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        output::advance(&bar, progress.policy, done.min(due), due);
    })
}

fn done_table(done: &[Done]) -> String {
    let rows = done.iter().map(|done| {
        [
            done.policy.to_owned(),
            done.table.to_owned(),
            action(done.action),
            done.removed.to_string(),
            done.skipped.to_string(),
            done.busy.to_string(),
            done.batches.to_string(),
        ]
    });
    output::table(
        [
            "policy", "table", "action", "removed", "skipped", "busy", "batches",
        ],
        rows,
    )
}

fn action(action: Action) -> String {
    match action {
        Action::Delete => "delete".to_owned(),
        Action::Archive { into } => format!("move to {into}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pml_service::settings::RetentionSettings;

    use super::*;

    #[test]
    fn a_policy_is_chosen_by_its_name() {
        let all = || retention::policies(&RetentionSettings::default());
        assert_eq!(chosen(all(), &[]).unwrap().len(), all().len());
        let one = chosen(all(), &["traces".to_owned()]).unwrap();
        assert_eq!(one.len(), 1);
        let refused = chosen(all(), &["trace".to_owned()]).unwrap_err();
        assert!(refused.hint.unwrap().contains("traces, "));
    }
}

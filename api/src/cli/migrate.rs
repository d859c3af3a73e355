//! `pml migrate`: change or show the state of the database schema.

use std::{sync::Arc, time::Duration};

use pml_migration::{Adopted, Options, Progress, Report, StepStatus};
use pml_service::{Db, Error as ServiceError};
use serde_json::json;

use super::{
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output::{self, Format},
};
use crate::causes::with_causes;

/// What to do with the schema.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Apply all pending steps.
    Up(Format),
    /// Take back the last steps. Their data goes with them.
    Down {
        /// How many steps to take back
        #[arg(long, short, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
        /// Do it without being asked
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Show which steps are applied.
    Status(Format),
    /// Drop everything and apply all steps.
    Fresh {
        /// Do it without being asked
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Take over a database made by the older system, without running its steps again.
    Adopt(Format),
}

/// Runs a migration command on the configured database.
///
/// # Errors
/// [`Failure`]: refused without a confirmation or while a server holds the folder, or the reason of the migrator.
pub async fn run(connection: &ConnectionArgs, command: Command) -> Result<(), Failure> {
    let settings = connection.settings()?;
    let confirmed = match &command {
        Command::Down { steps, yes, .. } => output::confirm(
            &format!("This takes back {steps} step(s) and deletes the data they brought."),
            *yes,
        ),
        Command::Fresh { yes, .. } => output::confirm(
            "This deletes every table of the database with all its rows.",
            *yes,
        ),
        _ => Ok(()),
    };
    confirmed?;
    if settings.url.is_some() && settings.database_url.is_none() {
        output::note(
            "PML_URL is set; migrations never go through a server, they open the database themselves",
        );
    }
    let db = Db::connect(&settings).await.map_err(explain)?;
    let result = execute(&db, command).await;
    super::close(db).await;
    result
}

async fn execute(db: &Db, command: Command) -> Result<(), Failure> {
    let options = Options {
        on_step: Some(Arc::new(tell)),
        ..db.migration_options()
    };
    match command {
        Command::Up(format) => ran(format, pml_migration::up(db, &options).await),
        Command::Down { steps, format, .. } => {
            ran(format, pml_migration::down(db, steps, &options).await)
        }
        Command::Fresh { format, .. } => ran(format, pml_migration::fresh(db, &options).await),
        Command::Status(format) => status(
            format,
            &pml_migration::status(&**db)
                .await
                .map_err(|error| stopped(&error))?,
        ),
        Command::Adopt(format) => adopted(
            format,
            &pml_migration::adopt(db, &options)
                .await
                .map_err(|error| stopped(&error))?,
        ),
    }
}

/// One line per finished step, on standard error: the result goes to standard output.
fn tell(progress: &Progress) {
    if let Some(took) = progress.finished {
        let Progress {
            number,
            total,
            direction,
            name,
            ..
        } = progress;
        eprintln!(
            "{number:>3}/{total} {direction} {name} ({})",
            milliseconds(took)
        );
    }
}

fn ran(format: Format, result: Result<Report, pml_migration::Error>) -> Result<(), Failure> {
    let report = result.map_err(|error| stopped(&error))?;
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| json!({"name": step.name, "direction": step.direction.to_string(), "duration_ms": step.elapsed.as_millis()}))
        .collect();
    let value = json!({"steps": steps, "duration_ms": report.elapsed.as_millis()});
    format.print(&value, |_| match report.steps.len() {
        0 => "nothing to do".to_owned(),
        count => format!("{count} steps in {}", milliseconds(report.elapsed)),
    })
}

fn status(format: Format, steps: &[StepStatus]) -> Result<(), Failure> {
    let value: Vec<_> = steps
        .iter()
        .map(|step| json!({"name": step.name, "title": step.title, "state": step.state.to_string(), "applied_at": step.applied_at}))
        .collect();
    format.print(&value, |_| {
        let rows = steps.iter().map(|step| {
            let applied = step
                .applied_at
                .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
            [
                step.name.clone(),
                step.title.clone(),
                step.state.to_string(),
                applied.unwrap_or_default(),
            ]
        });
        output::table(["step", "title", "state", "applied"], rows)
    })
}

fn adopted(format: Format, adopted: &Adopted) -> Result<(), Failure> {
    let value = json!({"version": adopted.version, "marked": adopted.marked});
    format.print(&value, |_| {
        let (version, count) = (adopted.version, adopted.marked.len());
        format!("the database was at version {version}; {count} steps are marked as applied. `pml migrate up` carries on from there")
    })
}

fn stopped(error: &pml_migration::Error) -> Failure {
    let exit = match error {
        pml_migration::Error::AlreadyManaged
        | pml_migration::Error::NotLegacy
        | pml_migration::Error::UnsupportedVersion { .. }
        | pml_migration::Error::SchemaDiffers { .. } => Exit::Refused,
        pml_migration::Error::Locked { .. } | pml_migration::Error::Database(_) => Exit::Database,
        _ => Exit::Other,
    };
    Failure::new(exit, with_causes(error))
}

fn explain(error: ServiceError) -> Failure {
    match &error {
        ServiceError::DataDirInUse { .. } => Failure {
            exit: Exit::Refused,
            ..Failure::from(error)
                .hint("migrations need the database for themselves: stop that process first")
        },
        _ => error.into(),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

//! The migration binary. `sea-orm-cli migrate … -d migration` runs it, so it takes that tool's arguments; `adopt`, `sql` and
//! `checksums` are its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use pml_migration::{
    Direction, Engine, Options, Progress, Report, Step, StepState, all, published, script,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tracing_subscriber::EnvFilter;

/// Applies the schema history of the PML data layer to a PostgreSQL database.
#[derive(Parser)]
#[command(name = "pml-migration", version)]
struct Cli {
    /// Show what is sent to the database
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Schema to work in (default: public); pgvector is looked up in public as well
    #[arg(short = 's', long, global = true, env = "DATABASE_SCHEMA")]
    database_schema: Option<String>,
    /// postgres://user:password@host:port/database
    #[arg(
        short = 'u',
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    /// How long to wait for another migrator, in seconds
    #[arg(long, global = true, default_value_t = 600)]
    lock_timeout: u64,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Apply pending migrations (the default)
    Up {
        /// Number of pending migrations to apply
        #[arg(short, long)]
        num: Option<u32>,
    },
    /// Roll back applied migrations
    Down {
        /// Number of applied migrations to roll back
        #[arg(short, long, default_value_t = 1)]
        num: u32,
    },
    /// Check the status of all migrations
    Status,
    /// Drop everything in the schema, then apply all migrations
    Fresh,
    /// Roll back all applied migrations, then apply them again
    Refresh,
    /// Roll back all applied migrations and drop the bookkeeping
    Reset,
    /// Take over a database of the older system (table `migrations_history`) without running anything
    Adopt,
    /// Print the SQL of all pending migrations, for psql (all migrations without a database URL)
    Sql,
    /// Print the content of published.sha256
    Checksums,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // To stderr: the output of `sql` and `checksums` goes to files.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new(if cli.verbose {
            "debug"
        } else {
            "pml_migration::lock=info,warn"
        }))
        .with_target(cli.verbose)
        .without_time()
        .init();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Outcome {
    let options = Options {
        lock_timeout: Duration::from_secs(cli.lock_timeout),
        on_step: Some(Arc::new(print_step)),
        ..Options::default()
    };
    let engine = Engine::new(all());
    let command = cli.command.unwrap_or(Command::Up { num: None });
    match (&command, &cli.database_url) {
        (Command::Checksums, _) => {
            print!("{}", published());
            return Ok(());
        }
        (Command::Sql, None) => {
            print!("{}", script(all(), true));
            return Ok(());
        }
        _ => {}
    }
    let db = connect(cli.database_url, cli.database_schema).await?;
    match command {
        Command::Up { num } => print_report(&engine.up(&db, num, &options).await?),
        Command::Down { num } => print_report(&engine.down(&db, Some(num), &options).await?),
        Command::Fresh => print_report(&engine.fresh(&db, &options).await?),
        Command::Refresh => print_report(&engine.refresh(&db, &options).await?),
        Command::Reset => print_report(&engine.reset(&db, &options).await?),
        Command::Status => print_status(&engine, &db).await?,
        Command::Adopt => {
            let adopted = engine.adopt(&db, &options).await?;
            println!(
                "Adopted version {}: {} migrations marked as applied. Run `up` to carry on.",
                adopted.version,
                adopted.marked.len()
            );
        }
        Command::Sql => {
            let pending = engine.pending(&db).await?;
            let steps: Vec<&dyn Step> = all()
                .iter()
                .copied()
                .filter(|step| pending.iter().any(|name| name == step.name()))
                .collect();
            print!("{}", script(&steps, true));
        }
        Command::Checksums => {}
    }
    db.close().await?;
    Ok(())
}

async fn connect(
    url: Option<String>,
    schema: Option<String>,
) -> Result<DatabaseConnection, Box<dyn std::error::Error>> {
    let url = url.ok_or("no database: set DATABASE_URL or pass --database-url")?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(10))
        .set_application_name("pml-migration");
    if let Some(schema) = schema {
        let path = if schema.contains(',') || schema == "public" {
            schema
        } else {
            format!("{schema},public")
        };
        options.set_schema_search_path(path);
    }
    Ok(Database::connect(options).await?)
}

fn print_step(progress: &Progress) {
    let verb = match (progress.direction, progress.finished) {
        (Direction::Up, None) => "Applying",
        (Direction::Down, None) => "Rolling back",
        (_, Some(elapsed)) => {
            println!("  done in {elapsed:.1?}");
            return;
        }
    };
    println!(
        "[{}/{}] {verb} {}",
        progress.number, progress.total, progress.name
    );
}

fn print_report(report: &Report) {
    if report.is_empty() {
        println!("Nothing to do.");
    } else {
        println!(
            "{} migrations in {:.1?}",
            report.steps.len(),
            report.elapsed
        );
    }
}

async fn print_status(engine: &Engine<'_>, db: &DatabaseConnection) -> Outcome {
    let lines = engine.status(db).await?;
    for line in &lines {
        let at = line.applied_at.map_or_else(String::new, |at| {
            at.format("%Y-%m-%d %H:%M:%SZ").to_string()
        });
        println!("{:<8} {:<20} {}", line.state, at, line.name);
    }
    let pending = lines
        .iter()
        .filter(|line| line.state == StepState::Pending)
        .count();
    println!("{} migrations, {pending} pending", lines.len());
    Ok(())
}

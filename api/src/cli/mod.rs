//! The command line of `pml`.

mod backend;
mod capabilities;
mod config;
mod connection;
mod doctor;
mod exit;
mod migrate;
mod output;
mod retention;
mod serve;
mod tools;
mod traces;

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

pub use self::exit::{Exit, Failure};
use self::{connection::ConnectionArgs, output::Format, serve::ServeArgs};

/// The data layer of an AI-agent platform: stores which tools and which learned code exist, and finds the right one.
///
/// Without a command it serves the HTTP API, on an embedded PostgreSQL unless a database is named.
#[derive(Debug, Parser)]
#[command(name = "pml", version, after_help = exit::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API (the default).
    Serve(ServeArgs),
    /// Store, find and show the tools of MCP servers.
    #[command(subcommand)]
    Tools(tools::Command),
    /// Find, show, change and trust learned code.
    #[command(subcommand, visible_alias = "caps")]
    Capabilities(capabilities::Command),
    /// Follow what became of prompts: routing, hooks, calls, outcome.
    #[command(subcommand)]
    Traces(traces::Command),
    /// Show the configuration and where each value comes from. Secrets are hidden.
    Config(Format),
    /// Check what is reachable, which versions run and whether migrations are pending.
    Doctor(Format),
    /// Change or show the state of the database schema.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Show or remove what is older than the policies keep.
    #[command(subcommand)]
    Retention(retention::Command),
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command line and returns the exit code; see `pml --help` for what the codes mean.
pub async fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8));
        }
    };
    start_log(matches!(cli.command, None | Some(Command::Serve(_))));
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli {
        connection,
        serve,
        command,
    } = cli;
    let command = match command {
        None => return serve::run(&connection, &serve).await,
        Some(Command::Serve(own)) => return serve::run(&connection, &own.or(serve)).await,
        Some(_) if serve.is_given() => {
            return Err(Failure::new(
                Exit::Usage,
                "--listen, --no-migrate and --insecure-listen belong to `pml serve`",
            ));
        }
        Some(command) => command,
    };
    match command {
        Command::Serve(_) => Ok(()),
        Command::Tools(command) => tools::run(&connection, command).await,
        Command::Capabilities(command) => capabilities::run(&connection, command).await,
        Command::Traces(command) => traces::run(&connection, command).await,
        Command::Config(format) => config::run(&connection, format),
        Command::Doctor(format) => doctor::run(&connection, format).await,
        Command::Migrate(command) => migrate::run(&connection, command).await,
        Command::Retention(command) => retention::run(&connection, command).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "pml", &mut io::stdout());
            Ok(())
        }
    }
}

/// Ends a connection. A failure to stop cleanly costs nothing but a recovery at the next start, so it only goes to the log.
async fn close(db: pml_service::Db) {
    if let Err(error) = db.close().await {
        tracing::warn!(%error, "the database did not stop cleanly");
    }
}

/// Log lines go to standard error. `RUST_LOG` chooses them; a server tells what it does, a command only what goes wrong.
fn start_log(serving: bool) {
    let default = if serving {
        "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,rmcp=warn"
    } else {
        "error,rmcp=off"
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // Fails when an embedding program has its own log, which then wins.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default_command() {
        let cli = Cli::try_parse_from(["pml", "--listen", "127.0.0.1:0"]).unwrap();
        assert!(cli.command.is_none() && cli.serve.is_given());
    }
}

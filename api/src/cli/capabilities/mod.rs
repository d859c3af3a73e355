//! `pml capabilities`: find, show, change and trust learned code.

mod change;
mod dependencies;
mod list;
mod permissions;
mod save;
mod show;
mod verify;

use super::{backend::Backend, connection::ConnectionArgs, exit::Failure, output};

/// What to do with the capabilities.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List capabilities, the most used first.
    List(Box<list::ListArgs>),
    /// Show one capability: its statistics, tools, permissions, dependencies and code.
    Show(show::ShowArgs),
    /// Find capabilities by what they should do.
    Search(list::SearchArgs),
    /// Save code that ran: new code becomes a capability, known code is counted once more.
    Save(Box<save::SaveArgs>),
    /// Give a capability another name, description, labels or visibility. The old name goes on to work.
    Rename(change::RenameArgs),
    /// Fold one capability into another that uses the same tools.
    Merge(change::MergeArgs),
    /// Show what a signature must be of, check one, and store it.
    Verify(verify::VerifyArgs),
    /// Delete a capability, and its code unless another one names it.
    Delete(change::DeleteArgs),
    /// Show and decide what a capability may touch.
    #[command(subcommand)]
    Permissions(permissions::Command),
    /// Show and change what capabilities need, contain or replace.
    #[command(subcommand)]
    Dependencies(dependencies::Command),
    /// Make the vectors anew that another model made, or that are older than name or description.
    Reembed(change::ReembedArgs),
}

/// Runs a command of this area.
///
/// # Errors
/// [`Failure`] with the reason and the exit code.
pub async fn run(connection: &ConnectionArgs, command: Command) -> Result<(), Failure> {
    // Read before the database is opened: a file may be a pipe that takes its time.
    let command = match command {
        Command::Save(args) => Command::Save(Box::new(args.read()?)),
        command => command,
    };
    let backend = Backend::open(connection).await?;
    let result = match command {
        Command::List(args) => list::list(&backend, *args).await,
        Command::Show(args) => show::run(&backend, args).await,
        Command::Search(args) => list::search(&backend, args).await,
        Command::Save(args) => save::run(&backend, *args).await,
        Command::Rename(args) => change::rename(&backend, args).await,
        Command::Merge(args) => change::merge(&backend, args).await,
        Command::Verify(args) => verify::run(&backend, args).await,
        Command::Delete(args) => change::delete(&backend, args).await,
        Command::Permissions(command) => permissions::run(&backend, command).await,
        Command::Dependencies(command) => dependencies::run(&backend, command).await,
        Command::Reembed(args) => change::reembed(&backend, args).await,
    };
    backend.close().await;
    result
}

/// What the answer says beside its result.
fn note_all(warnings: &[String]) {
    for warning in warnings {
        output::note(warning);
    }
}

/// A share as people read it.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// How often, in words.
fn times(count: i64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

//! `pml capabilities save`: code that ran, from a file.

use std::{fs, io, path::PathBuf};

use serde_json::json;

use super::super::{
    backend::Backend,
    exit::{Exit, Failure},
    output::Format,
};
use super::{change::split_name, note_all, percent, times};
use crate::wire::capabilities::SaveAnswer;

/// Which code, and what is known about its run.
#[derive(Debug, clap::Args)]
pub struct SaveArgs {
    /// File with the code; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What it was for
    #[arg(long, value_name = "TEXT")]
    intent: String,
    /// Its name; without one it gets a made-up name
    #[arg(long, value_name = "NAMESPACE:ACTION")]
    name: Option<String>,
    /// What it does, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How long the run took in milliseconds
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    duration_ms: Option<f64>,
    /// The run failed
    #[arg(long)]
    failed: bool,
    /// A tool that it called; may be given several times
    #[arg(long, value_name = "ID")]
    tool: Vec<String>,
    /// A label; may be given several times
    #[arg(long)]
    tag: Vec<String>,
    /// private, project, org or public
    #[arg(long)]
    visibility: Option<String>,
    /// local or cloud
    #[arg(long)]
    routing: Option<String>,
    #[command(flatten)]
    format: Format,
    #[arg(skip)]
    code: String,
}

impl SaveArgs {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be read, or is no text.
    pub fn read(mut self) -> Result<Self, Failure> {
        let code = if self.file.as_os_str() == "-" {
            io::read_to_string(io::stdin())
        } else {
            fs::read_to_string(&self.file)
        };
        self.code = code.map_err(|error| {
            let file = self.file.display();
            Failure::new(Exit::Usage, format!("cannot read {file}: {error}"))
        })?;
        Ok(self)
    }
}

/// Saves it.
///
/// # Errors
/// [`Failure`] for input that is not valid, or when the database cannot be had.
pub async fn run(backend: &Backend, args: SaveArgs) -> Result<(), Failure> {
    let (namespace, action) = args.name.as_deref().map(split_name).unwrap_or_default();
    let body = json!({
        "code": args.code,
        "intent": args.intent,
        "description": args.description,
        "duration_ms": args.duration_ms.unwrap_or_default(),
        "success": !args.failed,
        "tools_used": args.tool,
        "tags": args.tag,
        "namespace": namespace,
        "action": action,
        "visibility": args.visibility,
        "routing": args.routing,
    });
    let answer = backend.save_capability(body).await?;
    note_all(&answer.warnings);
    args.format.print(&answer, |answer| {
        let SaveAnswer {
            display_name,
            fqdn,
            usage_count,
            success_rate,
            ..
        } = answer;
        let done = if answer.created { "saved" } else { "counted" };
        let (uses, success) = (times(*usage_count), percent(*success_rate));
        format!("{done}: {display_name}, used {uses} ({success} successful)\n{fqdn}")
    })
}

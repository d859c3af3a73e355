//! `pml tools sync`: from an MCP server into the database.

use std::sync::Arc;

use indicatif::ProgressBar;
use pml_service::tools::{OnSync, SyncOptions, SyncStage, ToolDefinition};
use serde::Serialize;

use super::super::{
    backend::Backend,
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output::{self, Format},
};
use crate::{
    http,
    mcp::{self, Listing, Source},
    wire::tools::{Rejected, SyncAnswer},
};

/// Which server, and how to reach it.
#[derive(Debug, clap::Args)]
pub struct SyncArgs {
    /// The name to store its tools under
    #[arg(long, value_name = "NAME")]
    server: String,
    /// Address of a streamable HTTP server, instead of a command
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "command",
        required_unless_present = "command"
    )]
    url: Option<String>,
    /// A header to send to that address, such as "Authorization: Bearer TOKEN"; may be given several times
    #[arg(long, value_name = "NAME: VALUE", requires = "url", value_parser = header)]
    header: Vec<(String, String)>,
    /// The command that starts the server on its standard input and output
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// Replace the stored vectors of another embedding model, of all servers
    #[arg(long)]
    reembed: bool,
    #[command(flatten)]
    format: Format,
}

/// What a sync did, with what only the command line knows.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    server_id: &'a str,
    offered: usize,
    #[serde(flatten)]
    answer: SyncAnswer,
}

/// Asks the server for its tools and stores them; nothing is stored unless the whole list came.
///
/// # Errors
/// [`Failure`] with code 4 when the server cannot be used, otherwise that of the database.
pub async fn run(connection: &ConnectionArgs, args: SyncArgs) -> Result<(), Failure> {
    let SyncArgs {
        server,
        url,
        header,
        command,
        reembed,
        format,
    } = args;
    pml_service::tools::validate_server_id(&server)?;
    let source = source(url, header, command)?;
    let Listing {
        server: title,
        tools,
        rejected,
        pages,
    } = ask(&source).await?;
    if tools.is_empty() && rejected.is_empty() {
        output::note(&format!("{title} offers no tools"));
    }
    let offered = tools.len() + rejected.len();

    let stored = store(connection, &server, tools, reembed);
    let mut answer = tokio::select! {
        stored = stored => stored?,
        () = interrupt()? => return Err(Failure::interrupted()),
    };
    answer.rejected.extend(rejected);
    let outcome = Outcome {
        server_id: &server,
        offered,
        answer,
    };
    format.print(&outcome, |outcome| table(outcome, &title, pages))
}

/// Opens the database only now: a server may take its time to answer, and meanwhile others can work.
async fn store(
    connection: &ConnectionArgs,
    server: &str,
    tools: Vec<ToolDefinition>,
    reembed: bool,
) -> Result<SyncAnswer, Failure> {
    let backend = Backend::open(connection).await?;
    let progress = output::spinner("storing and embedding");
    let options = SyncOptions {
        reembed,
        on_progress: Some(show(progress.clone())),
    };
    let result = backend.sync_tools(server, tools, options).await;
    progress.finish_and_clear();
    backend.close().await;
    result
}

/// Completes at Ctrl-C. Once this has been called, every phase must listen to it: the default of ending at once is gone.
fn interrupt() -> Result<impl Future<Output = ()>, Failure> {
    http::shutdown_signal().map_err(|error| Failure::new(Exit::Other, error.to_string()))
}

fn source(
    url: Option<String>,
    headers: Vec<(String, String)>,
    command: Vec<String>,
) -> Result<Source, Failure> {
    if let Some(url) = url {
        return Ok(Source::Url { url, headers });
    }
    let mut words = command.into_iter();
    let program = words
        .next()
        .ok_or_else(|| Failure::new(Exit::Usage, "no command to start the server with"))?;
    Ok(Source::Command {
        program,
        args: words.collect(),
    })
}

/// Listens to Ctrl-C meanwhile: the server runs in a process group of its own and would otherwise live on.
async fn ask(source: &Source) -> Result<Listing, Failure> {
    let progress = output::spinner("asking the server for its tools");
    let seen = progress.clone();
    let on_page =
        move |count| seen.set_message(format!("asking the server for its tools: {count}"));
    let result = mcp::list_tools(source, mcp::TIME_LIMIT, on_page, interrupt()?).await;
    progress.finish_and_clear();
    Ok(result?)
}

/// Moves the bar as the sync goes on.
fn show(bar: ProgressBar) -> OnSync {
    Arc::new(move |progress| {
        let message = match progress.stage {
            SyncStage::Embedding => "embedding",
            SyncStage::Storing => "storing",
            SyncStage::Indexing => "building the vector index",
        };
        output::advance(&bar, message, progress.done, progress.total);
    })
}

fn table(outcome: &Outcome<'_>, title: &str, pages: usize) -> String {
    let SyncAnswer {
        inserted,
        updated,
        unchanged,
        removed,
        rejected,
    } = &outcome.answer;
    let counts = [
        *inserted,
        *updated,
        *unchanged,
        *removed,
        rejected.len() as u64,
    ]
    .map(|count| count.to_string());
    let mut text = output::table(
        ["inserted", "updated", "unchanged", "removed", "rejected"],
        [counts],
    );
    if !rejected.is_empty() {
        text.push('\n');
        let rows = rejected
            .iter()
            .map(|Rejected { name, reason }| [output::short(name), output::short(reason)]);
        text.push_str(&output::table(["rejected tool", "reason"], rows));
    }
    let (offered, server) = (outcome.offered, outcome.server_id);
    let pages = if pages == 1 {
        String::new()
    } else {
        format!(" on {pages} pages")
    };
    format!("{server}: {title} offers {offered} tools{pages}\n{text}")
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

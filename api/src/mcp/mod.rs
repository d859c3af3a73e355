//! Asking a Model Context Protocol server for its tools, over stdio or streamable HTTP.
//!
//! A server is a foreign program: it may hang, die, print noise or answer nonsense. Every step has its own time limit, the child
//! is always ended with everything it started, and a failure says what the server did.

mod child;
mod listing;

use std::{collections::HashMap, time::Duration};

use rmcp::{
    ServiceExt,
    model::{ClientCapabilities, Implementation, InitializeRequestParams},
    service::{ClientInitializeError, RoleClient, RunningService},
    transport::{
        async_rw::AsyncRwTransport,
        streamable_http_client::{
            StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
        },
    },
};

use self::child::Child;
pub use self::listing::Listing;
use crate::causes::with_causes;

/// How long a server may take to initialise, and for each page of its list.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Where a server is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A program to start; it speaks over its standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// A streamable HTTP endpoint.
    Url {
        /// The address.
        url: String,
        /// Headers to send with every request, such as `Authorization`.
        headers: Vec<(String, String)>,
    },
}

/// Why no list could be had. The text is written for the person at the command line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The reason of the operating system.
        source: std::io::Error,
    },
    /// The address or a header cannot be used.
    #[error("{0}")]
    Address(String),
    /// The server did not answer in time.
    #[error("the server did not answer {step} within {} s{noise}", limit.as_secs())]
    TimedOut {
        /// What it was asked.
        step: &'static str,
        /// How long it had.
        limit: Duration,
        /// What it printed instead, or nothing.
        noise: String,
    },
    /// The server ended.
    #[error("the server ended during {step} ({status}){noise}")]
    Ended {
        /// What it was asked.
        step: &'static str,
        /// Its exit status.
        status: String,
        /// What it printed on its standard output, or nothing.
        noise: String,
    },
    /// The caller does not want to wait any longer.
    #[error("interrupted")]
    Interrupted,
    /// The connection to the server broke.
    #[error("the connection to the server broke during {step}: {detail}")]
    Broken {
        /// What it was asked.
        step: &'static str,
        /// How it broke.
        detail: String,
    },
    /// The server answered something that the protocol does not allow here.
    #[error("the server gave an unusable answer to {step}: {detail}")]
    Answer {
        /// What it was asked.
        step: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// A failure with what the server wrote to its standard error.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What happened.
    #[source]
    pub error: Error,
    /// The last lines of its standard error; empty over HTTP.
    pub stderr: String,
}

type Client = RunningService<RoleClient, InitializeRequestParams>;

/// Asks the server for all its tools, page by page.
///
/// `on_page` is told how many tools have come so far. Returns only a complete list: callers mark what is missing in it as removed.
/// When `interrupted` completes the server is ended and nothing is returned.
///
/// # Errors
/// [`Failure`] when the server cannot be started or reached, ends, does not answer within `limit`, or answers nonsense.
pub async fn list_tools(
    source: &Source,
    limit: Duration,
    on_page: impl Fn(usize),
    interrupted: impl Future<Output = ()>,
) -> Result<Listing, Failure> {
    match source {
        Source::Command { program, args } => {
            let mut child = Child::start(program, args)?;
            let result = tokio::select! {
                result = over_stdio(&mut child, limit, on_page) => result,
                () = interrupted => Err(Error::Interrupted),
            };
            let stderr = child.end().await;
            result.map_err(|error| Failure { error, stderr })
        }
        Source::Url { url, headers } => tokio::select! {
            result = over_http(url, headers, limit, on_page) => Ok(result?),
            () = interrupted => Err(Error::Interrupted.into()),
        },
    }
}

async fn over_stdio(
    child: &mut Child,
    limit: Duration,
    on_page: impl Fn(usize),
) -> Result<Listing, Error> {
    let (read, write) = child.pipes()?;
    let connect = identity().serve(AsyncRwTransport::<RoleClient, _, _>::new(read, write));
    let outcome = match tokio::time::timeout(limit, connect).await {
        Err(_) => Err(timed_out(INITIALIZE, limit)),
        Ok(Err(error)) => Err(refused(&error)),
        Ok(Ok(mut client)) => {
            let listing = listing::all_pages(&client, limit, on_page).await;
            // Also closes the input of the server, which is how it is told to end.
            let _ = client.close_with_timeout(Duration::from_secs(1)).await;
            listing
        }
    };
    match outcome {
        Err(error) => Err(child.explain(error).await),
        listing => listing,
    }
}

async fn over_http(
    url: &str,
    headers: &[(String, String)],
    limit: Duration,
    on_page: impl Fn(usize),
) -> Result<Listing, Error> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    config.custom_headers = parse_headers(headers)?;
    // Without a limit for a whole request: a stream of events stays open for as long as the session.
    let http = crate::client::http_client(None).map_err(Error::Address)?;
    let transport = StreamableHttpClientTransport::with_client(http, config);
    match tokio::time::timeout(limit, identity().serve(transport)).await {
        Err(_) => Err(timed_out(INITIALIZE, limit)),
        Ok(Err(error)) => Err(refused(&error)),
        Ok(Ok(mut client)) => {
            let listing = listing::all_pages(&client, limit, on_page).await;
            let _ = client.close_with_timeout(Duration::from_secs(1)).await;
            listing
        }
    }
}

const INITIALIZE: &str = "`initialize`";

fn identity() -> InitializeRequestParams {
    InitializeRequestParams::new(
        ClientCapabilities::default(),
        Implementation::new("pml", env!("CARGO_PKG_VERSION")),
    )
}

fn parse_headers(
    headers: &[(String, String)],
) -> Result<HashMap<reqwest::header::HeaderName, reqwest::header::HeaderValue>, Error> {
    headers
        .iter()
        .map(|(name, value)| {
            let parsed = name.parse().ok().zip(value.parse().ok());
            parsed
                .ok_or_else(|| Error::Address(format!("`{name}` is not a header that can be sent")))
        })
        .collect()
}

fn timed_out(step: &'static str, limit: Duration) -> Error {
    Error::TimedOut {
        step,
        limit,
        noise: String::new(),
    }
}

fn refused(error: &ClientInitializeError) -> Error {
    let detail = with_causes(error);
    match error {
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::TransportError { .. } => Error::Broken {
            step: INITIALIZE,
            detail,
        },
        _ => Error::Answer {
            step: INITIALIZE,
            detail,
        },
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            stderr: String::new(),
        }
    }
}

//! A client of the HTTP API, for the commands that run while another process holds the database.

mod capabilities;
mod tools;
mod traces;

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::wire::{health::Ready, problem::ProblemDocument};

/// A little longer than the server's own limit, so that its answer wins.
const TIME_LIMIT: Duration = Duration::from_secs(35);

/// Why the server gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with a problem.
    #[error("{}", .0.detail)]
    Problem(Box<ProblemDocument>),
    /// Nobody answers there.
    #[error("no PML server answers at {url}: {reason}")]
    Unreachable {
        /// The address that was tried.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// Somebody answers, but not like a PML server.
    #[error("{url} does not answer like a PML server (status {status})")]
    Foreign {
        /// The address that was tried.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
    },
}

/// A connection to a running `pml serve`.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base: Url,
    http: reqwest::Client,
}

impl ApiClient {
    /// A client for the server at `url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the address is not an HTTP address.
    pub fn new(url: &str) -> Result<Self, Error> {
        let unreachable = |reason: String| Error::Unreachable {
            url: url.to_owned(),
            reason,
        };
        let base = Url::parse(url).map_err(|error| unreachable(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(unreachable(
                "the address must start with http:// or https://".to_owned(),
            ));
        }
        Ok(Self {
            base,
            http: http_client(Some(TIME_LIMIT)).map_err(unreachable)?,
        })
    }

    /// The address of the server.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the server can work, and on which database.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn ready(&self) -> Result<Ready, Error> {
        self.call(Method::GET, &["readyz"], &(), None).await
    }

    /// Sends a request and reads its answer.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &impl Serialize,
        body: Option<Value>,
    ) -> Result<T, Error> {
        let unreachable = |reason: String| Error::Unreachable {
            url: self.url().to_owned(),
            reason,
        };
        let mut url = self.base.clone();
        // `push` percent-encodes each segment, so an id with a slash stays one segment.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.request(method, url).query(query);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(reason(&error)))?;
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| unreachable(reason(&error)))?;
        let foreign = || Error::Foreign {
            url: self.url().to_owned(),
            status: status.as_u16(),
        };
        if status == StatusCode::NO_CONTENT {
            return serde_json::from_slice(b"null").map_err(|_| foreign());
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| foreign());
        }
        let problem: ProblemDocument = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
        Err(Error::Problem(Box::new(problem)))
    }
}

/// The plain HTTP client that everything here uses: with TLS set up, a limit for connecting, and for the whole of each request if one is given.
///
/// # Errors
/// A text that says why TLS cannot be set up.
pub fn http_client(limit: Option<Duration>) -> Result<reqwest::Client, String> {
    // Fails when a provider is already installed, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .user_agent(concat!("pml/", env!("CARGO_PKG_VERSION")));
    if let Some(limit) = limit {
        builder = builder.timeout(limit);
    }
    builder.build().map_err(|error| reason(&error))
}

/// The innermost cause: the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

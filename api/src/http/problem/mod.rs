//! Errors as the outside sees them: RFC 9457 problem documents with a stable `code`.
//!
//! One table maps every code to its status and title. Detail texts of a 4xx say what the caller can change; those of a 5xx are
//! fixed sentences, so that no message of the database ever leaves the process (it goes to the log instead).

mod codes;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pml_service::{Error, capabilities::CapabilityError};
use sea_orm::DbErr;

pub use self::codes::CODES;
use crate::wire::problem::ProblemDocument;

/// The media type of every error answer.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds a client should wait before it repeats a request that met a missing database.
const RETRY_AFTER_SECONDS: u16 = 5;

/// A [`ProblemDocument`] on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<ProblemDocument>);

impl Problem {
    /// A problem of a known kind. An unknown code becomes `internal`, so that a slip never shows an undocumented code.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        let entry = CODES.iter().find(|(known, ..)| *known == code);
        let (code, status, title) = entry.copied().unwrap_or((
            "internal",
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error",
        ));
        Self(Box::new(ProblemDocument {
            kind: format!("urn:pml:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            instance: None,
            candidates: None,
            source_tools: None,
            target_tools: None,
            stored_set: None,
        }))
    }

    /// The document that is sent.
    pub fn document(&self) -> &ProblemDocument {
        &self.0
    }

    /// The answer to a failure inside: says that it is logged, and nothing else.
    pub fn internal() -> Self {
        Self::new("internal", fixed_detail("internal"))
    }

    /// A problem for the documentation.
    pub(super) fn example(code: &str) -> Self {
        let problem = Self::new(code, fixed_detail(code));
        if problem.0.status >= 500 {
            return problem;
        }
        let detail = format!(
            "{}: here it says which part, and what is wrong with it",
            problem.0.title
        );
        Self::new(code, detail)
    }

    /// Adds the path of the request it answers.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.0.instance = Some(path.to_owned());
        self
    }

    /// Adds what a program needs to go on, beside the text for people.
    fn with_members(mut self, error: &Error) -> Self {
        let Error::Capability(error) = error else {
            return self;
        };
        match &**error {
            CapabilityError::Ambiguous { candidates, .. } => {
                self.0.candidates = Some(candidates.clone());
            }
            CapabilityError::ToolsMismatch {
                source_tools,
                target_tools,
            } => {
                self.0.source_tools = Some(source_tools.clone());
                self.0.target_tools = Some(target_tools.clone());
            }
            CapabilityError::PermissionChanged { stored, .. } => {
                self.0.stored_set = Some(stored.to_string());
            }
            _ => {}
        }
        self
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status_code(), Json(&self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.0.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        // Kept beside the body, so that the outer layer can add the path without parsing it.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        // A server that is gone shows as a pool that gives no connection in time.
        let no_connection = matches!(&error, Error::Timeout(DbErr::ConnectionAcquire(_)));
        let code = if no_connection {
            "database_unavailable"
        } else {
            error.code()
        };
        let (code, detail) = match CODES.iter().find(|(known, ..)| *known == code) {
            Some((_, status, _)) if status.is_client_error() => {
                return Self::new(code, error.to_string()).with_members(&error);
            }
            Some((code, ..)) => (*code, fixed_detail(code)),
            None => ("internal", fixed_detail("internal")),
        };
        tracing::error!(code = error.code(), error = ?error, "a request failed");
        Self::new(code, detail)
    }
}

/// What is said about a failure that is not the caller's.
fn fixed_detail(code: &str) -> &'static str {
    match code {
        "database_unavailable" => {
            "The database does not answer. The server keeps trying: repeat the request in a few seconds."
        }
        "timeout" => {
            "The database did not finish in time. Repeat the request, with a smaller scope if it happens again."
        }
        "embedder_failed" => "The configured embedding service did not give a usable answer.",
        _ => {
            "An unexpected error occurred. It is in the log of the server under the id of this request."
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let mut codes: Vec<_> = CODES.iter().map(|(code, ..)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }

    #[test]
    fn an_unknown_code_becomes_internal() {
        let problem = Problem::new("no_such_code", "x");
        assert_eq!(
            (problem.document().code.as_str(), problem.document().status),
            ("internal", 500)
        );
    }

    #[test]
    fn an_unavailable_database_says_when_to_come_back() {
        let response = Problem::new("database_unavailable", "x").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }
}

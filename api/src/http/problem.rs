//! Errors as the outside sees them: RFC 9457 problem documents with a stable `code`.
//!
//! One table maps every code to its status and title. Detail texts of a 4xx say what the caller can change; those of a 5xx are
//! fixed sentences, so that no message of the database ever leaves the process (it goes to the log instead).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pml_service::Error;
use sea_orm::DbErr;

use crate::wire::problem::ProblemDocument;

/// The media type of every error answer.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds a client should wait before it repeats a request that met a missing database.
const RETRY_AFTER_SECONDS: u16 = 5;

/// A [`ProblemDocument`] on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<ProblemDocument>);

/// Every code an answer can carry: code, status, title.
pub const CODES: &[(&str, StatusCode, &str)] = &[
    (
        "malformed_json",
        StatusCode::BAD_REQUEST,
        "The body is not JSON",
    ),
    ("unknown_route", StatusCode::NOT_FOUND, "No such route"),
    ("not_found", StatusCode::NOT_FOUND, "Not found"),
    (
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
    ),
    (
        "conflict",
        StatusCode::CONFLICT,
        "Conflict with the current state",
    ),
    ("refused", StatusCode::CONFLICT, "Refused by a rule"),
    (
        "mixed_embedding_models",
        StatusCode::CONFLICT,
        "Embeddings of another model are stored",
    ),
    (
        "body_too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
    ),
    (
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is not declared as JSON",
    ),
    (
        "invalid_body",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The body does not have the documented shape",
    ),
    (
        "invalid_parameter",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A parameter is not valid",
    ),
    (
        "invalid_embedding",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The embedding is not valid",
    ),
    (
        "invalid_limit",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The limit is out of range",
    ),
    (
        "invalid_cursor",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The cursor does not belong to this list",
    ),
    (
        "invalid_tool_name",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The tool name is not valid",
    ),
    (
        "invalid_server_id",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The server id is not valid",
    ),
    (
        "invalid_schema",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The schema of a tool is not valid",
    ),
    (
        "invalid_min_score",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The lowest score is out of range",
    ),
    (
        "invalid_query",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The query is not valid",
    ),
    (
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
    ),
    (
        "embedder_failed",
        StatusCode::BAD_GATEWAY,
        "The embedding service failed",
    ),
    (
        "database_unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "The database cannot be reached",
    ),
    (
        "migrations_pending",
        StatusCode::SERVICE_UNAVAILABLE,
        "The database schema is not up to date",
    ),
    (
        "timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "The request took too long",
    ),
];

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
                return Self::new(code, error.to_string());
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

//! One request, from its arrival until the last byte of its answer.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode, request, response};
use pml_entity::values::EndpointCallId;
use sea_orm::prelude::Json;
use serde_json::json;

use super::Options;
use super::body::Capture;
use crate::traceability::rules::{call_success, cut_text};
use crate::traceability::{
    Completion, EXECUTION_HEADER, MAX_NAME_BYTES, MAX_PATH_BYTES, NewEndpointCall, TraceContext,
    TraceEvent,
};

/// The caller went away before the answer was complete.
const CLIENT_CLOSED: &str = "client_closed";

/// A request that is under way. Recorded once: at its end, or when it is dropped.
pub(super) struct Call {
    options: Arc<Options>,
    context: TraceContext,
    /// Whether the execution began with it.
    owner: bool,
    path: String,
    method: Method,
    headers: Option<Json>,
    started_at: DateTime<Utc>,
    started: Instant,
    status: Option<StatusCode>,
    request_body: Option<Capture>,
    answer_body: Option<Capture>,
    recorded: bool,
}

impl Call {
    /// Takes note of a request and gives it its ids. `None`: it is not recorded.
    pub(super) fn begin(options: &Arc<Options>, parts: &mut request::Parts) -> Option<Self> {
        if options.ignored.iter().any(|path| path == parts.uri.path()) {
            return None;
        }
        let named = TraceContext::of_headers(&parts.headers);
        let owner = named.is_none();
        let mut context = named.unwrap_or_else(|| TraceContext::from_headers(&parts.headers));
        if !parts.headers.contains_key(&EXECUTION_HEADER) {
            // The span of a `traceparent` is the caller's; what follows from here is another one.
            context = context.step();
        }
        let started_at = Utc::now();
        let mut start = context.to_start(&options.source);
        start.started_at = Some(started_at);
        let queued = if owner {
            options.recorder.try_record(TraceEvent::Start(start))
        } else {
            options.recorder.try_guess(start, &options.service)
        };
        warn(queued);
        parts.extensions.insert(context.clone());
        let path = match &options.name_of {
            Some(name_of) => name_of(&parts.extensions, &parts.uri),
            None => parts.uri.path().to_owned(),
        };
        Some(Self {
            context,
            owner,
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                path
            },
            method: parts.method.clone(),
            headers: Some(options.recorder.sanitizer().headers(&parts.headers)),
            started_at,
            started: Instant::now(),
            status: None,
            request_body: Capture::of(options.capture, &parts.headers),
            answer_body: None,
            recorded: false,
            options: Arc::clone(options),
        })
    }

    pub(super) fn context(&self) -> &TraceContext {
        &self.context
    }

    pub(super) fn request_capture(&self) -> Option<Capture> {
        self.request_body.clone()
    }

    /// The capture of the answer's body, if it is kept.
    pub(super) fn answer_capture(&self) -> Option<&Capture> {
        self.answer_body.as_ref()
    }

    /// The answer began.
    pub(super) fn answer(&mut self, parts: &response::Parts) {
        self.status = Some(parts.status);
        self.answer_body = Capture::of(self.options.capture, &parts.headers);
    }

    /// Whether the answer has no body, whatever its headers say.
    pub(super) fn has_no_body(&self) -> bool {
        self.method == Method::HEAD
            || matches!(
                self.status,
                Some(StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            )
    }

    /// The answer is complete.
    pub(super) fn finish(mut self) {
        let failed = self.status.is_some_and(|status| status.as_u16() >= 400);
        self.record(failed.then_some("http_error"), false);
    }

    /// It failed without, or in the middle of, an answer.
    pub(super) fn fail(mut self, error_type: &str) {
        self.record(Some(error_type), false);
    }

    fn record(&mut self, error_type: Option<&str>, cancelled: bool) {
        if std::mem::replace(&mut self.recorded, true) {
            return;
        }
        let status = self.status.map(|status| i32::from(status.as_u16()));
        let success = call_success(status, error_type.is_some());
        let correlation = self.context.correlation_id;
        let call = NewEndpointCall {
            id: Some(EndpointCallId::generate()),
            service_name: self.options.service.clone(),
            endpoint_path: cut_text(&self.path, MAX_PATH_BYTES).to_owned(),
            http_method: cut_text(self.method.as_str(), MAX_NAME_BYTES).to_owned(),
            request_body: self.request_body.as_ref().and_then(Capture::document),
            response_body: self.answer_body.as_ref().and_then(Capture::document),
            response_status: status,
            started_at: Some(self.started_at),
            duration_ms: Some(self.started.elapsed().as_secs_f64() * 1_000.0),
            success: Some(success),
            error_type: error_type.map(str::to_owned),
            headers: self.headers.take(),
            context: Some(json!({ "execution_id": self.context.execution_id })),
            ..NewEndpointCall::default()
        };
        let recorder = &self.options.recorder;
        warn(recorder.try_record(TraceEvent::Endpoint(correlation, call)));
        let completion = Completion {
            success,
            cancelled,
            error_type: error_type.map(str::to_owned),
            ..Completion::default()
        };
        warn(if self.owner {
            recorder.try_record(TraceEvent::Completion(correlation, completion))
        } else {
            recorder.try_end_guess(correlation, completion)
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.record(Some("panic"), false);
        } else {
            self.record(Some(CLIENT_CLOSED), true);
        }
    }
}

/// A trace must not break what it traces: what cannot be recorded is a line in the log.
fn warn<T>(recorded: Result<T, crate::Error>) {
    if let Err(error) = recorded {
        tracing::warn!(%error, "a request could not be recorded");
    }
}

/// A configured name, fit to be stored.
pub(super) fn name_or(name: &str, other: &str) -> String {
    let name = name.replace('\0', "");
    if name.trim().is_empty() {
        return other.to_owned();
    }
    cut_text(&name, MAX_NAME_BYTES).to_owned()
}

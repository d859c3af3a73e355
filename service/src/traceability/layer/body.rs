//! Bodies that are watched on their way: for their end, and for their content where it is kept.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use sea_orm::prelude::Json;

use super::call::Call;

/// The beginning of a JSON body, shared by the body and the call that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    limit: usize,
    /// `None` once it became too long.
    bytes: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Capture {
    /// To be kept: a body that says it is JSON and does not say that it is too long.
    pub(super) fn of(limit: Option<usize>, headers: &HeaderMap) -> Option<Self> {
        let limit = limit?;
        let media = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let media = media.split(';').next()?.trim().to_ascii_lowercase();
        let is_json = media == "application/json" || media.ends_with("+json");
        let fits = content_length(headers).is_none_or(|length| length <= limit as u64);
        (is_json && fits).then(|| Self {
            limit,
            bytes: Arc::new(Mutex::new(Some(Vec::new()))),
        })
    }

    fn take_in(&self, data: &impl Buf) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = bytes.as_mut() else {
            return;
        };
        // Only what lies in one piece can be read without taking it away.
        let whole = data.chunk().len() == data.remaining();
        if whole && kept.len() + data.remaining() <= self.limit {
            kept.extend_from_slice(data.chunk());
        } else {
            *bytes = None;
        }
    }

    /// What was kept, if it is a document.
    pub(super) fn document(&self) -> Option<Json> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes.take()?).ok()
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The answer is complete.
fn end(call: &mut Option<Call>) {
    if let Some(call) = call.take() {
        call.finish();
    }
}

pin_project! {
    /// A body that is watched by a [`TraceLayer`](super::TraceLayer). It passes everything on as it is.
    pub struct RecordedBody<B> {
        #[pin]
        inner: B,
        capture: Option<Capture>,
        // Dropped before the end: the caller is gone.
        call: Option<Call>,
        // Bytes that are still to come, where that is known.
        left: Option<u64>,
    }
}

impl<B: fmt::Debug> fmt::Debug for RecordedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedBody")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// An empty body that nobody watches.
impl<B: Default> Default for RecordedBody<B> {
    fn default() -> Self {
        Self::unrecorded(B::default())
    }
}

impl<B> RecordedBody<B> {
    pub(super) fn unrecorded(inner: B) -> Self {
        Self::of_request(inner, None)
    }

    pub(super) fn of_request(inner: B, capture: Option<Capture>) -> Self {
        Self {
            inner,
            capture,
            call: None,
            left: None,
        }
    }

    /// The body itself, not watched any more: its call counts as over.
    pub fn into_inner(mut self) -> B {
        end(&mut self.call);
        self.inner
    }
}

impl<B: Body> RecordedBody<B> {
    /// Ends the call at once if there is nothing to come.
    pub(super) fn of_answer(inner: B, call: Call, parts: &response::Parts) -> Self {
        let capture = call.answer_capture().cloned();
        let left = content_length(&parts.headers).or_else(|| inner.size_hint().exact());
        let over = call.has_no_body() || inner.is_end_stream() || left == Some(0);
        let call = if over {
            call.finish();
            None
        } else {
            Some(call)
        };
        Self {
            inner,
            capture,
            call,
            left,
        }
    }
}

impl<B: Body> Body for RecordedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    if let Some(capture) = this.capture {
                        capture.take_in(data);
                    }
                    let length = data.remaining() as u64;
                    *this.left = this.left.map(|left| left.saturating_sub(length));
                }
                // Who knows that it is the end does not ask again.
                if *this.left == Some(0) || this.inner.is_end_stream() {
                    end(this.call);
                }
            }
            Some(Err(_)) => {
                if let Some(call) = this.call.take() {
                    call.fail("body_error");
                }
            }
            None => end(this.call),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

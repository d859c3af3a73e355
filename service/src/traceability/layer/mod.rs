//! A `tower` layer that other services mount: it records their requests as calls and passes the ids on.

mod body;
mod call;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response, Uri};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{TRACEPARENT_HEADER, TraceRecorder};
pub use body::RecordedBody;
use call::Call;

/// What the execution that a request begins says set it off, unless the layer or the request says something else.
const SOURCE: &str = "http";

type NameOf = dyn Fn(&Extensions, &Uri) -> String + Send + Sync;

/// How requests are recorded; shared by the services that the layer makes.
struct Options {
    recorder: TraceRecorder,
    service: String,
    source: String,
    capture: Option<usize>,
    ignored: Vec<String>,
    name_of: Option<Box<NameOf>>,
}

/// Records every request to the services below it as a call (`endpoint_calls`).
///
/// * A request that names no execution begins one, which ends with the answer. One that names an execution is part of it; if nobody
///   started that one, the layer notes what it knows, and the real start takes its place.
/// * The ids are in the extensions of the request as a [`TraceContext`](super::TraceContext), and in the headers of the answer. Calls that a handler makes take them
///   along with [`TraceContext::write_headers`](super::TraceContext::write_headers).
/// * Tracing neither fails nor delays a request: it only puts rows into the queue of the recorder, and drops them when that is full.
/// * Recorded are service, path without its query, method, status, headers without secrets, and the time until the last byte of the answer.
///   A caller that goes away earlier makes the call `client_closed` and the execution cancelled; a handler that panics makes it `panic`.
/// * Bodies are not recorded, unless [`capture_bodies`](Self::capture_bodies) asks for them.
///
/// ```no_run
/// use http::{Request, Response};
/// use pml_service::recorder::{Overflow, RecorderOptions};
/// use pml_service::traceability::{RecordedBody, TraceContext, TraceLayer, TraceRecorder};
/// # type Body = String; // of axum or hyper
/// # fn example(db: pml_service::Db) {
///
/// let recorder = TraceRecorder::start(db, RecorderOptions { overflow: Overflow::Drop, ..RecorderOptions::named("traces") });
/// let layer = TraceLayer::new(recorder, "archon-mcp").ignore(["/healthz"]);
///
/// // With axum: `Router::new().route("/api/rag/query", post(query)).layer(layer)`. With anything else that is a tower service:
/// let service = tower::ServiceBuilder::new().layer(layer).service_fn(|request: Request<RecordedBody<Body>>| async move {
///     let context = request.extensions().get::<TraceContext>();
///     let mut onward = http::HeaderMap::new(); // of the reqwest call that this handler makes
///     context.inspect(|context| context.write_headers(&mut onward));
///     Ok::<_, std::convert::Infallible>(Response::new(Body::new()))
/// });
/// # fn is_a_service<S: tower::Service<Request<Body>>>(_: S) {}
/// # is_a_service(service);
/// # }
/// ```
#[derive(Clone)]
pub struct TraceLayer {
    options: Arc<Options>,
}

impl TraceLayer {
    /// Records the requests of a service under its name, cut after 256 bytes; a blank name is `unknown`.
    pub fn new(recorder: TraceRecorder, service_name: impl Into<String>) -> Self {
        Self {
            options: Arc::new(Options {
                recorder,
                service: call::name_or(&service_name.into(), "unknown"),
                source: SOURCE.to_owned(),
                capture: None,
                ignored: Vec::new(),
                name_of: None,
            }),
        }
    }

    /// What executions that begin here say set them off, where the request has no `X-Source`. Default: `http`.
    #[must_use]
    pub fn source(self, source: impl Into<String>) -> Self {
        let source = call::name_or(&source.into(), SOURCE);
        self.with(|options| options.source = source)
    }

    /// Records the JSON bodies of requests and answers as well, without secrets, where they have at most so many bytes.
    #[must_use]
    pub fn capture_bodies(self, max_bytes: usize) -> Self {
        let limit = max_bytes.min(super::MAX_DOCUMENT_BYTES);
        self.with(|options| options.capture = Some(limit))
    }

    /// Requests to these very paths are not recorded and begin nothing.
    #[must_use]
    pub fn ignore<P: Into<String>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        let paths: Vec<String> = paths.into_iter().map(Into::into).collect();
        self.with(|options| options.ignored.extend(paths))
    }

    /// How the path of a call is written down. Default: as it was asked for, without its query. With axum, its `MatchedPath` extension gives
    /// `/users/{id}` for all users.
    #[must_use]
    pub fn path_by(
        self,
        name_of: impl Fn(&Extensions, &Uri) -> String + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.name_of = Some(Box::new(name_of)))
    }

    /// Settings are made before the layer is cloned; later ones would be for all clones or none, so they are left out.
    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        if let Some(options) = Arc::get_mut(&mut self.options) {
            change(options);
        } else {
            tracing::warn!("a trace layer is in use already: the setting has no effect");
        }
        self
    }
}

impl fmt::Debug for TraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceLayer")
            .field("service", &self.options.service)
            .field("source", &self.options.source)
            .field("capture", &self.options.capture)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = TraceService<S>;

    fn layer(&self, inner: S) -> TraceService<S> {
        TraceService {
            inner,
            options: Arc::clone(&self.options),
        }
    }
}

/// A service whose requests are recorded; made by [`TraceLayer`].
#[derive(Clone)]
pub struct TraceService<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S: fmt::Debug> fmt::Debug for TraceService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceService")
            .field("inner", &self.inner)
            .field("service", &self.options.service)
            .finish_non_exhaustive()
    }
}

impl<S, In, Out> Service<Request<In>> for TraceService<S>
where
    S: Service<Request<RecordedBody<In>>, Response = Response<Out>>,
    Out: Body,
{
    type Response = Response<RecordedBody<Out>>;
    type Error = S::Error;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let call = Call::begin(&self.options, &mut parts);
        let body = match &call {
            Some(call) => RecordedBody::of_request(body, call.request_capture()),
            None => RecordedBody::unrecorded(body),
        };
        TraceFuture {
            inner: self.inner.call(Request::from_parts(parts, body)),
            call,
        }
    }
}

pin_project! {
    /// The answer of a [`TraceService`].
    pub struct TraceFuture<F> {
        #[pin]
        inner: F,
        // Dropped before it was answered: the caller is gone.
        call: Option<Call>,
    }
}

impl<F> fmt::Debug for TraceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceFuture").finish_non_exhaustive()
    }
}

impl<F, Out, E> Future for TraceFuture<F>
where
    F: Future<Output = Result<Response<Out>, E>>,
    Out: Body,
{
    type Output = Result<Response<RecordedBody<Out>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(context));
        let Some(mut call) = this.call.take() else {
            return Poll::Ready(answer.map(|answer| answer.map(RecordedBody::unrecorded)));
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                call.fail("service_error");
                return Poll::Ready(Err(error));
            }
        };
        let (mut parts, body) = answer.into_parts();
        call.context().write_headers(&mut parts.headers);
        // For requests only.
        parts.headers.remove(TRACEPARENT_HEADER);
        call.answer(&parts);
        let body = RecordedBody::of_answer(body, call, &parts);
        Poll::Ready(Ok(Response::from_parts(parts, body)))
    }
}

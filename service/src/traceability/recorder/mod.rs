//! Writing executions down behind the caller's back.
//!
//! Rows are checked and cleaned of secrets when they are recorded, so nothing secret waits in the queue, and a caller learns at once what
//! is wrong with its input. What only the database knows is settled when they are written:
//!
//! * A part whose execution is not there yet, because another process has not written it, is tried a few times more; then it goes to `error_log`.
//! * So is a child without a `root_id` whose parent is not there yet. With one, as [`TraceContext::child`](super::TraceContext::child) gives it, it does not wait.
//! * An end before its beginning is moved there, and the document of the row says by how much (`clock_skew_ms`).
//! * What has its id is there already and stays as it is; an execution that ended keeps its outcome.
//! * A call that names a hook which is not there is kept without it.

mod sink;

use pml_entity::values::{
    CorrelationId, EndpointCallId, ExecutionId, HookExecutionId, RoutingDecisionId,
};

use super::write::{
    CallRow, Completion, CompletionRow, HookRow, NewEndpointCall, NewHook, NewRouting, NewTrace,
    RoutingRow, Skew, StartRow,
};
use super::{Sanitizer, TraceabilityError};
use crate::recorder::{Recorded, Recorder, RecorderOptions, RecorderStats};
use crate::{Db, Error};
use sink::TraceSink;

/// Something that happened, to be written down.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceEvent {
    /// An execution began.
    Start(NewTrace),
    /// It was given to an agent.
    Routing(CorrelationId, NewRouting),
    /// A hook ran.
    Hook(CorrelationId, NewHook),
    /// A service was called.
    Endpoint(CorrelationId, NewEndpointCall),
    /// It ended.
    Completion(CorrelationId, Completion),
}

/// A row in the queue: checked and without secrets.
#[derive(Debug)]
pub(super) enum Row {
    Start(Box<StartRow>),
    /// The start of an execution that a service only heard of.
    Guess(Box<StartRow>),
    Routing(Box<RoutingRow>),
    Hook(Box<HookRow>),
    Call(Box<CallRow>),
    Completion(Box<CompletionRow>),
}

/// Takes what happens and writes it down soon after, in batches. Cheap to clone; clones share the queue.
///
/// `record_*` returns as soon as the row is queued, or waits or drops when the queue is full, as the options say; see
/// [`Recorder`](crate::recorder::Recorder) for what it promises. The ids that come back name the rows whatever becomes of them.
///
/// ```no_run
/// use pml_service::Db;
/// use pml_service::recorder::RecorderOptions;
/// use pml_service::traceability::{Completion, NewHook, TraceContext, TraceRecorder};
///
/// # async fn example(db: Db) -> Result<(), pml_service::Error> {
/// let traces = TraceRecorder::start(db, RecorderOptions::named("traces"));
/// let context = TraceContext::root();
/// traces.record_start(context.to_start("user_prompt")).await?;
/// let hook = NewHook { hook_name: "pre-tool-use-quality".to_owned(), duration_ms: Some(12.0), ..NewHook::default() };
/// traces.record_hook(context.correlation_id, hook).await?;
/// traces.record_completion(context.correlation_id, Completion::succeeded()).await?;
/// traces.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TraceRecorder {
    queue: Recorder<Row>,
    sanitizer: Sanitizer,
}

impl TraceRecorder {
    /// Starts a recorder on the current runtime, with the hardened rule for secrets. It writes as `service_role`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(db: Db, options: RecorderOptions) -> Self {
        let sink = TraceSink::new(db.clone());
        Self {
            queue: Recorder::start(db, sink, options),
            sanitizer: Sanitizer::hardened(),
        }
    }

    /// The same with another rule for secrets.
    #[must_use]
    pub fn with_sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = sanitizer;
        self
    }

    /// Records the beginning of an execution. Gives its correlation id.
    ///
    /// # Errors
    /// [`TraceabilityError::InvalidField`] and [`TraceabilityError::BodyTooLarge`]; [`Error::Refused`] after a shutdown.
    pub async fn record_start(&self, mut new: NewTrace) -> Result<CorrelationId, Error> {
        let id = *new
            .correlation_id
            .get_or_insert_with(CorrelationId::generate);
        self.record(TraceEvent::Start(new)).await?;
        Ok(id)
    }

    /// Records which agent an execution was given to. Gives the id of the decision.
    ///
    /// # Errors
    /// As [`record_start`](Self::record_start).
    pub async fn record_routing(
        &self,
        correlation: CorrelationId,
        mut new: NewRouting,
    ) -> Result<RoutingDecisionId, Error> {
        let id = *new.id.get_or_insert_with(RoutingDecisionId::generate);
        self.record(TraceEvent::Routing(correlation, new)).await?;
        Ok(id)
    }

    /// Records a hook that ran. Gives the id of its row.
    ///
    /// # Errors
    /// As [`record_start`](Self::record_start).
    pub async fn record_hook(
        &self,
        correlation: CorrelationId,
        mut new: NewHook,
    ) -> Result<HookExecutionId, Error> {
        let id = *new.id.get_or_insert_with(HookExecutionId::generate);
        new.execution_id.get_or_insert_with(ExecutionId::generate);
        self.record(TraceEvent::Hook(correlation, new)).await?;
        Ok(id)
    }

    /// Records a call of a service that is over. Gives the id of its row.
    ///
    /// # Errors
    /// As [`record_start`](Self::record_start).
    pub async fn record_endpoint(
        &self,
        correlation: CorrelationId,
        mut new: NewEndpointCall,
    ) -> Result<EndpointCallId, Error> {
        let id = *new.id.get_or_insert_with(EndpointCallId::generate);
        self.record(TraceEvent::Endpoint(correlation, new)).await?;
        Ok(id)
    }

    /// Records the end of an execution. The first end counts.
    ///
    /// # Errors
    /// As [`record_start`](Self::record_start).
    pub async fn record_completion(
        &self,
        correlation: CorrelationId,
        completion: Completion,
    ) -> Result<(), Error> {
        self.record(TraceEvent::Completion(correlation, completion))
            .await?;
        Ok(())
    }

    /// Records something. Waits for room in the queue or drops the row, as the options say.
    ///
    /// # Errors
    /// As [`record_start`](Self::record_start).
    pub async fn record(&self, event: TraceEvent) -> Result<Recorded, Error> {
        let row = Row::of(event, self.sanitizer)?;
        self.queue.record(row).await
    }

    /// Records something and never waits: without room it is dropped and counted.
    ///
    /// # Errors
    /// [`TraceabilityError::InvalidField`] and [`TraceabilityError::BodyTooLarge`].
    pub fn try_record(&self, event: TraceEvent) -> Result<Recorded, Error> {
        Ok(self.queue.try_record(Row::of(event, self.sanitizer)?))
    }

    /// Notes that a service was called on behalf of an execution that may be unknown: it is written down as far as the call tells, unless it
    /// is there; when its real start arrives, that takes its place.
    pub(super) fn try_guess(&self, new: NewTrace, service: &str) -> Result<Recorded, Error> {
        let row = new.prepare(self.sanitizer)?.row.inferred_by(service);
        Ok(self.queue.try_record(Row::Guess(Box::new(row))))
    }

    /// Notes that the call ended; it ends the execution only if that is still a guess.
    pub(super) fn try_end_guess(
        &self,
        correlation: CorrelationId,
        completion: Completion,
    ) -> Result<Recorded, Error> {
        let mut row = completion.prepare(correlation)?;
        row.service_only = true;
        Ok(self.queue.try_record(Row::Completion(Box::new(row))))
    }

    /// The rule for secrets.
    pub(super) fn sanitizer(&self) -> Sanitizer {
        self.sanitizer
    }

    /// Waits until everything that was recorded before is written, or in `error_log`.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`]; the rows stay in the queue.
    pub async fn flush(&self) -> Result<(), Error> {
        self.queue.flush().await
    }

    /// Takes nothing more, writes what is queued, and ends.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] if the runtime ended the worker before it was done.
    pub async fn shutdown(&self) -> Result<RecorderStats, Error> {
        self.queue.shutdown().await
    }

    /// What happened so far.
    pub fn stats(&self) -> RecorderStats {
        self.queue.stats()
    }
}

impl Row {
    fn of(event: TraceEvent, sanitizer: Sanitizer) -> Result<Self, TraceabilityError> {
        Ok(match event {
            TraceEvent::Start(new) => Self::Start(Box::new(new.prepare(sanitizer)?.row)),
            TraceEvent::Routing(correlation, new) => {
                let prepared = new.prepare(correlation, sanitizer, Skew::Clamp)?;
                Self::Routing(Box::new(prepared.row))
            }
            TraceEvent::Hook(correlation, new) => {
                let prepared = new.prepare(correlation, sanitizer, Skew::Clamp)?;
                Self::Hook(Box::new(prepared.row))
            }
            TraceEvent::Endpoint(correlation, new) => {
                let prepared = new.prepare(correlation, sanitizer, Skew::Clamp)?;
                Self::Call(Box::new(prepared.row))
            }
            TraceEvent::Completion(correlation, completion) => {
                Self::Completion(Box::new(completion.prepare(correlation)?))
            }
        })
    }

    /// The execution that it is about.
    fn correlation_id(&self) -> CorrelationId {
        match self {
            Self::Start(row) | Self::Guess(row) => row.correlation_id,
            Self::Routing(row) => row.correlation_id,
            Self::Hook(row) => row.correlation_id,
            Self::Call(row) => row.correlation_id,
            Self::Completion(row) => row.correlation_id,
        }
    }

    /// What kind of row it is, and its own id.
    fn name(&self) -> (&'static str, String) {
        match self {
            Self::Start(row) => ("start", row.correlation_id.to_string()),
            Self::Guess(row) => ("guess", row.correlation_id.to_string()),
            Self::Routing(row) => ("routing", row.id.to_string()),
            Self::Hook(row) => ("hook", row.id.to_string()),
            Self::Call(row) => ("endpoint", row.id.to_string()),
            Self::Completion(row) => ("completion", row.correlation_id.to_string()),
        }
    }
}

//! The ids of an execution, and how they travel: in headers, in the environment of a process, from parent to child.
//!
//! A call carries `X-Correlation-ID`, `X-Root-ID`, `X-Parent-ID`, `X-Execution-ID`, `X-Source` and, as an addition of ours, `X-Session-ID`.
//! The W3C header `traceparent` (<https://www.w3.org/TR/trace-context/>) is read where the first is missing and always written:
//!
//! | `traceparent` | here |
//! |---|---|
//! | trace-id, 128 bits | the correlation id, bit by bit |
//! | parent-id, 64 bits, out | the lower half of the execution id |
//! | parent-id, 64 bits, in | the lower half of the execution id, whose upper half is that of the trace-id: the same span is always the same id |
//! | trace-flags, out | `01`: we do record it |
//!
//! An id that cannot be read never fails a call; it is replaced, and a warning says so.

use http::{HeaderMap, HeaderName, HeaderValue};
use pml_entity::values::{CorrelationId, ExecutionId, SessionId};
use uuid::Uuid;

use super::write::NewTrace;

/// Names the execution that a call is part of.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
/// Names the first execution of its chain. Default: the correlation id.
pub const ROOT_HEADER: HeaderName = HeaderName::from_static("x-root-id");
/// Names the execution that delegated to it. Default: the correlation id, which stands for "nobody".
pub const PARENT_HEADER: HeaderName = HeaderName::from_static("x-parent-id");
/// Names the session of the client.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("x-session-id");
/// Names the hook or call that is under way. Default: a new id.
pub const EXECUTION_HEADER: HeaderName = HeaderName::from_static("x-execution-id");
/// Says what set the execution off.
pub const SOURCE_HEADER: HeaderName = HeaderName::from_static("x-source");
/// The header of the W3C recommendation.
pub const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// What a child that was made by [`TraceContext::child`] says set it off.
pub const DELEGATION_SOURCE: &str = "agent_delegation";
/// How logs mark a correlation id; accepted in front of one.
const LOG_PREFIX: &str = "corr-";
/// Longest source that is taken from outside; it is cut there.
const MAX_SOURCE_BYTES: usize = 256;

/// The ids of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The execution itself.
    pub correlation_id: CorrelationId,
    /// The first execution of its chain; its own id where it is the first.
    pub root_id: CorrelationId,
    /// The execution that delegated to it; `None` where it is the first.
    pub parent_id: Option<CorrelationId>,
    /// The session of the client.
    pub session_id: SessionId,
    /// The hook or call that is under way.
    pub execution_id: ExecutionId,
    /// What set it off, if that is known.
    pub source: Option<String>,
}

/// Ids as texts, as an argument or an environment gives them. What is missing or blank counts as not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenIds {
    /// The execution itself.
    pub correlation_id: Option<String>,
    /// The first execution of its chain.
    pub root_id: Option<String>,
    /// The execution that delegated to it.
    pub parent_id: Option<String>,
    /// The session of the client.
    pub session_id: Option<String>,
    /// The hook or call that is under way.
    pub execution_id: Option<String>,
    /// What set it off.
    pub source: Option<String>,
}

impl GivenIds {
    /// Reads the ids of an environment: `ARCHON_CORRELATION_ID` and the like first, then `CORRELATION_ID` and the like.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            let long = lookup(&format!("ARCHON_{name}")).filter(|value| !is_blank(value));
            long.or_else(|| lookup(name).filter(|value| !is_blank(value)))
        };
        Self {
            correlation_id: read("CORRELATION_ID"),
            root_id: read("ROOT_ID"),
            parent_id: read("PARENT_ID"),
            session_id: read("SESSION_ID"),
            execution_id: None,
            source: None,
        }
    }

    /// The same of this process.
    pub fn from_process() -> Self {
        Self::from_environment(|name| std::env::var(name).ok())
    }

    /// Takes each id from `self`, or else from `other`.
    #[must_use]
    fn or(&self, other: &Self) -> Self {
        let first = |own: &Option<String>, other: &Option<String>| {
            let own = own.as_ref().filter(|value| !is_blank(value));
            own.or_else(|| other.as_ref().filter(|value| !is_blank(value)))
                .cloned()
        };
        Self {
            correlation_id: first(&self.correlation_id, &other.correlation_id),
            root_id: first(&self.root_id, &other.root_id),
            parent_id: first(&self.parent_id, &other.parent_id),
            session_id: first(&self.session_id, &other.session_id),
            execution_id: first(&self.execution_id, &other.execution_id),
            source: first(&self.source, &other.source),
        }
    }
}

impl TraceContext {
    /// A new chain: its own root, nobody's child.
    pub fn root() -> Self {
        let correlation_id = CorrelationId::generate();
        Self {
            correlation_id,
            root_id: correlation_id,
            parent_id: None,
            session_id: SessionId::generate(),
            execution_id: ExecutionId::generate(),
            source: None,
        }
    }

    /// A new execution that this one delegates to: same root and session, this one as its parent.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            correlation_id: CorrelationId::generate(),
            root_id: self.root_id,
            parent_id: Some(self.correlation_id),
            session_id: self.session_id,
            execution_id: ExecutionId::generate(),
            source: Some(DELEGATION_SOURCE.to_owned()),
        }
    }

    /// The same execution, with a new hook or call under way.
    #[must_use]
    pub fn step(&self) -> Self {
        Self {
            execution_id: ExecutionId::generate(),
            ..self.clone()
        }
    }

    /// The ids of a call, or new ones where it brings none. Never fails.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Incoming::read(headers).context
    }

    /// The ids of a call, if it names an execution: by `X-Correlation-ID`, or else by `traceparent`.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let incoming = Incoming::read(headers);
        incoming.named.then_some(incoming.context)
    }

    /// The ids of this process, or new ones where its environment holds none.
    pub fn from_environment() -> Self {
        Self::resolve(&GivenIds::default(), &GivenIds::from_process())
    }

    /// Each id as `explicit` gives it, or else as `environment` does, or else a new one.
    ///
    /// An unreadable correlation or session id is replaced by a new one, an unreadable root by the correlation id, an unreadable parent
    /// by nobody. An execution is never its own parent.
    pub fn resolve(explicit: &GivenIds, environment: &GivenIds) -> Self {
        Self::of_texts(&explicit.or(environment))
    }

    fn of_texts(given: &GivenIds) -> Self {
        let correlation_id = parse("correlation id", given.correlation_id.as_deref())
            .map_or_else(CorrelationId::generate, CorrelationId::new);
        let root_id =
            parse("root id", given.root_id.as_deref()).map_or(correlation_id, CorrelationId::new);
        let parent_id = parse("parent id", given.parent_id.as_deref())
            .map(CorrelationId::new)
            .filter(|parent| *parent != correlation_id);
        Self {
            correlation_id,
            root_id,
            parent_id,
            session_id: parse("session id", given.session_id.as_deref())
                .map_or_else(SessionId::generate, SessionId::new),
            execution_id: parse("execution id", given.execution_id.as_deref())
                .map_or_else(ExecutionId::generate, ExecutionId::new),
            source: given.source.as_deref().and_then(clean_source),
        }
    }

    /// Puts the ids into the headers of a call or an answer, in place of those that stand there. Without a parent, `X-Parent-ID` goes.
    ///
    /// ```
    /// use pml_service::traceability::TraceContext;
    ///
    /// let context = TraceContext::root();
    /// let mut headers = http::HeaderMap::new(); // of a reqwest request, for example
    /// context.child().write_headers(&mut headers);
    /// let received = TraceContext::from_headers(&headers);
    /// assert_eq!(received.root_id, context.correlation_id);
    /// ```
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        let mut put = |name: HeaderName, value: Option<String>| {
            match value.and_then(|value| HeaderValue::try_from(value).ok()) {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name),
            };
        };
        put(CORRELATION_HEADER, Some(self.correlation_id.to_string()));
        put(ROOT_HEADER, Some(self.root_id.to_string()));
        put(PARENT_HEADER, self.parent_id.map(|id| id.to_string()));
        put(SESSION_HEADER, Some(self.session_id.to_string()));
        put(EXECUTION_HEADER, Some(self.execution_id.to_string()));
        put(SOURCE_HEADER, self.source.clone());
        put(TRACEPARENT_HEADER, self.traceparent());
    }

    /// The W3C header. `None` for the nil ids that it has no words for.
    pub fn traceparent(&self) -> Option<String> {
        let trace = self.correlation_id.as_uuid().as_u128();
        let (_, span) = self.execution_id.as_uuid().as_u64_pair();
        (trace != 0 && span != 0).then(|| format!("00-{trace:032x}-{span:016x}-01"))
    }

    /// How logs write the correlation id: `corr-` and the id.
    pub fn log_form(&self) -> String {
        format!("{LOG_PREFIX}{}", self.correlation_id)
    }

    /// What to start this execution with; `source` is used where the context has none.
    pub fn to_start(&self, source: &str) -> NewTrace {
        NewTrace {
            correlation_id: Some(self.correlation_id),
            root_id: Some(self.root_id),
            parent_id: self.parent_id,
            session_id: Some(self.session_id),
            source: self.source.clone().unwrap_or_else(|| source.to_owned()),
            ..NewTrace::default()
        }
    }
}

/// What headers say, and whether they name an execution at all.
struct Incoming {
    context: TraceContext,
    named: bool,
}

impl Incoming {
    fn read(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| !is_blank(value)).map(str::to_owned)
        };
        let given = GivenIds {
            correlation_id: text(&CORRELATION_HEADER),
            root_id: text(&ROOT_HEADER),
            parent_id: text(&PARENT_HEADER),
            session_id: text(&SESSION_HEADER),
            execution_id: text(&EXECUTION_HEADER),
            source: text(&SOURCE_HEADER),
        };
        let own = given.correlation_id.as_deref().and_then(read_id);
        if own.is_some() {
            return Self {
                context: TraceContext::of_texts(&given),
                named: true,
            };
        }
        let Some(foreign) = traceparent(headers) else {
            return Self {
                context: TraceContext::of_texts(&given),
                named: false,
            };
        };
        let execution_id = given.execution_id.unwrap_or_else(|| {
            let (upper, _) = foreign.trace_id.as_u64_pair();
            Uuid::from_u64_pair(upper, foreign.parent_id).to_string()
        });
        let given = GivenIds {
            correlation_id: Some(foreign.trace_id.to_string()),
            execution_id: Some(execution_id),
            ..given
        };
        Self {
            context: TraceContext::of_texts(&given),
            named: true,
        }
    }
}

/// The two ids of a `traceparent`.
#[derive(Debug, PartialEq, Eq)]
struct TraceParent {
    trace_id: Uuid,
    parent_id: u64,
}

/// The only `traceparent` of the headers, if it is valid.
fn traceparent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all(&TRACEPARENT_HEADER).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    parse_traceparent(value.to_str().ok()?)
}

/// Reads version 00 exactly, and of a later version the part that 00 has, as the recommendation asks for.
fn parse_traceparent(text: &str) -> Option<TraceParent> {
    const LENGTH: usize = 55;
    if !text.is_ascii() || text.len() < LENGTH {
        return None;
    }
    let (known, rest) = text.split_at(LENGTH);
    let mut parts = known.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), parent.len(), flags.len());
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = [version, trace, parent, flags];
    if parts.next().is_some()
        || lengths != (2, 32, 16, 2)
        || !digits.iter().all(|part| part.as_bytes().iter().all(is_hex))
    {
        return None;
    }
    match version {
        "ff" => return None,
        "00" if !rest.is_empty() => return None,
        _ if !rest.is_empty() && !rest.starts_with('-') => return None,
        _ => {}
    }
    let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
    let parent_id = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
    Some(TraceParent {
        trace_id: Uuid::from_u128(trace_id),
        parent_id,
    })
}

/// Reads an id; says so when it cannot.
fn parse(what: &str, text: Option<&str>) -> Option<Uuid> {
    let text = text?;
    let id = read_id(text);
    if id.is_none() {
        tracing::warn!("an unreadable {what} was replaced");
    }
    id
}

/// The nil id is none: a client that forgets to set its ids would put everything into one execution.
fn read_id(text: &str) -> Option<Uuid> {
    let text = text.trim();
    let bare = text.strip_prefix(LOG_PREFIX).unwrap_or(text);
    Uuid::parse_str(bare).ok().filter(|id| !id.is_nil())
}

fn clean_source(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = !text.is_empty() && !text.contains('\0');
    usable.then(|| super::rules::cut_text(text, MAX_SOURCE_BYTES).to_owned())
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

#[cfg(test)]
mod tests;

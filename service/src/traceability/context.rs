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
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f";
    const OTHER: &str = "0b7a51de-8f6b-4cbb-a6a4-6a2f5ad0ec11";
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn id(text: &str) -> CorrelationId {
        text.parse().unwrap()
    }

    /// Example 7.
    #[test]
    fn a_child_keeps_the_root_and_names_its_parent() {
        let root = TraceContext::root();
        let child = root.child();
        let grandchild = child.child();
        assert_eq!((root.root_id, root.parent_id), (root.correlation_id, None));
        assert_eq!(child.root_id, root.correlation_id);
        assert_eq!(child.parent_id, Some(root.correlation_id));
        assert_ne!(child.correlation_id, root.correlation_id);
        assert_eq!(grandchild.root_id, root.correlation_id);
        assert_eq!(grandchild.parent_id, Some(child.correlation_id));
        assert_eq!(grandchild.session_id, root.session_id);
    }

    #[test]
    fn missing_headers_take_their_defaults() {
        let context = TraceContext::from_headers(&headers(&[(&CORRELATION_HEADER, ID)]));
        assert_eq!((context.correlation_id, context.root_id), (id(ID), id(ID)));
        assert_eq!((context.parent_id, context.source), (None, None));
        let again = TraceContext::from_headers(&headers(&[(&CORRELATION_HEADER, ID)]));
        assert_ne!(context.execution_id, again.execution_id);
        assert_eq!(TraceContext::of_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn a_parent_that_is_the_execution_itself_is_none() {
        let pairs = [(&CORRELATION_HEADER, ID), (&PARENT_HEADER, ID)];
        assert_eq!(TraceContext::from_headers(&headers(&pairs)).parent_id, None);
    }

    #[test]
    fn unreadable_ids_are_replaced_each_in_its_way() {
        let pairs = [
            (&CORRELATION_HEADER, "not-an-id"),
            (&ROOT_HEADER, "nor this"),
            (&PARENT_HEADER, "4"),
            (&SESSION_HEADER, "x"),
            (&EXECUTION_HEADER, "y"),
        ];
        let read = headers(&pairs);
        let context = TraceContext::from_headers(&read);
        assert_eq!(context.root_id, context.correlation_id);
        assert_eq!(context.parent_id, None);
        assert_eq!(TraceContext::of_headers(&read), None);
        let nil = headers(&[(&CORRELATION_HEADER, &Uuid::nil().to_string())]);
        assert_eq!(TraceContext::of_headers(&nil), None);
        let logged = headers(&[(&CORRELATION_HEADER, &format!("corr-{ID}"))]);
        assert_eq!(TraceContext::from_headers(&logged).correlation_id, id(ID));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let context = TraceContext::root().child();
        let mut written = headers(&[(&PARENT_HEADER, OTHER)]);
        context.write_headers(&mut written);
        assert_eq!(TraceContext::from_headers(&written), context);
        let root = TraceContext::root();
        root.write_headers(&mut written);
        assert_eq!(written.get(&PARENT_HEADER), None);
        assert_eq!(TraceContext::from_headers(&written), root);
    }

    #[test]
    fn each_id_is_explicit_or_of_the_environment_or_new() {
        let environment = GivenIds::from_environment(|name| {
            match name {
                "ARCHON_CORRELATION_ID" => Some(ID),
                "CORRELATION_ID" | "ROOT_ID" => Some(OTHER),
                "ARCHON_ROOT_ID" => Some(" "),
                "ARCHON_PARENT_ID" => Some("garbage"),
                _ => None,
            }
            .map(str::to_owned)
        });
        let context = TraceContext::resolve(&GivenIds::default(), &environment);
        assert_eq!(
            (context.correlation_id, context.root_id, context.parent_id),
            (id(ID), id(OTHER), None)
        );
        let explicit = GivenIds {
            correlation_id: Some(OTHER.to_owned()),
            root_id: Some("garbage".to_owned()),
            ..GivenIds::default()
        };
        let context = TraceContext::resolve(&explicit, &environment);
        assert_eq!(
            (context.correlation_id, context.root_id),
            (id(OTHER), id(OTHER))
        );
    }

    #[test]
    fn a_traceparent_names_the_execution_where_no_own_header_does() {
        let context = TraceContext::of_headers(&headers(&[(&TRACEPARENT_HEADER, PARENT)])).unwrap();
        assert_eq!(
            context.correlation_id,
            id("4bf92f35-77b3-4da6-a3ce-929d0e0e4736")
        );
        assert_eq!(
            context.execution_id.to_string(),
            "4bf92f35-77b3-4da6-00f0-67aa0ba902b7"
        );
        assert_eq!(context.traceparent().as_deref(), Some(PARENT));
        let both = [(&TRACEPARENT_HEADER, PARENT), (&CORRELATION_HEADER, ID)];
        assert_eq!(
            TraceContext::from_headers(&headers(&both)).correlation_id,
            id(ID)
        );
        let broken = [(&TRACEPARENT_HEADER, PARENT), (&CORRELATION_HEADER, "?")];
        assert_eq!(
            TraceContext::from_headers(&headers(&broken)).correlation_id,
            context.correlation_id
        );
        let twice = [(&TRACEPARENT_HEADER, PARENT), (&TRACEPARENT_HEADER, PARENT)];
        assert_eq!(TraceContext::of_headers(&headers(&twice)), None);
    }

    #[test]
    fn a_traceparent_is_read_as_the_recommendation_says() {
        let good = [
            PARENT.to_owned(),
            PARENT.replace("00-4bf", "cc-4bf"),
            format!("{}-what-comes-later", PARENT.replace("00-4bf", "01-4bf")),
        ];
        for text in good {
            assert!(parse_traceparent(&text).is_some(), "{text}");
        }
        let bad = [
            format!("{PARENT}-more"),
            format!("{PARENT}x"),
            format!("{}x", PARENT.replace("00-4bf", "01-4bf")),
            PARENT.replace("00-4bf", "ff-4bf"),
            PARENT.to_uppercase(),
            PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            PARENT.replace("4bf9", "4bg9"),
            PARENT.replace('-', "_"),
            PARENT[..54].to_owned(),
            String::new(),
        ];
        for text in bad {
            assert_eq!(parse_traceparent(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            let _ = parse_traceparent(&text);
            let _ = read_id(&text);
        }

        #[test]
        fn every_context_survives_a_traceparent(trace in 1..=u128::MAX, span in 1..=u64::MAX) {
            let text = format!("00-{trace:032x}-{span:016x}-01");
            let context = TraceContext::of_headers(&headers(&[(&TRACEPARENT_HEADER, &text)])).unwrap();
            prop_assert_eq!(context.traceparent(), Some(text));
        }
    }
}

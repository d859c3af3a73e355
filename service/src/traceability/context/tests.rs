//! Which ids a call has, wherever they come from.
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

//! Bad input through a real socket: each kind has its own stable code, and none reaches the database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api_server;

use api_server::{Answer, ApiServer, tool};
use reqwest::Method;
use serde_json::{Value, json};

const SEARCH: &str = "/api/v1/tools/search";

async fn search(api: &ApiServer, body: Value) -> Answer {
    api.post(SEARCH, &body).await
}

#[tokio::test]
async fn a_vector_of_the_wrong_length_is_refused() {
    let api = ApiServer::start().await;
    for length in [0, 1, 3, 1023, 1025, 1536] {
        let answer = search(&api, json!({"embedding": vec![1.0; length]})).await;
        answer.assert_problem(422, "invalid_embedding");
        assert!(answer.text.contains("1024"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_vector_with_something_that_is_no_finite_number_is_refused() {
    let api = ApiServer::start().await;
    let with = |element: &str| {
        let mut elements = vec!["0.5"; 1024];
        elements[17] = element;
        format!(r#"{{"embedding": [{}]}}"#, elements.join(","))
    };
    for element in ["null", "\"NaN\"", "1e39", "-1e39", "1e999", "true", "[1]"] {
        let answer = api.raw(Method::POST, SEARCH, with(element)).await;
        answer.assert_problem(422, "invalid_embedding");
        assert!(
            answer.text.contains("17"),
            "does not say where: {}",
            answer.text
        );
    }
    // Those are not JSON at all, although some languages write them.
    for element in ["NaN", "Infinity", "-Infinity"] {
        api.raw(Method::POST, SEARCH, with(element))
            .await
            .assert_problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn a_vector_of_zeros_is_refused() {
    let api = ApiServer::start().await;
    search(&api, json!({"embedding": vec![0.0; 1024]}))
        .await
        .assert_problem(422, "invalid_embedding");
    // Too small for single precision: all zeros as well.
    search(&api, json!({"embedding": vec![1e-60; 1024]}))
        .await
        .assert_problem(422, "invalid_embedding");
}

#[tokio::test]
async fn a_search_needs_exactly_one_of_text_and_vector() {
    let api = ApiServer::start().await;
    search(&api, json!({}))
        .await
        .assert_problem(422, "invalid_query");
    search(&api, json!({"query": "x", "embedding": vec![1.0; 1024]}))
        .await
        .assert_problem(422, "invalid_query");
    search(&api, json!({"query": "a\u{0}b"}))
        .await
        .assert_problem(422, "invalid_query");
    search(&api, json!({"query": 3}))
        .await
        .assert_problem(422, "invalid_body");
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused_everywhere() {
    let api = ApiServer::start().await;
    for limit in [
        "-1",
        "0",
        "501",
        "9223372036854775807",
        "99999999999999999999",
        "1.5",
        "\"ten\"",
        "true",
    ] {
        let body = format!(r#"{{"query": "x", "limit": {limit}}}"#);
        api.raw(Method::POST, SEARCH, body)
            .await
            .assert_problem(422, "invalid_limit");
    }
    for limit in ["-1", "0", "501", "99999999999999999999", "1.5", "ten", ""] {
        api.get(&format!("/api/v1/tools?limit={limit}"))
            .await
            .assert_problem(422, "invalid_limit");
    }
}

#[tokio::test]
async fn a_lowest_score_out_of_range_is_refused() {
    let api = ApiServer::start().await;
    for score in ["-0.1", "1.1", "\"high\"", "1e999", "[]"] {
        let body = format!(r#"{{"query": "x", "min_score": {score}}}"#);
        api.raw(Method::POST, SEARCH, body)
            .await
            .assert_problem(422, "invalid_min_score");
    }
}

#[tokio::test]
async fn a_cursor_that_is_forged_or_of_another_list_is_refused() {
    let api = ApiServer::start().await;
    api.put(
        "/api/v1/tools/srv",
        &json!({"tools": [tool("a", "x"), tool("b", "y")]}),
    )
    .await
    .assert_ok();
    let first = api.get("/api/v1/tools?limit=1").await.assert_ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let flip = |cursor: &str| {
        let last = if cursor.ends_with('A') { 'B' } else { 'A' };
        format!("{}{last}", &cursor[..cursor.len() - 1])
    };
    for forged in [
        "",
        "x",
        "%00",
        "c3J2OmE",
        &flip(cursor),
        &format!("{cursor}AAAA"),
        &"A".repeat(5_000),
    ] {
        api.get(&format!("/api/v1/tools?cursor={forged}"))
            .await
            .assert_problem(422, "invalid_cursor");
    }
    assert_eq!(
        api.get(&format!("/api/v1/tools?cursor={cursor}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_server_id_that_breaks_the_rule_is_refused() {
    let api = ApiServer::start().await;
    let body = json!({"tools": [tool("a", "x")]});
    let long = "s".repeat(257);
    for id in ["a%3Ab", "a%20b", "%C3%A4", "a%2Fb", long.as_str()] {
        api.put(&format!("/api/v1/tools/{id}"), &body)
            .await
            .assert_problem(422, "invalid_server_id");
    }
    api.put("/api/v1/tools/a%00b", &body)
        .await
        .assert_problem(422, "invalid_parameter");
    api.put("/api/v1/tools/%FF", &body)
        .await
        .assert_problem(422, "invalid_parameter");
    search(&api, json!({"query": "x", "server_ids": ["a\u{0}b"]}))
        .await
        .assert_problem(422, "invalid_server_id");
}

#[tokio::test]
async fn a_list_is_not_shown_for_parameters_that_do_not_exist() {
    let api = ApiServer::start().await;
    for query in [
        "server=x",
        "limit=1&limit=2",
        "include_removed=maybe",
        "kind=nothing",
    ] {
        api.get(&format!("/api/v1/tools?{query}"))
            .await
            .assert_problem(422, "invalid_parameter");
    }
    api.get("/api/v1/tools?server_id=a%00b")
        .await
        .assert_problem(422, "invalid_server_id");
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let api = ApiServer::start().await;
    for body in [
        "",
        "{",
        "{\"query\": \"x\"",
        "{'query': 'x'}",
        "query=x",
        "{\"query\": \"x\"} trailing",
        "\u{feff}{}",
    ] {
        api.raw(Method::POST, SEARCH, body.to_owned())
            .await
            .assert_problem(400, "malformed_json");
    }
    api.raw(Method::POST, SEARCH, vec![b'{', 0xff, b'}'])
        .await
        .assert_problem(400, "malformed_json");
    // Nested deeper than any stack: an error like any other.
    for deep in [
        "[".repeat(100_000),
        format!("{{\"query\": {}", "[".repeat(100_000)),
        format!("{{\"embedding\": {}", "{\"a\":".repeat(100_000)),
    ] {
        let answer = api.raw(Method::POST, SEARCH, deep).await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.status);
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let api = ApiServer::start().await;
    for body in [
        r#"{"query": "x", "extra": 1}"#,
        "[]",
        "null",
        "3",
        r#"{"query": "x", "query": "y"}"#,
        r#"{"query": "x", "server_ids": "a"}"#,
    ] {
        api.raw(Method::POST, SEARCH, body)
            .await
            .assert_problem(422, "invalid_body");
    }
    for body in [
        json!({}),
        json!({"tools": 1}),
        json!({"tools": [{"name": "a"}]}),
        json!({"tools": [{"name": 1, "input_schema": {}}]}),
    ] {
        api.put("/api/v1/tools/srv", &body)
            .await
            .assert_problem(422, "invalid_body");
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let api = ApiServer::start().await;
    let request = || api.request(Method::POST, SEARCH).body(r#"{"query": "x"}"#);
    Answer::of(request())
        .await
        .assert_problem(415, "unsupported_media_type");
    Answer::of(request().header("content-type", "text/plain"))
        .await
        .assert_problem(415, "unsupported_media_type");
    assert_eq!(
        Answer::of(request().header("content-type", "application/json; charset=utf-8"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_refused_and_the_answer_arrives() {
    let api = ApiServer::start().await;
    let body = format!(r#"{{"query": "{}"}}"#, "x".repeat(2 * 1024 * 1024));
    api.raw(Method::POST, SEARCH, body.clone())
        .await
        .assert_problem(413, "body_too_large");
    api.raw(Method::PUT, "/api/v1/tools/srv", body.clone())
        .await
        .assert_problem(413, "body_too_large");
    // Without a length the server finds out while it reads.
    let chunks = body
        .into_bytes()
        .chunks(64 * 1024)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect::<Vec<_>>();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    api.raw(Method::POST, SEARCH, stream)
        .await
        .assert_problem(413, "body_too_large");
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let api = ApiServer::start().await;
    for path in [
        "/",
        "/api",
        "/api/v1/nothing",
        "/api/v1/tools/a/b",
        "/api/v2/tools",
    ] {
        api.get(path).await.assert_problem(404, "unknown_route");
    }
    let answer = api.delete("/api/v1/tools").await;
    answer.assert_problem(405, "method_not_allowed");
    assert!(answer.headers.contains_key("allow"));
    api.post("/healthz", &json!({}))
        .await
        .assert_problem(405, "method_not_allowed");
    api.get(SEARCH)
        .await
        .assert_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn no_answer_repeats_what_the_database_says() {
    let api = ApiServer::start().await;
    let odd = [
        "x'; DROP TABLE tool_schema; --",
        "%",
        "_",
        "\\",
        "a\"b",
        "💥",
        "\u{202e}",
    ];
    for text in odd {
        let answer = search(&api, json!({"query": text, "min_score": 0.0})).await;
        assert_eq!(answer.status, 200, "{text:?}: {answer:?}");
    }
    api.put(
        "/api/v1/tools/srv",
        &json!({"tools": [tool("a", "with a \u{0} null")]}),
    )
    .await;
    for answer in [
        api.get("/api/v1/tools/x'%3B--").await,
        api.get("/api/v1/tools/%25").await,
    ] {
        answer.assert_problem(404, "not_found");
        assert!(
            !answer.text.to_lowercase().contains("sql"),
            "{}",
            answer.text
        );
    }
}

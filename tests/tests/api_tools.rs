//! The tools routes and the operational routes, through a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api_server;

use api_server::{Answer, ApiServer, tool};
use reqwest::Method;
use serde_json::{Value, json};

async fn with_files() -> ApiServer {
    let api = ApiServer::start().await;
    let tools = json!({"tools": [
        tool("read_file", "Read the complete contents of a file"),
        tool("write_file", "Create or overwrite a file with new content"),
        tool("list_directory", "List files and folders in a directory"),
    ]});
    api.put("/api/v1/tools/filesystem", &tools)
        .await
        .assert_ok();
    api
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["tool_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_sync_reports_what_it_changed_and_repeating_it_changes_nothing() {
    let api = ApiServer::start().await;
    let first = json!({"tools": [tool("a", "one"), tool("b", "two")]});
    let answer = api.put("/api/v1/tools/srv", &first).await.assert_ok();
    assert_eq!(
        answer,
        json!({"inserted": 2, "updated": 0, "unchanged": 0, "removed": 0, "rejected": []})
    );
    let again = api.put("/api/v1/tools/srv", &first).await.assert_ok();
    assert_eq!(
        again,
        json!({"inserted": 0, "updated": 0, "unchanged": 2, "removed": 0, "rejected": []})
    );
    let next = json!({"tools": [tool("a", "changed"), tool("c", "three")]});
    let answer = api.put("/api/v1/tools/srv", &next).await.assert_ok();
    assert_eq!(
        answer,
        json!({"inserted": 1, "updated": 1, "unchanged": 0, "removed": 1, "rejected": []})
    );
}

#[tokio::test]
async fn a_bad_tool_is_reported_and_the_others_are_stored() {
    let api = ApiServer::start().await;
    let long = "x".repeat(300);
    let body = json!({"tools": [
        tool("good", "fine"),
        tool("a:b", "a colon"),
        tool(&long, "too long"),
        {"name": "no_object", "input_schema": "text"},
    ]});
    let answer = api.put("/api/v1/tools/srv", &body).await.assert_ok();
    assert_eq!(answer["inserted"], 1);
    let rejected = answer["rejected"].as_array().unwrap();
    // A long name is cut in the report.
    let named = |entry: &Value, name: &str| {
        name.starts_with(entry["name"].as_str().unwrap().trim_end_matches('…'))
    };
    let reason = |name: &str| {
        rejected.iter().find(|entry| named(entry, name)).unwrap()["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(rejected.len(), 3, "{answer}");
    assert!(reason("a:b").starts_with("invalid_tool_name"), "{answer}");
    assert!(reason(&long).starts_with("invalid_tool_name"), "{answer}");
    assert!(
        reason("no_object").starts_with("invalid_schema"),
        "{answer}"
    );
    assert_eq!(
        ids(&api.get("/api/v1/tools").await.assert_ok()),
        ["srv:good"]
    );
}

#[tokio::test]
async fn a_search_finds_the_tool_that_does_it() {
    let api = with_files().await;
    let body = json!({"query": "read the contents of a file", "limit": 2, "min_score": 0.0});
    let answer = api.post("/api/v1/tools/search", &body).await.assert_ok();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["tool_id"], "filesystem:read_file");
    assert!(results[0]["score"].as_f64() >= results[1]["score"].as_f64());
    let mut fields: Vec<_> = results[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "description",
            "input_schema",
            "name",
            "score",
            "server_id",
            "tool_id"
        ]
    );
}

#[tokio::test]
async fn a_search_can_be_limited_to_servers_and_by_score() {
    let api = with_files().await;
    api.put(
        "/api/v1/tools/other",
        &json!({"tools": [tool("read_file", "Read a file elsewhere")]}),
    )
    .await
    .assert_ok();
    let search = async |body: Value| {
        api.post("/api/v1/tools/search", &body).await.assert_ok()["results"]
            .as_array()
            .unwrap()
            .clone()
    };
    let other =
        search(json!({"query": "read file", "min_score": 0.0, "server_ids": ["other"]})).await;
    assert_eq!(
        other
            .iter()
            .map(|hit| &hit["server_id"])
            .collect::<Vec<_>>(),
        ["other"]
    );
    assert!(
        search(json!({"query": "read file", "server_ids": ["nobody"]}))
            .await
            .is_empty()
    );
    assert!(
        search(json!({"query": "read file", "min_score": 1.0}))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_vector_of_the_caller_is_searched_as_well() {
    let api = with_files().await;
    let mut vector = vec![0.0; 1024];
    vector[7] = 1.0;
    let answer = api
        .post(
            "/api/v1/tools/search",
            &json!({"embedding": vector, "min_score": 0.0}),
        )
        .await;
    assert!(answer.assert_ok()["results"].is_array());
}

#[tokio::test]
async fn a_blank_query_finds_nothing() {
    let api = with_files().await;
    for query in ["", "  \n\t"] {
        let answer = api
            .post("/api/v1/tools/search", &json!({"query": query}))
            .await;
        assert_eq!(answer.assert_ok(), json!({"results": []}));
    }
}

#[tokio::test]
async fn a_list_is_walked_by_its_cursor_to_the_end() {
    let api = ApiServer::start().await;
    let tools: Vec<_> = (0..7)
        .map(|number| tool(&format!("t{number}"), "x"))
        .collect();
    api.put("/api/v1/tools/srv", &json!({"tools": tools}))
        .await
        .assert_ok();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/tools?limit=3".to_owned());
    loop {
        let part = api.get(&path).await.assert_ok();
        seen.extend(ids(&part).into_iter().map(str::to_owned));
        assert!(ids(&part).len() <= 3);
        let Some(cursor) = part["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/tools?limit=3&cursor={cursor}");
    }
    assert_eq!(
        seen,
        (0..7)
            .map(|number| format!("srv:t{number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_list_shows_removed_tools_only_when_asked() {
    let api = with_files().await;
    api.put(
        "/api/v1/tools/filesystem",
        &json!({"tools": [tool("read_file", "Read the complete contents of a file")]}),
    )
    .await
    .assert_ok();
    api.put("/api/v1/tools/other", &json!({"tools": [tool("x", "y")]}))
        .await
        .assert_ok();
    let list = api
        .get("/api/v1/tools?server_id=filesystem")
        .await
        .assert_ok();
    assert_eq!(ids(&list), ["filesystem:read_file"]);
    let all = api
        .get("/api/v1/tools?server_id=filesystem&include_removed=true")
        .await
        .assert_ok();
    assert_eq!(ids(&all).len(), 3);
    assert!(all["items"][0]["removed_at"].is_string());
}

#[tokio::test]
async fn a_tool_is_addressed_by_its_id_with_and_without_escapes() {
    let api = with_files().await;
    for path in [
        "/api/v1/tools/filesystem:read_file",
        "/api/v1/tools/filesystem%3Aread_file",
    ] {
        let shown = api.get(path).await.assert_ok();
        assert_eq!(shown["tool_id"], "filesystem:read_file");
        assert_eq!(shown["kind"], "mcp");
        assert!(shown["cached_at"].as_str().unwrap().ends_with('Z'));
    }
    api.get("/api/v1/tools/filesystem:no_such")
        .await
        .assert_problem(404, "not_found");
    api.get("/api/v1/tools/a%2Fb:c")
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn a_removed_tool_is_gone_from_list_and_search() {
    let api = with_files().await;
    assert_eq!(
        api.delete("/api/v1/tools/filesystem:read_file")
            .await
            .status,
        204
    );
    assert_eq!(ids(&api.get("/api/v1/tools").await.assert_ok()).len(), 2);
    let hits = api
        .post(
            "/api/v1/tools/search",
            &json!({"query": "read file", "min_score": 0.0}),
        )
        .await
        .assert_ok();
    assert!(
        hits["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|hit| hit["tool_id"] != "filesystem:read_file")
    );
    api.delete("/api/v1/tools/filesystem:never_was")
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn a_server_may_be_called_search() {
    let api = ApiServer::start().await;
    let answer = api
        .put(
            "/api/v1/tools/search",
            &json!({"tools": [tool("find", "Find things")]}),
        )
        .await
        .assert_ok();
    assert_eq!(answer["inserted"], 1);
    assert_eq!(
        api.get("/api/v1/tools/search:find").await.assert_ok()["server_id"],
        "search"
    );
}

#[tokio::test]
async fn the_server_says_that_it_lives_and_works() {
    let api = ApiServer::start().await;
    assert_eq!(api.get("/healthz").await.assert_ok()["status"], "ok");
    let ready = api.get("/readyz").await.assert_ok();
    assert_eq!(ready["status"], "ready");
    assert!(ready["database"]["vector_version"].is_string());
}

#[tokio::test]
async fn pending_migrations_make_a_server_unready() {
    let empty = pml_testkit::empty_database().await;
    let api = ApiServer::serve(empty.db().clone(), pml_api::http::metrics::Metrics::new()).await;
    let answer = api.get("/readyz").await;
    answer.assert_problem(503, "migrations_pending");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_not_by_path() {
    let api = with_files().await;
    api.get("/api/v1/tools/filesystem:read_file")
        .await
        .assert_ok();
    api.get("/nowhere").await;
    let answer = api.get("/metrics").await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let has = |parts: &[&str]| {
        answer
            .text
            .lines()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(
        has(&[
            "pml_http_requests_total{",
            r#"route="/api/v1/tools/{id}""#,
            r#"method="GET""#,
            r#"status="200""#
        ]),
        "{}",
        answer.text
    );
    assert!(has(&[
        "pml_http_requests_total{",
        r#"route="unmatched""#,
        r#"status="404""#
    ]));
    assert!(has(&[
        "pml_http_request_duration_seconds_bucket{",
        r#"le="0.1""#
    ]));
    assert!(has(&["pml_database_statements_total"]));
    assert!(has(&["pml_database_pool_connections{", r#"state="idle""#]));
    assert!(!answer.text.contains("read_file"));
}

#[tokio::test]
async fn the_api_describes_itself_without_the_network() {
    let api = ApiServer::start().await;
    let document = api.get("/openapi.json").await.assert_ok();
    for path in [
        "/api/v1/tools",
        "/api/v1/tools/search",
        "/api/v1/tools/{id}",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(document["paths"][path].is_object(), "{path} is missing");
    }
    let page = api.get("/docs").await;
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    assert!(
        !page.text.contains("https://"),
        "the page loads something from elsewhere"
    );
}

#[tokio::test]
async fn a_request_keeps_the_id_its_client_gave_it() {
    let api = ApiServer::start().await;
    let answer = Answer::of(
        api.request(Method::GET, "/healthz")
            .header("x-request-id", "mine-1"),
    )
    .await;
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    assert!(
        api.get("/healthz")
            .await
            .headers
            .contains_key("x-request-id")
    );
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_finishes_what_it_does() {
    let api = with_files().await;
    let request = api.request(Method::GET, "/api/v1/tools").send();
    let (answer, stopped) = tokio::join!(request, async {
        tokio::task::yield_now().await;
    });
    let ((), answer) = (stopped, answer.unwrap());
    assert_eq!(answer.status(), 200);
    api.stop().await.unwrap();
}

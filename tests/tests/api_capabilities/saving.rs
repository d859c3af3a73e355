//! Saving over HTTP.

use super::*;

async fn save_keyed(api: &ApiServer, key: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, ROOT).json(body);
    Answer::of(request.header("Idempotency-Key", key)).await
}

fn run(code: &str) -> Value {
    json!({"code": code, "intent": "read a JSON file", "duration_ms": 150, "tools_used": ["filesystem:read_file"]})
}

/// AT-01, over HTTP.
#[tokio::test]
async fn new_code_is_created_and_known_code_is_counted() {
    let api = ApiServer::start().await;
    let first = api.post(ROOT, &run("const x = 1;")).await;
    assert_eq!(first.status, 201, "{first:?}");
    let saved = first.json();
    assert_eq!(
        first.headers["location"],
        format!("{ROOT}/{}", saved["id"].as_str().unwrap())
    );
    for (field, value) in [
        ("created", json!(true)),
        ("usage_count", json!(1)),
        ("success_count", json!(1)),
        ("success_rate", json!(1.0)),
        ("avg_duration_ms", json!(150)),
        ("replayed", json!(false)),
        ("fqdn", json!("local.default.filesystem.exec_3f41cbb3.3f41")),
        ("display_name", json!("filesystem:exec_3f41cbb3")),
    ] {
        assert_eq!(saved[field], value, "{field}");
    }
    assert_ne!(saved["id"], saved["pattern_id"]);

    let again = api.post(ROOT, &run("  const   x = 1; // the same")).await;
    assert_eq!(again.status, 200, "{again:?}");
    let again = again.json();
    assert_eq!(
        (&again["created"], &again["usage_count"], &again["id"]),
        (&json!(false), &json!(2), &saved["id"])
    );
}

#[tokio::test]
async fn every_field_of_a_save_is_kept() {
    let api = ApiServer::start().await;
    let more = json!({
        "description": "reads it",
        "success": false,
        "tools_used": ["pml.mcp.std.psql_query.db48", "std:psql_query", "filesystem:read_file"],
        "tool_invocations": [{"id": "t1", "tool": "std:psql_query", "ts": 1, "durationMs": 5, "sequenceIndex": 0}],
        "visibility": "org",
        "tags": ["files", "json"],
        "routing": "server",
        "parameters_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
    });
    let saved = save_with(&api, "fs:read_json", "return args.path;", more).await;
    assert_eq!(saved["success_rate"], 0.0);
    let stored = get(&api, "fs:read_json").await.assert_ok();
    for (field, value) in [
        ("id", saved["id"].clone()),
        ("pattern_id", saved["pattern_id"].clone()),
        ("description", json!("reads it")),
        ("visibility", json!("org")),
        ("tags", json!(["files", "json"])),
        ("routing", json!("cloud")),
        ("tools", json!(["filesystem:read_file", "std:psql_query"])),
        ("code_snippet", json!("return args.path;")),
        ("org", json!("local")),
        ("project", json!("default")),
        ("user_id", json!(null)),
        ("source", json!("emergent")),
        ("verified", json!(false)),
        ("version", json!(1)),
        ("warnings", json!([])),
    ] {
        assert_eq!(stored[field], value, "{field}");
    }
    assert_eq!(stored["cache_config"]["ttl_ms"], 3_600_000);
    assert_eq!(
        stored["dag_structure"]["intent_text"],
        "do what fs:read_json does"
    );
    assert_eq!(stored["parameters_schema"]["type"], "object");
    assert!(stored.get("intent_embedding").is_none());
}

#[tokio::test]
async fn a_request_with_a_key_is_counted_once_and_its_repeat_says_so() {
    let api = ApiServer::start().await;
    let first = save_keyed(&api, "run-4711", &run("return 1;")).await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    assert_eq!(first["replayed"], false);
    for _ in 0..2 {
        let again = save_keyed(&api, "run-4711", &run("return 1;")).await;
        assert_eq!(again.status, 200, "{again:?}");
        let again = again.json();
        assert_eq!(
            (&again["replayed"], &again["usage_count"]),
            (&json!(true), &json!(1))
        );
        for same in ["id", "pattern_id", "trace_id", "fqdn"] {
            assert_eq!(again[same], first[same], "{same}");
        }
    }
    let other = save_keyed(&api, "run-4712", &run("return 1;")).await.json();
    assert_eq!(
        (&other["replayed"], &other["usage_count"]),
        (&json!(false), &json!(2))
    );
    assert_ne!(other["trace_id"], first["trace_id"]);
}

#[tokio::test]
async fn a_key_does_not_stand_for_two_requests() {
    let api = ApiServer::start().await;
    assert_eq!(save_keyed(&api, "run", &run("return 1;")).await.status, 201);
    save_keyed(&api, "run", &run("return 2;"))
        .await
        .assert_problem(422, "idempotency_key_reused");
    let list = api.get(ROOT).await.assert_ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_does_not_stand_for_another_run_of_the_same_code() {
    let api = ApiServer::start().await;
    let first = run("return 1;");
    assert_eq!(save_keyed(&api, "run", &first).await.status, 201);
    for (field, other) in [
        ("intent", json!("write a JSON file")),
        ("success", json!(false)),
        ("duration_ms", json!(151)),
    ] {
        let mut body = first.clone();
        body[field] = other;
        save_keyed(&api, "run", &body)
            .await
            .assert_problem(422, "idempotency_key_reused");
    }
    let again = save_keyed(&api, "run", &first).await.assert_ok();
    assert_eq!(
        (&again["replayed"], &again["usage_count"]),
        (&json!(true), &json!(1))
    );
}

#[tokio::test]
async fn repeats_that_arrive_together_are_counted_once() {
    let api = ApiServer::start().await;
    let body = run("return 'together';");
    let answers = futures::future::join_all((0..8).map(|_| save_keyed(&api, "one", &body))).await;
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }
    let replayed = answers
        .iter()
        .filter(|answer| answer.json()["replayed"] == true);
    assert_eq!(replayed.count(), 7);
    assert_eq!(api.post(ROOT, &body).await.json()["usage_count"], 2);
}

#[tokio::test]
async fn a_key_is_up_to_255_visible_characters_given_once() {
    let api = ApiServer::start().await;
    let body = run("return 1;");
    let longest = "k".repeat(255);
    assert_eq!(save_keyed(&api, &longest, &body).await.status, 201);
    let too_long = "k".repeat(256);
    for bad in ["", "a b", &too_long, "ä"] {
        save_keyed(&api, bad, &body)
            .await
            .assert_problem(422, "invalid_idempotency_key");
    }
    let twice = api.request(Method::POST, ROOT).json(&body);
    let twice = twice
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    Answer::of(twice)
        .await
        .assert_problem(422, "invalid_idempotency_key");
}

#[tokio::test]
async fn a_vector_of_the_caller_is_taken_as_it_is() {
    let api = ApiServer::start().await;
    let mut vector = vec![0.0; 1024];
    vector[3] = 0.25;
    vector[700] = -0.5;
    let saved = save_with(&api, "my:vector", "return 3;", json!({"embedding": vector})).await;
    let ids = json!({"ids": [saved["id"]]});
    let answer = post(&api, "embeddings", ids).await.assert_ok();
    assert_eq!(answer["items"][0]["embedding"], json!(vector));
}

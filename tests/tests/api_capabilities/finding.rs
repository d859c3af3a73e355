//! Reading, listing and searching over HTTP.

use super::*;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn one_capability_has_five_addresses() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read_json", "const x = 1;").await;
    let id = saved["id"].as_str().unwrap();
    for reference in [
        id,
        &id.to_uppercase(),
        "local.default.fs.read_json.3f41",
        "local.default.fs.read_json",
        "fs:read_json",
        "fs%3Aread_json",
        "%66s:read_json",
        "read_json",
    ] {
        let found = get(&api, reference).await.assert_ok();
        assert_eq!(found["id"], saved["id"], "{reference}");
        assert_eq!(found["fqdn"], "local.default.fs.read_json.3f41");
    }
    for unknown in [
        UNKNOWN,
        saved["pattern_id"].as_str().unwrap(),
        "local.default.fs.read_json.0000",
        "other.default.fs.read_json",
        "fs:read",
        "nothing",
    ] {
        get(&api, unknown).await.assert_problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_action_of_two_namespaces_lists_both() {
    let api = ApiServer::start().await;
    save(&api, "fs:read", "return 1;").await;
    save(&api, "db:read", "return 2;").await;
    let answer = get(&api, "read").await;
    answer.assert_problem(409, "ambiguous_reference");
    let candidates = &answer.json()["candidates"];
    let mut names: Vec<_> = candidates.as_array().unwrap().iter().collect();
    names.sort_by_key(|name| name.as_str());
    assert_eq!(names.len(), 2);
    for (name, start) in names
        .iter()
        .zip(["local.default.db.read", "local.default.fs.read"])
    {
        assert!(name.as_str().unwrap().starts_with(start), "{name}");
        assert_eq!(get(&api, name.as_str().unwrap()).await.status, 200);
    }
}

#[tokio::test]
async fn a_capability_may_be_called_like_a_route() {
    let api = ApiServer::start().await;
    for (number, verb) in ["search", "merge", "embeddings", "verify", "permissions"]
        .iter()
        .enumerate()
    {
        let code = format!("return {number};");
        let saved = save(&api, &format!("ns:{verb}"), &code).await;
        assert_eq!(get(&api, verb).await.assert_ok()["id"], saved["id"]);
        let changed = patch(&api, verb, json!({"description": "changed"})).await;
        assert_eq!(changed.assert_ok()["changed"], true, "{verb}");
        let edges = get(&api, &format!("{verb}/dependencies")).await;
        assert_eq!(edges.assert_ok()["items"], json!([]));
        let state = get(&api, &format!("{verb}/permissions")).await;
        assert_eq!(state.assert_ok()["id"], saved["id"]);
        let deleted = api.delete(&format!("{ROOT}/{verb}")).await;
        assert_eq!(deleted.status, 204, "{verb}");
    }
}

#[tokio::test]
async fn a_cached_read_follows_every_change_through_this_server() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read", "return 1;").await;
    let id = saved["id"].as_str().unwrap();
    let cached = async || get(&api, &format!("{id}?cached=true")).await.assert_ok();
    assert_eq!(cached().await["usage_count"], 1);
    save(&api, "fs:read", "return 1;").await;
    assert_eq!(cached().await["usage_count"], 2);
    patch(&api, id, json!({"action": "scan"})).await.assert_ok();
    assert_eq!(cached().await["display_name"], "fs:scan");
    post(
        &api,
        &format!("{id}/permissions"),
        json!({"to_set": "network-api"}),
    )
    .await
    .assert_ok();
    assert_eq!(cached().await["permission_set"], "network-api");
    assert_eq!(get(&api, &format!("{id}?cached=false")).await.status, 200);
    assert_eq!(api.delete(&format!("{ROOT}/{id}")).await.status, 204);
    get(&api, &format!("{id}?cached=true"))
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn a_list_goes_on_until_its_end_in_every_order() {
    let api = ApiServer::start().await;
    for number in 0..7 {
        let name = format!("ns{}:action{number}", number % 2);
        for _ in 0..=number % 3 {
            save(&api, &name, &format!("return {number};")).await;
        }
    }
    for order in [
        "sort=usage_count",
        "sort=name",
        "sort=success_rate",
        "sort=last_used",
        "sort=created_at&order=asc",
        "sort=name&order=desc",
    ] {
        let whole = get(&api, &format!("?{order}")).await;
        let whole = whole.assert_ok();
        assert_eq!(whole["next_cursor"], json!(null));
        let mut parts = Vec::new();
        let mut path = format!("?{order}&limit=3");
        loop {
            let part = get(&api, &path).await.assert_ok();
            parts.extend(part["items"].as_array().unwrap().clone());
            let Some(cursor) = part["next_cursor"].as_str() else {
                break;
            };
            path = format!("?{order}&limit=3&cursor={cursor}");
        }
        assert_eq!(json!(parts), whole["items"], "{order}");
    }
    let by_name = get(&api, "?sort=name&limit=3").await.assert_ok();
    assert_eq!(
        names(&by_name),
        ["ns0:action0", "ns0:action2", "ns0:action4"]
    );
}

#[tokio::test]
async fn a_list_is_narrowed_by_each_filter() {
    let api = ApiServer::start().await;
    let more = json!({"tags": ["files"], "visibility": "public", "routing": "cloud"});
    save_with(&api, "fs:read_a", "return 1;", more).await;
    save(&api, "fs:write_a", "return 2;").await;
    save(&api, "fs:write_a", "return 2;").await;
    save_with(
        &api,
        "db:query",
        "return 3;",
        json!({"success": false, "routing": "local"}),
    )
    .await;
    api.post(ROOT, &json!({"code": "return 4;", "intent": "no name"}))
        .await;
    let list = async |query: &str| {
        let list = get(&api, &format!("?sort=name&{query}")).await.assert_ok();
        names(&list).join(" ")
    };
    assert_eq!(list("pattern=fs:*").await, "fs:read_a fs:write_a");
    assert_eq!(list("pattern=*:?????_a").await, "fs:write_a");
    assert_eq!(list("pattern=fs:read_?").await, "fs:read_a");
    assert_eq!(list("pattern=fs:read_%5C?").await, "");
    assert_eq!(list("namespace=db").await, "db:query");
    assert_eq!(list("tag=files").await, "fs:read_a");
    assert_eq!(list("visibility=public").await, "fs:read_a");
    assert_eq!(list("routing=server&pattern=fs:read*").await, "fs:read_a");
    assert_eq!(list("routing=local").await, "db:query");
    assert_eq!(list("min_usage=2").await, "fs:write_a");
    assert_eq!(
        list("min_success_rate=0.5&pattern=*_a").await,
        "fs:read_a fs:write_a"
    );
    assert_eq!(list("verified=true").await, "");
    assert_eq!(list("community_id=3").await, "");
    assert_eq!(list("org=other").await, "");
    assert_eq!(list("project=other").await, "");
    assert!(list("unnamed=true").await.starts_with("code:exec_"));
    assert_eq!(list("mine=true&verified=false").await.split(' ').count(), 4);
}

#[tokio::test]
async fn a_search_finds_what_was_learned_for_that_intent() {
    let api = ApiServer::start().await;
    let reading = json!({"intent": "read the contents of a JSON file", "tools_used": ["filesystem:read_file"]});
    let saved = save_with(&api, "fs:read_json", "return 1;", reading).await;
    let mail = json!({"intent": "send an e-mail to a customer"});
    save_with(&api, "mail:send", "return 2;", mail).await;
    let body = json!({"query": "read the contents of a JSON file", "limit": 1, "min_score": 0.0});
    let answer = post(&api, "search", body).await.assert_ok();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{answer}");
    assert_eq!(results[0]["id"], saved["id"]);
    assert_eq!(results[0]["display_name"], "fs:read_json");
    assert_eq!(results[0]["tools"], json!(["filesystem:read_file"]));
    assert!(results[0]["score"].as_f64().unwrap() > 0.8);
    let blank = post(&api, "search", json!({"query": "  "})).await;
    assert_eq!(blank.assert_ok(), json!({"results": []}));

    let id = saved["id"].clone();
    let vectors = post(&api, "embeddings", json!({"ids": [id]}))
        .await
        .assert_ok();
    let vector = vectors["items"][0]["embedding"].clone();
    let same = post(&api, "search", json!({"embedding": vector}))
        .await
        .assert_ok();
    assert_eq!(same["results"][0]["id"], saved["id"]);
}

/// AT-93, over HTTP.
#[tokio::test]
async fn vectors_come_by_registry_id_in_the_order_asked_for() {
    let api = ApiServer::start().await;
    let a = save(&api, "ns:a", "return 1;").await;
    let b = save(&api, "ns:b", "return 2;").await;
    let node = format!("capability:{}", a["id"].as_str().unwrap());
    let ids = json!({"ids": [b["id"], UNKNOWN, node, a["pattern_id"], b["id"]]});
    let answer = post(&api, "embeddings", ids).await.assert_ok();
    let items = answer["items"].as_array().unwrap();
    let found: Vec<_> = items
        .iter()
        .map(|item| (&item["id"], &item["pattern_id"]))
        .collect();
    assert_eq!(
        found,
        [(&b["id"], &b["pattern_id"]), (&a["id"], &a["pattern_id"])]
    );
    assert!(
        items
            .iter()
            .all(|item| item["embedding"].as_array().unwrap().len() == 1024)
    );
    assert_eq!(answer["missing"], json!([UNKNOWN, a["pattern_id"]]));
    let nothing = post(&api, "embeddings", json!({"ids": []})).await;
    assert_eq!(nothing.assert_ok(), json!({"items": [], "missing": []}));
}

#[tokio::test]
async fn the_contract_lists_every_route_with_examples() {
    let api = ApiServer::start().await;
    let document = api.get("/openapi.json").await.assert_ok();
    for (path, methods) in [
        ("", vec!["get", "post"]),
        ("/search", vec!["post"]),
        ("/merge", vec!["post"]),
        ("/embeddings", vec!["post"]),
        ("/verify", vec!["post"]),
        ("/permissions/audit", vec!["get"]),
        ("/{reference}", vec!["delete", "get", "patch"]),
        ("/{reference}/dependencies", vec!["delete", "get", "post"]),
        ("/{reference}/permissions", vec!["get", "post"]),
    ] {
        let item = document["paths"][format!("{ROOT}{path}")]
            .as_object()
            .unwrap();
        let mut listed: Vec<_> = item.keys().map(String::as_str).collect();
        listed.sort_unstable();
        assert_eq!(listed, methods, "{path}");
        for operation in item.values() {
            assert!(operation["responses"]["503"].is_object(), "{path}");
        }
    }
    for body in [
        "SaveBody",
        "SaveAnswer",
        "CapabilitySearchBody",
        "CapabilityHit",
        "CapabilitySummary",
        "CapabilityDetails",
        "RenameAnswer",
        "MergeAnswer",
        "VerifyAnswer",
        "EmbeddingsAnswer",
        "Dependency",
        "PermissionState",
        "PermissionAnswer",
        "AuditEntry",
        "RenameBody",
        "MergeBody",
        "EmbeddingsBody",
        "VerifyBody",
        "DependencyBody",
        "PermissionBody",
    ] {
        assert!(
            document["components"]["schemas"][body]["example"].is_object(),
            "{body} has no example"
        );
    }
}

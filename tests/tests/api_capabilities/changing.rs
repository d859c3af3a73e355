//! Renaming, deleting and merging over HTTP.

use super::*;

#[tokio::test]
async fn a_renamed_capability_keeps_its_id_and_answers_to_both_names() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read", "const x = 1;").await;
    let body = json!({"namespace": "files", "action": "read_json", "tags": ["a", "b"], "visibility": "project", "description": "reads", "version_tag": "v1.0.0"});
    let answer = patch(&api, "fs:read", body).await.assert_ok();
    assert_eq!(
        answer,
        json!({
            "id": saved["id"],
            "fqdn": "local.default.files.read_json.3f41",
            "display_name": "files:read_json",
            "changed": true,
            "warnings": [],
        })
    );
    let now = get(&api, "files:read_json").await.assert_ok();
    assert_eq!(
        (
            &now["tags"],
            &now["visibility"],
            &now["description"],
            &now["version_tag"],
            &now["warnings"]
        ),
        (
            &json!(["a", "b"]),
            &json!("project"),
            &json!("reads"),
            &json!("v1.0.0"),
            &json!([])
        )
    );
    let old = get(&api, "fs:read").await.assert_ok();
    assert_eq!(old["id"], saved["id"]);
    let warning = old["warnings"][0].as_str().unwrap();
    assert!(warning.contains("files:read_json"), "{warning}");
}

#[tokio::test]
async fn a_rename_to_what_it_is_changes_nothing() {
    let api = ApiServer::start().await;
    save(&api, "fs:read", "return 1;").await;
    for body in [json!({}), json!({"action": "read"}), json!({"tags": null})] {
        let answer = patch(&api, "fs:read", body).await.assert_ok();
        assert_eq!(answer["changed"], false, "{answer}");
    }
    assert_eq!(
        get(&api, "fs:read").await.assert_ok()["updated_at"],
        json!(null)
    );
}

/// AT-39, over HTTP.
#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let api = ApiServer::start().await;
    save(&api, "fs:a", "return 1;").await;
    save(&api, "fs:b", "return 2;").await;
    let answer = patch(&api, "fs:b", json!({"action": "a"})).await;
    answer.assert_problem(409, "name_taken");
    assert!(answer.text.contains("already exists"), "{}", answer.text);
    assert_eq!(get(&api, "fs:b").await.status, 200);
}

#[tokio::test]
async fn a_deleted_capability_is_gone_with_its_code() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read", "return 1;").await;
    let path = format!("{ROOT}/{}", saved["id"].as_str().unwrap());
    let answer = api.delete(&path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    api.delete(&path).await.assert_problem(404, "not_found");
    get(&api, "fs:read").await.assert_problem(404, "not_found");
    let again = save(&api, "fs:read", "return 1;").await;
    assert_eq!(
        (&again["created"], &again["usage_count"]),
        (&json!(true), &json!(1))
    );
}

#[tokio::test]
async fn a_merge_adds_up_and_removes_the_source() {
    let api = ApiServer::start().await;
    let more = |list: Value, ms: i32| json!({"tools_used": list, "duration_ms": ms});
    let source = save_with(
        &api,
        "fs:old",
        "return 1;",
        more(json!(["b:y", "a:x", "a:x"]), 200),
    )
    .await;
    let target = save_with(
        &api,
        "fs:new",
        "return 2;",
        more(json!(["a:x", "pml.mcp.b.y.0000"]), 100),
    )
    .await;
    let body = json!({"source": "fs:old", "target": target["id"], "prefer_source_code": false});
    let answer = post(&api, "merge", body).await.assert_ok();
    for (field, value) in [
        ("target_id", target["id"].clone()),
        ("target_pattern_id", target["pattern_id"].clone()),
        ("target_display_name", json!("fs:new")),
        ("deleted_source_id", source["id"].clone()),
        ("deleted_source_name", json!("fs:old")),
        ("deleted_source_pattern_id", source["pattern_id"].clone()),
        ("usage_count", json!(2)),
        ("success_count", json!(2)),
        ("success_rate", json!(1.0)),
        ("avg_duration_ms", json!(150)),
        ("code_source", json!("target")),
    ] {
        assert_eq!(answer[field], value, "{field}");
    }
    let id = source["id"].as_str().unwrap();
    // Code calls by id, so that leads on.
    let moved = get(&api, id).await.assert_ok();
    assert_eq!(moved["id"], target["id"]);
    assert!(
        moved["warnings"][0]
            .as_str()
            .unwrap()
            .contains("was merged")
    );
    let left = get(&api, "fs:new").await.assert_ok();
    assert_eq!(
        (&left["usage_count"], &left["code_snippet"]),
        (&json!(2), &json!("return 2;"))
    );
}

#[tokio::test]
async fn the_code_of_the_source_wins_when_it_is_preferred() {
    let api = ApiServer::start().await;
    save(&api, "fs:old", "return 1;").await;
    let target = save(&api, "fs:new", "return 2;").await;
    let body = json!({"source": "fs:old", "target": "fs:new", "prefer_source_code": true});
    let answer = post(&api, "merge", body).await.assert_ok();
    assert_eq!(answer["code_source"], "source");
    let left = get(&api, target["id"].as_str().unwrap()).await.assert_ok();
    assert_eq!(left["code_snippet"], "return 1;");
    assert_eq!(left["fqdn"], answer["target_fqdn"]);
}

/// AT-47, over HTTP.
#[tokio::test]
async fn a_merge_with_itself_under_two_names_is_refused() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read", "return 1;").await;
    patch(&api, "fs:read", json!({"action": "scan"}))
        .await
        .assert_ok();
    let names = [
        saved["id"].as_str().unwrap(),
        "fs:scan",
        "scan",
        "local.default.fs.scan",
    ];
    for source in names {
        for target in names {
            post(&api, "merge", json!({"source": source, "target": target}))
                .await
                .assert_problem(409, "self_merge");
        }
    }
    assert_eq!(get(&api, "fs:scan").await.status, 200);
}

#[tokio::test]
async fn a_merge_of_other_tools_shows_both_lists() {
    let api = ApiServer::start().await;
    save_with(&api, "fs:a", "return 1;", json!({"tools_used": ["a:x"]})).await;
    save(&api, "fs:b", "return 2;").await;
    let answer = post(&api, "merge", json!({"source": "fs:a", "target": "fs:b"})).await;
    answer.assert_problem(409, "tools_mismatch");
    let problem = answer.json();
    assert_eq!(problem["source_tools"], json!(["a:x"]));
    assert_eq!(problem["target_tools"], json!([]));
    assert_eq!(get(&api, "fs:a").await.status, 200);
}

#[tokio::test]
async fn what_is_to_be_signed_is_answered_to_whoever_asks() {
    let api = ApiServer::start().await;
    let saved = save(&api, "fs:read", "const x = 1;").await;
    let answer = post(&api, "verify", json!({"reference": "fs:read"}))
        .await
        .assert_ok();
    let fqdn = "local.default.fs.read.3f41";
    let hash = "3f41cbb303012f33212c92326b27f6cc604fd414e20315cb10f2be7f1f6bb83c";
    assert_eq!(
        answer,
        json!({
            "id": saved["id"],
            "fqdn": fqdn,
            "code_hash": hash,
            "message": format!("pml-capability-v1\n{hash}\n{fqdn}"),
            "signed": false,
            "valid": null,
            "verified": false,
            "warnings": [],
        })
    );
}

#[tokio::test]
async fn a_good_signature_verifies_until_the_name_changes() {
    let api = ApiServer::start().await;
    save(&api, "fs:read", "const x = 1;").await;
    let unsigned = post(&api, "verify", json!({"reference": "fs:read"})).await;
    let message = unsigned.assert_ok()["message"].as_str().unwrap().to_owned();
    let signer = Signer::new();
    let body = json!({"reference": "fs:read", "public_key": signer.key(), "signature": signer.sign(&message)});
    let answer = post(&api, "verify", body).await.assert_ok();
    let found = |answer: &Value| {
        [&answer["signed"], &answer["valid"], &answer["verified"]].map(Clone::clone)
    };
    assert_eq!(found(&answer), [json!(true), json!(true), json!(true)]);
    let stored = get(&api, "fs:read?cached=true").await.assert_ok();
    assert_eq!(
        (&stored["verified"], &stored["signature"]),
        (&json!(true), &json!(signer.sign(&message)))
    );
    let listed = get(&api, "?verified=true").await.assert_ok();
    assert_eq!(names(&listed), ["fs:read"]);

    // Anybody else's key.
    let body = json!({"reference": "fs:read", "public_key": Signer::new().key()});
    let other = post(&api, "verify", body).await.assert_ok();
    assert_eq!(found(&other), [json!(true), json!(false), json!(true)]);

    let renamed = patch(&api, "fs:read", json!({"action": "scan"}))
        .await
        .assert_ok();
    assert_eq!(
        renamed["warnings"].as_array().unwrap().len(),
        1,
        "{renamed}"
    );
    let body = json!({"reference": "fs:scan", "public_key": signer.key()});
    let after = post(&api, "verify", body).await.assert_ok();
    assert_eq!(found(&after), [json!(false), json!(null), json!(false)]);
}

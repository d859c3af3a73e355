//! Dependencies and permissions over HTTP.

use super::*;

async fn a_b_c() -> ApiServer {
    let api = ApiServer::start().await;
    for (name, code) in [
        ("ns:a", "return 1;"),
        ("ns:b", "return 2;"),
        ("ns:c", "return 3;"),
    ] {
        save(&api, name, code).await;
    }
    api
}

async fn link(api: &ApiServer, from: &str, to: &str, edge_type: &str) -> Answer {
    let path = format!("{from}/dependencies");
    post(api, &path, json!({"to": to, "edge_type": edge_type})).await
}

#[tokio::test]
async fn an_edge_is_added_counted_listed_and_removed() {
    let api = a_b_c().await;
    let first = link(&api, "ns:a", "ns:b", "dependency").await;
    assert_eq!(first.status, 201, "{first:?}");
    let edge = first.json();
    assert_eq!(
        (
            &edge["edge_source"],
            &edge["observed_count"],
            &edge["confidence_score"]
        ),
        (&json!("template"), &json!(1), &json!(0.5))
    );
    assert_eq!(
        (&edge["from_display_name"], &edge["to_display_name"]),
        (&json!("ns:a"), &json!("ns:b"))
    );
    let again = link(&api, "ns:a", "ns:b", "sequence").await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(
        (&again.json()["observed_count"], &again.json()["edge_type"]),
        (&json!(2), &json!("dependency"))
    );
    link(&api, "ns:c", "ns:a", "sequence").await;

    let count = async |query: &str| {
        let list = get(&api, &format!("ns:a/dependencies{query}"))
            .await
            .assert_ok();
        assert_eq!(list["next_cursor"], json!(null));
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("?direction=both").await, 2);
    assert_eq!(count("?direction=from").await, 1);
    assert_eq!(count("?direction=to").await, 1);

    let path = format!("{ROOT}/ns:a/dependencies?to=ns:b");
    for _ in 0..2 {
        assert_eq!(api.delete(&path).await.status, 204);
    }
    assert_eq!(count("?direction=from").await, 0);
}

/// AT-55, over HTTP.
#[tokio::test]
async fn an_inferred_edge_seen_three_times_is_observed() {
    let api = a_b_c().await;
    let body = json!({"to": "ns:b", "edge_type": "dependency", "edge_source": "inferred"});
    let mut edge = json!(null);
    for _ in 0..3 {
        edge = post(&api, "ns:a/dependencies", body.clone()).await.json();
    }
    assert_eq!(
        (
            &edge["observed_count"],
            &edge["edge_source"],
            &edge["confidence_score"]
        ),
        (&json!(3), &json!("observed"), &json!(1.0))
    );
}

/// K16, over HTTP.
#[tokio::test]
async fn the_first_observation_of_a_declared_edge_makes_it_inferred_and_not_new() {
    let api = a_b_c().await;
    link(&api, "ns:a", "ns:b", "dependency").await;
    let body = json!({"to": "ns:b", "edge_type": "dependency", "edge_source": "inferred"});
    let answer = post(&api, "ns:a/dependencies", body).await;
    let edge = answer.assert_ok();
    assert_eq!(
        (
            &edge["observed_count"],
            &edge["edge_source"],
            &edge["confidence_score"]
        ),
        (&json!(1), &json!("inferred"), &json!(0.7))
    );
}

#[tokio::test]
async fn a_containing_capability_stands_above_what_it_contains() {
    let api = a_b_c().await;
    let level = async || {
        let stored = get(&api, "ns:a?cached=true").await.assert_ok();
        stored["hierarchy_level"].clone()
    };
    assert_eq!(level().await, 0);
    link(&api, "ns:b", "ns:c", "contains").await;
    link(&api, "ns:a", "ns:b", "contains").await;
    assert_eq!(level().await, 2);
}

#[tokio::test]
async fn a_cycle_is_refused_where_there_must_be_none() {
    let api = a_b_c().await;
    for edge_type in ["dependency", "contains"] {
        let [a, b, c] = ["a", "b", "c"].map(|action| format!("ns:{action}"));
        assert_eq!(link(&api, &a, &b, edge_type).await.status, 201);
        assert_eq!(link(&api, &b, &c, edge_type).await.status, 201);
        link(&api, &c, &a, edge_type)
            .await
            .assert_problem(409, "dependency_cycle");
        for (from, to) in [(&a, &b), (&b, &c)] {
            let path = format!("{ROOT}/{from}/dependencies?to={to}");
            assert_eq!(api.delete(&path).await.status, 204);
        }
    }
    // AT-61.
    assert_eq!(link(&api, "ns:a", "ns:b", "sequence").await.status, 201);
    assert_eq!(link(&api, "ns:b", "ns:a", "sequence").await.status, 201);
}

/// AT-63.
#[tokio::test]
async fn an_edge_to_itself_is_a_mistake_of_the_client() {
    let api = a_b_c().await;
    link(&api, "ns:a", "a", "sequence")
        .await
        .assert_problem(422, "self_dependency");
}

#[tokio::test]
async fn an_approved_set_is_in_force_and_in_the_audit() {
    let api = a_b_c().await;
    let before = get(&api, "ns:a/permissions").await.assert_ok();
    assert_eq!(
        (
            &before["permission_set"],
            &before["effective_set"],
            &before["risk"]
        ),
        (&json!("minimal"), &json!("minimal"), &json!("safe"))
    );
    let body = json!({
        "to_set": "network-api", "from_set": "minimal", "approved_by": "alice",
        "reason": "weather", "detected_operation": "net"
    });
    let answer = post(&api, "ns:a/permissions", body).await.assert_ok();
    assert_eq!(
        (&answer["from_set"], &answer["to_set"], &answer["approved"]),
        (&json!("minimal"), &json!("network-api"), &json!(true))
    );
    let state = get(&api, "ns:a/permissions").await.assert_ok();
    assert_eq!(state, answer["state"]);
    assert_eq!(
        (
            &state["permission_set"],
            &state["permission_confidence"],
            &state["risk"]
        ),
        (&json!("network-api"), &json!(1.0), &json!("moderate"))
    );
    let audit = get(&api, "permissions/audit").await.assert_ok();
    let entries = audit["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    for (field, value) in [
        ("id", answer["audit_id"].clone()),
        ("capability", state["id"].clone()),
        ("pattern_id", state["pattern_id"].clone()),
        ("display_name", json!("ns:a")),
        ("from_set", json!("minimal")),
        ("to_set", json!("network-api")),
        ("approved", json!(true)),
        ("approved_by", json!("alice")),
        ("reason", json!("weather")),
        ("detected_operation", json!("net")),
    ] {
        assert_eq!(entries[0][field], value, "{field}");
    }
}

#[tokio::test]
async fn a_set_that_another_person_changed_meanwhile_stays() {
    let api = a_b_c().await;
    let grant = |to: &str| json!({"to_set": to, "from_set": "minimal"});
    post(&api, "ns:a/permissions", grant("readonly"))
        .await
        .assert_ok();
    let answer = post(&api, "ns:a/permissions", grant("network-api")).await;
    answer.assert_problem(409, "permission_changed");
    assert_eq!(answer.json()["stored_set"], "readonly");
}

#[tokio::test]
async fn an_illegal_step_and_trusted_are_refused() {
    let api = a_b_c().await;
    post(&api, "ns:a/permissions", json!({"to_set": "trusted"}))
        .await
        .assert_problem(409, "trusted_refused");
    post(&api, "ns:a/permissions", json!({"to_set": "minimal"}))
        .await
        .assert_problem(409, "illegal_escalation");
    post(&api, "ns:a/permissions", json!({"to_set": "network-api"}))
        .await
        .assert_ok();
    for to in ["filesystem", "readonly", "network-api", "minimal"] {
        post(&api, "ns:a/permissions", json!({"to_set": to}))
            .await
            .assert_problem(409, "illegal_escalation");
    }
}

#[tokio::test]
async fn the_audit_is_filtered_and_paged() {
    let api = a_b_c().await;
    for (name, approved) in [
        ("ns:a", true),
        ("ns:b", false),
        ("ns:b", false),
        ("ns:b", true),
    ] {
        let body = json!({"to_set": "readonly", "approved": approved});
        post(&api, &format!("{name}/permissions"), body)
            .await
            .assert_ok();
    }
    let list = async |query: &str| {
        let list = get(&api, &format!("permissions/audit?{query}")).await;
        list.assert_ok()
    };
    let count = async |query: &str| list(query).await["items"].as_array().unwrap().len();
    assert_eq!(count("").await, 4);
    assert_eq!(count("capability=ns:b").await, 3);
    assert_eq!(count("approved=false").await, 2);
    assert_eq!(count("capability=ns:b&approved=true").await, 1);
    assert_eq!(count("from=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(
        count("to=2999-01-01T00:00:00Z&from=2000-01-01T00:00:00Z").await,
        4
    );

    let whole = list("").await;
    let mut parts = Vec::new();
    let mut query = "limit=3".to_owned();
    loop {
        let part = list(&query).await;
        parts.extend(part["items"].as_array().unwrap().clone());
        let Some(cursor) = part["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=3&cursor={cursor}");
    }
    assert_eq!(json!(parts), whole["items"]);
}

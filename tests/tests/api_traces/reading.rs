//! Lists and time lines.

use super::{ApiServer, Value, json, started, text, told};

#[tokio::test]
async fn the_timeline_stands_in_order_of_time() {
    let api = ApiServer::start().await;
    let id = told(&api).await;
    let timeline = api
        .get(&format!("/api/v1/traces/{id}/timeline"))
        .await
        .assert_ok();
    let events: Vec<&str> = timeline["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        events,
        [
            "prompt_submitted",
            "agent_routed",
            "hook_executed",
            "hook_executed",
            "endpoint_called",
            "execution_completed"
        ]
    );
    let times: Vec<&str> = timeline["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["timestamp"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(timeline["events"][1]["data"]["agent"], "agent-debugging");
}

#[tokio::test]
async fn a_list_is_newest_first_and_goes_on_where_it_ended() {
    let api = ApiServer::start().await;
    let mut ids = Vec::new();
    for minute in 0..5 {
        let body = json!({"started_at": format!("2026-11-27T09:0{minute}:00Z"), "tags": [if minute % 2 == 0 { "even" } else { "odd" }]});
        ids.push(started(&api, &body).await);
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/v1/traces?limit=2".to_owned();
    loop {
        let page = api.get(&path).await.assert_ok();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| text(&row["correlation_id"])),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/traces?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    let even = api
        .get("/api/v1/traces?tag=even&status=in_progress&until=2026-11-27T09:04:00Z")
        .await
        .assert_ok();
    let even: Vec<String> = even["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["correlation_id"]))
        .collect();
    assert_eq!(even, [ids[2].clone(), ids[4].clone()]);
}

#[tokio::test]
async fn a_list_shows_agent_and_outcome_and_filters_by_both() {
    let api = ApiServer::start().await;
    let id = told(&api).await;
    started(&api, &json!({})).await;
    for filter in ["agent=agent-debugging", "success=true", "status=completed"] {
        let page = api
            .get(&format!("/api/v1/traces?{filter}"))
            .await
            .assert_ok();
        let rows: &Vec<Value> = page["items"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{filter}");
        assert_eq!(text(&rows[0]["correlation_id"]), id);
        assert_eq!(
            (&rows[0]["hook_count"], &rows[0]["endpoint_count"]),
            (&json!(2), &json!(1))
        );
    }
}

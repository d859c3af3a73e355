//! Lists and searches that cannot be answered: each kind has its own stable code.

use super::*;

#[tokio::test]
async fn a_pattern_that_ends_in_a_backslash_is_refused() {
    let api = ApiServer::start().await;
    for bad in ["fs:%5C", "%5C", "a*%5C%5C%5C"] {
        get(&api, &format!("?pattern={bad}"))
            .await
            .assert_problem(422, "invalid_pattern");
    }
    assert_eq!(get(&api, "?pattern=a%5C%5C").await.status, 200);
    assert_eq!(get(&api, "?pattern=100%25").await.status, 200);
}

#[tokio::test]
async fn a_filter_outside_its_range_is_refused() {
    let api = ApiServer::start().await;
    for query in [
        "min_success_rate=1.5",
        "min_success_rate=-0.1",
        "min_success_rate=NaN",
        "min_success_rate=high",
        "min_usage=-1",
        "min_usage=1.5",
        "community_id=x",
        "visibility=secret",
        "routing=moon",
        "verified=maybe",
        "sort=pagerank",
        "order=down",
    ] {
        get(&api, &format!("?{query}"))
            .await
            .assert_problem(400, "invalid_filter");
    }
    for query in ["offset=-1", "offset=0", "offset=10"] {
        get(&api, &format!("?{query}"))
            .await
            .assert_problem(400, "invalid_offset");
        get(&api, &format!("permissions/audit?{query}"))
            .await
            .assert_problem(400, "invalid_offset");
    }
    for query in ["approved=maybe", "from=yesterday", "to=1"] {
        get(&api, &format!("permissions/audit?{query}"))
            .await
            .assert_problem(400, "invalid_filter");
    }
    for query in ["page=2", "limit=1&limit=2", "Pattern=x"] {
        get(&api, &format!("?{query}"))
            .await
            .assert_problem(422, "invalid_parameter");
    }
    get(&api, "x?cached=maybe")
        .await
        .assert_problem(422, "invalid_parameter");
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    let api = ApiServer::start().await;
    for limit in ["0", "-1", "501", "1000", "x", "1.5", ""] {
        get(&api, &format!("?limit={limit}"))
            .await
            .assert_problem(422, "invalid_limit");
        get(&api, &format!("permissions/audit?limit={limit}"))
            .await
            .assert_problem(422, "invalid_limit");
    }
    for limit in [json!(0), json!(-1), json!(501), json!("ten"), json!(1.5)] {
        post(&api, "search", json!({"query": "x", "limit": limit}))
            .await
            .assert_problem(422, "invalid_limit");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_or_order_is_refused() {
    let api = ApiServer::start().await;
    save(&api, "ns:a", "return 1;").await;
    save(&api, "ns:b", "return 2;").await;
    let first = get(&api, "?limit=1").await.assert_ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        get(&api, &format!("?limit=1&cursor={cursor}")).await.status,
        200
    );
    for path in [
        format!("?cursor={cursor}&sort=name"),
        format!("?cursor={cursor}&order=asc"),
        format!("?cursor={cursor}x"),
        "?cursor=x".to_owned(),
        format!("permissions/audit?cursor={cursor}"),
    ] {
        get(&api, &path).await.assert_problem(422, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_search_needs_exactly_one_of_text_and_vector() {
    let api = ApiServer::start().await;
    for (body, code) in [
        (json!({}), "invalid_query"),
        (
            json!({"query": "x", "embedding": vec![1; 1024]}),
            "invalid_query",
        ),
        (json!({"query": "a\u{0}b"}), "invalid_query"),
        (json!({"embedding": [1, 2]}), "invalid_embedding"),
        (json!({"embedding": vec![0; 1024]}), "invalid_embedding"),
        (json!({"query": "x", "min_score": 1.1}), "invalid_min_score"),
        (
            json!({"query": "x", "min_score": "high"}),
            "invalid_min_score",
        ),
        (json!({"query": 3}), "invalid_body"),
        (json!({"query": "x", "server_ids": []}), "invalid_body"),
    ] {
        post(&api, "search", body).await.assert_problem(422, code);
    }
}

#[tokio::test]
async fn vectors_are_not_given_for_names_nor_for_too_many_ids() {
    let api = ApiServer::start().await;
    for bad in ["fs:read", "", "capability:", "6f1c1f0e"] {
        post(&api, "embeddings", json!({"ids": [bad]}))
            .await
            .assert_problem(422, "invalid_reference");
    }
    let id = "00000000-0000-4000-8000-000000000000";
    post(&api, "embeddings", json!({"ids": vec![id; 1_001]}))
        .await
        .assert_problem(400, "invalid_filter");
    assert_eq!(
        post(&api, "embeddings", json!({"ids": vec![id; 1_000]}))
            .await
            .status,
        200
    );
    for body in [
        json!({}),
        json!({"ids": 1}),
        json!({"ids": [1]}),
        json!({"ids": null}),
    ] {
        post(&api, "embeddings", body)
            .await
            .assert_problem(422, "invalid_body");
    }
}

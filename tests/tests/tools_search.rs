//! Searching tools: rules V-1 to V-8, the plan, and never too few results.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pml_entity::values::{DIMENSIONS, Embedding};
use pml_service::embedding::{Embedder, EmbedderError, HashingEmbedder};
use pml_service::tools::{
    self, SearchMode, SearchRequest, SearchTarget, SyncOptions, ToolDefinition,
};
use pml_service::{Db, Settings};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

async fn sync(db: &Db, server: &str, offered: &[(&str, &str)]) {
    let offered = offered.iter().map(|(name, description)| ToolDefinition {
        name: (*name).to_owned(),
        description: Some((*description).to_owned()),
        input_schema: json!({"type": "object"}),
        output_schema: None,
    });
    tools::sync_server(
        db,
        &HashingEmbedder,
        server,
        offered.collect(),
        SyncOptions::default(),
    )
    .await
    .unwrap();
}

async fn found(db: &Db, request: &SearchRequest) -> Vec<String> {
    let answer = tools::search(db, &HashingEmbedder, request).await.unwrap();
    answer
        .results
        .into_iter()
        .map(|hit| hit.tool_id.into_string())
        .collect()
}

async fn files_and_mail(db: &Db) {
    sync(
        db,
        "files",
        &[
            ("read", "Reads a file from the disk"),
            ("write", "Writes a file to the disk"),
            ("sure", "Is 100%_certain"),
        ],
    )
    .await;
    sync(
        db,
        "mail",
        &[
            ("send", "Sends an e-mail message"),
            ("read", "Reads an e-mail message"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_nearest_tool_comes_first_with_its_score_and_schema() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let before = test.db().statements().snapshot();
    let answer = tools::search(
        test.db(),
        &HashingEmbedder,
        &SearchRequest::query("read a file from disk"),
    )
    .await
    .unwrap();
    assert_eq!(test.db().statements().since(&before).statements, 1);
    assert_eq!(answer.mode, SearchMode::Semantic);
    let best = &answer.results[0];
    assert_eq!(
        (
            best.tool_id.as_str(),
            best.server_id.as_str(),
            best.name.as_str()
        ),
        ("files:read", "files", "read")
    );
    assert_eq!(best.input_schema, json!({"type": "object"}));
    let query = HashingEmbedder.embed_one("read a file from disk").unwrap();
    let tool = HashingEmbedder
        .embed_one("read | Reads a file from the disk")
        .unwrap();
    assert!(
        (best.score - query.cosine_similarity(&tool)).abs() < 1e-5,
        "the score is that of the whole vectors, not of halved ones"
    );
    assert!(
        answer
            .results
            .windows(2)
            .all(|pair| pair[0].score >= pair[1].score)
    );
}

#[tokio::test]
async fn a_blank_query_finds_nothing_and_asks_nobody() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let before = test.db().statements().snapshot();
    assert!(
        found(test.db(), &SearchRequest::query(" \n\t "))
            .await
            .is_empty()
    );
    assert_eq!(test.db().statements().since(&before).statements, 0);
}

#[tokio::test]
async fn an_empty_database_answers_with_nothing() {
    let test = database().await;
    assert!(
        found(test.db(), &SearchRequest::query("read"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn bad_requests_have_their_own_codes() {
    let test = database().await;
    let code = |request: SearchRequest| {
        let db = test.db().clone();
        async move {
            tools::search(&db, &HashingEmbedder, &request)
                .await
                .unwrap_err()
                .code()
        }
    };
    for limit in [0, -1, 501, i64::MAX] {
        assert_eq!(
            code(SearchRequest {
                limit: Some(limit),
                ..SearchRequest::query("x")
            })
            .await,
            "invalid_limit"
        );
    }
    for min_score in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(
            code(SearchRequest {
                min_score: Some(min_score),
                ..SearchRequest::query("x")
            })
            .await,
            "invalid_min_score"
        );
    }
    assert_eq!(
        code(SearchRequest {
            server_ids: vec!["a:b".to_owned()],
            ..SearchRequest::query("x")
        })
        .await,
        "invalid_server_id"
    );
    assert_eq!(code(SearchRequest::query("a\0b")).await, "invalid_query");
    assert_eq!(
        code(SearchRequest::query("x".repeat(40_000))).await,
        "invalid_query"
    );
}

#[tokio::test]
async fn the_lowest_score_is_inclusive_and_the_limit_holds() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let all = SearchRequest {
        min_score: Some(0.0),
        ..SearchRequest::query("read a file")
    };
    let answer = tools::search(test.db(), &HashingEmbedder, &all)
        .await
        .unwrap();
    let second = answer.results[1].score;
    let request = SearchRequest {
        min_score: Some(second),
        ..all.clone()
    };
    assert_eq!(found(test.db(), &request).await.len(), 2);
    assert_eq!(
        found(
            test.db(),
            &SearchRequest {
                limit: Some(1),
                ..all
            }
        )
        .await,
        ["files:read"]
    );
}

#[tokio::test]
async fn equal_scores_are_in_the_order_of_their_ids() {
    let test = database().await;
    for server in ["c", "a", "b"] {
        sync(test.db(), server, &[("same", "The very same words")]).await;
    }
    assert_eq!(
        found(test.db(), &SearchRequest::query("the very same words")).await,
        ["a:same", "b:same", "c:same"]
    );
    let first = SearchRequest {
        limit: Some(1),
        ..SearchRequest::query("the very same words")
    };
    assert_eq!(found(test.db(), &first).await, ["a:same"]);
}

#[tokio::test]
async fn a_server_filter_applies_before_the_limit() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let only = |servers: &[&str]| SearchRequest {
        limit: Some(1),
        min_score: Some(0.0),
        server_ids: servers.iter().map(|server| (*server).to_owned()).collect(),
        ..SearchRequest::query("read a file from the disk")
    };
    assert_eq!(found(test.db(), &only(&["mail"])).await, ["mail:read"]);
    assert_eq!(
        found(test.db(), &only(&["mail", "files", "mail"])).await,
        ["files:read"]
    );
    assert!(found(test.db(), &only(&["unknown"])).await.is_empty());
    let before = test.db().statements().snapshot();
    found(test.db(), &only(&["mail"])).await;
    assert_eq!(test.db().statements().since(&before).statements, 2);
}

#[tokio::test]
async fn a_vector_can_be_searched_for_directly() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let vector = HashingEmbedder
        .embed_one("send | Sends an e-mail message")
        .unwrap();
    let answer = tools::search(
        test.db(),
        &Broken,
        &SearchRequest {
            min_score: Some(0.9),
            ..SearchRequest::embedding(vector)
        },
    )
    .await
    .unwrap();
    assert_eq!(answer.results.len(), 1);
    assert!((answer.results[0].score - 1.0).abs() < 1e-5);
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Embedder for Broken {
    fn model_id(&self) -> &'static str {
        "broken"
    }

    async fn embed(&self, _: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        Err(EmbedderError::Status { status: 503 })
    }
}

#[tokio::test]
async fn without_an_embedder_the_letters_are_searched() {
    let test = database().await;
    files_and_mail(test.db()).await;
    let literal = |text: &str| {
        let (db, request) = (
            test.db().clone(),
            SearchRequest {
                min_score: Some(0.9),
                ..SearchRequest::query(text)
            },
        );
        async move {
            let answer = tools::search(&db, &Broken, &request).await.unwrap();
            assert_eq!(answer.mode, SearchMode::Literal);
            assert!(
                answer
                    .results
                    .iter()
                    .all(|hit| hit.score.to_bits() == 0.5_f64.to_bits())
            );
            answer
                .results
                .into_iter()
                .map(|hit| hit.tool_id.into_string())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(literal("READS").await, ["files:read", "mail:read"]);
    assert_eq!(literal("send").await, ["mail:send"]);
    assert_eq!(literal("%").await, ["files:sure"], "no wildcard");
    assert_eq!(literal("_").await, ["files:sure"]);
    assert!(literal("\\").await.is_empty());
    tools::remove(test.db(), &"mail:read".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(literal("reads").await, ["files:read"]);
    let of_mail = SearchRequest {
        server_ids: vec!["mail".to_owned()],
        ..SearchRequest::query("a")
    };
    let answer = tools::search(test.db(), &Broken, &of_mail).await.unwrap();
    assert_eq!(answer.results.len(), 1);
}

/// A point on the line between the first and the second axis, so that distances grow with `angle`.
fn at(angle: f64) -> Embedding {
    let mut components = vec![0.0; DIMENSIONS];
    #[allow(clippy::cast_possible_truncation)]
    {
        (components[0], components[1]) = (angle.cos() as f32, angle.sin() as f32);
    }
    Embedding::new(components).unwrap()
}

/// Tools `t0`, `t1`, … of server `near` closest to the axis, and those of `far` behind all of them.
async fn two_groups(db: &Db, near: usize, far: usize) {
    let sql = "WITH points AS (SELECT n, CASE WHEN n < $1 THEN 'near' ELSE 'far' END AS server, \
                   0.2 * n / ($1 + $2) + CASE WHEN n < $1 THEN 0 ELSE 0.3 END AS angle FROM generate_series(0, $1 + $2 - 1) AS n), \
               made AS (INSERT INTO tool_schema (tool_id, server_id, name, input_schema) SELECT server || ':t' || n, server, 't' || n, '{}' FROM points RETURNING 1) \
               INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, model) \
               SELECT server || ':t' || n, server, 't' || n, (array[cos(angle), sin(angle)]::real[] || array_fill(0::real, array[1022]))::vector, 'pml-hashing-v1' \
               FROM points";
    // Beside an index the rows would trickle in; it is built afterwards, as a first sync does.
    let index = "SELECT pg_get_indexdef('idx_tool_embedding_hnsw'::regclass)";
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, index))
        .await
        .unwrap()
        .unwrap();
    let index: String = row.try_get_by_index(0).unwrap();
    db.execute_unprepared("DROP INDEX idx_tool_embedding_hnsw")
        .await
        .unwrap();
    let values = [
        i64::try_from(near).unwrap().into(),
        i64::try_from(far).unwrap().into(),
    ];
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
    db.execute_unprepared(&index).await.unwrap();
    db.execute_unprepared("ANALYZE tool_schema; ANALYZE tool_embedding")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_filter_that_keeps_few_far_rows_still_fills_the_limit() {
    let test = database().await;
    two_groups(test.db(), 700, 30).await;
    let request = SearchRequest {
        target: SearchTarget::Embedding(at(0.0)),
        limit: Some(20),
        min_score: Some(0.0),
        server_ids: vec!["far".to_owned()],
    };
    let found = found(test.db(), &request).await;
    let expected: Vec<_> = (700..720).map(|number| format!("far:t{number}")).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn removed_and_unresolved_rows_in_front_never_empty_the_result() {
    let test = database().await;
    two_groups(test.db(), 700, 30).await;
    test.db().execute_unprepared("UPDATE tool_schema SET kind = 'unresolved' WHERE server_id = 'near' AND name LIKE '%1'").await.unwrap();
    test.db().execute_unprepared("UPDATE tool_schema SET removed_at = now() WHERE server_id = 'near' AND name NOT LIKE '%1'").await.unwrap();
    let request = SearchRequest {
        limit: Some(20),
        min_score: Some(0.0),
        ..SearchRequest::embedding(at(0.0))
    };
    let found = found(test.db(), &request).await;
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|id| id.starts_with("far:")));
}

#[tokio::test]
async fn every_limit_is_filled_when_so_many_exist() {
    let test = database().await;
    two_groups(test.db(), 600, 0).await;
    for limit in [1, 5, 100, 500] {
        let request = SearchRequest {
            limit: Some(limit),
            min_score: Some(0.0),
            ..SearchRequest::embedding(at(0.0))
        };
        assert_eq!(
            found(test.db(), &request).await.len(),
            usize::try_from(limit).unwrap()
        );
    }
}

/// The very statement that the service sends, explained.
#[tokio::test]
async fn the_unfiltered_search_is_served_by_the_vector_index() {
    let (test, folder) = (database().await, tempfile::tempdir().unwrap());
    let seen = Arc::new(Mutex::new(String::new()));
    let hook: pml_service::StatementHook = {
        let seen = seen.clone();
        Arc::new(move |statement| statement.sql.clone_into(&mut seen.lock().unwrap()))
    };
    let settings = Settings {
        database_url: (!test.is_embedded()).then(|| test.url().into()),
        data_dir: folder.path().to_owned(),
        ..Settings::default()
    };
    let db = Db::connect_with(&settings, Some(hook)).await.unwrap();
    db.migrate(None).await.unwrap();
    // Below some 4,000 rows a scan is cheaper than the index, and the planner knows it.
    two_groups(&db, 6_000, 0).await;
    let request = SearchRequest {
        limit: Some(10),
        min_score: Some(0.0),
        ..SearchRequest::embedding(at(0.0))
    };
    assert_eq!(found(&db, &request).await.len(), 10);
    let sql = format!("EXPLAIN (ANALYZE, TIMING OFF) {}", seen.lock().unwrap());
    let plan = db
        .query_all_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            [at(0.0).into(), 10_i64.into()],
        ))
        .await
        .unwrap();
    let plan: Vec<String> = plan
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    let index = plan
        .iter()
        .any(|line| line.contains("Index Scan using idx_tool_embedding_hnsw"));
    // `e` is the count of what matches, which ends after ten rows.
    let scan = plan
        .iter()
        .any(|line| line.contains("Seq Scan on tool_embedding  "));
    assert!(index && !scan, "{plan:#?}");
    db.close().await.unwrap();
}

//! Syncing a server's tools: what is written, what is left alone, what is reported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use pml_entity::values::{Embedding, ToolId, ToolKind};
use pml_service::embedding::{Embedder, EmbedderError, HashingEmbedder};
use pml_service::tools::{
    self, ListFilter, Operation, SearchRequest, SyncOptions, SyncReport, SyncStage, ToolDefinition,
};
use pml_service::{Db, Error, PageRequest};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::json;

fn tool(name: &str, description: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        output_schema: None,
    }
}

async fn sync(db: &Db, server: &str, offered: Vec<ToolDefinition>) -> SyncReport {
    tools::sync_server(
        db,
        &HashingEmbedder,
        server,
        offered,
        SyncOptions::default(),
    )
    .await
    .unwrap()
}

fn counts(report: &SyncReport) -> (u64, u64, u64, u64, u64) {
    (
        report.inserted,
        report.updated,
        report.unchanged,
        report.removed,
        report.embedded,
    )
}

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Where every row version of the area stands: changes with any write, also one that changes nothing.
async fn row_versions(db: &Db) -> String {
    let sql = "SELECT string_agg(id || ' ' || x::text || ' ' || c::text, ',' ORDER BY id) FROM ( \
               SELECT 's:' || tool_id AS id, xmin AS x, ctid AS c FROM tool_schema \
               UNION ALL SELECT 'e:' || tool_id, xmin, ctid FROM tool_embedding) AS rows";
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index::<Option<String>>(0)
        .unwrap()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_first_sync_stores_and_embeds_everything() {
    let test = database().await;
    let report = sync(
        test.db(),
        "files",
        vec![tool("read", "Reads a file"), tool("write", "Writes a file")],
    )
    .await;
    assert_eq!(counts(&report), (2, 0, 0, 0, 2));
    let stored = tools::get(test.db(), &ToolId::new("files:read").unwrap())
        .await
        .unwrap();
    assert_eq!(stored.description.as_deref(), Some("Reads a file"));
    assert_eq!(stored.kind, ToolKind::Mcp);
    assert_eq!(stored.content_hash.unwrap().as_str().len(), 64);
    assert_eq!(
        number(
            test.db(),
            "SELECT count(*) FROM tool_embedding WHERE model = 'pml-hashing-v1'"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn a_sync_without_changes_writes_no_row() {
    let test = database().await;
    let offered = vec![tool("read", "Reads a file"), tool("write", "Writes a file")];
    sync(test.db(), "files", offered.clone()).await;
    let before = row_versions(test.db()).await;
    let statements = test.db().statements().snapshot();
    let report = sync(test.db(), "files", offered).await;
    assert_eq!(counts(&report), (0, 0, 2, 0, 0));
    assert_eq!(
        test.db().statements().since(&statements).statements,
        2,
        "it reads what is stored and the model, and that is all"
    );
    assert_eq!(row_versions(test.db()).await, before);
}

#[tokio::test]
async fn only_what_changed_is_written_and_only_changed_texts_are_embedded() {
    let test = database().await;
    sync(
        test.db(),
        "files",
        vec![
            tool("read", "Reads"),
            tool("write", "Writes"),
            tool("list", "Lists"),
        ],
    )
    .await;
    let other_schema = ToolDefinition {
        input_schema: json!({"type": "object"}),
        ..tool("write", "Writes")
    };
    let report = sync(
        test.db(),
        "files",
        vec![
            tool("read", "Reads"),
            other_schema,
            tool("list", "Lists a folder"),
        ],
    )
    .await;
    assert_eq!(counts(&report), (0, 2, 1, 0, 1));
    let stored = tools::get(test.db(), &ToolId::new("files:write").unwrap())
        .await
        .unwrap();
    assert_eq!(stored.input_schema.into_value(), json!({"type": "object"}));
    assert!(stored.updated_at > stored.cached_at - chrono::Duration::seconds(1));
}

#[tokio::test]
async fn a_tool_that_is_no_longer_offered_is_kept_but_not_found_and_can_come_back() {
    let test = database().await;
    sync(
        test.db(),
        "files",
        vec![tool("read", "Reads a file"), tool("write", "Writes a file")],
    )
    .await;
    sync(test.db(), "mail", vec![tool("send", "Sends a mail")]).await;

    let report = sync(test.db(), "files", vec![tool("read", "Reads a file")]).await;
    assert_eq!(counts(&report), (0, 0, 1, 1, 0));
    let id = ToolId::new("files:write").unwrap();
    assert!(
        tools::get(test.db(), &id)
            .await
            .unwrap()
            .removed_at
            .is_some()
    );
    let found = tools::search(
        test.db(),
        &HashingEmbedder,
        &SearchRequest::query("writes a file"),
    )
    .await
    .unwrap();
    assert!(found.results.iter().all(|hit| hit.tool_id != id));
    assert_eq!(
        number(
            test.db(),
            "SELECT count(*) FROM tool_schema WHERE removed_at IS NULL"
        )
        .await,
        2,
        "the other server is not touched"
    );

    let again = sync(test.db(), "files", vec![tool("read", "Reads a file")]).await;
    assert_eq!(counts(&again), (0, 0, 1, 0, 0));
    let back = sync(
        test.db(),
        "files",
        vec![tool("read", "Reads a file"), tool("write", "Writes a file")],
    )
    .await;
    assert_eq!(counts(&back), (0, 1, 1, 0, 1));
    assert!(
        tools::get(test.db(), &id)
            .await
            .unwrap()
            .removed_at
            .is_none()
    );

    let empty = sync(test.db(), "files", vec![]).await;
    assert_eq!(empty.removed, 2);
}

#[tokio::test]
async fn a_bad_tool_is_reported_and_the_others_are_stored() {
    let test = database().await;
    sync(test.db(), "files", vec![tool("list", "Lists")]).await;
    let report = sync(
        test.db(),
        "files",
        vec![
            tool("read", "Reads"),
            tool("a:b", "colon"),
            tool(&"x".repeat(300), "long"),
            ToolDefinition {
                input_schema: json!("text"),
                ..tool("list", "Lists")
            },
            ToolDefinition {
                output_schema: Some(json!([])),
                ..tool("find", "Finds")
            },
            tool("nul", "a\0b"),
            tool("read", "again"),
        ],
    )
    .await;
    assert_eq!(
        (report.inserted, report.removed),
        (1, 0),
        "what was stored under a name that is now bad stays"
    );
    let codes: Vec<_> = report
        .rejected
        .iter()
        .map(|tool| tool.reason.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        codes,
        [
            "invalid_tool_name",
            "invalid_tool_name",
            "invalid_schema",
            "invalid_schema",
            "invalid_description",
            "duplicate"
        ]
    );
    let error = tools::sync_server(
        test.db(),
        &HashingEmbedder,
        "a:b",
        vec![],
        SyncOptions::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "invalid_server_id");
}

/// Vectors of a model of the given name, and a count of the texts.
#[derive(Debug)]
struct Named(&'static str, AtomicUsize);

impl Named {
    fn new(name: &'static str) -> Self {
        Self(name, AtomicUsize::new(0))
    }
}

#[async_trait]
impl Embedder for Named {
    fn model_id(&self) -> &str {
        self.0
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        self.1.fetch_add(texts.len(), Ordering::Relaxed);
        HashingEmbedder.embed(texts).await
    }
}

#[tokio::test]
async fn vectors_of_two_models_never_stand_side_by_side() {
    let test = database().await;
    sync(test.db(), "files", vec![tool("read", "Reads a file")]).await;
    tools::register_operations(
        test.db(),
        &HashingEmbedder,
        "code",
        vec![Operation {
            name: "filter".to_owned(),
            description: "Keeps some".to_owned(),
            input_schema: json!({}),
        }],
        SyncOptions::default(),
    )
    .await
    .unwrap();

    let other = Named::new("other");
    let offered = vec![tool("send", "Sends a mail")];
    let error = tools::sync_server(
        test.db(),
        &other,
        "mail",
        offered.clone(),
        SyncOptions::default(),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&error, Error::MixedModels { stored, requested } if stored == "pml-hashing-v1" && requested == "other"),
        "{error:?}"
    );
    assert_eq!(
        other.1.load(Ordering::Relaxed),
        0,
        "nothing is embedded in vain"
    );
    let error = tools::search(test.db(), &other, &SearchRequest::query("read a file"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "mixed_embedding_models");
    assert_eq!(
        number(
            test.db(),
            "SELECT count(*) FROM tool_schema WHERE server_id = 'mail'"
        )
        .await,
        0
    );

    let options = SyncOptions {
        reembed: true,
        ..SyncOptions::default()
    };
    let report = tools::sync_server(test.db(), &other, "mail", offered, options)
        .await
        .unwrap();
    assert_eq!(
        counts(&report),
        (1, 0, 0, 0, 3),
        "the vectors of the other servers are replaced with it"
    );
    assert_eq!(
        number(
            test.db(),
            "SELECT count(*) FROM tool_embedding WHERE model = 'other'"
        )
        .await,
        3
    );
    let found = tools::search(
        test.db(),
        &other,
        &SearchRequest {
            min_score: Some(0.0),
            ..SearchRequest::query("read a file")
        },
    )
    .await
    .unwrap();
    assert_eq!(found.results.len(), 3);
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Embedder for Broken {
    fn model_id(&self) -> &'static str {
        "broken"
    }

    async fn embed(&self, _: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        Err(EmbedderError::Status { status: 500 })
    }
}

#[tokio::test]
async fn a_broken_embedder_changes_nothing() {
    let test = database().await;
    let error = tools::sync_server(
        test.db(),
        &Broken,
        "files",
        vec![tool("read", "Reads")],
        SyncOptions::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "embedder_failed");
    assert_eq!(
        number(test.db(), "SELECT count(*) FROM tool_schema").await,
        0
    );
}

#[tokio::test]
async fn a_sync_inside_a_transaction_goes_with_it() {
    let test = database().await;
    let tx = test.db().begin().await.unwrap();
    tools::sync_server(
        &tx,
        &HashingEmbedder,
        "files",
        vec![tool("read", "Reads")],
        SyncOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(number(&tx, "SELECT count(*) FROM tool_embedding").await, 1);
    tx.rollback().await.unwrap();
    assert_eq!(
        number(test.db(), "SELECT count(*) FROM tool_schema").await,
        0
    );
}

#[tokio::test]
async fn concurrent_syncs_of_one_server_end_in_one_of_its_lists() {
    let test = pml_testkit::TestDatabase::with_pool(8).await;
    let lists: Vec<Vec<ToolDefinition>> = (0..8)
        .map(|list| {
            (0..20)
                .map(|number| tool(&format!("tool_{number}"), &format!("list {list}")))
                .collect()
        })
        .collect();
    let runs = lists.into_iter().map(|list| {
        let db = test.db().clone();
        tokio::spawn(async move {
            let sync = || {
                tools::sync_server(
                    &db,
                    &HashingEmbedder,
                    "files",
                    list.clone(),
                    SyncOptions::default(),
                )
            };
            pml_service::retry(5, sync).await
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap().unwrap();
    }
    assert_eq!(
        number(test.db(), "SELECT count(*) FROM tool_schema").await,
        20
    );
    assert_eq!(
        number(test.db(), "SELECT count(*) FROM tool_embedding").await,
        20
    );
    assert_eq!(
        number(
            test.db(),
            "SELECT count(DISTINCT description) FROM tool_schema"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn a_first_load_builds_the_index_afterwards_exactly_as_it_was() {
    let test = database().await;
    let index = "SELECT pg_get_indexdef('idx_tool_embedding_hnsw'::regclass)::text";
    let definition = |db: Db| async move {
        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, index))
            .await
            .unwrap()
            .unwrap();
        row.try_get_by_index::<String>(0).unwrap()
    };
    let before = definition(test.db().clone()).await;
    let stages = std::sync::Arc::new(Mutex::new(Vec::new()));
    let seen = stages.clone();
    let options = SyncOptions {
        on_progress: Some(std::sync::Arc::new(move |progress| {
            seen.lock().unwrap().push(*progress);
        })),
        ..SyncOptions::default()
    };
    let offered: Vec<_> = (0..1_200)
        .map(|number| {
            tool(
                &format!("tool_{number}"),
                &format!("Does thing number {number}"),
            )
        })
        .collect();
    let report = tools::sync_server(
        test.db(),
        &HashingEmbedder,
        "many",
        offered.clone(),
        options,
    )
    .await
    .unwrap();
    assert_eq!(counts(&report), (1_200, 0, 0, 0, 1_200));
    assert_eq!(definition(test.db().clone()).await, before);
    let valid = "SELECT count(*) FROM pg_index WHERE indexrelid = 'idx_tool_embedding_hnsw'::regclass AND indisvalid";
    assert_eq!(number(test.db(), valid).await, 1);
    let stages = stages.lock().unwrap().clone();
    assert_eq!(
        stages
            .iter()
            .map(|progress| progress.stage)
            .collect::<std::collections::HashSet<_>>()
            .len(),
        3
    );
    let last = stages
        .iter()
        .rfind(|progress| progress.stage == SyncStage::Storing)
        .unwrap();
    assert_eq!((last.done, last.total), (1_200, 1_200));

    let report = sync(test.db(), "many", offered).await;
    assert_eq!(counts(&report), (0, 0, 1_200, 0, 0));
}

#[tokio::test]
async fn operations_are_found_and_no_server_can_take_their_names() {
    let test = database().await;
    let operations = vec![Operation {
        name: "filter".to_owned(),
        description: "Keeps the matching items of a list".to_owned(),
        input_schema: json!({}),
    }];
    let register = || {
        tools::register_operations(
            test.db(),
            &HashingEmbedder,
            "code",
            operations.clone(),
            SyncOptions::default(),
        )
    };
    assert_eq!(counts(&register().await.unwrap()), (1, 0, 0, 0, 1));
    assert_eq!(counts(&register().await.unwrap()), (0, 0, 1, 0, 0));
    let found = tools::search(
        test.db(),
        &HashingEmbedder,
        &SearchRequest::query("matching items"),
    )
    .await
    .unwrap();
    assert_eq!(found.results[0].tool_id.as_str(), "code:filter");

    let report = sync(
        test.db(),
        "code",
        vec![tool("filter", "Mine"), tool("other", "Other")],
    )
    .await;
    assert_eq!(counts(&report), (1, 0, 0, 0, 1));
    assert!(report.rejected[0].reason.starts_with("reserved:"));
    let report = sync(test.db(), "code", vec![]).await;
    assert_eq!(
        report.removed, 1,
        "operations are not the server's to remove"
    );
}

#[tokio::test]
async fn an_unresolved_tool_is_a_row_until_its_server_brings_it() {
    let test = database().await;
    let id = ToolId::new("files:read").unwrap();
    let ids = [id.clone(), ToolId::new("mail:send").unwrap(), id.clone()];
    assert_eq!(tools::ensure_unresolved(test.db(), &ids).await.unwrap(), 2);
    assert_eq!(tools::ensure_unresolved(test.db(), &ids).await.unwrap(), 0);
    assert_eq!(tools::ensure_unresolved(test.db(), &[]).await.unwrap(), 0);
    let everything = SearchRequest {
        min_score: Some(0.0),
        ..SearchRequest::query("read")
    };
    assert!(
        tools::search(test.db(), &HashingEmbedder, &everything)
            .await
            .unwrap()
            .results
            .is_empty()
    );

    let report = sync(test.db(), "files", vec![tool("read", "Reads a file")]).await;
    assert_eq!(counts(&report), (0, 1, 0, 0, 1));
    assert_eq!(
        tools::get(test.db(), &id).await.unwrap().kind,
        ToolKind::Mcp
    );
    assert_eq!(
        tools::ensure_unresolved(test.db(), &[id]).await.unwrap(),
        0,
        "a known tool is not touched"
    );
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_and_refuses_foreign_cursors() {
    let test = database().await;
    sync(
        test.db(),
        "b",
        (0..5)
            .map(|number| tool(&format!("t{number}"), "x"))
            .collect(),
    )
    .await;
    sync(
        test.db(),
        "a",
        (0..2)
            .map(|number| tool(&format!("t{number}"), "x"))
            .collect(),
    )
    .await;
    let mut page = PageRequest {
        limit: pml_service::Limit::new(Some(3)).unwrap(),
        cursor: None,
    };
    let mut seen = Vec::new();
    loop {
        let answer = tools::list(test.db(), &ListFilter::default(), page.clone())
            .await
            .unwrap();
        seen.extend(
            answer
                .items
                .into_iter()
                .map(|tool| tool.tool_id.into_string()),
        );
        match answer.next_cursor {
            Some(cursor) => page.cursor = Some(cursor.into()),
            None => break,
        }
    }
    assert_eq!(
        seen,
        ["a:t0", "a:t1", "b:t0", "b:t1", "b:t2", "b:t3", "b:t4"]
    );

    let of_a = ListFilter {
        server_ids: vec!["a".to_owned()],
        ..ListFilter::default()
    };
    assert_eq!(
        tools::list(test.db(), &of_a, PageRequest::default())
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    let unresolved = ListFilter {
        kind: Some(ToolKind::Unresolved),
        ..ListFilter::default()
    };
    assert!(
        tools::list(test.db(), &unresolved, PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let forged = PageRequest {
        cursor: Some("AAAA".into()),
        ..PageRequest::default()
    };
    assert_eq!(
        tools::list(test.db(), &ListFilter::default(), forged)
            .await
            .unwrap_err()
            .code(),
        "invalid_cursor"
    );
}

#[tokio::test]
async fn removing_a_tool_twice_changes_nothing_the_second_time() {
    let test = database().await;
    sync(test.db(), "files", vec![tool("read", "Reads a file")]).await;
    let id = ToolId::new("files:read").unwrap();
    assert!(tools::remove(test.db(), &id).await.unwrap());
    assert!(!tools::remove(test.db(), &id).await.unwrap());
    assert_eq!(
        tools::remove(test.db(), &ToolId::from_stored("no such"))
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
    assert_eq!(
        tools::list(test.db(), &ListFilter::default(), PageRequest::default())
            .await
            .unwrap()
            .items
            .len(),
        0
    );
    let all = ListFilter {
        include_removed: true,
        ..ListFilter::default()
    };
    assert_eq!(
        tools::list(test.db(), &all, PageRequest::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

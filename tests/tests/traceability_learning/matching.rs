//! Finding patterns.

use std::collections::HashSet;

use pml_entity::values::{SuccessPatternId, TraceabilityEmbedding};
use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{
    Decision, ExtractionOptions, MatchRequest, TopPatterns, advise, extract_all, find_matches,
};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement, Value};

use crate::data::{Other, Silent, axis, one, pattern, run, trace};

/// A pattern with this vector and these figures.
async fn with_vector<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    vector: &TraceabilityEmbedding,
    uses: i32,
    successes: i32,
) -> SuccessPatternId {
    let id = pattern(db, hash).await;
    run(
        db,
        "UPDATE success_patterns SET prompt_embedding = $2, total_usage_count = $3, success_count = $4, keywords = '{fix,login}', \
         intent_classification = 'debugging', agent_sequence = '{agent-a}', context = '{\"domain\": \"auth\"}' WHERE pattern_id = $1",
        [id.into(), vector.clone().into(), uses.into(), successes.into()],
    )
    .await;
    id
}

fn request(vector: TraceabilityEmbedding) -> MatchRequest {
    MatchRequest {
        embedding: Some(vector),
        context: Some(serde_json::json!({"domain": "auth"})),
        ..MatchRequest::new("fix the login")
    }
}

#[tokio::test]
async fn what_was_learned_is_found_for_a_similar_request_and_replayed() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login timeout in the session store")
        .insert(db)
        .await;
    trace("Write a tutorial about gardening").insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    let request = MatchRequest {
        context: Some(serde_json::json!({"domain": "auth"})),
        ..MatchRequest::new("Fix the login timeout in the session store please")
    };
    let advice = advise(
        db,
        &HashingPromptEmbedder,
        &TopPatterns::default(),
        &request,
    )
    .await
    .unwrap();
    assert_eq!(advice.decision, Decision::Replay, "{advice:?}");
    let plan = advice.plan.unwrap();
    assert_eq!(plan.agent.as_deref(), Some("agent-debug"));
    assert_eq!(plan.intelligence_plan.intelligence_functions, ["IC-001"]);
    assert_eq!(
        (plan.hook_plan.len(), plan.endpoint_expectations.len()),
        (1, 1)
    );
    assert_eq!(plan.performance_expectations.expected_duration_ms, 1_000);
    assert_eq!(advice.matches.len(), 1);
}

#[tokio::test]
async fn the_five_parts_come_from_the_stored_pattern() {
    let database = database().await;
    let db = database.db();
    let id = with_vector(db, "a", &axis(0, 0.0), 10, 9).await;
    let found = find_matches(db, &HashingPromptEmbedder, &request(axis(0, 0.5)))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let score = found[0].score;
    assert_eq!(found[0].pattern_id, id);
    let expected = 1.0 / 1.25_f64.sqrt();
    assert!((score.semantic - expected).abs() < 1e-6, "{score:?}");
    assert!(
        (score.keyword - 1.0).abs() < 1e-9
            && (score.intent - 1.0).abs() < 1e-9
            && (score.context - 1.0).abs() < 1e-9
    );
    assert!((score.historical - 0.9).abs() < 1e-9);
    assert!((score.total - (0.4 * expected + 0.2 + 0.2 + 0.1 + 0.09)).abs() < 1e-6);
}

#[tokio::test]
async fn a_pattern_of_low_confidence_is_suggested_at_most() {
    let database = database().await;
    let db = database.db();
    with_vector(db, "a", &axis(0, 0.0), 10, 6).await;
    let advice = advise(
        db,
        &HashingPromptEmbedder,
        &TopPatterns::default(),
        &request(axis(0, 0.0)),
    )
    .await
    .unwrap();
    assert_eq!(advice.decision, Decision::Suggest);
    assert!(advice.matches[0].is_low_confidence() && advice.plan.is_none());
}

#[tokio::test]
async fn vectors_of_two_models_are_never_compared() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    let error = find_matches(db, &Other, &MatchRequest::new("Fix the login"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "mixed_embedding_models");
}

#[tokio::test]
async fn an_embedder_that_does_not_answer_means_normal_routing() {
    let database = database().await;
    let db = database.db();
    let advice = advise(
        db,
        &Silent,
        &TopPatterns::default(),
        &MatchRequest::new("Fix the login"),
    )
    .await
    .unwrap();
    assert_eq!(
        (advice.decision, advice.matches.len()),
        (Decision::Normal, 0)
    );
    let error = find_matches(db, &Silent, &MatchRequest::new("Fix the login"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "embedder_failed");
}

#[tokio::test]
async fn bad_requests_are_refused_and_blank_ones_find_nothing() {
    let database = database().await;
    let db = database.db();
    let found = find_matches(db, &HashingPromptEmbedder, &MatchRequest::new("  "))
        .await
        .unwrap();
    assert_eq!(found, []);
    let code = async |request: MatchRequest| {
        find_matches(db, &HashingPromptEmbedder, &request)
            .await
            .unwrap_err()
            .code()
    };
    let blank = || MatchRequest::new("x");
    assert_eq!(
        code(MatchRequest {
            max_results: Some(0),
            ..blank()
        })
        .await,
        "invalid_limit"
    );
    assert_eq!(
        code(MatchRequest {
            max_results: Some(101),
            ..blank()
        })
        .await,
        "invalid_limit"
    );
    assert_eq!(
        code(MatchRequest {
            min_confidence: Some(1.5),
            ..blank()
        })
        .await,
        "invalid_field"
    );
    assert_eq!(code(MatchRequest::new("a\0b")).await, "invalid_query");
}

const PATTERNS: i32 = 5_000;

/// Vectors spread over the space; most of them are some way from each other. The vector indexes are built afterwards, as they are defined:
/// a first load into them would take minutes.
async fn many<C: ConnectionTrait>(db: &C) {
    const VECTOR_INDEXES: &str = "FROM pg_indexes WHERE tablename = 'success_patterns' AND indexdef ~ 'USING (hnsw|ivfflat)'";
    let drop: String = one(
        db,
        &format!("SELECT string_agg('DROP INDEX ' || indexname, ';') {VECTOR_INDEXES}"),
        [],
    )
    .await;
    let create: String = one(
        db,
        &format!("SELECT string_agg(indexdef, ';') {VECTOR_INDEXES}"),
        [],
    )
    .await;
    db.execute_unprepared(&format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'; {drop}; \
         INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, prompt_embedding, keywords, intent_classification, avg_duration_ms, \
             min_duration_ms, max_duration_ms, success_score) \
         SELECT md5(i::text), gen_random_uuid(), 'Fix the login ' || i, v.embedding, '{{fix,login}}', 'debugging', 1, 1, 1, 1 \
         FROM generate_series(1, {PATTERNS}) i CROSS JOIN LATERAL ( \
             SELECT array_agg(sin(i * 0.37 * (j % 24 + 1)) + 0.2 * cos(i * 7.1 + j))::vector AS embedding FROM generate_series(1, 1536) j) v; \
         {create}; COMMIT"
    ))
    .await
    .unwrap();
    run(db, "ANALYZE success_patterns", []).await;
}

/// The plan of what the service sends for three matches; that it does, the counts of index scans show.
async fn sent(database: &pml_testkit::TestDatabase, vector: &TraceabilityEmbedding) -> String {
    let sql = "EXPLAIN WITH near AS MATERIALIZED ( \
         SELECT pattern_id, prompt_embedding <=> $1 AS distance FROM success_patterns WHERE prompt_embedding IS NOT NULL \
         ORDER BY l2_normalize(prompt_embedding)::vector(1536) <#> l2_normalize($1) LIMIT 8) SELECT * FROM near ORDER BY distance LIMIT 6";
    let values: [Value; 1] = [vector.clone().into()];
    let rows = database
        .conn()
        .query_all_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            values,
        ))
        .await
        .unwrap();
    rows.iter()
        .map(|row: &QueryResult| row.try_get_by_index::<String>(0).unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[derive(FromQueryResult)]
struct Scans {
    hnsw: i64,
    ivfflat: i64,
}

async fn scans<C: ConnectionTrait>(db: &C) -> Scans {
    let sql = "SELECT coalesce(sum(idx_scan) FILTER (WHERE indexrelname = 'success_patterns_prompt_hnsw_idx'), 0)::bigint AS hnsw, \
        coalesce(sum(idx_scan) FILTER (WHERE indexrelname = 'idx_pattern_embedding'), 0)::bigint AS ivfflat FROM pg_stat_user_indexes";
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    Scans::from_query_result(&row, "").unwrap()
}

#[tokio::test]
async fn the_index_serves_and_never_gives_fewer_than_there_are() {
    let database = database().await;
    if database.is_embedded() {
        return;
    }
    let db = database.db();
    many(db).await;
    let vector: TraceabilityEmbedding = one(
        db,
        "SELECT prompt_embedding FROM success_patterns WHERE prompt_text = 'Fix the login 77'",
        [],
    )
    .await;
    let plan = sent(&database, &vector).await;
    assert!(plan.contains("success_patterns_prompt_hnsw_idx"), "{plan}");
    assert!(!plan.contains("idx_pattern_embedding"), "{plan}");

    let loose = |max_results| MatchRequest {
        embedding: Some(vector.clone()),
        min_confidence: Some(0.0),
        max_results: Some(max_results),
        ..MatchRequest::new("fix the login")
    };
    let before = db.statements().snapshot();
    for max_results in [1, 3, 5, 20, 100] {
        let found = find_matches(db, &HashingPromptEmbedder, &loose(max_results))
            .await
            .unwrap();
        assert_eq!(found.len(), usize::try_from(max_results).unwrap());
        assert!((found[0].score.semantic - 1.0).abs() < 1e-6);
    }
    assert_eq!(
        db.statements().since(&before).statements,
        5,
        "one statement each: the index gave enough"
    );

    let before = scans(db).await;
    for _ in 0..30 {
        find_matches(db, &HashingPromptEmbedder, &request(vector.clone()))
            .await
            .unwrap();
        run(db, "SELECT pg_stat_force_next_flush()", []).await;
        if scans(db).await.hnsw > before.hnsw {
            break;
        }
    }
    let after = scans(db).await;
    assert!(
        after.hnsw > before.hnsw,
        "the service sends what was explained"
    );
    assert_eq!(after.ivfflat, before.ivfflat);

    // Nearly all of them go. What is left is found, although the index walks over what is not there any more.
    run(
        db,
        "DELETE FROM success_patterns WHERE prompt_text !~ ' (77|1..)$'",
        [],
    )
    .await;
    let left: i64 = one(db, "SELECT count(*) FROM success_patterns", []).await;
    let found = find_matches(db, &HashingPromptEmbedder, &loose(100))
        .await
        .unwrap();
    let ids: HashSet<_> = found.iter().map(|it| it.pattern_id).collect();
    assert_eq!(ids.len(), usize::try_from(left.min(100)).unwrap());
}

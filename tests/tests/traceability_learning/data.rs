//! Executions and patterns as other writers leave them: plain SQL.

use async_trait::async_trait;
use pml_entity::values::{CorrelationId, SuccessPatternId, TraceabilityEmbedding};
use pml_service::embedding::{Embedder, EmbedderError, PROMPT_DIMENSIONS};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use serde_json::{Value as Json, json};

pub async fn run<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> u64 {
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap()
    .rows_affected()
}

/// The first column of the first row.
pub async fn one<C: ConnectionTrait, T: sea_orm::TryGetable>(
    db: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> T {
    db.query_one_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap()
    .expect("a row")
    .try_get_by_index(0)
    .unwrap()
}

pub async fn count<C: ConnectionTrait>(db: &C, from: &str) -> i64 {
    one(db, &format!("SELECT count(*) FROM {from}"), []).await
}

/// An execution with one decision, one hook and one call; everything that a test wants otherwise it changes.
#[derive(Clone, Debug)]
pub struct Trace {
    pub id: CorrelationId,
    pub parent: Option<CorrelationId>,
    pub prompt: Option<String>,
    pub success: Option<bool>,
    pub error: Option<(&'static str, String)>,
    pub duration_ms: i32,
    pub agent: String,
    pub strategy: &'static str,
    pub hook_error: Option<&'static str>,
    pub started_ms: i32,
    pub user: Option<&'static str>,
    pub context: Json,
    pub completed: bool,
}

pub fn trace(prompt: &str) -> Trace {
    Trace {
        id: CorrelationId::generate(),
        parent: None,
        prompt: Some(prompt.to_owned()),
        success: Some(true),
        error: None,
        duration_ms: 1_000,
        agent: "agent-debug".to_owned(),
        strategy: "fuzzy_match",
        hook_error: None,
        started_ms: 0,
        user: None,
        context: json!({"domain": "auth"}),
        completed: true,
    }
}

impl Trace {
    pub fn failed(mut self, error_type: &'static str, message: impl Into<String>) -> Self {
        self.success = Some(false);
        self.error = Some((error_type, message.into()));
        self
    }

    pub fn took(mut self, duration_ms: i32) -> Self {
        self.duration_ms = duration_ms;
        self
    }

    pub fn running(mut self) -> Self {
        self.completed = false;
        self.success = None;
        self
    }

    pub fn below(mut self, parent: CorrelationId, agent: &str, started_ms: i32) -> Self {
        self.parent = Some(parent);
        self.prompt = None;
        agent.clone_into(&mut self.agent);
        self.started_ms = started_ms;
        self
    }

    pub async fn insert<C: ConnectionTrait>(&self, db: &C) -> CorrelationId {
        let sql = "
            WITH t AS (
                INSERT INTO execution_traces (correlation_id, root_id, parent_id, session_id, user_id, source, prompt_text, started_at, completed_at,
                    duration_ms, status, success, error_message, error_type, context)
                VALUES ($1, coalesce($2, $1), $2, gen_random_uuid(), $3, 'user_prompt', $4, '2026-11-27 10:00+00'::timestamptz + make_interval(secs => $5 / 1000.0),
                    CASE WHEN $6 THEN '2026-11-27 10:00+00'::timestamptz + make_interval(secs => ($5 + $7) / 1000.0) END,
                    CASE WHEN $6 THEN $7 END, CASE WHEN NOT $6 THEN 'in_progress' WHEN $8 THEN 'completed' ELSE 'failed' END, $8, $9, $10, $11)
                RETURNING id
            ), d AS (
                INSERT INTO agent_routing_decisions (trace_id, agent_selected, confidence_score, routing_strategy)
                SELECT id, $12, 0.9, $13 FROM t
            ), h AS (
                INSERT INTO hook_executions (trace_id, hook_type, hook_name, execution_order, tool_name, status, duration_ms, error_message, error_type,
                    rag_query_performed, intelligence_functions_executed, quality_gates_validated)
                SELECT id, 'PreToolUse', 'quality-enforcer', 1, 'Write', CASE WHEN $14::text IS NULL THEN 'completed' ELSE 'failed' END, 20, $14, NULL,
                    true, ARRAY['IC-001'], ARRAY['SV-001'] FROM t
            )
            INSERT INTO endpoint_calls (trace_id, service_name, endpoint_path, http_method, request_body, response_body, response_status, duration_ms, success)
            SELECT id, 'archon-mcp', '/api/rag/query', 'POST', '{\"query\": \"SECRET\", \"top\": 5}', '{\"answer\": \"SECRET\"}', 200, 30, true FROM t";
        let values: Vec<Value> = vec![
            self.id.into(),
            self.parent.into(),
            self.user.map(str::to_owned).into(),
            self.prompt.clone().into(),
            self.started_ms.into(),
            self.completed.into(),
            self.duration_ms.into(),
            self.success.into(),
            self.error.as_ref().map(|it| it.1.clone()).into(),
            self.error.as_ref().map(|it| it.0.to_owned()).into(),
            self.context.clone().into(),
            self.agent.clone().into(),
            self.strategy.into(),
            self.hook_error.map(str::to_owned).into(),
        ];
        run(db, sql, values).await;
        self.id
    }
}

#[derive(Clone, Debug, FromQueryResult)]
pub struct Pattern {
    pub source_correlation_id: CorrelationId,
    pub prompt_text: String,
    pub intent_classification: Option<String>,
    pub agent_sequence: Vec<String>,
    pub hook_sequence: Json,
    #[allow(clippy::struct_field_names, reason = "named like the column")]
    pub endpoint_pattern: Json,
    pub avg_duration_ms: i32,
    pub min_duration_ms: i32,
    pub max_duration_ms: i32,
    pub success_score: String,
    pub total_usage_count: i32,
    pub embedded: bool,
    pub context: Option<Json>,
}

pub async fn patterns<C: ConnectionTrait>(db: &C) -> Vec<Pattern> {
    let sql = "SELECT source_correlation_id, prompt_text, intent_classification, agent_sequence, hook_sequence, endpoint_pattern, \
        avg_duration_ms, min_duration_ms, max_duration_ms, success_score::text, total_usage_count, prompt_embedding IS NOT NULL AS embedded, context \
        FROM success_patterns ORDER BY prompt_text, pattern_id";
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap();
    rows.iter()
        .map(|row| Pattern::from_query_result(row, "").unwrap())
        .collect()
}

/// A pattern with these figures and without steps.
pub async fn pattern<C: ConnectionTrait>(db: &C, hash: &str) -> SuccessPatternId {
    one(
        db,
        "INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score) \
         VALUES ($1, gen_random_uuid(), 'a prompt', 1000, 900, 1100, 0.95) RETURNING pattern_id",
        [hash.into()],
    )
    .await
}

/// A unit vector along one axis, leant a little towards another.
pub fn axis(number: usize, lean: f32) -> TraceabilityEmbedding {
    let mut components = vec![0.0; PROMPT_DIMENSIONS];
    components[number % PROMPT_DIMENSIONS] = 1.0;
    components[(number + 1) % PROMPT_DIMENSIONS] = lean;
    TraceabilityEmbedding::new(components).unwrap()
}

/// An embedder that does not answer.
#[derive(Debug)]
pub struct Silent;

#[async_trait]
impl Embedder<PROMPT_DIMENSIONS> for Silent {
    fn model_id(&self) -> &'static str {
        "pml-hashing-1536-v1"
    }

    async fn embed(&self, _: &[String]) -> Result<Vec<TraceabilityEmbedding>, EmbedderError> {
        Err(EmbedderError::Status { status: 503 })
    }
}

/// An embedder of another model.
#[derive(Debug)]
pub struct Other;

#[async_trait]
impl Embedder<PROMPT_DIMENSIONS> for Other {
    fn model_id(&self) -> &'static str {
        "other"
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<TraceabilityEmbedding>, EmbedderError> {
        Ok(texts.iter().map(|text| axis(text.len(), 0.0)).collect())
    }
}

//! What the tests start from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use pml_entity::capabilities::{capability_dependency, capability_records, workflow_pattern};
use pml_entity::values::{CapabilityId, Embedding, PatternId, UserId};
use pml_service::capabilities::{Reference, SaveRequest, Saved, save};
use pml_service::embedding::{Embedder, EmbedderError, HashingEmbedder};
use pml_service::{Db, Error, Principal};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement, Value};

/// A run of that code for that purpose, without tools.
pub fn run(code: &str, intent: &str) -> SaveRequest {
    SaveRequest::new(code, intent)
}

/// A run of that code with these tools.
pub fn run_with(code: &str, tools: &[&str]) -> SaveRequest {
    SaveRequest {
        tools_used: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        ..SaveRequest::new(code, format!("intent of {code}"))
    }
}

/// Code that calls other capabilities. `own` tells it from other code.
pub fn calling(own: &str, children: &[CapabilityId]) -> String {
    let calls: Vec<String> = children
        .iter()
        .map(|child| format!("await mcp[\"$cap:{child}\"]({{}});\n"))
        .collect();
    let calls = calls.concat();
    format!("{calls}return {own};")
}

pub async fn save_as(db: &Db, who: &Principal, request: SaveRequest) -> Result<Saved, Error> {
    save(db, &HashingEmbedder, who, request).await
}

/// Saves in local mode.
pub async fn saved(db: &Db, request: SaveRequest) -> Saved {
    save_as(db, &Principal::Local, request).await.unwrap()
}

/// Saves code that calls these capabilities, in local mode.
pub async fn saved_calling(db: &Db, own: &str, children: &[CapabilityId]) -> Saved {
    saved(db, run(&calling(own, children), own)).await
}

pub fn by_id(saved: &Saved) -> Reference {
    Reference::Id(saved.id)
}

/// A signed-in user with an account.
pub async fn user(db: &Db, name: &str, org: &str, project: &str) -> Principal {
    let id = UserId::generate();
    execute(
        db,
        "INSERT INTO users (id, username) VALUES ($1, $2)",
        [id.into(), name.into()],
    )
    .await;
    Principal::User {
        id,
        org: org.to_owned(),
        project: project.to_owned(),
    }
}

pub async fn execute<I: IntoIterator<Item = Value>>(db: &Db, sql: &str, values: I) {
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
}

pub async fn number(db: &Db, sql: &str) -> i64 {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Rows of the four tables that a save writes: patterns, entries, edges, traces.
pub async fn rows(db: &Db) -> [i64; 4] {
    let mut counts = [0; 4];
    for (count, table) in counts.iter_mut().zip([
        "workflow_pattern",
        "capability_records",
        "capability_dependency",
        "execution_trace",
    ]) {
        *count = number(db, &format!("SELECT count(*) FROM {table}")).await;
    }
    counts
}

pub async fn pattern(db: &Db, id: PatternId) -> workflow_pattern::Model {
    workflow_pattern::Entity::find_by_id(id)
        .one(db.conn())
        .await
        .unwrap()
        .unwrap()
}

pub async fn record(db: &Db, id: CapabilityId) -> capability_records::Model {
    capability_records::Entity::find_by_id(id)
        .one(db.conn())
        .await
        .unwrap()
        .unwrap()
}

pub async fn level(db: &Db, saved: &Saved) -> i32 {
    pattern(db, saved.pattern_id).await.hierarchy_level
}

pub async fn edge(db: &Db, from: PatternId, to: PatternId) -> Option<capability_dependency::Model> {
    capability_dependency::Entity::find_by_id((from, to))
        .one(db.conn())
        .await
        .unwrap()
}

/// Stores a `contains` edge past all checks, as an older system might have.
pub async fn legacy_contains(db: &Db, from: &Saved, to: &Saved) {
    execute(
        db,
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type) VALUES ($1, $2, 'contains')",
        [from.pattern_id.into(), to.pattern_id.into()],
    )
    .await;
}

pub fn near(actual: f64, expected: f64) {
    assert!(
        (actual - expected).abs() < 1e-6,
        "{actual} instead of {expected}"
    );
}

/// Counts the texts it embeds.
#[derive(Clone, Debug, Default)]
pub struct CountingEmbedder(pub Arc<AtomicUsize>);

impl CountingEmbedder {
    pub fn texts(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Embedder for CountingEmbedder {
    fn model_id(&self) -> &str {
        HashingEmbedder.model_id()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        self.0.fetch_add(texts.len(), Ordering::SeqCst);
        HashingEmbedder.embed(texts).await
    }
}

/// The same vectors under another name.
#[derive(Debug)]
pub struct OtherModel;

#[async_trait]
impl Embedder for OtherModel {
    fn model_id(&self) -> &'static str {
        "another-model"
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        HashingEmbedder.embed(texts).await
    }
}

/// Never answers.
#[derive(Debug)]
pub struct BrokenEmbedder;

#[async_trait]
impl Embedder for BrokenEmbedder {
    fn model_id(&self) -> &str {
        HashingEmbedder.model_id()
    }

    async fn embed(&self, _: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        Err(EmbedderError::Unusable("broken".to_owned()))
    }
}

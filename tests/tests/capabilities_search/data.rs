//! Rows to search in, written past the service, so that every value of them is the test's.

use async_trait::async_trait;
use pml_entity::values::{CapabilityId, DIMENSIONS, Embedding, PatternId, UserId};
use pml_service::capabilities::{Hit, SearchRequest, search};
use pml_service::embedding::{Embedder, EmbedderError};
use pml_service::{Db, Principal};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde_json::json;

/// Points at a number of degrees from the first axis, in the plane of the first two.
pub fn at(degrees: f64) -> Embedding {
    let mut components = vec![0.0; DIMENSIONS];
    let angle = degrees.to_radians();
    #[allow(clippy::cast_possible_truncation)]
    {
        (components[0], components[1]) = (angle.cos() as f32, angle.sin() as f32);
    }
    Embedding::new(components).unwrap()
}

/// Reads a text as a number of degrees; any other text cannot be embedded.
#[derive(Debug)]
pub struct Degrees;

#[async_trait]
impl Embedder for Degrees {
    fn model_id(&self) -> &'static str {
        "degrees"
    }

    fn default_min_score(&self) -> f64 {
        0.5
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        texts
            .iter()
            .map(|text| match text.parse() {
                Ok(degrees) => Ok(at(degrees)),
                Err(_) => Err(EmbedderError::Status { status: 503 }),
            })
            .collect()
    }
}

/// A pattern to be, with one entry. The defaults are those of a local installation.
#[derive(Clone, Debug)]
pub struct Capability {
    pub name: &'static str,
    /// Stands behind the name.
    pub number: String,
    pub org: String,
    pub project: &'static str,
    pub owner: Option<UserId>,
    pub visibility: &'static str,
    pub embedding: Embedding,
    pub uses: i64,
    pub successes: i64,
    pub tools: Vec<&'static str>,
    pub description: Option<&'static str>,
    pub model: Option<&'static str>,
    pub cache_config: serde_json::Value,
}

/// A capability with nine successes of ten, which neither helps nor harms it.
pub fn capability(name: &'static str, degrees: f64) -> Capability {
    Capability {
        name,
        number: String::new(),
        org: "local".to_owned(),
        project: "default",
        owner: None,
        visibility: "private",
        embedding: at(degrees),
        uses: 10,
        successes: 9,
        tools: Vec::new(),
        description: None,
        model: Some("degrees"),
        cache_config: json!({"ttl_ms": 3_600_000, "cacheable": true}),
    }
}

impl Capability {
    pub fn record(mut self, uses: i64, successes: i64) -> Self {
        (self.uses, self.successes) = (uses, successes);
        self
    }

    /// The same with a number behind its name.
    pub fn named(mut self, number: impl std::fmt::Display) -> Self {
        self.number = number.to_string();
        self
    }

    pub fn of(mut self, who: &Principal, visibility: &'static str) -> Self {
        let Principal::User { id, org, project } = who else {
            panic!("no user")
        };
        self.owner = Some(*id);
        self.org.clone_from(org);
        self.project = if project == "default" {
            "default"
        } else {
            "other"
        };
        self.visibility = visibility;
        self
    }

    pub fn tools(mut self, tools: &[&'static str]) -> Self {
        self.tools = tools.to_vec();
        self
    }

    pub async fn add(&self, db: &Db) -> Stored {
        let pattern_id = PatternId::new(Uuid::new_v4());
        let hash = format!("{:0>64}", pattern_id.as_uuid().simple());
        run(
            db,
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, usage_count, success_count, success_rate, \
                 code_snippet, code_hash, description, embedding_model, cache_config, user_id) \
             VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $5 > 0 THEN $6::float8 / $5 ELSE 0 END, 'return 1', $2, $7, $8, $9, $10)",
            [
                pattern_id.as_uuid().into(),
                hash.into(),
                json!({"type": "code_execution", "tools_used": self.tools}).into(),
                self.embedding.clone().into(),
                self.uses.into(),
                self.successes.into(),
                self.description.map(str::to_owned).into(),
                self.model.map(str::to_owned).into(),
                self.cache_config.clone().into(),
                self.owner.map(|owner| owner.as_uuid()).into(),
            ],
        )
        .await;
        let id = entry(db, pattern_id, self).await;
        Stored { id, pattern_id }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    pub id: CapabilityId,
    pub pattern_id: PatternId,
}

/// Adds an entry for a pattern that is there.
pub async fn entry(db: &Db, pattern: PatternId, names: &Capability) -> CapabilityId {
    let id = CapabilityId::new(Uuid::new_v4());
    let (namespace, action) = names.name.split_once(':').unwrap_or(("ns", names.name));
    run(
        db,
        "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id, visibility, user_id) \
         VALUES ($1, $2, $3, $4, $5, 'abcd', $6, $7, $8)",
        [
            id.as_uuid().into(),
            names.org.clone().into(),
            names.project.into(),
            namespace.into(),
            format!("{action}{}", names.number).into(),
            pattern.as_uuid().into(),
            names.visibility.into(),
            names.owner.map(|owner| owner.as_uuid()).into(),
        ],
    )
    .await;
    id
}

pub async fn edge(db: &Db, from: Stored, to: Stored, edge_type: &str, confidence: f64) {
    run(
        db,
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type, confidence_score) VALUES ($1, $2, $3, $4)",
        [
            from.pattern_id.as_uuid().into(),
            to.pattern_id.as_uuid().into(),
            edge_type.into(),
            confidence.into(),
        ],
    )
    .await;
}

/// A user who works in a project of an organisation.
pub async fn user(db: &Db, name: &str, org: &str, project: &str) -> Principal {
    let id = Uuid::new_v4();
    run(
        db,
        "INSERT INTO users (id, username) VALUES ($1, $2)",
        [id.into(), name.into()],
    )
    .await;
    Principal::User {
        id: UserId::new(id),
        org: org.to_owned(),
        project: project.to_owned(),
    }
}

pub async fn run(db: &Db, sql: &str, values: impl IntoIterator<Item = Value>) {
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
}

pub async fn hits(db: &Db, who: &Principal, request: &SearchRequest) -> Vec<Hit> {
    search(db, &Degrees, who, request).await.unwrap().results
}

/// Actions of the hits, in their order.
pub async fn names(db: &Db, who: &Principal, request: &SearchRequest) -> Vec<String> {
    let hits = hits(db, who, request).await;
    hits.into_iter()
        .map(|hit| hit.display_name.split_once(':').unwrap().1.to_owned())
        .collect()
}

/// Everything within a right angle of a vector, up to a number.
pub fn around(degrees: f64, limit: i64) -> SearchRequest {
    SearchRequest {
        limit: Some(limit),
        ..SearchRequest::embedding(at(degrees))
    }
}

pub fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-5
}

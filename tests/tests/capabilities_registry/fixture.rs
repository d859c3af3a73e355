//! Rows as they stand in the tables, callers, and embedders that behave on demand.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use pml_entity::capabilities::{capability_records, workflow_pattern};
use pml_entity::identity::users;
use pml_entity::values::{
    CapabilityId, CodeHash, DagStructure, Embedding, PatternId, UserId, Visibility,
};
use pml_service::capabilities::Reference;
use pml_service::embedding::{Embedder, EmbedderError, HashingEmbedder};
use pml_service::{Db, Error, Principal};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Statement,
};

/// A signed-in user of a project.
pub async fn user(db: &Db, org: &str, project: &str) -> Principal {
    let id = UserId::generate();
    let row = users::ActiveModel {
        id: Set(id),
        username: Set(format!("{org}-{project}")),
        ..Default::default()
    };
    row.insert(db).await.unwrap();
    Principal::User {
        id,
        org: org.to_owned(),
        project: project.to_owned(),
    }
}

/// Noon on a day of 2026.
pub fn day(number: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap() + chrono::Days::new(number.into())
}

/// A capability to insert, with its code or beside existing code.
#[derive(Clone, Debug)]
pub struct Seed {
    pub id: CapabilityId,
    pub org: String,
    pub project: String,
    pub namespace: String,
    pub action: String,
    pub owner: Option<UserId>,
    pub visibility: Visibility,
    pub tags: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// `None`: the pattern was deleted.
    pub code: Option<Code>,
}

/// The code of a capability.
#[derive(Clone, Debug)]
pub enum Code {
    /// A pattern of its own.
    Own(Pattern),
    /// One that stands already.
    Of(Made),
}

#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    pub description: Option<String>,
    pub tools: Vec<String>,
    pub usage_count: i64,
    pub success_count: i64,
    pub total_duration_ms: i64,
    pub last_used: DateTime<Utc>,
    pub model: Option<String>,
    pub stale: bool,
}

/// What was inserted.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub id: CapabilityId,
    pub pattern_id: Option<PatternId>,
    pub hash: String,
    pub fqdn: String,
}

impl Made {
    pub fn reference(&self) -> Reference {
        Reference::Id(self.id)
    }
}

/// A private capability in the caller's project, used once, with code of its own.
pub fn seed(owner: &Principal, name: &str) -> Seed {
    let (org, project) = owner.scope().unwrap();
    let (namespace, action) = name.split_once(':').unwrap();
    let id = CapabilityId::generate();
    Seed {
        id,
        org: org.to_owned(),
        project: project.to_owned(),
        namespace: namespace.to_owned(),
        action: action.to_owned(),
        owner: owner.user_id(),
        visibility: Visibility::Private,
        tags: Vec::new(),
        created_at: day(0),
        code: Some(Code::Own(Pattern {
            text: format!("return '{id}';"),
            description: Some(format!("Does {action}")),
            tools: Vec::new(),
            usage_count: 1,
            success_count: 1,
            total_duration_ms: 100,
            last_used: day(0),
            model: Some(HashingEmbedder.model_id().to_owned()),
            stale: false,
        })),
    }
}

impl Seed {
    pub fn visible_to(self, visibility: Visibility) -> Self {
        Self { visibility, ..self }
    }

    /// Changes the code it brings along.
    pub fn with(mut self, change: impl FnOnce(&mut Pattern)) -> Self {
        let Some(Code::Own(pattern)) = &mut self.code else {
            panic!("no code of its own");
        };
        change(pattern);
        self
    }

    pub fn last_used(self, at: DateTime<Utc>) -> Self {
        self.with(|pattern| pattern.last_used = at)
    }

    pub fn used(self, usage_count: i64, success_count: i64) -> Self {
        self.with(|pattern| {
            pattern.usage_count = usage_count;
            pattern.success_count = success_count;
        })
    }

    pub fn named_beside(self, other: &Made) -> Self {
        Self {
            code: Some(Code::Of(other.clone())),
            ..self
        }
    }

    pub fn without_code(self) -> Self {
        Self { code: None, ..self }
    }

    pub async fn insert(self, db: &Db) -> Made {
        let (pattern_id, hash) = match self.code {
            Some(Code::Own(pattern)) => {
                let (id, hash) = pattern.insert(db, self.owner).await;
                (Some(id), hash.short().into_string())
            }
            Some(Code::Of(other)) => (other.pattern_id, other.hash),
            None => (None, "0000".to_owned()),
        };
        let fqdn = format!(
            "{}.{}.{}.{}.{hash}",
            self.org, self.project, self.namespace, self.action
        );
        let row = capability_records::ActiveModel {
            id: Set(self.id),
            org: Set(self.org),
            project: Set(self.project),
            namespace: Set(self.namespace),
            action: Set(self.action),
            hash: Set(hash.parse().unwrap()),
            workflow_pattern_id: Set(pattern_id),
            user_id: Set(self.owner),
            visibility: Set(self.visibility),
            tags: Set(self.tags),
            created_at: Set(self.created_at),
            ..Default::default()
        };
        row.insert(db).await.unwrap();
        Made {
            id: self.id,
            pattern_id,
            hash,
            fqdn,
        }
    }
}

impl Pattern {
    pub async fn insert(self, db: &Db, owner: Option<UserId>) -> (PatternId, CodeHash) {
        let (id, hash) = (PatternId::generate(), CodeHash::of(&self.text));
        let row = workflow_pattern::ActiveModel {
            pattern_id: Set(id),
            pattern_hash: Set(format!("{hash}:{id}")),
            dag_structure: Set(DagStructure {
                tools_used: self.tools,
                ..DagStructure::default()
            }),
            intent_embedding: Set(first_vector()),
            usage_count: Set(self.usage_count),
            success_count: Set(self.success_count),
            last_used: Set(self.last_used),
            code_snippet: Set(Some(self.text)),
            code_hash: Set(Some(hash.clone())),
            description: Set(self.description),
            total_duration_ms: Set(self.total_duration_ms),
            embedding_model: Set(self.model),
            embedding_stale: Set(self.stale),
            user_id: Set(owner),
            ..Default::default()
        };
        row.insert(db).await.unwrap();
        (id, hash)
    }
}

/// The vector that every pattern here begins with.
pub fn first_vector() -> Embedding {
    let mut components = vec![0.0; 1024];
    components[0] = 1.0;
    Embedding::new(components).unwrap()
}

pub async fn stored_pattern(db: &Db, made: &Made) -> workflow_pattern::Model {
    workflow_pattern::Entity::find_by_id(made.pattern_id.unwrap())
        .one(db)
        .await
        .unwrap()
        .unwrap()
}

pub async fn stored_record(db: &Db, made: &Made) -> capability_records::Model {
    capability_records::Entity::find_by_id(made.id)
        .one(db)
        .await
        .unwrap()
        .unwrap()
}

pub async fn sql(db: &Db, text: &str) {
    db.execute_unprepared(text).await.unwrap();
}

pub async fn number(db: &Db, text: &str) -> i64 {
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, text))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Where every row version of the area stands: changes with any write, also one that changes nothing.
pub async fn row_versions(db: &Db) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Row {
        version: String,
    }
    let text = "SELECT id::text || ' ' || xmin::text || ' ' || ctid::text AS version FROM capability_records \
                UNION ALL SELECT pattern_id::text || ' ' || xmin::text || ' ' || ctid::text FROM workflow_pattern \
                UNION ALL SELECT id::text || ' ' || xmin::text || ' ' || ctid::text FROM capability_name_history ORDER BY 1";
    let statement = Statement::from_string(DbBackend::Postgres, text);
    let rows = Row::find_by_statement(statement).all(db).await.unwrap();
    rows.into_iter().map(|row| row.version).collect()
}

pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The answer to a reference that leads nowhere.
pub fn assert_not_found<T: std::fmt::Debug>(result: Result<T, Error>, key: &str) {
    match result {
        Err(Error::NotFound { entity, key: named }) => {
            assert_eq!((entity, named.as_str()), ("capability", key));
        }
        other => panic!("{key}: {other:?}"),
    }
}

/// Remembers what it was asked for; fails on demand.
#[derive(Debug)]
pub struct Recorder {
    pub model: &'static str,
    pub broken: bool,
    pub texts: Mutex<Vec<String>>,
}

impl Recorder {
    pub fn new() -> Self {
        Self {
            model: "pml-hashing-v1",
            broken: false,
            texts: Mutex::new(Vec::new()),
        }
    }

    pub fn of_model(model: &'static str) -> Self {
        Self {
            model,
            ..Self::new()
        }
    }

    pub fn broken() -> Self {
        Self {
            broken: true,
            ..Self::new()
        }
    }

    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }
}

#[async_trait]
impl Embedder for Recorder {
    fn model_id(&self) -> &str {
        self.model
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        self.texts.lock().unwrap().extend_from_slice(texts);
        if self.broken {
            return Err(EmbedderError::Status { status: 503 });
        }
        HashingEmbedder.embed(texts).await
    }
}

/// The vector that [`Recorder`] makes of a text.
pub async fn vector_of(text: &str) -> Embedding {
    let made = HashingEmbedder.embed(&[text.to_owned()]).await.unwrap();
    made.into_iter().next().unwrap()
}

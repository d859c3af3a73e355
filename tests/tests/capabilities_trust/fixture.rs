//! Rows to start from, and a look at what is stored.

use pml_entity::values::{CapabilityId, PatternId, PermissionSet, UserId};
use pml_service::capabilities::Reference;
use pml_service::capabilities::code::{pattern_hash, text_hash};
use pml_service::{Db, Principal};
use sea_orm::{
    ConnectionTrait, DbBackend, FromQueryResult, JsonValue, QueryResult, Statement, Value,
};
use serde_json::json;

/// A capability to store: one pattern, one registry entry of the same owner.
#[derive(Clone, Debug)]
pub struct Capability<'a> {
    pub name: &'a str,
    pub code: &'a str,
    pub tools: &'a [&'a str],
    pub usage: i64,
    pub success: i64,
    pub total_ms: i64,
    pub who: Principal,
    pub visibility: &'a str,
    pub set: PermissionSet,
    pub confidence: f64,
}

impl<'a> Capability<'a> {
    /// Used once, successfully, for 100 ms; of the local installation; `minimal`, believed.
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            code: name,
            tools: &["std:read"],
            usage: 1,
            success: 1,
            total_ms: 100,
            who: Principal::Local,
            visibility: "private",
            set: PermissionSet::Minimal,
            confidence: 0.95,
        }
    }

    pub fn code(self, code: &'a str) -> Self {
        Self { code, ..self }
    }

    pub fn tools(self, tools: &'a [&'a str]) -> Self {
        Self { tools, ..self }
    }

    pub fn used(self, usage: i64, success: i64, total_ms: i64) -> Self {
        Self {
            usage,
            success,
            total_ms,
            ..self
        }
    }

    pub fn of(self, who: &Principal) -> Self {
        Self {
            who: who.clone(),
            ..self
        }
    }

    pub fn public(self) -> Self {
        Self {
            visibility: "public",
            ..self
        }
    }

    pub fn allowed(self, set: PermissionSet, confidence: f64) -> Self {
        Self {
            set,
            confidence,
            ..self
        }
    }

    pub async fn insert(self, db: &Db) -> Stored {
        let hash = text_hash(self.code);
        let owner = self.who.user_id();
        let pattern = PatternId::generate();
        run(
            db,
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, code_hash, code_snippet, user_id, dag_structure, intent_embedding, \
                 usage_count, success_count, success_rate, total_duration_ms, permission_set, permission_confidence, description, \
                 parameters_schema, hierarchy_level) \
             VALUES ($1, $2, $3, $4, $5::uuid, $6, array_fill(0.1::real, ARRAY[1024])::vector, $7, $8, \
                 coalesce($8::float8 / nullif($7, 0), 0), $9, $10, $11, $4, $12, 1)",
            vec![
                pattern.into(),
                pattern_hash(&hash, owner.as_ref()).into(),
                hash.as_str().into(),
                self.code.into(),
                owner.into(),
                json!({"type": "code_execution", "tools_used": self.tools, "intent_text": self.name}).into(),
                self.usage.into(),
                self.success.into(),
                self.total_ms.into(),
                self.set.into(),
                self.confidence.into(),
                json!({"title": self.code}).into(),
            ],
        )
        .await;
        let id = entry(
            db,
            &self.who,
            self.name,
            pattern,
            hash.short().as_str(),
            self.visibility,
        )
        .await;
        Stored { id, pattern }
    }
}

/// The ids of a stored capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: CapabilityId,
    pub pattern: PatternId,
}

impl Stored {
    pub fn reference(&self) -> Reference {
        Reference::Id(self.id)
    }
}

/// Another name for a pattern.
pub async fn entry(
    db: &Db,
    who: &Principal,
    name: &str,
    pattern: PatternId,
    hash: &str,
    visibility: &str,
) -> CapabilityId {
    let (sql, values, id) = entry_sql(who, name, pattern, hash, visibility);
    run(db, sql, values).await;
    id
}

/// The statement for it, and its id.
pub fn entry_sql(
    who: &Principal,
    name: &str,
    pattern: PatternId,
    hash: &str,
    visibility: &str,
) -> (&'static str, Vec<Value>, CapabilityId) {
    let id = CapabilityId::generate();
    let (namespace, action) = name.split_once(':').unwrap();
    let (org, project) = who.scope().unwrap();
    let values = vec![
        id.into(),
        org.into(),
        project.into(),
        namespace.into(),
        action.into(),
        hash.into(),
        pattern.into(),
        visibility.into(),
        who.user_id().into(),
    ];
    let sql = "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id, visibility, user_id) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::uuid)";
    (sql, values, id)
}

/// A signed-in user of the organisation and project `acme`, `webapp`.
pub async fn user(db: &Db, name: &str) -> Principal {
    let id = UserId::generate();
    run(
        db,
        "INSERT INTO users (id, username) VALUES ($1, $2)",
        vec![id.into(), name.into()],
    )
    .await;
    Principal::User {
        id,
        org: "acme".to_owned(),
        project: "webapp".to_owned(),
    }
}

pub async fn edge(db: &Db, from: PatternId, to: PatternId, kind: &str, source: &str, count: i64) {
    run(
        db,
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type, edge_source, observed_count) \
         VALUES ($1, $2, $3, $4, $5)",
        vec![from.into(), to.into(), kind.into(), source.into(), count.into()],
    )
    .await;
}

pub async fn trace(db: &Db, pattern: PatternId) {
    run(
        db,
        "INSERT INTO execution_trace (capability_id, success, duration_ms) VALUES ($1, true, 5)",
        vec![pattern.into()],
    )
    .await;
}

pub async fn run(db: &Db, sql: &str, values: Vec<Value>) {
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
}

async fn row(db: &Db, sql: &str, values: Vec<Value>) -> Option<QueryResult> {
    db.query_one_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap()
}

/// A number that a query gives.
pub async fn count(db: &Db, sql: &str, values: Vec<Value>) -> i64 {
    row(db, sql, values)
        .await
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}

/// The row of a pattern as JSON, without its vector; `None` when it is gone.
pub async fn pattern(db: &Db, pattern: PatternId) -> Option<JsonValue> {
    json_row(
        db,
        "SELECT to_jsonb(p) - 'intent_embedding' AS row FROM workflow_pattern p WHERE pattern_id = $1",
        pattern.into(),
    )
    .await
}

/// The row of a registry entry as JSON.
pub async fn record(db: &Db, id: CapabilityId) -> Option<JsonValue> {
    json_row(
        db,
        "SELECT to_jsonb(r) AS row FROM capability_records r WHERE id = $1",
        id.into(),
    )
    .await
}

async fn json_row(db: &Db, sql: &str, id: Value) -> Option<JsonValue> {
    row(db, sql, vec![id])
        .await
        .map(|row| row.try_get("", "row").unwrap())
}

/// Everything that a merge or a decision may write, for "nothing changed".
pub async fn everything(db: &Db) -> Vec<JsonValue> {
    let sql = "SELECT to_jsonb(p) - 'intent_embedding' AS row FROM workflow_pattern p \
               UNION ALL SELECT to_jsonb(r) FROM capability_records r UNION ALL SELECT to_jsonb(d) FROM capability_dependency d \
               UNION ALL SELECT to_jsonb(h) FROM capability_name_history h UNION ALL SELECT to_jsonb(t) FROM execution_trace t \
               UNION ALL SELECT to_jsonb(a) FROM permission_audit_log a ORDER BY 1";
    db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get("", "row").unwrap())
        .collect()
}

/// An edge as it is stored.
#[derive(Debug, PartialEq, FromQueryResult)]
pub struct StoredEdge {
    pub edge_type: String,
    pub edge_source: String,
    pub observed_count: i64,
    pub confidence_score: f64,
}

pub async fn stored_edge(db: &Db, from: PatternId, to: PatternId) -> Option<StoredEdge> {
    let sql = "SELECT edge_type, edge_source, observed_count, confidence_score FROM capability_dependency \
               WHERE from_capability_id = $1 AND to_capability_id = $2";
    row(db, sql, vec![from.into(), to.into()])
        .await
        .map(|row| StoredEdge::from_query_result(&row, "").unwrap())
}

/// Number of edges with this pattern at either end.
pub async fn edges_of(db: &Db, pattern: PatternId) -> i64 {
    count(
        db,
        "SELECT count(*) FROM capability_dependency WHERE $1 IN (from_capability_id, to_capability_id)",
        vec![pattern.into()],
    )
    .await
}

/// Makes every write of this kind fail at its end.
pub async fn sabotage(db: &Db, event: &str, table: &str) {
    db.execute_unprepared(&format!(
        "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sabotage'; END $$; \
         CREATE TRIGGER sabotage AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION sabotage();"
    ))
    .await
    .unwrap();
}

//! The statements of a save, in the order in which they run.

use pml_entity::values::{
    CapabilityId, EdgeType, Embedding, InitialContext, PatternId, PermissionSet, TraceId,
};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use uuid::Uuid;

use super::checked::{Checked, Name};
use super::children::{Child, Children, References};
use crate::capabilities::access;
use crate::capabilities::dependencies::{LOCK_CLASS_EDGES, lock_key};
use crate::capabilities::permissions::inference;
use crate::capabilities::usage::{COUNT_USE, owned_by};
use crate::sql::statement;
use crate::{Error, Principal};

/// First key of the advisory locks under which a pattern is inserted; the second is the hash of its hash.
///
/// `workflow_pattern` has two unique indexes on what a pattern is, and ON CONFLICT takes one: of two first saves at the same moment the
/// other index would refuse one.
const LOCK_CLASS_PATTERNS: i32 = 0x70_6d_6c_03;
/// Trust that a run deserves before anybody learned from it. Source: spec of capabilities, SAVE-3 step 12.
const TRACE_PRIORITY: f64 = 0.5;

/// What a save must know before it writes.
#[derive(Debug)]
pub(super) struct Before {
    /// The caller's pattern of this code, with its level.
    pub(super) known: Option<(PatternId, i32)>,
    /// The run with this id, if one is stored.
    pub(super) trace: Option<StoredRun>,
    /// A model of stored vectors other than the embedder's.
    pub(super) other_model: Option<String>,
    pub(super) children: Children,
}

/// A run that is stored already.
#[derive(Debug)]
pub(super) struct StoredRun {
    /// The pattern that ran; `None` for a run of its own.
    pattern: Option<PatternId>,
    /// `None` for a run that was not saved here.
    intent: Option<String>,
    success: bool,
    duration_ms: i64,
}

impl StoredRun {
    fn read(row: &QueryResult) -> Result<Option<Self>, Error> {
        let id: Option<TraceId> = row.try_get("", "trace_id")?;
        if id.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            pattern: row.try_get("", "trace_pattern")?,
            intent: row.try_get("", "trace_intent")?,
            success: row.try_get("", "trace_success")?,
            duration_ms: row.try_get("", "trace_duration_ms")?,
        }))
    }

    /// Whether it is this run, of this pattern.
    pub(super) fn is(&self, run: &Checked, pattern: PatternId) -> bool {
        self.pattern == Some(pattern)
            && self.intent.as_deref() == Some(run.intent.as_str())
            && self.success == run.success
            && self.duration_ms == run.duration_ms
    }
}

/// Reads all of it. One statement.
pub(super) async fn before<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    run: &Checked,
    references: &References,
    model: &str,
) -> Result<Before, Error> {
    let visible = access::visible(who, "r", 9);
    // The least and the greatest model are each one step into an index; if there are two models, one of these is not ours.
    let sql = format!(
        "SELECT p.pattern_id, p.hierarchy_level, t.id AS trace_id, t.capability_id AS trace_pattern, \
             t.initial_context->>'intent' AS trace_intent, t.success AS trace_success, t.duration_ms AS trace_duration_ms, \
             (SELECT min(embedding_model) FROM workflow_pattern) AS first_model, \
             (SELECT max(embedding_model) FROM workflow_pattern) AS last_model, \
             (SELECT coalesce(jsonb_agg(jsonb_build_object('id', named.asked, 'pattern', r.workflow_pattern_id, \
                                                           'name', r.namespace || ':' || r.action) ORDER BY named.asked), '[]') \
              FROM ( \
                  SELECT id AS asked, id FROM unnest($4::uuid[]) AS id \
                  UNION \
                  SELECT h.merged_id, h.capability_id FROM capability_name_history h WHERE h.merged_id = ANY($4) \
                  UNION \
                  SELECT n.id, n.id FROM unnest($5::text[], $6::text[]) AS used(namespace, action) \
                  JOIN capability_records n ON n.org = $7 AND n.project = $8 AND n.namespace = used.namespace AND n.action = used.action \
                  WHERE NOT EXISTS (SELECT FROM tool_schema s WHERE s.tool_id = n.namespace || ':' || n.action \
                                        AND s.kind = 'mcp' AND s.removed_at IS NULL) \
              ) AS named JOIN capability_records r USING (id) WHERE {visible}) AS children \
         FROM (SELECT) AS one \
         LEFT JOIN workflow_pattern p ON p.code_hash = $1 AND {owned} \
         LEFT JOIN execution_trace t ON t.id = $3",
        visible = visible.sql,
        owned = owned_by(who, 2),
    );
    let (namespaces, actions): (Vec<String>, Vec<String>) =
        references.names.iter().cloned().unzip();
    let ids: Vec<Uuid> = references.ids.iter().map(CapabilityId::as_uuid).collect();
    let mut values: Vec<Value> = vec![
        run.code_hash.as_str().into(),
        run.owner.into(),
        run.trace_id.into(),
        ids.into(),
        namespaces.into(),
        actions.into(),
        run.org.as_str().into(),
        run.project.as_str().into(),
    ];
    values.extend(visible.values);
    let row = one(db, &sql, values).await?;
    let known: Option<PatternId> = row.try_get("", "pattern_id")?;
    let level: Option<i32> = row.try_get("", "hierarchy_level")?;
    let models: [Option<String>; 2] = [
        row.try_get("", "first_model")?,
        row.try_get("", "last_model")?,
    ];
    let children: serde_json::Value = row.try_get("", "children")?;
    let children: Vec<Child> = serde_json::from_value(children)
        .map_err(|error| sea_orm::DbErr::Json(error.to_string()))?;
    Ok(Before {
        known: known.zip(level),
        trace: StoredRun::read(&row)?,
        other_model: models.into_iter().flatten().find(|stored| stored != model),
        children: Children::new(children),
    })
}

/// What stands in the pattern's row.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Standing {
    pub(super) pattern_id: PatternId,
    pub(super) created: bool,
    pub(super) usage_count: i64,
    pub(super) success_count: i64,
    pub(super) success_rate: f64,
    pub(super) avg_duration_ms: i64,
    pub(super) hierarchy_level: i32,
    pub(super) permission_set: PermissionSet,
    pub(super) permission_confidence: f64,
    pub(super) has_tools: bool,
}

const PATTERN: &str = "p.pattern_id, p.usage_count, p.success_count, p.success_rate, p.avg_duration_ms, p.hierarchy_level, \
     p.permission_set, p.permission_confidence, cardinality(p.tool_ids) > 0 AS has_tools";

/// Counts a run of a stored pattern, and keeps what the run says about its structure. `None` if the pattern is not there any more.
///
/// What was there first stays: description, vector, owner, cache rule, code, permissions (spec of capabilities, SAVE-4 with K15, D02, D19).
/// With `lock`, takes the lock of the `contains` edges before the row.
pub(super) async fn count_run<C: ConnectionTrait>(
    tx: &C,
    run: &Checked,
    pattern: PatternId,
    lock: bool,
) -> Result<Option<Standing>, Error> {
    let sql = format!(
        "WITH locked AS MATERIALIZED (SELECT CASE WHEN $3::bool THEN pg_advisory_xact_lock($4, $5) END) \
         UPDATE workflow_pattern p SET {COUNT_USE}, dag_structure = $6, parameters_schema = coalesce($7::jsonb, p.parameters_schema) \
         FROM locked WHERE p.pattern_id = $8 RETURNING {PATTERN}, FALSE AS created"
    );
    let values = [
        run.duration_ms.into(),
        run.success.into(),
        lock.into(),
        LOCK_CLASS_EDGES.into(),
        lock_key(EdgeType::Contains).into(),
        run.dag.clone().into(),
        run.parameters_schema.clone().into(),
        pattern.into(),
    ];
    let row = tx.query_one_raw(statement(&sql, values)).await?;
    Ok(row
        .map(|row| Standing::from_query_result(&row, ""))
        .transpose()?)
}

/// Stores a pattern, or counts the run if somebody stored it since [`before`] looked.
///
/// With `lock`, takes the lock of the `contains` edges before the row. `model` is the one that made the vector; `None`: the caller brought it.
pub(super) async fn insert_pattern<C: ConnectionTrait>(
    tx: &C,
    run: &Checked,
    embedding: &Embedding,
    model: Option<&str>,
    lock: bool,
) -> Result<Standing, Error> {
    let sql = format!(
        "WITH locked AS MATERIALIZED ( \
             SELECT CASE WHEN $3::bool THEN pg_advisory_xact_lock($4, $5) END, pg_advisory_xact_lock($8, hashtext($9)) \
         ) \
         INSERT INTO workflow_pattern AS p ( \
             pattern_id, pattern_hash, code_hash, user_id, created_by, code_snippet, description, dag_structure, parameters_schema, \
             intent_embedding, embedding_model, permission_set, permission_confidence, source, hierarchy_level, \
             usage_count, success_count, success_rate, total_duration_ms, last_used \
         ) \
         SELECT $10, $9, $11, $12::uuid, $13, $14, $15, $6, $7::jsonb, $16::vector, $17::text, $18, $19, 'emergent', $20::int, \
                1, $2::bool::int, $2::bool::int, $1::bigint, now() \
         FROM locked \
         ON CONFLICT (code_hash, user_id) WHERE code_hash IS NOT NULL DO UPDATE SET \
             {COUNT_USE}, dag_structure = excluded.dag_structure, parameters_schema = coalesce(excluded.parameters_schema, p.parameters_schema) \
         RETURNING {PATTERN}, (p.xmax = 0) AS created"
    );
    let inferred = inference::infer(&run.code, &run.dag.tools_used);
    let values = [
        run.duration_ms.into(),
        run.success.into(),
        lock.into(),
        LOCK_CLASS_EDGES.into(),
        lock_key(EdgeType::Contains).into(),
        run.dag.clone().into(),
        run.parameters_schema.clone().into(),
        LOCK_CLASS_PATTERNS.into(),
        run.pattern_hash.as_str().into(),
        PatternId::generate().into(),
        run.code_hash.as_str().into(),
        run.owner.into(),
        run.created_by().into(),
        run.code.as_str().into(),
        run.description.as_str().into(),
        embedding.clone().into(),
        model.map(str::to_owned).into(),
        inferred.set.as_str().into(),
        inferred.confidence.into(),
        i32::from(!run.dag.tools_used.is_empty()).into(),
    ];
    let row = one(tx, &sql, values.into()).await?;
    Ok(Standing::from_query_result(&row, "")?)
}

/// The parts of a registry entry that an answer shows.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Record {
    pub(super) id: CapabilityId,
    org: String,
    project: String,
    namespace: String,
    action: String,
    hash: String,
}

impl Record {
    /// `org.project.namespace.action.hash`.
    pub(super) fn fqdn(&self) -> String {
        let Self {
            org,
            project,
            namespace,
            action,
            hash,
            ..
        } = self;
        format!("{org}.{project}.{namespace}.{action}.{hash}")
    }

    /// `namespace:action`.
    pub(super) fn display_name(&self) -> String {
        format!("{}:{}", self.namespace, self.action)
    }
}

const RECORD: &str = "r.id, r.org, r.project, r.namespace, r.action, r.hash";

/// The registry entry of the pattern: the caller's own in their project (by the given name, if one was given), else a new one.
///
/// `None` if all names it may have are taken. The pattern's row is locked by now, so two saves of one pattern come here one after the other.
pub(super) async fn ensure_record<C: ConnectionTrait>(
    tx: &C,
    run: &Checked,
    pattern: PatternId,
) -> Result<Option<Record>, Error> {
    let insert = |action: &str| {
        format!(
            "INSERT INTO capability_records AS r \
                 (id, org, project, namespace, action, hash, created_by, user_id, workflow_pattern_id, tags, visibility, routing) \
             SELECT $5, $2, $3, $6, {action}, $9, $10, $4::uuid, $1, $11::text[], $12, $13"
        )
    };
    let sql = format!(
        "WITH own AS ( \
             SELECT {RECORD} FROM capability_records r \
             WHERE r.workflow_pattern_id = $1 AND r.org = $2 AND r.project = $3 AND r.user_id IS NOT DISTINCT FROM $4::uuid \
                 AND ($14::bool IS FALSE OR (r.namespace = $6 AND r.action = $7)) \
             ORDER BY r.created_at, r.id LIMIT 1 \
         ), first AS ( \
             {first} WHERE NOT EXISTS (SELECT FROM own) ON CONFLICT DO NOTHING RETURNING {RECORD} \
         ), second AS ( \
             {second} WHERE NOT EXISTS (SELECT FROM own) AND NOT EXISTS (SELECT FROM first) ON CONFLICT DO NOTHING RETURNING {RECORD} \
         ) \
         SELECT * FROM own UNION ALL SELECT * FROM first UNION ALL SELECT * FROM second",
        first = insert("$7"),
        second = insert("$8"),
    );
    let (namespace, actions, is_given) = match &run.name {
        Name::Given { namespace, action } => (namespace, [action, action], true),
        Name::MadeUp { namespace, actions } => (namespace, actions.each_ref(), false),
    };
    let values = [
        pattern.into(),
        run.org.as_str().into(),
        run.project.as_str().into(),
        run.owner.into(),
        CapabilityId::generate().into(),
        namespace.as_str().into(),
        actions[0].as_str().into(),
        actions[1].as_str().into(),
        run.short_hash().as_str().into(),
        run.created_by().into(),
        run.tags.clone().into(),
        run.visibility.as_str().into(),
        run.routing.as_str().into(),
        is_given.into(),
    ];
    let row = tx.query_one_raw(statement(&sql, values)).await?;
    Ok(row
        .map(|row| Record::from_query_result(&row, ""))
        .transpose()?)
}

/// Records the run. `false` if a run with its id is stored already: nothing is written then.
pub(super) async fn insert_trace<C: ConnectionTrait>(
    tx: &C,
    run: &Checked,
    pattern: PatternId,
) -> Result<bool, Error> {
    const SQL: &str = "\
        INSERT INTO execution_trace \
            (id, capability_id, initial_context, success, duration_ms, user_id, created_by, executed_path, priority) \
        VALUES ($1, $2, $3, $4, $5, $6::uuid, $7, $8::text[], $9) ON CONFLICT (id) DO NOTHING";
    let values = [
        run.trace_id.into(),
        pattern.into(),
        InitialContext::with_intent(run.intent.as_str()).into(),
        run.success.into(),
        run.duration_ms.into(),
        run.owner.into(),
        run.created_by().into(),
        run.path.clone().into(),
        TRACE_PRIORITY.into(),
    ];
    let done = tx.execute_raw(statement(SQL, values)).await?;
    Ok(done.rows_affected() > 0)
}

/// What stands of a pattern whose run was saved before; `None` if the caller has no registry entry of it any more.
///
/// Of several entries the one in the project is shown, and there the one with the wanted name.
pub(super) async fn stored<C: ConnectionTrait>(
    db: &C,
    run: &Checked,
    pattern: PatternId,
) -> Result<Option<(Standing, Record)>, Error> {
    let sql = format!(
        "SELECT {PATTERN}, FALSE AS created, {RECORD} FROM workflow_pattern p JOIN capability_records r ON r.workflow_pattern_id = p.pattern_id \
         WHERE p.pattern_id = $1 AND r.user_id IS NOT DISTINCT FROM $2::uuid \
         ORDER BY (r.org, r.project) = ($3, $4) DESC, (r.namespace, r.action) = ($5, $6) DESC, r.created_at, r.id LIMIT 1"
    );
    let (namespace, action) = match &run.name {
        Name::Given { namespace, action } => (namespace, action),
        Name::MadeUp { namespace, actions } => (namespace, &actions[0]),
    };
    let values = [
        pattern.into(),
        run.owner.into(),
        run.org.as_str().into(),
        run.project.as_str().into(),
        namespace.as_str().into(),
        action.as_str().into(),
    ];
    match db.query_one_raw(statement(&sql, values)).await? {
        Some(row) => Ok(Some((
            Standing::from_query_result(&row, "")?,
            Record::from_query_result(&row, "")?,
        ))),
        None => Ok(None),
    }
}

async fn one<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<QueryResult, Error> {
    let row = db.query_one_raw(statement(sql, values)).await?;
    row.ok_or_else(|| sea_orm::DbErr::RecordNotFound(String::new()).into())
}

//! The statements of the search by intent. Each is written out as a whole, because its shape decides whether the index serves.

use std::collections::BTreeSet;

use pml_entity::values::{CapabilityId, Embedding, JsonSchema, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::Hit;
use super::reliability;
use crate::capabilities::access;
use crate::sql::{containing, statement};
use crate::{Error, Limit, Principal};

/// Candidates that are scored for each result that is asked for: a less similar one may be the more reliable.
pub(super) const CANDIDATES_PER_RESULT: u32 = 4;
/// Numbers of rows to take from the index. The planner must know the number when it plans: with a parameter it would assume a tenth of the table and
/// read it whole. So few statements, each with its own. Up to 100 the index gives in one go.
const DEPTHS: [(u32, &str); 6] = [
    (24, "24"),
    (48, "48"),
    (96, "96"),
    (240, "240"),
    (560, "560"),
    (2_048, "2048"),
];
/// Rows that the index gives beyond the candidates, so that equal distances at the end of them come out the same way each time.
const SPARE: u32 = 2;

/// What a search compared, best first.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    pub(super) hits: Vec<Hit>,
    /// Models of their vectors, where known.
    pub(super) models: BTreeSet<String>,
    /// Candidates that were scored.
    pub(super) considered: i64,
    /// Cosine distance of the furthest of them.
    pub(super) furthest: f64,
}

/// A search in the terms of the statements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nearest<'a> {
    pub(super) who: &'a Principal,
    pub(super) embedding: &'a Embedding,
    /// Nearest candidates that are scored.
    pub(super) candidates: u32,
    /// Best of them that are returned.
    pub(super) limit: u32,
}

/// How much the principal sees, for the plan of an exact search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Some thousand entries at most.
    Few,
    /// More.
    Many,
}

/// A hit's columns, for every statement that gives hits.
#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    id: CapabilityId,
    pattern_id: PatternId,
    fqdn: String,
    display_name: String,
    description: Option<String>,
    score: f64,
    semantic: f64,
    reliability: f64,
    success_rate: f64,
    usage_count: i64,
    tools: Vec<String>,
    parameters_schema: Option<JsonSchema>,
}

impl Row {
    pub(super) fn hit(self) -> Hit {
        Hit {
            id: self.id,
            pattern_id: self.pattern_id,
            fqdn: self.fqdn,
            display_name: self.display_name,
            description: self.description,
            score: self.score,
            semantic_score: self.semantic,
            reliability: self.reliability,
            success_rate: self.success_rate,
            usage_count: self.usage_count,
            tools: self.tools,
            parameters_schema: self.parameters_schema.map(JsonSchema::into_value),
        }
    }
}

/// Counts the registry entries that the principal sees, up to `at_most`.
pub(super) async fn visible_entries<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    at_most: i64,
) -> Result<i64, Error> {
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT count(*) AS kept FROM (SELECT FROM capability_records r WHERE {} LIMIT $1) AS counted",
        visible.sql
    );
    let mut values: Vec<Value> = vec![at_most.into()];
    values.extend(visible.values);
    match db.query_one_raw(statement(&sql, values)).await? {
        Some(row) => Ok(row.try_get("", "kept")?),
        None => Ok(0),
    }
}

/// Scores the nearest that the vector index gives. Fewer candidates than asked for where it misses some, or gives up among hidden ones.
pub(super) async fn approximate<C: ConnectionTrait>(
    db: &C,
    search: Nearest<'_>,
) -> Result<Ranking, Error> {
    let visible = access::visible(search.who, "r", 4);
    // A subquery in the place of EXISTS: that one may become a join, which loses the order of the index.
    let near = format!(
        "near AS ( \
             SELECT p.pattern_id, p.intent_embedding <=> $1 AS distance FROM workflow_pattern p \
             WHERE p.code_hash IS NOT NULL \
               AND (SELECT true FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id AND {visible} LIMIT 1) \
             ORDER BY p.intent_embedding <=> $1 LIMIT {depth} \
         )",
        visible = visible.sql,
        depth = depth(search.candidates)
    );
    ranking(db, search, &near, search.candidates.into(), visible.values).await
}

/// Compares with every vector that the principal sees. Exact, and its time grows with their number.
///
/// With `min_score` every one that can reach it is a candidate, whatever their number.
pub(super) async fn exact<C: ConnectionTrait>(
    db: &C,
    search: Nearest<'_>,
    scope: Scope,
    min_score: Option<f64>,
) -> Result<Ranking, Error> {
    let mut visible = access::visible(search.who, "r", 4);
    let (filter, candidates) = match min_score {
        None => (String::new(), search.candidates.into()),
        Some(min_score) => {
            let bound = 4 + visible.values.len();
            visible
                .values
                .push((1.0 - min_score / reliability::PROVEN_FACTOR + ROUNDING).into());
            (format!("WHERE distance <= ${bound}::float8"), i64::MAX)
        }
    };
    // Few rows are looked up one by one, which the planner does for a subquery only: for a join it would read the whole table.
    let distances = match scope {
        Scope::Few => {
            "SELECT scope.pattern_id, (SELECT p.intent_embedding <=> $1 FROM workflow_pattern p \
                 WHERE p.pattern_id = scope.pattern_id AND p.code_hash IS NOT NULL) AS distance FROM scope"
        }
        Scope::Many => {
            "SELECT p.pattern_id, p.intent_embedding <=> $1 AS distance FROM scope JOIN workflow_pattern p USING (pattern_id) \
             WHERE p.code_hash IS NOT NULL"
        }
    };
    // Materialized, so that the planner cannot fall back on the index which has just failed, or would.
    let near = format!(
        "scope AS ( \
             SELECT DISTINCT r.workflow_pattern_id AS pattern_id FROM capability_records r WHERE r.workflow_pattern_id IS NOT NULL AND {visible} \
         ), distances AS MATERIALIZED ({distances}), near AS (SELECT pattern_id, distance FROM distances {filter})",
        visible = visible.sql
    );
    ranking(db, search, &near, candidates, visible.values).await
}

/// More than the last digits of a distance can differ by.
const ROUNDING: f64 = 1e-6;

/// Scores the nearest of `near`, in one statement with it. Distances that are no number (to a zero vector of an older system) are left out.
async fn ranking<C: ConnectionTrait>(
    db: &C,
    search: Nearest<'_>,
    near: &str,
    candidates: i64,
    scope: Vec<Value>,
) -> Result<Ranking, Error> {
    let record = record_sql(search.who, "p.pattern_id", 4);
    let sql = format!(
        "WITH {near}, pool AS ( \
             SELECT pattern_id, distance FROM near WHERE distance <> 'NaN'::float8 ORDER BY distance, pattern_id LIMIT $2 \
         ), weighed AS MATERIALIZED ( \
             SELECT pool.pattern_id, pool.distance, 1 - pool.distance AS semantic, ({base}) * {transitive} AS reliability \
             FROM pool JOIN workflow_pattern p USING (pattern_id) \
         ), scored AS ( \
             SELECT weighed.*, {score} AS score, count(*) OVER () AS considered, max(distance) OVER () AS furthest FROM weighed \
         ) \
         SELECT r.id, p.pattern_id, {NAME}, p.description, s.score, s.semantic, s.reliability, {rate} AS success_rate, p.usage_count, \
                p.tool_ids AS tools, p.parameters_schema, p.embedding_model, s.considered, s.furthest \
         FROM (SELECT * FROM scored ORDER BY score DESC, distance, pattern_id LIMIT $3) s JOIN workflow_pattern p USING (pattern_id) \
              CROSS JOIN LATERAL ({record}) r \
         ORDER BY s.score DESC, s.distance, s.pattern_id",
        base = reliability::base_sql("p"),
        transitive = reliability::transitive_sql(search.who, "pool.pattern_id", 4),
        score = reliability::score_sql("semantic", "reliability"),
        rate = reliability::success_rate_sql("p"),
    );
    let mut values: Vec<Value> = vec![
        search.embedding.clone().into(),
        candidates.into(),
        i64::from(search.limit).into(),
    ];
    values.extend(scope);
    let mut ranking = Ranking::default();
    for row in &db.query_all_raw(statement(&sql, values)).await? {
        ranking
            .models
            .extend(row.try_get::<Option<String>>("", "embedding_model")?);
        ranking.considered = row.try_get("", "considered")?;
        ranking.furthest = row.try_get("", "furthest")?;
        ranking.hits.push(Row::from_query_result(row, "")?.hit());
    }
    Ok(ranking)
}

/// Finds the text as it stands, in any case, in `namespace:action` and in descriptions.
pub(super) async fn literal<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    text: &str,
    limit: Limit,
    score: f64,
) -> Result<Vec<Hit>, Error> {
    let visible = access::visible(who, "r", 4);
    let sql = format!(
        "WITH named AS ( \
             SELECT DISTINCT ON (p.pattern_id) p.pattern_id, r.* FROM capability_records r JOIN workflow_pattern p ON p.pattern_id = r.workflow_pattern_id \
             WHERE p.code_hash IS NOT NULL AND {visible} AND (r.namespace || ':' || r.action ILIKE $1 OR p.description ILIKE $1) \
             ORDER BY p.pattern_id, {preference} \
         ), few AS (SELECT * FROM named ORDER BY namespace, action, id LIMIT $3) \
         SELECT r.id, p.pattern_id, {NAME}, p.description, $2::float8 AS score, $2::float8 AS semantic, ({base}) * {transitive} AS reliability, \
                {rate} AS success_rate, p.usage_count, p.tool_ids AS tools, p.parameters_schema \
         FROM few r JOIN workflow_pattern p USING (pattern_id) ORDER BY r.namespace, r.action, r.id",
        visible = visible.sql,
        preference = preference(who, 4),
        base = reliability::base_sql("p"),
        transitive = reliability::transitive_sql(who, "p.pattern_id", 4),
        rate = reliability::success_rate_sql("p"),
    );
    let mut values: Vec<Value> = vec![
        containing(text).into(),
        score.into(),
        i64::from(limit.get()).into(),
    ];
    values.extend(visible.values);
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    rows.iter()
        .map(|row| Ok(Row::from_query_result(row, "")?.hit()))
        .collect()
}

/// Full name and display name of the entry `r`, spelled as in the view `capability`.
pub(super) const NAME: &str = "\
    r.org || '.' || r.project || '.' || r.namespace || '.' || r.action || '.' || r.hash AS fqdn, \
    r.namespace || ':' || r.action AS display_name";

/// A subquery of the one entry under which the principal knows the pattern. `first` is the number of the first parameter of the predicate
/// [`access::visible`], which it shares.
pub(super) fn record_sql(who: &Principal, pattern_id: &str, first: usize) -> String {
    format!(
        "SELECT r.id, r.org, r.project, r.namespace, r.action, r.hash FROM capability_records r \
         WHERE r.workflow_pattern_id = {pattern_id} AND {visible} ORDER BY {preference} LIMIT 1",
        visible = access::visible(who, "r", first).sql,
        preference = preference(who, first)
    )
}

/// Which of several entries of one pattern comes first: the principal's own, one of their project, one of their organisation, the first by id.
fn preference(who: &Principal, first: usize) -> String {
    match who {
        Principal::Local => {
            "(r.user_id IS NULL) DESC, (r.org = 'local' AND r.project = 'default') DESC, r.id"
                .to_owned()
        }
        Principal::Anonymous => "r.id".to_owned(),
        Principal::User { .. } => format!(
            "(r.user_id IS NOT DISTINCT FROM ${user}) DESC, (r.org = ${org} AND r.project = ${project}) DESC, (r.org = ${org}) DESC, r.id",
            user = first,
            org = first + 1,
            project = first + 2
        ),
    }
}

fn depth(candidates: u32) -> &'static str {
    let needed = candidates + SPARE;
    DEPTHS
        .iter()
        .find(|(depth, _)| *depth >= needed)
        .map_or(DEPTHS[DEPTHS.len() - 1].1, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_limit_has_a_depth_with_room_to_spare() {
        for limit in [1, 5, 6, 11, 12, 23, 24, 100, 500] {
            let candidates = limit * CANDIDATES_PER_RESULT;
            let depth: u32 = depth(candidates).parse().unwrap();
            assert!(depth >= candidates + SPARE);
        }
    }
}

//! What goes with a capability: what follows it, what can stand in for it, and what ran at the same time.

use std::collections::HashMap;

use pml_entity::values::{CapabilityId, EdgeSource, PatternId};
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::matching::share;
use super::reliability::success_rate_sql;
use super::statements::{NAME, record_sql};
use super::{Hit, SearchMode, SearchRequest, search};
use crate::capabilities::{CapabilityError, Reference, resolve};
use crate::embedding::Embedder;
use crate::sql::statement;
use crate::{Error, Limit, Principal};

/// Targets of `dependency` edges shown with a hit.
const FOLLOWERS: i64 = 10;
/// Share of successes that an alternative must be above.
const ALTERNATIVE_RATE: f64 = 0.70;
/// What an alternative keeps of the score of the capability it stands in for.
const ALTERNATIVE_FACTOR: f64 = 0.90;
/// Results of a co-occurrence query that asks for no number.
const DEFAULT_CO_OCCURRING: u32 = 10;
/// Two runs of one user belong together when less than this lies between them, in seconds.
const TOGETHER_SECONDS: u32 = 3_600;
/// Runs of a capability that are looked at for what ran with them, the latest ones. Each costs a look for its neighbours in time, and what a
/// capability that runs all day is used with shows in its last thousand runs as well as in all of them.
const LATEST_RUNS: u32 = 1_000;

/// What a capability needs to have run before, or feeds: the target of a `dependency` edge.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Follower {
    /// Its registry entry, chosen as for a [`Hit`].
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash` of that entry.
    pub fqdn: String,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// Trust in the edge, 0–1.
    pub confidence_score: f64,
    /// How the edge became known.
    pub edge_source: EdgeSource,
    /// How often the pair was seen.
    pub observed_count: i64,
    /// Share of its uses that succeeded, 0–1; 0 without uses.
    pub success_rate: f64,
    /// How often it was used.
    pub usage_count: i64,
}

/// A hit with what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct HitWithDependencies {
    /// The hit.
    pub hit: Hit,
    /// At most ten targets of its `dependency` edges that the principal sees, highest confidence first.
    pub dependencies: Vec<Follower>,
}

/// The answer to a search with dependencies.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchWithDependencies {
    /// The capabilities, ordered as by a search.
    pub results: Vec<HitWithDependencies>,
    /// How they were found.
    pub mode: SearchMode,
}

/// A [`search`], and for each hit what it depends on (spec of capabilities, SEARCH-5). One statement more, whatever the number of hits.
///
/// # Errors
/// Those of [`search`].
pub async fn search_with_dependencies<C: ConnectionTrait>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    request: &SearchRequest,
) -> Result<SearchWithDependencies, Error> {
    let found = search(db, embedder, who, request).await?;
    let mut followers = if found.results.is_empty() {
        HashMap::new()
    } else {
        let patterns: Vec<PatternId> = found.results.iter().map(|hit| hit.pattern_id).collect();
        followers_of(db, who, &patterns).await?
    };
    Ok(SearchWithDependencies {
        results: found
            .results
            .into_iter()
            .map(|hit| HitWithDependencies {
                dependencies: followers.remove(&hit.pattern_id).unwrap_or_default(),
                hit,
            })
            .collect(),
        mode: found.mode,
    })
}

async fn followers_of<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    patterns: &[PatternId],
) -> Result<HashMap<PatternId, Vec<Follower>>, Error> {
    let sql = format!(
        "SELECT asked.pattern_id AS from_pattern, f.* FROM unnest($1::uuid[]) AS asked(pattern_id) CROSS JOIN LATERAL ( \
             SELECT r.id, p.pattern_id, {NAME}, p.description, d.confidence_score, d.edge_source, d.observed_count, \
                    {rate} AS success_rate, p.usage_count \
             FROM capability_dependency d JOIN workflow_pattern p ON p.pattern_id = d.to_capability_id CROSS JOIN LATERAL ({record}) r \
             WHERE d.from_capability_id = asked.pattern_id AND d.edge_type = 'dependency' \
             ORDER BY d.confidence_score DESC, r.id LIMIT $2 \
         ) f ORDER BY f.confidence_score DESC, f.id",
        rate = success_rate_sql("p"),
        record = record_sql(who, "p.pattern_id", 3)
    );
    let asked: Vec<Uuid> = patterns.iter().map(PatternId::as_uuid).collect();
    let mut values: Vec<Value> = vec![asked.into(), FOLLOWERS.into()];
    values.extend(crate::capabilities::access::visible(who, "r", 3).values);
    let mut followers: HashMap<PatternId, Vec<Follower>> = HashMap::new();
    for row in &db.query_all_raw(statement(&sql, values)).await? {
        followers
            .entry(row.try_get("", "from_pattern")?)
            .or_default()
            .push(Follower::from_query_result(row, "")?);
    }
    Ok(followers)
}

/// A capability that can stand in for another.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Alternative {
    /// Its registry entry, chosen as for a [`Hit`].
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash` of that entry.
    pub fqdn: String,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// 90 % of the score of the capability it stands in for.
    pub score: f64,
    /// Trust in the edge, 0–1; of two edges the higher.
    pub confidence_score: f64,
    /// Share of its uses that succeeded, more than 0.7.
    pub success_rate: f64,
    /// How often it was used.
    pub usage_count: i64,
}

/// What can stand in for a capability that was matched with `matched_score`: the other ends of its `alternative` edges, in both directions, of which more
/// than 70 % of the uses succeeded and which the principal sees; the most successful first (spec of capabilities, SEARCH-6).
///
/// At most 500. Two statements, one more for an old name.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`] for a score outside 0–1, those of [`resolve`], [`CapabilityError::NoCode`].
pub async fn alternatives<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
    matched_score: f64,
) -> Result<Vec<Alternative>, Error> {
    share("matched_score", matched_score)?;
    let pattern = pattern_of(db, who, reference).await?;
    let sql = format!(
        "WITH other AS ( \
             SELECT pattern_id, max(confidence_score) AS confidence_score FROM ( \
                 SELECT to_capability_id AS pattern_id, confidence_score FROM capability_dependency WHERE from_capability_id = $1 AND edge_type = 'alternative' \
                 UNION ALL \
                 SELECT from_capability_id, confidence_score FROM capability_dependency WHERE to_capability_id = $1 AND edge_type = 'alternative' \
             ) edges GROUP BY pattern_id \
         ) \
         SELECT r.id, p.pattern_id, {NAME}, p.description, $2::float8 AS score, other.confidence_score, {rate} AS success_rate, p.usage_count \
         FROM other JOIN workflow_pattern p USING (pattern_id) CROSS JOIN LATERAL ({record}) r \
         WHERE p.code_hash IS NOT NULL AND {rate} > {ALTERNATIVE_RATE:?} \
         ORDER BY success_rate DESC, p.usage_count DESC, r.id LIMIT {most}",
        rate = success_rate_sql("p"),
        record = record_sql(who, "p.pattern_id", 3),
        most = Limit::MAX
    );
    let mut values: Vec<Value> = vec![
        pattern.as_uuid().into(),
        (matched_score * ALTERNATIVE_FACTOR).into(),
    ];
    values.extend(crate::capabilities::access::visible(who, "r", 3).values);
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    rows.iter()
        .map(|row| Ok(Alternative::from_query_result(row, "")?))
        .collect()
}

/// A capability that ran together with another.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct CoOccurring {
    /// Its registry entry, chosen as for a [`Hit`].
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash` of that entry.
    pub fqdn: String,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// Runs of it that belong to a run of the other.
    pub count: i64,
    /// The latest of them.
    pub last_seen: DateTimeUtc,
}

/// What ran together with a capability: as a part of the same larger run, or by the same user less than an hour apart (spec of capabilities, SEARCH-7).
/// The most frequent first, then the latest. `limit` is 1–500; `None`: 10. Only the latest 1,000 runs of the capability are looked at.
///
/// A user learns from their own runs only, nobody from none; in local mode all runs count. A run without an owner belongs with others
/// through their common parent only: two unknown users are not one. Two statements, one more for an old name.
///
/// # Errors
/// [`Error::InvalidLimit`], those of [`resolve`], [`CapabilityError::NoCode`].
pub async fn co_occurring<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
    limit: Option<i64>,
) -> Result<Vec<CoOccurring>, Error> {
    let limit = Limit::or(limit, DEFAULT_CO_OCCURRING)?;
    let pattern = pattern_of(db, who, reference).await?;
    let own = match who {
        Principal::Local => "TRUE",
        Principal::User { .. } => "t.user_id = $3",
        Principal::Anonymous => return Ok(Vec::new()),
    };
    let sql = format!(
        "WITH runs AS ( \
             SELECT t.id, t.parent_trace_id, t.user_id, t.executed_at FROM execution_trace t WHERE t.capability_id = $1 AND {own} \
             ORDER BY t.executed_at DESC, t.id LIMIT {LATEST_RUNS} \
         ), together AS ( \
             SELECT t.capability_id AS pattern_id, t.id, t.executed_at FROM runs JOIN execution_trace t ON t.parent_trace_id = runs.parent_trace_id \
             WHERE t.capability_id <> $1 AND {own} \
             UNION \
             SELECT t.capability_id, t.id, t.executed_at FROM runs JOIN execution_trace t ON t.user_id = runs.user_id \
                 AND t.executed_at > runs.executed_at - make_interval(secs => {TOGETHER_SECONDS}) \
                 AND t.executed_at < runs.executed_at + make_interval(secs => {TOGETHER_SECONDS}) \
             WHERE t.capability_id <> $1 AND {own} \
         ), counted AS (SELECT pattern_id, count(*) AS count, max(executed_at) AS last_seen FROM together GROUP BY pattern_id) \
         SELECT r.id, p.pattern_id, {NAME}, p.description, counted.count, counted.last_seen \
         FROM counted JOIN workflow_pattern p USING (pattern_id) CROSS JOIN LATERAL ({record}) r \
         WHERE p.code_hash IS NOT NULL \
         ORDER BY counted.count DESC, counted.last_seen DESC, r.id LIMIT $2",
        record = record_sql(who, "p.pattern_id", 3)
    );
    let mut values: Vec<Value> = vec![pattern.as_uuid().into(), i64::from(limit.get()).into()];
    values.extend(crate::capabilities::access::visible(who, "r", 3).values);
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    rows.iter()
        .map(|row| Ok(CoOccurring::from_query_result(row, "")?))
        .collect()
}

async fn pattern_of<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
) -> Result<PatternId, Error> {
    resolve(db, who, reference)
        .await?
        .pattern_id
        .ok_or_else(|| {
            CapabilityError::NoCode {
                key: reference.to_string(),
            }
            .into()
        })
}

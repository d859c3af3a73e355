//! Reading edges: only those whose other end the caller may see.

use chrono::{DateTime, Utc};
use pml_entity::values::{CapabilityId, EdgeSource, EdgeType, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{Direction, Edge, Relative};
use crate::capabilities::access;
use crate::capabilities::error::CapabilityError;
use crate::capabilities::reference::{Reference, Resolved, resolve};
use crate::sql::statement;
use crate::{Error, Principal};

/// Most edges that [`list`] gives, and most neighbours that [`children`] and [`parents`] give: as many as the longest page of a list has rows.
pub const MAX_EDGES: u32 = 500;
/// Most edges that [`all`] gives, and most capabilities that [`descendants`] and [`ancestors`] give: a graph that can still be drawn and sent.
pub const MAX_GRAPH: u32 = 10_000;
/// Confidence that an edge must exceed to be listed, if none is given. Source: spec of capabilities, DEP-4.
const DEFAULT_MIN_CONFIDENCE: f64 = 0.3;

const COLUMNS: &str = "d.from_capability_id AS from_pattern, d.to_capability_id AS to_pattern, d.edge_type, d.edge_source, \
     d.observed_count, d.confidence_score, d.created_at, d.last_observed";
const ORDER: &str =
    "d.confidence_score DESC, d.observed_count DESC, d.from_capability_id, d.to_capability_id";

/// The other end of an edge of capability `$1`.
const OTHER: &str =
    "CASE WHEN d.from_capability_id = $1 THEN d.to_capability_id ELSE d.from_capability_id END";

#[derive(Debug, FromQueryResult)]
struct Row {
    from_pattern: PatternId,
    to_pattern: PatternId,
    #[sea_orm(from_alias = "from_id")]
    from: Option<CapabilityId>,
    #[sea_orm(from_alias = "to_id")]
    to: Option<CapabilityId>,
    from_name: Option<String>,
    to_name: Option<String>,
    edge_type: EdgeType,
    edge_source: EdgeSource,
    observed_count: i64,
    confidence_score: f64,
    created_at: DateTime<Utc>,
    last_observed: DateTime<Utc>,
}

impl From<Row> for Edge {
    fn from(row: Row) -> Self {
        Self {
            from_pattern: row.from_pattern,
            to_pattern: row.to_pattern,
            from: row.from,
            to: row.to,
            from_name: row.from_name,
            to_name: row.to_name,
            edge_type: row.edge_type,
            edge_source: row.edge_source,
            observed_count: row.observed_count,
            confidence_score: row.confidence_score,
            created_at: row.created_at,
            last_observed: row.last_observed,
        }
    }
}

/// The oldest registry entry of a pattern that the caller may see, as a subselect. `pattern` is SQL of ours.
fn entry_of(pattern: &str, visible: &str) -> String {
    format!(
        "(SELECT r.id, r.namespace || ':' || r.action AS name FROM capability_records r \
          WHERE r.workflow_pattern_id = {pattern} AND {visible} ORDER BY r.created_at, r.id LIMIT 1)"
    )
}

/// The edges of a capability, most trusted first, then by count and ids: at most 500 ([`MAX_EDGES`]). Two statements.
///
/// Only those whose other end the caller may see. [`count`] tells how many there are.
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
    direction: Direction,
) -> Result<Vec<Edge>, Error> {
    let of = resolve(db, who, of).await?;
    let Some(pattern) = of.pattern_id else {
        return Ok(Vec::new());
    };
    let visible = access::visible(who, "r", 4);
    let sql = format!(
        "SELECT {COLUMNS}, \
             CASE WHEN d.from_capability_id = $1 THEN $2 ELSE other.id END AS from_id, \
             CASE WHEN d.from_capability_id = $1 THEN $3 ELSE other.name END AS from_name, \
             CASE WHEN d.from_capability_id = $1 THEN other.id ELSE $2 END AS to_id, \
             CASE WHEN d.from_capability_id = $1 THEN other.name ELSE $3 END AS to_name \
         FROM capability_dependency d CROSS JOIN LATERAL {entry} AS other WHERE {ends} \
         ORDER BY {ORDER} LIMIT {MAX_EDGES}",
        entry = entry_of(OTHER, &visible.sql),
        ends = ends(direction),
    );
    let mut values: Vec<Value> = vec![pattern.into(), of.id.into(), of.display_name().into()];
    values.extend(visible.values);
    edges(db, &sql, values).await
}

/// Number of the edges of a capability, in both directions, whose other end the caller may see. Two statements.
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn count<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
) -> Result<i64, Error> {
    let Some(pattern) = resolve(db, who, of).await?.pattern_id else {
        return Ok(0);
    };
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT count(*) AS edges FROM capability_dependency d WHERE {ends} \
         AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = {OTHER} AND {visible})",
        ends = ends(Direction::Both),
        visible = visible.sql,
    );
    let mut values: Vec<Value> = vec![pattern.into()];
    values.extend(visible.values);
    match db.query_one_raw(statement(&sql, values)).await? {
        Some(row) => Ok(row.try_get("", "edges")?),
        None => Ok(0),
    }
}

/// Every edge with a confidence above `min_confidence` (`None`: 0.3), most trusted first, then by count and ids: at most 10,000
/// ([`MAX_GRAPH`]). One statement.
///
/// Only those whose both ends the caller may see; in local mode also those of patterns without a registry entry.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`] for a confidence that is no number in 0–1.
pub async fn all<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    min_confidence: Option<f64>,
) -> Result<Vec<Edge>, Error> {
    let min_confidence = min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE);
    if !(0.0..=1.0).contains(&min_confidence) {
        let (field, rule) = ("min_confidence", "must be a number from 0 to 1");
        return Err(CapabilityError::InvalidFilter { field, rule }.into());
    }
    let visible = access::visible(who, "r", 3);
    // Every edge needs the entries of its ends, so these are found once for all.
    let sql = format!(
        "WITH entry AS MATERIALIZED ( \
             SELECT DISTINCT ON (r.workflow_pattern_id) r.workflow_pattern_id AS pattern_id, r.id, r.namespace || ':' || r.action AS name \
             FROM capability_records r WHERE r.workflow_pattern_id IS NOT NULL AND {visible} \
             ORDER BY r.workflow_pattern_id, r.created_at, r.id \
         ) \
         SELECT {COLUMNS}, f.id AS from_id, f.name AS from_name, t.id AS to_id, t.name AS to_name FROM capability_dependency d \
         LEFT JOIN entry f ON f.pattern_id = d.from_capability_id LEFT JOIN entry t ON t.pattern_id = d.to_capability_id \
         WHERE d.confidence_score > $1 AND ($2::bool OR (f.id IS NOT NULL AND t.id IS NOT NULL)) \
         ORDER BY {ORDER} LIMIT {MAX_GRAPH}",
        visible = visible.sql,
    );
    let mut values: Vec<Value> = vec![min_confidence.into(), (*who == Principal::Local).into()];
    values.extend(visible.values);
    edges(db, &sql, values).await
}

/// What the capability contains, directly, by name. Two statements.
///
/// At most 500 ([`MAX_EDGES`]): of more, those with the most trusted edges, of equal ones those with the least pattern ids.
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn children<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
) -> Result<Vec<Relative>, Error> {
    let walk = Walk::new(Direction::From, EdgeType::Contains);
    neighbours(db, who, of, walk).await
}

/// What contains the capability, directly, by name. At most 500, chosen as by [`children`]. Two statements.
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn parents<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
) -> Result<Vec<Relative>, Error> {
    let walk = Walk::new(Direction::To, EdgeType::Contains);
    neighbours(db, who, of, walk).await
}

/// Everything that is reached from the capability over one kind of edge, by name, without itself. Two statements.
///
/// The way leads over visible capabilities only, and visits each once: it ends on cyclic data. At most 10,000 ([`MAX_GRAPH`]): of more, those
/// with the most trusted edge on the way, of equal ones those with the least pattern ids.
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn descendants<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
    over: EdgeType,
) -> Result<Vec<Relative>, Error> {
    reached(db, who, of, Walk::new(Direction::From, over)).await
}

/// Everything that reaches the capability over one kind of edge, by name, without itself. As [`descendants`].
///
/// # Errors
/// [`Error::NotFound`] if the capability is unknown or hidden.
pub async fn ancestors<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
    over: EdgeType,
) -> Result<Vec<Relative>, Error> {
    reached(db, who, of, Walk::new(Direction::To, over)).await
}

/// Which way to go, over what.
#[derive(Clone, Copy)]
struct Walk {
    /// The column of an edge that holds where one stands, and the one that holds where it leads.
    here: &'static str,
    there: &'static str,
    over: EdgeType,
}

impl Walk {
    fn new(direction: Direction, over: EdgeType) -> Self {
        let (here, there) = match direction {
            Direction::To => ("d.to_capability_id", "d.from_capability_id"),
            Direction::From | Direction::Both => ("d.from_capability_id", "d.to_capability_id"),
        };
        Self { here, there, over }
    }
}

async fn neighbours<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
    Walk { here, there, over }: Walk,
) -> Result<Vec<Relative>, Error> {
    let of = resolve(db, who, of).await?;
    let visible = access::visible(who, "r", 3);
    let sql = format!(
        "SELECT * FROM ( \
             SELECT entry.id, entry.name AS display_name, p.pattern_id, p.hierarchy_level \
             FROM capability_dependency d JOIN workflow_pattern p ON p.pattern_id = {there} CROSS JOIN LATERAL {entry} AS entry \
             WHERE {here} = $1 AND d.edge_type = $2 ORDER BY d.confidence_score DESC, p.pattern_id LIMIT {MAX_EDGES} \
         ) AS strongest ORDER BY display_name, id",
        entry = entry_of("p.pattern_id", &visible.sql),
    );
    relatives(db, &sql, &of, over, visible.values).await
}

async fn reached<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    of: &Reference,
    Walk { here, there, over }: Walk,
) -> Result<Vec<Relative>, Error> {
    let of = resolve(db, who, of).await?;
    let visible = access::visible(who, "r", 3);
    let sql = format!(
        "WITH RECURSIVE reached(id) AS ( \
             SELECT $1::uuid \
             UNION \
             SELECT {there} FROM reached w JOIN capability_dependency d ON {here} = w.id \
             WHERE d.edge_type = $2 AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = {there} AND {is_visible}) \
         ), strongest AS ( \
             SELECT found.id FROM reached w JOIN capability_dependency d ON {here} = w.id AND d.edge_type = $2 \
                                            JOIN reached found ON found.id = {there} \
             WHERE found.id <> $1 GROUP BY found.id ORDER BY max(d.confidence_score) DESC, found.id LIMIT {MAX_GRAPH} \
         ) \
         SELECT entry.id, entry.name AS display_name, p.pattern_id, p.hierarchy_level \
         FROM strongest JOIN workflow_pattern p ON p.pattern_id = strongest.id CROSS JOIN LATERAL {entry} AS entry \
         ORDER BY entry.name, entry.id",
        entry = entry_of("p.pattern_id", &visible.sql),
        is_visible = visible.sql,
    );
    relatives(db, &sql, &of, over, visible.values).await
}

async fn relatives<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    of: &Resolved,
    over: EdgeType,
    visible: Vec<Value>,
) -> Result<Vec<Relative>, Error> {
    let Some(pattern) = of.pattern_id else {
        return Ok(Vec::new());
    };
    let mut values: Vec<Value> = vec![pattern.into(), over.as_str().into()];
    values.extend(visible);
    let rows = Relative::find_by_statement(statement(sql, values));
    Ok(rows.all(db).await?)
}

fn ends(direction: Direction) -> &'static str {
    match direction {
        Direction::From => "d.from_capability_id = $1",
        Direction::To => "d.to_capability_id = $1",
        Direction::Both => "(d.from_capability_id = $1 OR d.to_capability_id = $1)",
    }
}

async fn edges<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Edge>, Error> {
    let rows = Row::find_by_statement(statement(sql, values))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Edge::from).collect())
}

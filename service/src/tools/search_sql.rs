//! The statements of the tool search. Each is written out as a whole, because its shape decides whether the index serves.

use std::collections::BTreeSet;

use pml_entity::values::{Embedding, JsonSchema, ServerId, ToolId};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::search::ToolHit;
use crate::sql::{containing, statement};
use crate::{Error, Limit};

/// Rows that the index gives beyond what is asked for, so that removed tools and equal distances among them cost no second statement.
const SPARE: u32 = 2;
/// Numbers of rows to take from the index. The planner must know the number when it plans: with a parameter it would assume a tenth of the table and
/// read it whole. So few statements, each with its own.
const DEPTHS: [(u32, &str); 4] = [(12, "12"), (32, "32"), (116, "116"), (516, "516")];

/// What a search found, with the models of the vectors it compared.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) hits: Vec<ToolHit>,
    pub(super) models: BTreeSet<String>,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    tool_id: ToolId,
    server_id: ServerId,
    name: String,
    description: Option<String>,
    input_schema: JsonSchema,
    score: f64,
}

impl Row {
    fn hit(self) -> ToolHit {
        let Self {
            tool_id,
            server_id,
            name,
            description,
            input_schema,
            score,
        } = self;
        ToolHit {
            tool_id,
            server_id,
            name,
            description,
            score,
            input_schema: input_schema.into_value(),
        }
    }
}

/// How many vectors a server filter keeps.
#[derive(Debug, FromQueryResult)]
pub(super) struct Scope {
    /// Vectors of these servers, counted up to a limit.
    pub(super) kept: i64,
    /// Vectors altogether, as the planner estimates them.
    pub(super) total: i64,
}

/// Counts the vectors of the servers, up to `at_most`.
pub(super) async fn scope<C: ConnectionTrait>(
    db: &C,
    servers: &[String],
    at_most: i64,
) -> Result<Scope, Error> {
    const SQL: &str = "\
        SELECT (SELECT count(*) FROM (SELECT FROM tool_embedding WHERE server_id = ANY($1) LIMIT $2) AS counted) AS kept, \
               (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'tool_embedding'::regclass) AS total";
    match db
        .query_one_raw(statement(SQL, [servers.to_vec().into(), at_most.into()]))
        .await?
    {
        Some(row) => Ok(Scope::from_query_result(&row, "")?),
        None => Ok(Scope { kept: 0, total: 0 }),
    }
}

/// Takes the nearest from the vector index. Fewer than `limit` come back where the index misses some, or where removed tools stand in front.
pub(super) async fn approximate<C: ConnectionTrait>(
    db: &C,
    embedding: &Embedding,
    limit: Limit,
    servers: &[String],
) -> Result<Hits, Error> {
    let filter = if servers.is_empty() {
        ""
    } else {
        "WHERE server_id = ANY($3)"
    };
    let sql = format!(
        "WITH near AS ( \
             SELECT tool_id, model, embedding <=> $1 AS distance FROM tool_embedding {filter} \
             ORDER BY embedding <=> $1 LIMIT {depth} \
         ) \
         SELECT t.tool_id, t.server_id, t.name, t.description, t.input_schema, near.model, 1 - near.distance AS score \
         FROM near JOIN tool_schema t USING (tool_id) WHERE t.removed_at IS NULL AND t.kind <> 'unresolved' \
         ORDER BY near.distance, t.tool_id LIMIT $2",
        depth = depth(limit)
    );
    hits(
        &db.query_all_raw(statement(&sql, values(embedding, limit, servers)))
            .await?,
    )
}

/// Compares with every vector of the servers. Exact, and its time grows with their number.
pub(super) async fn exact<C: ConnectionTrait>(
    db: &C,
    embedding: &Embedding,
    limit: Limit,
    servers: &[String],
) -> Result<Hits, Error> {
    let filter = if servers.is_empty() {
        ""
    } else {
        "AND e.server_id = ANY($3)"
    };
    // Materialized, so that the planner cannot fall back on the index which has just failed, or would.
    let sql = format!(
        "WITH distances AS MATERIALIZED ( \
             SELECT e.tool_id, e.model, e.embedding <=> $1 AS distance FROM tool_embedding e JOIN tool_schema t USING (tool_id) \
             WHERE t.removed_at IS NULL AND t.kind <> 'unresolved' {filter} \
         ), near AS (SELECT tool_id, model, distance FROM distances ORDER BY distance, tool_id LIMIT $2) \
         SELECT t.tool_id, t.server_id, t.name, t.description, t.input_schema, near.model, 1 - near.distance AS score \
         FROM near JOIN tool_schema t USING (tool_id) ORDER BY near.distance, t.tool_id"
    );
    hits(
        &db.query_all_raw(statement(&sql, values(embedding, limit, servers)))
            .await?,
    )
}

/// Finds the text as it stands, in any case, in names and descriptions.
pub(super) async fn literal<C: ConnectionTrait>(
    db: &C,
    text: &str,
    limit: Limit,
    servers: &[String],
    score: f64,
) -> Result<Vec<ToolHit>, Error> {
    let filter = if servers.is_empty() {
        ""
    } else {
        "AND server_id = ANY($4)"
    };
    let sql = format!(
        "SELECT tool_id, server_id, name, description, input_schema, $2::float8 AS score FROM tool_schema \
         WHERE removed_at IS NULL AND kind <> 'unresolved' AND (name ILIKE $1 OR description ILIKE $1) {filter} ORDER BY tool_id LIMIT $3"
    );
    let mut values: Vec<Value> = vec![
        containing(text).into(),
        score.into(),
        i64::from(limit.get()).into(),
    ];
    if !servers.is_empty() {
        values.push(servers.to_vec().into());
    }
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    rows.iter()
        .map(|row| Ok(Row::from_query_result(row, "")?.hit()))
        .collect()
}

fn depth(limit: Limit) -> &'static str {
    let needed = limit.get() + SPARE;
    DEPTHS
        .iter()
        .find(|(depth, _)| *depth >= needed)
        .map_or(DEPTHS[3].1, |(_, text)| text)
}

fn values(embedding: &Embedding, limit: Limit, servers: &[String]) -> Vec<Value> {
    let mut values: Vec<Value> = vec![embedding.clone().into(), i64::from(limit.get()).into()];
    if !servers.is_empty() {
        values.push(servers.to_vec().into());
    }
    values
}

fn hits(rows: &[QueryResult]) -> Result<Hits, Error> {
    let mut found = Hits::default();
    for row in rows {
        found.models.insert(row.try_get("", "model")?);
        found.hits.push(Row::from_query_result(row, "")?.hit());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_limit_has_a_depth_with_room_to_spare() {
        for limit in [1, 16, 17, 100, 101, 500] {
            let depth: u32 = depth(Limit::new(Some(limit)).unwrap()).parse().unwrap();
            assert!(i64::from(depth) >= limit + i64::from(SPARE));
        }
    }
}

//! The patterns whose prompts are nearest to a vector.

use pml_entity::values::{Score, SuccessPatternId, TraceabilityEmbedding};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::model::VECTORS;
use crate::Error;
use crate::sql::statement;

/// Rows that the index gives beyond what is asked for: its order is of normalised 32-bit vectors, the answer's of whole ones.
const SPARE: u32 = 2;
/// Numbers of rows to take from the index. The planner must know the number when it plans, so each is a statement of its own.
const DEPTHS: [(u32, &str); 4] = [(8, "8"), (12, "12"), (42, "42"), (202, "202")];
/// What is read of a pattern: everything but its vector and its steps.
const COLUMNS: &str = "pattern_id, pattern_hash, prompt_text, intent_classification, keywords, agent_sequence, routing_strategy, \
    context ->> 'domain' AS domain, success_rate, confidence_score, total_usage_count, avg_duration_ms, max_duration_ms";

/// A pattern near a vector.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(super) struct Near {
    pub(super) pattern_id: SuccessPatternId,
    pub(super) pattern_hash: String,
    pub(super) prompt_text: String,
    pub(super) intent_classification: Option<String>,
    pub(super) keywords: Vec<String>,
    pub(super) agent_sequence: Vec<String>,
    pub(super) routing_strategy: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) success_rate: Score,
    pub(super) confidence_score: Score,
    pub(super) total_usage_count: i32,
    pub(super) avg_duration_ms: i32,
    pub(super) max_duration_ms: i32,
    pub(super) similarity: f64,
    /// Of which model the vectors are; `None` when nobody has said.
    pub(super) model: Option<String>,
}

/// The `count` nearest by cosine, nearest first. Fewer only where fewer have a vector: what the index misses is searched for exactly.
pub(super) async fn nearest<C: ConnectionTrait>(
    db: &C,
    embedding: &TraceabilityEmbedding,
    count: u32,
) -> Result<Vec<Near>, Error> {
    let depth = DEPTHS
        .iter()
        .find(|(depth, _)| *depth >= count + SPARE)
        .map_or(DEPTHS[3].1, |(_, text)| text);
    // The expression is that of the index, and of no other: see migration 117.
    let sql = format!(
        "WITH near AS MATERIALIZED ( \
             SELECT {COLUMNS}, prompt_embedding <=> $1 AS distance FROM success_patterns WHERE prompt_embedding IS NOT NULL \
             ORDER BY l2_normalize(prompt_embedding)::vector(1536) <#> l2_normalize($1) LIMIT {depth} \
         ) {SELECT}"
    );
    let found = rows(db, sql, embedding, count).await?;
    if found.len() >= count as usize {
        return Ok(found);
    }
    let sql = format!(
        "WITH near AS MATERIALIZED ( \
             SELECT {COLUMNS}, prompt_embedding <=> $1 AS distance FROM success_patterns WHERE prompt_embedding IS NOT NULL \
         ) {SELECT}"
    );
    rows(db, sql, embedding, count).await
}

const SELECT: &str = "\
    SELECT near.*, 1 - distance AS similarity, (SELECT model FROM embedding_models WHERE vectors = $3) AS model \
    FROM near ORDER BY distance, pattern_id LIMIT $2";

async fn rows<C: ConnectionTrait>(
    db: &C,
    sql: String,
    embedding: &TraceabilityEmbedding,
    count: u32,
) -> Result<Vec<Near>, Error> {
    let values = [
        embedding.clone().into(),
        i64::from(count).into(),
        VECTORS.into(),
    ];
    let rows = db.query_all_raw(statement(sql, values)).await?;
    Ok(rows
        .iter()
        .map(|row| Near::from_query_result(row, ""))
        .collect::<Result<_, _>>()?)
}

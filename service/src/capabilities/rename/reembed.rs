//! New vectors for what has old ones, or those of another model.

use pml_entity::values::{EdgeType, Embedding, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, TransactionSession, TransactionTrait, Value};

use crate::capabilities::dependencies::lock_edges;
use crate::embedding::{Embedder, EmbedderError};
use crate::{Error, sql};

/// Most patterns of a batch: 2 MB of vectors in one statement.
const MAX_BATCH: u32 = 500;

/// What the vector of a pattern `p` is made of: SEARCH-9 with the name its owner gave it, else the oldest one; without a name its description,
/// without that its intent. NULL: there is nothing to go by.
const TEXT: &str = "coalesce( \
    (SELECT r.namespace || ':' || r.action || coalesce(': ' || p.description, '') FROM capability_records r \
     WHERE r.workflow_pattern_id = p.pattern_id ORDER BY (r.user_id IS NOT DISTINCT FROM p.user_id) DESC, r.created_at, r.id LIMIT 1), \
    nullif(btrim(p.description), ''), nullif(btrim(p.dag_structure ->> 'intent_text'), ''))";
/// Which patterns need a vector, with the model as the first parameter. One that a caller brought is left alone until it is stale.
const OUTDATED: &str = "(p.embedding_stale OR p.embedding_model <> $1)";

#[derive(Debug, FromQueryResult)]
struct Row {
    pattern_id: PatternId,
    text: Option<String>,
}

/// Makes the vectors anew that are stale or of another model than the embedder's, of all owners: the way to change the model, and to catch up
/// on renames that happened while the embedder was away. Gives the number of vectors that were written. One without any text keeps its
/// vector, which counts as nobody's then.
///
/// `batch` patterns (1–500) at a time: four statements each, the last three in a transaction that locks them in the order of their ids. Each
/// batch stands when it is written, so that a run which breaks off is continued by the next. While a change of the model is under way, calls that compare or write vectors are refused with
/// [`Error::MixedModels`]. `on_progress` is told the number after each batch. A pattern that is renamed in between is left to that rename.
///
/// # Errors
/// [`Error::Embedder`] if a text cannot be embedded.
pub async fn reembed<C>(
    db: &C,
    embedder: &dyn Embedder,
    on_progress: &(dyn Fn(u64) + Send + Sync),
    batch: u32,
) -> Result<u64, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let batch = batch.clamp(1, MAX_BATCH);
    let mut written = 0;
    let mut last: Option<PatternId> = None;
    loop {
        let rows = outdated(db, embedder.model_id(), last, batch).await?;
        let Some(end) = rows.last().map(|row| row.pattern_id) else {
            return Ok(written);
        };
        last = Some(end);
        let (worded, silent): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.text.is_some());
        if !silent.is_empty() {
            disown(db, embedder.model_id(), silent).await?;
        }
        let (ids, texts): (Vec<PatternId>, Vec<String>) = worded
            .into_iter()
            .filter_map(|row| Some((row.pattern_id, row.text?)))
            .unzip();
        if texts.is_empty() {
            continue;
        }
        let embeddings = embedder.embed(&texts).await?;
        if embeddings.len() != texts.len() {
            return Err(EmbedderError::Unusable(format!(
                "{} vectors for {} texts",
                embeddings.len(),
                texts.len()
            ))
            .into());
        }
        let tx = db.begin().await?;
        lock(&tx, &ids).await?;
        let vectors = ids.into_iter().zip(texts).zip(embeddings).collect();
        written += write(&tx, embedder.model_id(), vectors).await?;
        tx.commit().await?;
        on_progress(written);
    }
}

async fn outdated<C: ConnectionTrait>(
    db: &C,
    model: &str,
    last: Option<PatternId>,
    batch: u32,
) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT p.pattern_id, {TEXT} AS text FROM workflow_pattern p \
         WHERE {OUTDATED} AND ($2::uuid IS NULL OR p.pattern_id > $2) ORDER BY p.pattern_id LIMIT $3"
    );
    let values = [model.into(), last.into(), i64::from(batch).into()];
    let statement = sql::statement(sql, values);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

/// Marks patterns without any text: no model of ours made their vectors, so they stand in the way of none.
async fn disown<C>(db: &C, model: &str, rows: Vec<Row>) -> Result<(), Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let ids: Vec<PatternId> = rows.into_iter().map(|row| row.pattern_id).collect();
    let tx = db.begin().await?;
    lock(&tx, &ids).await?;
    let sql = format!(
        "UPDATE workflow_pattern p SET embedding_model = NULL, embedding_stale = true \
         WHERE {OUTDATED} AND p.embedding_model IS NOT NULL AND p.pattern_id = ANY($2) AND {TEXT} IS NULL"
    );
    let ids: Vec<_> = ids.iter().map(PatternId::as_uuid).collect();
    tx.execute_raw(sql::statement(sql, [model.into(), ids.into()]))
        .await?;
    tx.commit().await?;
    Ok(())
}

/// In statements of their own: what follows then sees what a rename that was waited for has done. The edges come first, because a save that
/// holds their lock goes on to lock patterns in no order.
async fn lock<C: ConnectionTrait>(tx: &C, ids: &[PatternId]) -> Result<(), Error> {
    const SQL: &str = "\
        SELECT FROM workflow_pattern WHERE pattern_id = ANY($1) ORDER BY pattern_id FOR NO KEY UPDATE";
    lock_edges(tx, EdgeType::Contains).await?;
    let ids: Vec<_> = ids.iter().map(PatternId::as_uuid).collect();
    let statement = sql::statement(SQL, [ids.into()]);
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Writes the vectors whose text is still the one they were made of.
async fn write<C: ConnectionTrait>(
    db: &C,
    model: &str,
    vectors: Vec<((PatternId, String), Embedding)>,
) -> Result<u64, Error> {
    let rows: Vec<String> = (0..vectors.len())
        .map(|row| 2 + row * 3)
        .map(|first| {
            format!(
                "(${first}::uuid, ${}::text, ${}::vector)",
                first + 1,
                first + 2
            )
        })
        .collect();
    let sql = format!(
        "UPDATE workflow_pattern p SET intent_embedding = new.embedding, embedding_model = $1, embedding_stale = false \
         FROM (VALUES {}) AS new (pattern_id, text, embedding) \
         WHERE p.pattern_id = new.pattern_id AND {OUTDATED} AND {TEXT} = new.text",
        rows.join(", ")
    );
    let values = std::iter::once(Value::from(model)).chain(
        vectors
            .into_iter()
            .flat_map(|((id, text), embedding)| [id.into(), text.into(), embedding.into()]),
    );
    let values: Vec<Value> = values.collect();
    let statement = sql::statement(sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

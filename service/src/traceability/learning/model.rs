//! Of which model the vectors of the patterns are: all of one.

use pml_entity::values::{SuccessPatternId, TraceabilityEmbedding};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait, Value};

use super::claims;
use crate::Error;
use crate::embedding::{Embedder, PROMPT_DIMENSIONS};
use crate::sql::statement;

/// The row of `embedding_models` that counts here.
pub(super) const VECTORS: &str = "success_patterns.prompt_embedding";
/// Patterns that are embedded at a time.
const BATCH: i64 = 100;

/// Refuses another model than that of the stored vectors. Where none is stored yet, this one is from now on.
///
/// In a transaction the answer holds until its end: [`reembed`] waits for it.
pub(super) async fn ensure<C: ConnectionTrait>(db: &C, model: &str) -> Result<(), Error> {
    const READ: &str = "SELECT model FROM embedding_models WHERE vectors = $1 FOR SHARE";
    // The update changes nothing; it makes a row that another writer has just added come back.
    const WRITE: &str = "\
        INSERT INTO embedding_models AS m (vectors, model) VALUES ($1, $2) \
        ON CONFLICT (vectors) DO UPDATE SET model = m.model RETURNING model";
    let row = match db.query_one_raw(statement(READ, [VECTORS.into()])).await? {
        Some(row) => Some(row),
        None => {
            db.query_one_raw(statement(WRITE, [VECTORS.into(), model.into()]))
                .await?
        }
    };
    match row {
        Some(row) => compare(row.try_get("", "model")?, model),
        None => Ok(()),
    }
}

/// [`Error::MixedModels`] unless the two are the same.
pub(super) fn compare(stored: String, requested: &str) -> Result<(), Error> {
    if stored == requested {
        return Ok(());
    }
    Err(Error::MixedModels {
        stored,
        requested: requested.to_owned(),
    })
}

/// Gives every pattern that has no vector one. Returns how many got one.
///
/// A pattern has none when the embedder did not answer while it was extracted, or after [`reembed`]. A hundred at a time, each batch in a
/// statement of its own: what is done stays done.
///
/// # Errors
/// [`Error::Embedder`]; [`Error::MixedModels`].
pub async fn embed_missing<C>(
    db: &C,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
) -> Result<u64, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    const SQL: &str = "\
        SELECT pattern_id, prompt_text FROM success_patterns \
        WHERE prompt_embedding IS NULL AND prompt_text <> '' AND pattern_id > $1 ORDER BY pattern_id LIMIT $2";
    let mut done = 0;
    let mut after = SuccessPatternId::from(uuid::Uuid::nil());
    loop {
        let rows = db
            .query_all_raw(statement(SQL, [after.into(), BATCH.into()]))
            .await?;
        let mut ids: Vec<SuccessPatternId> = Vec::with_capacity(rows.len());
        let mut texts: Vec<String> = Vec::with_capacity(rows.len());
        for row in &rows {
            ids.push(row.try_get("", "pattern_id")?);
            texts.push(row.try_get("", "prompt_text")?);
        }
        let Some(last) = ids.last() else {
            return Ok(done);
        };
        after = *last;
        let vectors = prompts.embed(&texts).await?;
        let tx = db.begin().await?;
        claims::take_turn(&tx).await?;
        ensure(&tx, prompts.model_id()).await?;
        done += set_vectors(&tx, &ids, vectors).await?;
        tx.commit().await?;
    }
}

async fn set_vectors<C: ConnectionTrait>(
    tx: &C,
    ids: &[SuccessPatternId],
    vectors: Vec<TraceabilityEmbedding>,
) -> Result<u64, Error> {
    let mut values: Vec<Value> = Vec::with_capacity(ids.len() * 2);
    let mut pairs: Vec<String> = Vec::with_capacity(ids.len());
    for (id, vector) in ids.iter().zip(vectors) {
        pairs.push(format!(
            "(${}::uuid, ${}::vector)",
            values.len() + 1,
            values.len() + 2
        ));
        values.push((*id).into());
        values.push(vector.into());
    }
    let sql = format!(
        "UPDATE success_patterns p SET prompt_embedding = new.embedding FROM (VALUES {}) AS new (pattern_id, embedding) \
         WHERE p.pattern_id = new.pattern_id AND p.prompt_embedding IS NULL",
        pairs.join(", ")
    );
    Ok(tx
        .execute_raw(statement(sql, values))
        .await?
        .rows_affected())
}

/// Changes the model: drops every vector of another one, then embeds every prompt anew. Returns how many were embedded.
///
/// In between, patterns without a vector are not found; a call that was interrupted is finished by [`embed_missing`].
///
/// # Errors
/// [`Error::Embedder`]: the old vectors are gone then.
pub async fn reembed<C>(db: &C, prompts: &dyn Embedder<PROMPT_DIMENSIONS>) -> Result<u64, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    const MODEL: &str = "\
        INSERT INTO embedding_models AS m (vectors, model) VALUES ($1, $2) \
        ON CONFLICT (vectors) DO UPDATE SET model = excluded.model, created_at = now() WHERE m.model <> excluded.model";
    let tx = db.begin().await?;
    claims::take_turn(&tx).await?;
    let changed = tx
        .execute_raw(statement(
            MODEL,
            [VECTORS.into(), prompts.model_id().into()],
        ))
        .await?
        .rows_affected();
    if changed > 0 {
        tx.execute_raw(statement(
            "UPDATE success_patterns SET prompt_embedding = NULL WHERE prompt_embedding IS NOT NULL",
            [],
        ))
        .await?;
    }
    tx.commit().await?;
    embed_missing(db, prompts).await
}

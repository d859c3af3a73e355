//! Writing tools and their vectors in batches, inside the transaction of a sync.

use pml_entity::values::{ContentHash, Embedding, ServerId, ToolKind};
use sea_orm::{ConnectionTrait, Value};

use super::definition::Accepted;
use crate::Error;
use crate::sql::statement;

/// Tools per statement.
const TOOL_BATCH: usize = 1_000;
/// Vectors per statement: 2 MB of them, and 1,501 parameters of the 65,535 that the protocol allows.
const VECTOR_BATCH: usize = 500;
/// From here on a first load is faster without the index, which is built afterwards. Below, the pause of the searches is not worth it.
const BULK_LOAD: usize = 1_000;
/// First key of the advisory locks of this area.
const LOCK_CLASS: i32 = 0x70_6d_6c_01;
/// Second key of the lock that the vectors' model stands under. Servers use the hash of their id.
const MODEL_LOCK: i32 = 0;
/// Memory that one row takes while the index is built: 4 kB of components, and its neighbours.
const INDEX_ROW_KB: i64 = 6;
/// Most memory for building the index, in kB. The embedded server lives in a 32-bit address space with its host.
const INDEX_MEMORY_KB: i64 = 1 << 20;
const EMBEDDED_INDEX_MEMORY_KB: i64 = 128 << 10;

const INDEX: &str = "idx_tool_embedding_hnsw";

/// A vector to store for a tool that is stored already.
#[derive(Debug)]
pub(super) struct Vector {
    pub(super) tool_id: String,
    pub(super) text_hash: ContentHash,
    pub(super) embedding: Embedding,
}

/// Locks the server against another sync, and the model of the vectors: shared to add vectors of the model that stands, `alone` to change it.
pub(super) async fn lock<C: ConnectionTrait>(
    tx: &C,
    server: &ServerId,
    alone: bool,
) -> Result<(), Error> {
    let model = if alone {
        "pg_advisory_xact_lock($1, $2)"
    } else {
        "pg_advisory_xact_lock_shared($1, $2)"
    };
    let sql = format!("SELECT {model}, pg_advisory_xact_lock($1, hashtext($3))");
    tx.execute_raw(statement(
        &sql,
        [LOCK_CLASS.into(), MODEL_LOCK.into(), server.as_str().into()],
    ))
    .await?;
    Ok(())
}

/// How many rows an upsert touched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) inserted: u64,
    pub(super) updated: u64,
}

/// Inserts tools, or replaces what differs. A row that is equal already is not written, whoever made it so in the meantime.
pub(super) async fn upsert<C: ConnectionTrait>(
    tx: &C,
    server: &str,
    kind: ToolKind,
    tools: &[&Accepted],
) -> Result<Written, Error> {
    // "" stands for NULL: arrays are bound without gaps. Neither an empty description nor an empty document is ever stored.
    const SQL: &str = "\
        INSERT INTO tool_schema AS t (tool_id, server_id, name, description, input_schema, output_schema, kind, content_hash) \
        SELECT id, $1, name, nullif(description, ''), input_schema::jsonb, nullif(output_schema, '')::jsonb, $2, hash \
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) \
             AS new (id, name, description, input_schema, output_schema, hash) \
        ON CONFLICT (tool_id) DO UPDATE SET \
            description = excluded.description, input_schema = excluded.input_schema, output_schema = excluded.output_schema, \
            kind = excluded.kind, content_hash = excluded.content_hash, removed_at = NULL, cached_at = now(), updated_at = now() \
        WHERE t.content_hash IS DISTINCT FROM excluded.content_hash OR t.removed_at IS NOT NULL OR t.kind <> excluded.kind \
        RETURNING (xmax = 0) AS inserted";
    let mut written = Written::default();
    for batch in tools.chunks(TOOL_BATCH) {
        let column = |of: &dyn Fn(&Accepted) -> String| -> Value {
            batch.iter().map(|tool| of(tool)).collect::<Vec<_>>().into()
        };
        let values = [
            server.into(),
            kind.to_string().into(),
            column(&|tool| tool.id.as_str().to_owned()),
            column(&|tool| tool.name.clone()),
            column(&|tool| tool.description.clone().unwrap_or_default()),
            column(&|tool| tool.input_schema.to_string()),
            column(&|tool| {
                tool.output_schema
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default()
            }),
            column(&|tool| tool.hash.as_str().to_owned()),
        ];
        for row in tx.query_all_raw(statement(SQL, values)).await? {
            if row.try_get("", "inserted")? {
                written.inserted += 1;
            } else {
                written.updated += 1;
            }
        }
    }
    Ok(written)
}

/// Marks the server's tools outside `offered` as removed and drops their vectors, in one statement. Gives their number.
pub(super) async fn retire<C: ConnectionTrait>(
    tx: &C,
    server: &ServerId,
    gone: Vec<String>,
) -> Result<u64, Error> {
    const SQL: &str = "\
        WITH gone AS ( \
            UPDATE tool_schema SET removed_at = now() \
            WHERE server_id = $1 AND tool_id = ANY($2) AND kind = 'mcp' AND removed_at IS NULL RETURNING tool_id \
        ), cleared AS (DELETE FROM tool_embedding WHERE tool_id IN (SELECT tool_id FROM gone)) \
        SELECT count(*) AS removed FROM gone";
    let row = tx
        .query_one_raw(statement(SQL, [server.as_str().into(), gone.into()]))
        .await?;
    let removed: i64 = row.map_or(Ok(0), |row| row.try_get("", "removed"))?;
    Ok(u64::try_from(removed).unwrap_or_default())
}

/// Inserts or replaces vectors. `stored` is told after each batch how many are done.
pub(super) async fn embed<C: ConnectionTrait>(
    tx: &C,
    model: &str,
    vectors: Vec<Vector>,
    stored: &(dyn Fn(usize) + Sync),
) -> Result<(), Error> {
    let mut done = 0;
    let mut vectors = vectors.into_iter().peekable();
    while vectors.peek().is_some() {
        let batch: Vec<Vector> = vectors.by_ref().take(VECTOR_BATCH).collect();
        done += batch.len();
        let sql = vector_sql(batch.len());
        let values = std::iter::once(model.into()).chain(batch.into_iter().flat_map(|vector| {
            [
                vector.tool_id.into(),
                vector.text_hash.as_str().into(),
                vector.embedding.into(),
            ]
        }));
        tx.execute_raw(statement(&sql, values.collect::<Vec<Value>>()))
            .await?;
        stored(done);
    }
    Ok(())
}

/// The driver has no arrays of vectors, so each row brings its three values. The rest comes from the tool's row.
fn vector_sql(rows: usize) -> String {
    let rows: Vec<String> = (0..rows)
        .map(|row| 2 + row * 3)
        .map(|first| {
            format!(
                "(${first}::text, ${}::text, ${}::vector)",
                first + 1,
                first + 2
            )
        })
        .collect();
    format!(
        "INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, metadata, model, content_hash) \
         SELECT t.tool_id, t.server_id, t.name, new.embedding, jsonb_strip_nulls(jsonb_build_object('description', t.description)), $1, new.hash \
         FROM (VALUES {}) AS new (tool_id, hash, embedding) JOIN tool_schema t USING (tool_id) \
         ON CONFLICT (tool_id) DO UPDATE SET embedding = excluded.embedding, metadata = excluded.metadata, model = excluded.model, \
             content_hash = excluded.content_hash, created_at = now()",
        rows.join(", ")
    )
}

/// Takes the vector index away when so much is new that building it afterwards is faster. Gives the statement that builds it again.
///
/// An index takes in some 150 vectors a second, and is built at ten times that. Searches wait until the transaction ends.
pub(super) async fn take_index_away<C: ConnectionTrait>(
    tx: &C,
    new_vectors: usize,
) -> Result<Option<String>, Error> {
    // Only the owner may; and it must not be much that is indexed already.
    const SQL: &str = "\
        SELECT pg_get_indexdef(i.oid) AS definition FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = x.indrelid \
        WHERE i.oid = to_regclass($1) AND t.oid = 'tool_embedding'::regclass AND pg_has_role(t.relowner, 'USAGE') \
          AND (SELECT count(*) FROM (SELECT FROM tool_embedding LIMIT $2 + 1) AS few) <= $2";
    if new_vectors < BULK_LOAD {
        return Ok(None);
    }
    let limit = i64::try_from(new_vectors).unwrap_or(i64::MAX - 1);
    let Some(row) = tx
        .query_one_raw(statement(SQL, [INDEX.into(), limit.into()]))
        .await?
    else {
        return Ok(None);
    };
    let definition: String = row.try_get("", "definition")?;
    tx.execute_unprepared(&format!("DROP INDEX {INDEX}"))
        .await?;
    Ok(Some(definition))
}

/// Builds the index as it was, with room to work in memory.
///
/// In one process: a parallel build takes its memory from `/dev/shm`, of which a container has 64 MB.
pub(super) async fn put_index_back<C: ConnectionTrait>(
    tx: &C,
    definition: &str,
    new_vectors: usize,
) -> Result<(), Error> {
    const SQL: &str = "\
        SELECT set_config('max_parallel_maintenance_workers', '0', true), \
               set_config('maintenance_work_mem', greatest(setting::bigint, least($1, CASE WHEN version() LIKE '%wasm%' THEN $2 ELSE $3 END))::text || 'kB', true) \
        FROM pg_settings WHERE name = 'maintenance_work_mem'";
    // At most as many again were there before.
    let rows = i64::try_from(new_vectors)
        .unwrap_or(i64::MAX)
        .saturating_mul(2);
    let needed = rows.saturating_mul(INDEX_ROW_KB).saturating_add(16 << 10);
    tx.execute_raw(statement(
        SQL,
        [
            needed.into(),
            EMBEDDED_INDEX_MEMORY_KB.into(),
            INDEX_MEMORY_KB.into(),
        ],
    ))
    .await?;
    tx.execute_unprepared(definition).await?;
    Ok(())
}

/// Lifts the limit that is made for requests: a first load with its index takes minutes.
pub(super) async fn lift_statement_timeout<C: ConnectionTrait>(tx: &C) -> Result<(), Error> {
    tx.execute_unprepared("SET LOCAL statement_timeout = 0")
        .await?;
    Ok(())
}

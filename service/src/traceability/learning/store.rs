//! Writing the patterns of a batch.
//!
//! **What a repeat does.** An execution that shows a known pattern is another observation of how long it takes: the mean moves by the formula
//! that a replay uses (section 6.1), shortest and longest widen, and a missing vector is filled in. The counters stay: they count replays, and
//! this was none. Prompt, source and score stay those of the first. An execution that *was* a replay changes nothing, because
//! [`finish_replay`](super::finish_replay) counts it.

use std::collections::{BTreeMap, HashMap};

use pml_entity::values::{SuccessPatternId, TraceabilityEmbedding};
use sea_orm::{ConnectionTrait, Value};
use serde_json::json;

use super::lesson::PatternDraft;
use crate::Error;
use crate::sql::statement;

/// A pattern of the batch with all executions that show it.
#[derive(Debug)]
struct Group<'a> {
    first: &'a PatternDraft,
    embedding: Option<&'a TraceabilityEmbedding>,
    observations: i64,
    sum_ms: i64,
    min_ms: i32,
    max_ms: i32,
}

/// A pattern as it is stored, and whether this batch brought it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) id: SuccessPatternId,
    pub(super) new: bool,
}

/// Stores the drafts, each hash once; two statements. Gives the pattern of every hash.
pub(super) async fn patterns<C: ConnectionTrait>(
    tx: &C,
    drafts: &[(&PatternDraft, Option<&TraceabilityEmbedding>)],
) -> Result<HashMap<String, Stored>, Error> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for (draft, embedding) in drafts {
        let group = groups.entry(&draft.pattern_hash).or_insert(Group {
            first: draft,
            embedding: *embedding,
            observations: 0,
            sum_ms: 0,
            min_ms: i32::MAX,
            max_ms: 0,
        });
        if !draft.is_replay {
            group.observations += 1;
            group.sum_ms += i64::from(draft.duration_ms);
            group.min_ms = group.min_ms.min(draft.duration_ms);
            group.max_ms = group.max_ms.max(draft.duration_ms);
        }
    }
    let mut stored = HashMap::with_capacity(groups.len());
    if groups.is_empty() {
        return Ok(stored);
    }
    repeat(tx, &groups, &mut stored).await?;
    groups.retain(|hash, _| !stored.contains_key(*hash));
    if !groups.is_empty() {
        insert(tx, &groups, &mut stored).await?;
    }
    Ok(stored)
}

/// The vectors beside the document, as values of their own: in JSON they would be texts of some 20 kB.
fn bind(groups: &BTreeMap<&str, Group<'_>>, document: serde_json::Value) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![document.into()];
    let mut rows = vec!["(NULL::text, NULL::vector)".to_owned()];
    for (hash, group) in groups {
        if let Some(embedding) = group.embedding {
            rows.push(format!(
                "(${}::text, ${}::vector)",
                values.len() + 1,
                values.len() + 2
            ));
            values.push((*hash).into());
            values.push(embedding.clone().into());
        }
    }
    (rows.join(", "), values)
}

async fn repeat<C: ConnectionTrait>(
    tx: &C,
    groups: &BTreeMap<&str, Group<'_>>,
    stored: &mut HashMap<String, Stored>,
) -> Result<(), Error> {
    let document = groups
        .iter()
        .map(|(hash, group)| {
            json!({"hash": hash, "n": group.observations, "sum": group.sum_ms, "min": group.min_ms, "max": group.max_ms})
        })
        .collect();
    let (vectors, values) = bind(groups, document);
    let sql = format!(
        "UPDATE success_patterns p SET \
             avg_duration_ms = CASE WHEN n.n = 0 THEN p.avg_duration_ms ELSE \
                 round((p.avg_duration_ms::numeric * (p.total_usage_count + 1) + n.sum) / (p.total_usage_count + 1 + n.n))::integer END, \
             min_duration_ms = CASE WHEN n.n = 0 THEN p.min_duration_ms ELSE least(p.min_duration_ms, n.min) END, \
             max_duration_ms = greatest(p.max_duration_ms, n.max), \
             prompt_embedding = coalesce(p.prompt_embedding, v.embedding) \
         FROM jsonb_to_recordset($1::jsonb) AS n (hash text, n bigint, sum bigint, min integer, max integer) \
         LEFT JOIN (VALUES {vectors}) AS v (hash, embedding) ON v.hash = n.hash \
         WHERE p.pattern_hash = n.hash RETURNING p.pattern_hash, p.pattern_id"
    );
    for row in tx.query_all_raw(statement(sql, values)).await? {
        let id = row.try_get("", "pattern_id")?;
        stored.insert(row.try_get("", "pattern_hash")?, Stored { id, new: false });
    }
    Ok(())
}

async fn insert<C: ConnectionTrait>(
    tx: &C,
    groups: &BTreeMap<&str, Group<'_>>,
    stored: &mut HashMap<String, Stored>,
) -> Result<(), Error> {
    let document = groups
        .iter()
        .map(|(hash, group)| {
            let draft = group.first;
            let none = group.observations == 0;
            let mean = if none { i64::from(draft.duration_ms) } else { group.sum_ms / group.observations };
            json!({
                "hash": hash, "id": SuccessPatternId::generate(), "source": draft.source, "prompt": draft.prompt_text, "intent": draft.intent,
                "keywords": draft.keywords, "agents": draft.agent_sequence, "strategy": draft.routing_strategy, "hooks": draft.hooks,
                "endpoints": draft.endpoints, "mean": mean, "min": if none { draft.duration_ms } else { group.min_ms },
                "max": if none { draft.duration_ms } else { group.max_ms }, "hook_count": draft.hook_count,
                "endpoint_count": draft.endpoint_count, "rag_count": draft.rag_query_count, "score": draft.score, "context": draft.context,
            })
        })
        .collect();
    let (vectors, values) = bind(groups, document);
    // Nobody who extracts is in between, but a pattern may be written by hand: then this is a repeat as well.
    let sql = format!(
        "INSERT INTO success_patterns AS p (pattern_id, pattern_hash, source_correlation_id, prompt_text, prompt_embedding, intent_classification, \
             keywords, agent_sequence, routing_strategy, hook_sequence, endpoint_pattern, avg_duration_ms, min_duration_ms, max_duration_ms, \
             avg_hook_count, avg_endpoint_count, avg_rag_query_count, success_score, context) \
         SELECT n.id, n.hash, n.source, n.prompt, v.embedding, n.intent, n.keywords, n.agents, n.strategy, n.hooks, n.endpoints, n.mean, n.min, n.max, \
             n.hook_count, n.endpoint_count, n.rag_count, n.score, nullif(n.context, 'null'::jsonb) \
         FROM jsonb_to_recordset($1::jsonb) AS n (hash text, id uuid, source uuid, prompt text, intent text, keywords text[], agents text[], \
             strategy text, hooks jsonb, endpoints jsonb, mean integer, min integer, max integer, hook_count integer, endpoint_count integer, \
             rag_count integer, score numeric, context jsonb) \
         LEFT JOIN (VALUES {vectors}) AS v (hash, embedding) ON v.hash = n.hash \
         ORDER BY n.hash \
         ON CONFLICT (pattern_hash) DO UPDATE SET \
             avg_duration_ms = round((p.avg_duration_ms::numeric * (p.total_usage_count + 1) + excluded.avg_duration_ms) / (p.total_usage_count + 2))::integer, \
             min_duration_ms = least(p.min_duration_ms, excluded.min_duration_ms), \
             max_duration_ms = greatest(p.max_duration_ms, excluded.max_duration_ms), \
             prompt_embedding = coalesce(p.prompt_embedding, excluded.prompt_embedding) \
         RETURNING pattern_hash, pattern_id, (xmax = 0) AS inserted"
    );
    for row in tx.query_all_raw(statement(sql, values)).await? {
        let id = row.try_get("", "pattern_id")?;
        let new = row.try_get("", "inserted")?;
        stored.insert(row.try_get("", "pattern_hash")?, Stored { id, new });
    }
    Ok(())
}

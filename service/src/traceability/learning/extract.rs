//! Learning from executions in batches.

use chrono::{DateTime, Utc};
use pml_entity::values::{ExecutionTraceId, ExtractionResult, TraceabilityEmbedding};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};
use uuid::Uuid;

use super::chains::{self, ChainSighting};
use super::claims::{self, Finished};
use super::criteria::CriteriaLimits;
use super::lesson::Lesson;
use super::masking::StoredPrompt;
use super::{errors, load, model, store};
use crate::Error;
use crate::embedding::{Embedder, PROMPT_DIMENSIONS};

/// Executions of one batch.
pub const BATCH: u32 = 100;

/// How to extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractionOptions {
    /// Most executions of a batch, 1–1,000. Default 100.
    pub batch: u32,
    /// Only executions that changed at this time or later. `None`: all that were not looked at. A worker that has caught up need not look
    /// through everything again; see [`extract_all`].
    pub since: Option<DateTime<Utc>>,
    /// Limits of the criteria.
    pub limits: CriteriaLimits,
    /// How prompts are stored.
    pub stored_prompt: StoredPrompt,
}

impl Default for ExtractionOptions {
    fn default() -> Self {
        Self {
            batch: BATCH,
            since: None,
            limits: CriteriaLimits::default(),
            stored_prompt: StoredPrompt::default(),
        }
    }
}

/// What a batch, or several, came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Executions that were looked at.
    pub traces: u64,
    /// Patterns that are new.
    pub patterns: u64,
    /// Executions that showed a known pattern.
    pub repeats: u64,
    /// Executions that failed.
    pub errors: u64,
    /// Executions with a chain of agents.
    pub chains: u64,
    /// Whether nothing was left to claim.
    pub finished: bool,
    /// The last change of the latest execution that was claimed.
    pub reached: Option<DateTime<Utc>>,
}

/// One execution and what it teaches.
struct Learned {
    id: ExecutionTraceId,
    lesson: Lesson,
    embedding: Option<TraceabilityEmbedding>,
    chain: Option<ChainSighting>,
}

/// Learns from executions that ended and that nobody has looked at: patterns of the good ones, errors of the failed ones, chains of those
/// that delegated.
///
/// Safe to run from several instances at once: each execution is looked at by one, and counts once. Claims first (one statement), reads (five),
/// asks the embedder while no connection is held, then stores everything in one transaction (seven statements at most). A prompt that the
/// embedder fails on is stored without a vector, for [`embed_missing`](super::embed_missing). Writes `success_patterns`, `error_patterns`,
/// `agent_chaining_patterns`, `trace_extractions` and, the first time, `embedding_models`.
///
/// # Errors
/// [`Error::MixedModels`] if the stored vectors are of another model, before anything is claimed; errors of the database. What was claimed by then is
/// taken over by a later call.
pub async fn extract_batch<C>(
    db: &C,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
    options: &ExtractionOptions,
) -> Result<Extracted, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    model::ensure(db, prompts.model_id()).await?;
    let claim_id = Uuid::new_v4();
    let claim = claims::claim(db, claim_id, options.since, options.batch.clamp(1, 1_000)).await?;
    let mut total = Extracted {
        finished: claim.seen == 0,
        reached: claim.reached,
        ..Extracted::default()
    };
    if claim.ids.is_empty() {
        return Ok(total);
    }
    let mut learned: Vec<Learned> = load::observations(db, &claim.ids)
        .await?
        .into_iter()
        .map(|(id, observation)| Learned {
            id,
            lesson: Lesson::of(&observation, &options.limits, options.stored_prompt),
            embedding: None,
            chain: chains::chain(&observation),
        })
        .collect();
    embed(prompts, &mut learned).await;
    match write(db, claim_id, prompts.model_id(), &learned).await {
        Ok(stored) => total.add(stored),
        Err(error)
            if error.is_retryable()
                || matches!(error, Error::MixedModels { .. })
                || learned.len() == 1 =>
        {
            return give_up_or_fail(db, claim_id, &learned, error, total).await;
        }
        // One of them cannot be stored. The others can.
        Err(error) => {
            tracing::warn!(%error, "a batch cannot be stored; storing its executions one by one");
            for one in &learned {
                match write(db, claim_id, prompts.model_id(), std::slice::from_ref(one)).await {
                    Ok(stored) => total.add(stored),
                    Err(error) => {
                        total =
                            give_up_or_fail(db, claim_id, std::slice::from_ref(one), error, total)
                                .await?;
                    }
                }
            }
        }
    }
    Ok(total)
}

/// Marks an execution that can never be stored as one that teaches nothing; passes every other error on.
async fn give_up_or_fail<C>(
    db: &C,
    claim_id: Uuid,
    learned: &[Learned],
    error: Error,
    mut total: Extracted,
) -> Result<Extracted, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    match learned {
        [one] if !error.is_retryable() && !matches!(error, Error::MixedModels { .. }) => {
            tracing::error!(%error, trace = %one.id, "nothing can be learned from this execution");
            let nothing = Learned {
                id: one.id,
                lesson: Lesson::Nothing,
                embedding: None,
                chain: None,
            };
            total.add(write(db, claim_id, "", std::slice::from_ref(&nothing)).await?);
            Ok(total)
        }
        _ => Err(error),
    }
}

/// Calls [`extract_batch`] until nothing is left. Each batch begins where the one before ended, so no execution is looked at twice.
///
/// # Errors
/// As [`extract_batch`].
pub async fn extract_all<C>(
    db: &C,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
    options: &ExtractionOptions,
) -> Result<Extracted, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let mut options = *options;
    let mut total = Extracted::default();
    loop {
        let batch = extract_batch(db, prompts, &options).await?;
        total.add(batch);
        total.reached = total.reached.max(batch.reached);
        options.since = options.since.max(batch.reached);
        if batch.finished {
            total.finished = true;
            return Ok(total);
        }
    }
}

impl Extracted {
    fn add(&mut self, other: Self) {
        self.traces += other.traces;
        self.patterns += other.patterns;
        self.repeats += other.repeats;
        self.errors += other.errors;
        self.chains += other.chains;
    }
}

/// Every text once. Without an answer the patterns go without a vector.
async fn embed(prompts: &dyn Embedder<PROMPT_DIMENSIONS>, learned: &mut [Learned]) {
    let mut texts: Vec<String> = learned
        .iter()
        .filter_map(|one| match &one.lesson {
            Lesson::Pattern(draft) => Some(draft.prompt_text.clone()),
            _ => None,
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() {
        return;
    }
    match prompts.embed(&texts).await {
        Ok(vectors) => {
            for one in learned {
                if let Lesson::Pattern(draft) = &one.lesson {
                    one.embedding = texts
                        .binary_search(&draft.prompt_text)
                        .ok()
                        .and_then(|place| vectors.get(place).cloned());
                }
            }
        }
        Err(error) => {
            tracing::warn!(%error, "no embeddings of prompts; the patterns are stored without");
        }
    }
}

/// One transaction: whoever lost the claim in the meantime writes nothing.
async fn write<C>(
    db: &C,
    claim_id: Uuid,
    model: &str,
    learned: &[Learned],
) -> Result<Extracted, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let tx = db.begin().await?;
    claims::take_turn(&tx).await?;
    let ids: Vec<ExecutionTraceId> = learned.iter().map(|one| one.id).collect();
    let ours = claims::hold(&tx, claim_id, &ids).await?;
    let learned: Vec<&Learned> = learned
        .iter()
        .filter(|one| ours.contains(&one.id))
        .collect();
    if learned.iter().any(|one| one.embedding.is_some()) {
        model::ensure(&tx, model).await?;
    }
    let mut drafts = Vec::new();
    let mut sightings = Vec::new();
    for one in &learned {
        match &one.lesson {
            Lesson::Pattern(draft) => drafts.push((draft.as_ref(), one.embedding.as_ref())),
            Lesson::Error(sighting) => sightings.push(sighting),
            Lesson::Nothing => {}
        }
    }
    let mut stored = store::patterns(&tx, &drafts).await?;
    errors::record(&tx, &sightings).await?;
    let chains: Vec<ChainSighting> = learned.iter().filter_map(|one| one.chain.clone()).collect();
    chains::record(&tx, &chains).await?;

    let mut total = Extracted {
        traces: learned.len() as u64,
        errors: sightings.len() as u64,
        chains: chains.len() as u64,
        ..Extracted::default()
    };
    let mut finished = Vec::with_capacity(learned.len());
    for one in &learned {
        let (result, pattern) = match &one.lesson {
            Lesson::Pattern(draft) => match stored.get_mut(&draft.pattern_hash) {
                // The first of a batch is the pattern, those after it repeat it.
                Some(pattern) if pattern.new => {
                    pattern.new = false;
                    total.patterns += 1;
                    (ExtractionResult::Pattern, Some(pattern.id))
                }
                Some(pattern) => {
                    total.repeats += 1;
                    (ExtractionResult::Repeat, Some(pattern.id))
                }
                None => (ExtractionResult::Nothing, None),
            },
            Lesson::Error(_) => (ExtractionResult::Error, None),
            Lesson::Nothing => (ExtractionResult::Nothing, None),
        };
        finished.push(Finished {
            id: one.id,
            result,
            pattern,
        });
    }
    claims::finish(&tx, &finished).await?;
    tx.commit().await?;
    Ok(total)
}

//! Bringing what is stored in line with what a server offers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pml_entity::values::{ContentHash, ServerId, ToolKind};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};

use super::definition::{
    self, Accepted, Rejected, ToolDefinition, embedded_text, validate_server_id,
};
use super::store::{self, Stored};
use super::write::{self, Vector};
use crate::Error;
use crate::embedding::{Embedder, EmbedderError};

/// Texts that are embedded between two reports of progress.
const EMBED_BATCH: usize = 256;

/// Called as a sync goes on. Runs on the task of the caller: be quick.
pub type OnSync = Arc<dyn Fn(&SyncProgress) + Send + Sync>;

/// Where a sync stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncProgress {
    /// What is being done.
    pub stage: SyncStage,
    /// How much of it is done.
    pub done: usize,
    /// How much there is.
    pub total: usize,
}

/// The parts of a sync, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncStage {
    /// Making vectors of new and changed texts.
    Embedding,
    /// Writing tools and vectors.
    Storing,
    /// Building the vector index after a first load.
    Indexing,
}

/// How to sync.
#[derive(Clone, Default)]
pub struct SyncOptions {
    /// Replace every stored vector of another model, of all servers, instead of refusing with [`Error::MixedModels`]. The way to change the model.
    pub reembed: bool,
    /// Told of the progress.
    pub on_progress: Option<OnSync>,
}

impl std::fmt::Debug for SyncOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncOptions")
            .field("reembed", &self.reembed)
            .finish_non_exhaustive()
    }
}

impl SyncOptions {
    fn report(&self, stage: SyncStage, done: usize, total: usize) {
        if let Some(on_progress) = &self.on_progress {
            on_progress(&SyncProgress { stage, done, total });
        }
    }
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Tools that were not stored before.
    pub inserted: u64,
    /// Tools whose definition changed, or that came back.
    pub updated: u64,
    /// Tools that were as they are. Nothing was written for them.
    pub unchanged: u64,
    /// Tools that the server no longer offers.
    pub removed: u64,
    /// Tools that cannot be stored, and why. What was stored under their names before stays.
    pub rejected: Vec<Rejected>,
    /// Vectors that were made.
    pub embedded: u64,
}

/// Stores the tools that a server offers: `tools` is its whole list.
///
/// New and changed definitions are written, equal ones are left alone (a sync without changes writes no row), missing ones are marked
/// `removed_at` and are no longer found. A bad definition is reported in [`SyncReport::rejected`] and hinders nothing. Vectors are made only where
/// the embedded text is new, before the transaction begins.
///
/// All changes are one transaction (a savepoint inside a caller's), so a sync happens as a whole or not at all. Two syncs of one server wait for
/// each other. A first load of 1,000 vectors or more builds the vector index afterwards; searches wait meanwhile.
///
/// # Errors
/// [`Error::InvalidServerId`], [`Error::Embedder`] if a text cannot be embedded, [`Error::MixedModels`] if the stored vectors are of another model.
pub async fn sync_server<C>(
    db: &C,
    embedder: &dyn Embedder,
    server_id: &str,
    tools: Vec<ToolDefinition>,
    options: SyncOptions,
) -> Result<SyncReport, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let server = validate_server_id(server_id)?;
    let offered: HashSet<String> = tools
        .iter()
        .map(|tool| format!("{server_id}:{}", tool.name))
        .collect();
    let (accepted, mut rejected) = definition::sort(&server, tools);
    let stored = store::of_server(db, &server).await?;

    let (reserved, accepted): (Vec<_>, Vec<_>) = accepted.into_iter().partition(|tool| {
        stored
            .get(tool.id.as_str())
            .is_some_and(|row| row.kind == ToolKind::Operation)
    });
    rejected.extend(
        reserved.iter().map(|tool| {
            Rejected::new(&tool.name, "reserved", "a built-in operation has this name")
        }),
    );
    let gone = stored
        .iter()
        .filter(|(id, row)| row.kind == ToolKind::Mcp && !row.removed && !offered.contains(*id))
        .map(|(id, _)| id.clone())
        .collect();

    let change = Change {
        server: &server,
        kind: ToolKind::Mcp,
        accepted: &accepted,
        stored: &stored,
        gone,
    };
    let report = apply(db, embedder, change, &options).await?;
    tracing::debug!(
        server = server_id,
        inserted = report.inserted,
        updated = report.updated,
        removed = report.removed,
        "tools synced"
    );
    Ok(SyncReport { rejected, ..report })
}

/// What is to become true of one server's tools.
pub(super) struct Change<'a> {
    pub(super) server: &'a ServerId,
    pub(super) kind: ToolKind,
    pub(super) accepted: &'a [Accepted],
    pub(super) stored: &'a HashMap<String, Stored>,
    pub(super) gone: Vec<String>,
}

/// Makes vectors, then writes everything in one transaction. Reports everything but the rejected.
pub(super) async fn apply<C>(
    db: &C,
    embedder: &dyn Embedder,
    change: Change<'_>,
    options: &SyncOptions,
) -> Result<SyncReport, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let Change {
        server,
        kind,
        accepted,
        stored,
        gone,
    } = change;
    let changed: Vec<&Accepted> = accepted
        .iter()
        .filter(|tool| differs(tool, kind, stored.get(tool.id.as_str())))
        .collect();
    let model = embedder.model_id();
    let standing = store::model(db).await?;
    if let Some(standing) = standing
        .as_ref()
        .filter(|standing| *standing != model && !options.reembed)
        && (!changed.is_empty() || accepted.iter().any(|tool| !has_vector(tool, model, stored)))
    {
        return Err(mixed(standing, model));
    }
    let texts = texts_to_embed(db, model, accepted, stored, options).await?;
    let mut report = SyncReport {
        unchanged: (accepted.len() - changed.len()) as u64,
        ..SyncReport::default()
    };
    if changed.is_empty() && gone.is_empty() && texts.is_empty() {
        return Ok(report);
    }
    let vectors = vectors_of(embedder, texts, options).await?;
    report.embedded = vectors.len() as u64;

    let tx = db.begin().await?;
    let changes_model = standing.as_deref() != Some(model);
    write::lock(&tx, server, changes_model).await?;
    if !vectors.is_empty() {
        write::lift_statement_timeout(&tx).await?;
        ensure_one_model(&tx, model, &vectors, options).await?;
    }
    let written = write::upsert(&tx, server.as_str(), kind, &changed).await?;
    (report.inserted, report.updated) = (written.inserted, written.updated);
    // A concurrent sync may have written some of them already.
    report.unchanged += (changed.len() as u64).saturating_sub(written.inserted + written.updated);
    if !gone.is_empty() {
        report.removed = write::retire(&tx, server, gone).await?;
    }
    let total = vectors.len();
    let index = write::take_index_away(&tx, total).await?;
    write::embed(&tx, model, vectors, &|done| {
        options.report(SyncStage::Storing, done, total);
    })
    .await?;
    if let Some(definition) = index {
        options.report(SyncStage::Indexing, 0, 1);
        write::put_index_back(&tx, &definition, total).await?;
        options.report(SyncStage::Indexing, 1, 1);
    }
    tx.commit().await?;
    Ok(report)
}

fn differs(tool: &Accepted, kind: ToolKind, stored: Option<&Stored>) -> bool {
    stored.is_none_or(|row| {
        row.removed || row.kind != kind || row.content_hash.as_ref() != Some(&tool.hash)
    })
}

fn has_vector(tool: &Accepted, model: &str, stored: &HashMap<String, Stored>) -> bool {
    stored.get(tool.id.as_str()).is_some_and(|row| {
        !row.removed
            && row.model.as_deref() == Some(model)
            && row.embedded_hash.as_ref() == Some(&text_hash(model, &tool.text()))
    })
}

/// Hash of what a vector depends on: the text and the model.
fn text_hash(model: &str, text: &str) -> ContentHash {
    ContentHash::of(format!("{model}\n{text}"))
}

struct Text {
    tool_id: String,
    text: String,
}

/// What needs a vector: texts without one or with an old one, and all those of another model when the model changes.
async fn texts_to_embed<C: ConnectionTrait>(
    db: &C,
    model: &str,
    accepted: &[Accepted],
    stored: &HashMap<String, Stored>,
    options: &SyncOptions,
) -> Result<Vec<Text>, Error> {
    let mut texts: Vec<Text> = accepted
        .iter()
        .filter(|tool| !has_vector(tool, model, stored))
        .map(|tool| Text {
            tool_id: tool.id.as_str().to_owned(),
            text: tool.text(),
        })
        .collect();
    if options.reembed {
        let listed: HashSet<&str> = accepted.iter().map(|tool| tool.id.as_str()).collect();
        let others = store::of_other_models(db, model).await?;
        let others = others
            .into_iter()
            .filter(|other| !listed.contains(other.tool_id.as_str()));
        texts.extend(others.map(|other| Text {
            text: embedded_text(&other.name, other.description.as_deref()),
            tool_id: other.tool_id,
        }));
    }
    Ok(texts)
}

async fn vectors_of(
    embedder: &dyn Embedder,
    texts: Vec<Text>,
    options: &SyncOptions,
) -> Result<Vec<Vector>, Error> {
    let total = texts.len();
    let mut vectors = Vec::with_capacity(total);
    let mut texts = texts.into_iter().peekable();
    while texts.peek().is_some() {
        options.report(SyncStage::Embedding, vectors.len(), total);
        let (ids, batch): (Vec<_>, Vec<_>) = texts
            .by_ref()
            .take(EMBED_BATCH)
            .map(|text| (text.tool_id, text.text))
            .unzip();
        let embeddings = embedder.embed(&batch).await?;
        if embeddings.len() != batch.len() {
            return Err(EmbedderError::Unusable(format!(
                "{} vectors for {} texts",
                embeddings.len(),
                batch.len()
            ))
            .into());
        }
        let hashes = batch
            .iter()
            .map(|text| text_hash(embedder.model_id(), text));
        let batch = ids.into_iter().zip(hashes).zip(embeddings);
        vectors.extend(batch.map(|((tool_id, text_hash), embedding)| Vector {
            tool_id,
            text_hash,
            embedding,
        }));
    }
    if total > 0 {
        options.report(SyncStage::Embedding, total, total);
    }
    Ok(vectors)
}

/// Looks again under the lock: nobody can have brought another model in since, nor more of the old one.
async fn ensure_one_model<C: ConnectionTrait>(
    tx: &C,
    model: &str,
    vectors: &[Vector],
    options: &SyncOptions,
) -> Result<(), Error> {
    let Some(standing) = store::model(tx)
        .await?
        .filter(|standing| standing != model || options.reembed)
    else {
        return Ok(());
    };
    if !options.reembed {
        return Err(mixed(&standing, model));
    }
    let made: HashSet<&str> = vectors
        .iter()
        .map(|vector| vector.tool_id.as_str())
        .collect();
    if store::of_other_models(tx, model)
        .await?
        .iter()
        .any(|other| !made.contains(other.tool_id.as_str()))
    {
        return Err(mixed(&standing, model));
    }
    Ok(())
}

fn mixed(stored: &str, requested: &str) -> Error {
    Error::MixedModels {
        stored: stored.to_owned(),
        requested: requested.to_owned(),
    }
}

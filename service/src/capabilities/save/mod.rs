//! Saving code that ran: one pattern per owner and code, one registry entry, edges to the capabilities it calls, and one trace.

mod checked;
mod children;
mod learn;
mod request;
mod statements;

use pml_entity::values::{
    CapabilityId, EdgeSource, EdgeType, Embedding, PatternId, PermissionSet, TraceId,
};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};

pub use learn::{Learned, learn};
pub use request::{
    MAX_CODE_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTENT_BYTES, MAX_INVOCATIONS, MAX_TOOL_CHARS,
    MAX_TOOLS, SaveRequest,
};

use self::checked::{Checked, Name};
use self::children::{Children, References};
use self::statements::{Before, Record, Standing, StoredRun};
use super::dependencies::{Observed, observe_edges, raise_levels};
use super::error::CapabilityError;
use crate::embedding::{Embedder, EmbedderError};
use crate::{Error, Principal};

/// How often a save starts anew because somebody else changed what it had read. Each new start needs another save or a deletion of the
/// same code at the same moment, so two are enough in practice.
const ATTEMPTS: usize = 5;

/// What stands after a save.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The registry entry.
    pub id: CapabilityId,
    /// The pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// Whether the pattern was new.
    pub created: bool,
    /// Uses so far, this one included.
    pub usage_count: i64,
    /// Successful ones of them.
    pub success_count: i64,
    /// Their share, 0..=1.
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// 0 without tool and child, 1 with tools only, else one more than the highest child; never lowered.
    pub hierarchy_level: i32,
    /// What it may touch: inferred at the first save, and not touched by later ones.
    pub permission_set: PermissionSet,
    /// Trust in that set, 0..=1.
    pub permission_confidence: f64,
    /// The run that was recorded.
    pub trace_id: TraceId,
    /// Whether this run was saved before: nothing was written then.
    pub replayed: bool,
    /// What was left out, in words: references that lead nowhere, or back.
    pub warnings: Vec<String>,
}

impl Saved {
    fn new(run: &Checked, pattern: &Standing, record: &Record) -> Self {
        Self {
            id: record.id,
            pattern_id: pattern.pattern_id,
            fqdn: record.fqdn(),
            display_name: record.display_name(),
            created: pattern.created,
            usage_count: pattern.usage_count,
            success_count: pattern.success_count,
            success_rate: pattern.success_rate,
            avg_duration_ms: pattern.avg_duration_ms,
            hierarchy_level: pattern.hierarchy_level,
            permission_set: pattern.permission_set,
            permission_confidence: pattern.permission_confidence,
            trace_id: run.trace_id,
            replayed: false,
            warnings: Vec::new(),
        }
    }
}

/// Saves code that ran, or counts one more run of it.
///
/// A pattern belongs to one owner: the same code of two users is two patterns. What the first save stored stays (description, vector,
/// code, permissions, registry entry); counters, tools and structure follow the latest run, and a schema is only replaced by another one.
/// `contains` edges lead to the capabilities that the code, its structure or its tools name and the caller may see; one that would close
/// a cycle is left out and reported in `warnings`. Levels of the pattern and of everything above it rise with it. Saving a run twice, by its
/// `trace_id`, counts once; the same run is the same code with the same intent, success and duration in whole milliseconds.
///
/// Writes `workflow_pattern`, `capability_dependency`, `capability_records` and `execution_trace` in one transaction: all or nothing.
/// At most eight statements, BEGIN and COMMIT included, whatever the number of children. The vector is made before the transaction, and only
/// for code that is new. Source: spec of capabilities, sections 4 and 15.
///
/// # Errors
/// [`CapabilityError`] for a request that breaks a limit of [`SaveRequest`], `SignInRequired` for nobody, `NameTaken` if other code has the
/// name; [`Error::Conflict`] for a `trace_id` that belongs to another run; [`Error::MixedModels`]; [`Error::Embedder`].
pub async fn save<C>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    request: SaveRequest,
) -> Result<Saved, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let run = Checked::new(who, request)?;
    let references = References::of(&run);
    let mut vector = None;
    for _ in 0..ATTEMPTS {
        let before = statements::before(db, who, &run, &references, embedder.model_id()).await?;
        if let Some(ran) = &before.trace {
            return replayed(db, &run, &before, ran).await;
        }
        if before.known.is_none() && vector.is_none() {
            vector = Some(Vector::of(&run, embedder, &before).await?);
        }
        if let Some(mut saved) = write(db, &run, &before, vector.as_ref()).await? {
            saved.warnings.extend(before.children.missing(&references));
            return Ok(saved);
        }
    }
    Err(Error::Conflict {
        constraint: "concurrent update".to_owned(),
        source: None,
    })
}

/// The vector of a new pattern.
struct Vector {
    embedding: Embedding,
    /// The model that made it; `None` if the caller brought it.
    model: Option<String>,
}

impl Vector {
    async fn of(run: &Checked, embedder: &dyn Embedder, before: &Before) -> Result<Self, Error> {
        if let Some(embedding) = run.embedding.clone() {
            return Ok(Self {
                embedding,
                model: None,
            });
        }
        let model = embedder.model_id();
        if let Some(stored) = before.other_model.clone() {
            return Err(Error::MixedModels {
                stored,
                requested: model.to_owned(),
            });
        }
        let embeddings = embedder.embed(std::slice::from_ref(&run.intent)).await?;
        let embedding = embeddings
            .into_iter()
            .next()
            .ok_or_else(|| EmbedderError::Unusable("no vector for one text".to_owned()))?;
        Ok(Self {
            embedding,
            model: Some(model.to_owned()),
        })
    }
}

/// Writes all of a run. `None` if the ground moved since `before`: nothing is written then, and the caller looks again.
async fn write<C>(
    db: &C,
    run: &Checked,
    before: &Before,
    vector: Option<&Vector>,
) -> Result<Option<Saved>, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let children = &before.children;
    let may_rise = matches!(before.known, Some((_, 0))) && !run.dag.tools_used.is_empty();
    let lock = may_rise || !children.patterns.is_empty();
    let tx = db.begin().await?;
    let pattern = match (before.known, vector) {
        (Some((known, _)), _) => statements::count_run(&tx, run, known, lock).await?,
        (None, Some(Vector { embedding, model })) => {
            Some(statements::insert_pattern(&tx, run, embedding, model.as_deref(), lock).await?)
        }
        (None, None) => None,
    };
    let Some(mut pattern) = pattern else {
        tx.rollback().await?;
        return Ok(None);
    };
    // It was stored meanwhile without tools, and gets some now: what contains it must rise too, and that takes the lock first.
    if !lock && pattern.hierarchy_level == 0 && pattern.has_tools {
        tx.rollback().await?;
        return Ok(None);
    }
    let warnings = link(&tx, pattern.pattern_id, children).await?;
    if lock {
        pattern.hierarchy_level = raise_levels(&tx, pattern.pattern_id, false).await?;
    }
    let Some(record) = statements::ensure_record(&tx, run, pattern.pattern_id).await? else {
        tx.rollback().await?;
        return Err(name_taken(&run.name).into());
    };
    if !statements::insert_trace(&tx, run, pattern.pattern_id).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(Saved {
        warnings,
        ..Saved::new(run, &pattern, &record)
    }))
}

/// Draws the `contains` edges, and says which were left out.
async fn link<C: ConnectionTrait>(
    tx: &C,
    parent: PatternId,
    children: &Children,
) -> Result<Vec<String>, Error> {
    let others: Vec<PatternId> = children
        .patterns
        .iter()
        .copied()
        .filter(|child| *child != parent)
        .collect();
    let mut warnings = Vec::new();
    if others.len() < children.patterns.len() {
        warnings.push(children.own(parent));
    }
    if others.is_empty() {
        return Ok(warnings);
    }
    for observed in observe_edges(
        tx,
        parent,
        &others,
        EdgeType::Contains,
        EdgeSource::Inferred,
    )
    .await?
    {
        match observed {
            Observed::Edge(_) => {}
            Observed::Cycle(child) => warnings.push(children.cyclic(child)),
            Observed::Gone(child) => warnings.push(children.gone(child)),
        }
    }
    Ok(warnings)
}

/// The answer for a run that is stored already. Another run has no business with that id: one of other code, or one that went otherwise.
async fn replayed<C: ConnectionTrait>(
    db: &C,
    run: &Checked,
    before: &Before,
    ran: &StoredRun,
) -> Result<Saved, Error> {
    let own = before
        .known
        .map(|(pattern, _)| pattern)
        .filter(|known| ran.is(run, *known));
    let stored = match own {
        Some(pattern) => statements::stored(db, run, pattern).await?,
        None => None,
    };
    match stored {
        Some((pattern, record)) => Ok(Saved {
            replayed: true,
            ..Saved::new(run, &pattern, &record)
        }),
        None => Err(Error::Conflict {
            constraint: "execution_trace_pkey".to_owned(),
            source: None,
        }),
    }
}

fn name_taken(name: &Name) -> CapabilityError {
    let (namespace, action) = match name {
        Name::Given { namespace, action } => (namespace, action),
        Name::MadeUp { namespace, actions } => (namespace, &actions[1]),
    };
    CapabilityError::NameTaken {
        name: format!("{namespace}:{action}"),
    }
}

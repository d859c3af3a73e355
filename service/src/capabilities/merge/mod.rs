//! Folding one capability into another.

mod edges;
mod fold;
mod names;
mod pair;

use pml_entity::values::{CapabilityId, PatternId};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};
use serde::Serialize;

use self::pair::{Pair, Relation};
use super::access::not_found;
use super::dependencies::raise_levels;
use super::{CapabilityError, Reference, resolve_for_change};
use crate::{Error, Principal};

/// Whose code stands after a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeSource {
    /// That of the capability that went.
    Source,
    /// That of the capability that stayed.
    Target,
}

impl CodeSource {
    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// What stands after a merge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// The registry entry that stayed.
    pub target_id: CapabilityId,
    /// Its full name. Its hash is new if the source's code won.
    pub target_fqdn: String,
    /// Its `namespace:action`.
    pub target_display_name: String,
    /// The registry entry that went.
    pub deleted_source_id: CapabilityId,
    /// The `namespace:action` it had, which now leads to the target.
    pub deleted_source_name: String,
    /// The pattern that went. `None`: it stayed, because another entry names it.
    pub deleted_source_pattern_id: Option<PatternId>,
    /// The pattern that stayed.
    pub target_pattern_id: PatternId,
    /// Uses of the pattern that stayed.
    pub usage_count: i64,
    /// Successful ones of them.
    pub success_count: i64,
    /// Share of them, 0..=1; 0 without uses.
    pub success_rate: f64,
    /// Mean duration in milliseconds, weighted by uses, rounded down.
    pub avg_duration_ms: i64,
    /// Whose code stands.
    pub code_source: CodeSource,
}

/// Folds `source` into `target` and removes it (spec of capabilities, section 11). All or nothing.
///
/// Both must use the same set of tools. What happens to the source's code depends on who else names it:
///
/// - Nobody does, and it is the caller's: it is folded into the target's. Counters and durations add up, the later use and the earlier
///   creation stand. Runs and audit rows follow; so do edges, in both directions. Where the target has an edge to the same pattern, the
///   counts add up under the target's type, and the trust is computed anew; edges between the two vanish. Then it is deleted.
/// - Another entry does (or it is somebody else's, or the target's very own): it stays as it is. Its counters, edges and runs stay with it,
///   and those of the target are not touched.
///
/// Either way the source's entry goes, and its name, with all it had before, leads to the target from then on.
///
/// **Whose code stands**: `prefer_source_code` decides; without it the one whose entry changed later (ties: the target). The source's code
/// brings its hash, its schema, its structure and its permission set with it, since what was allowed was allowed for that code; every
/// entry of the target then has a new full name, a new version, and no signature. The target keeps its own code when the source has
/// none or keeps its own, and when its owner has the source's code under another name. Name, tags, visibility, owner, description and
/// vector are the target's in any case.
///
/// Locks the edges of both acyclic types, both patterns in the order of their ids, then their entries: no count of a run that ends in the
/// meantime is lost, and two merges that cross wait for each other; the later finds nothing to merge. The number of statements does not
/// depend on how much there is to move. Opens a transaction, a savepoint when the caller is in one.
///
/// Writes `workflow_pattern`, `capability_records`, `capability_dependency`, `capability_name_history`, `execution_trace`,
/// `permission_audit_log`.
///
/// # Errors
/// [`Error::NotFound`] for the source, then for the target, if it is unknown or the caller may not change it, and for an old name of the
/// source;
/// [`CapabilityError::SelfMerge`] when both are one entry, by whatever names; [`CapabilityError::ToolsMismatch`];
/// [`CapabilityError::Cycle`] when the moved edges would close one; [`CapabilityError::NoCode`]; [`Error::Refused`] when the target's code
/// belongs to somebody else.
pub async fn merge<C>(
    db: &C,
    who: &Principal,
    source: &Reference,
    target: &Reference,
    prefer_source_code: Option<bool>,
) -> Result<Merged, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let tx = db.begin().await?;
    let found = resolve_for_change(&tx, who, source).await?;
    // What goes must be named as it is now: an old name would take another away than the one that was meant.
    if found.warning.is_some() {
        return Err(not_found(source));
    }
    let kept = resolve_for_change(&tx, who, target).await?;
    if found.id == kept.id {
        return Err(CapabilityError::SelfMerge.into());
    }
    edges::lock(&tx).await?;
    let pair = pair::lock(&tx, who, (source, &found), (target, &kept)).await?;
    let merged = match pair.relation {
        Relation::Folds => {
            ensure_same_tools(&pair)?;
            fold_in(&tx, who, &pair, prefer_source_code).await?
        }
        Relation::Stays => {
            ensure_same_tools(&pair)?;
            drop_name(&tx, who, &pair).await?
        }
        Relation::Shared => drop_name(&tx, who, &pair).await?,
    };
    tx.commit().await?;
    Ok(merged)
}

fn ensure_same_tools(pair: &Pair) -> Result<(), CapabilityError> {
    if pair.source.code.tool_ids == pair.target.code.tool_ids {
        return Ok(());
    }
    Err(CapabilityError::ToolsMismatch {
        source_tools: pair.source.code.tool_ids.clone(),
        target_tools: pair.target.code.tool_ids.clone(),
    })
}

/// Everything of the source goes to the target.
async fn fold_in<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pair: &Pair,
    prefer_source_code: Option<bool>,
) -> Result<Merged, Error> {
    let (from, to) = (pair.source.code.pattern_id, pair.target.code.pattern_id);
    let code = if pair.source_wins(prefer_source_code) {
        fold::usable_code(tx, pair).await?
    } else {
        None
    };
    let hash = match &code {
        Some(code) => code.code_hash.short(),
        None => pair.target.entry.hash.clone(),
    };
    edges::move_all(tx, from, to).await?;
    edges::ensure_acyclic(tx, to).await?;
    fold::move_runs(tx, from, to).await?;
    names::hand_over(tx, who, pair, &hash).await?;
    let totals = fold::add_up(tx, pair, code.as_ref()).await?;
    raise_levels(tx, to, true).await?;
    let code_source = if code.is_some() {
        names::renew(tx, who, pair, &hash).await?;
        CodeSource::Source
    } else {
        names::touch(tx, who, pair).await?;
        CodeSource::Target
    };
    Ok(pair.merged(Some(from), &hash, totals, code_source))
}

/// Only the source's entry goes.
async fn drop_name<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pair: &Pair,
) -> Result<Merged, Error> {
    let hash = &pair.target.entry.hash;
    names::hand_over(tx, who, pair, hash).await?;
    names::touch(tx, who, pair).await?;
    let totals = fold::totals(tx, pair.target.code.pattern_id).await?;
    Ok(pair.merged(None, hash, totals, CodeSource::Target))
}

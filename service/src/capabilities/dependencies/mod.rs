//! Edges between capabilities: what follows, needs, contains, feeds or replaces what.
//!
//! An edge leads from pattern to pattern, and one stands for an ordered pair whatever its type. `contains` and `dependency` edges never
//! form a cycle: whoever adds one holds the lock of its kind from the check to the end of the transaction. The other kinds may be cyclic.
//! Readers visit everything once, so that they end on cycles that an older system stored.

mod confidence;
mod hierarchy;
mod lock;
mod observe;
mod read;

use chrono::{DateTime, Utc};
use pml_entity::values::{CapabilityId, EdgeSource, EdgeType, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, TransactionSession, TransactionTrait};

pub use confidence::{confidence, modifier, weight};
pub(super) use hierarchy::raise_levels;
pub(super) use lock::{LOCK_CLASS_EDGES, lock_edges, lock_key};
pub(super) use observe::{Observed, observe_edges};
pub use read::{MAX_EDGES, MAX_GRAPH, all, ancestors, children, count, descendants, list, parents};

use super::access::not_found;
use super::error::CapabilityError;
use super::permissions::ensure_own;
use super::reference::{Reference, Resolved, resolve, resolve_for_change};
use crate::{Error, Principal, sql};

/// An edge between two patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The earlier pattern.
    pub from_pattern: PatternId,
    /// The later pattern.
    pub to_pattern: PatternId,
    /// A registry entry of the earlier one that the caller may see.
    pub from: Option<CapabilityId>,
    /// A registry entry of the later one that the caller may see.
    pub to: Option<CapabilityId>,
    /// `namespace:action` of the earlier entry.
    pub from_name: Option<String>,
    /// `namespace:action` of the later entry.
    pub to_name: Option<String>,
    /// What the edge means.
    pub edge_type: EdgeType,
    /// How it became known.
    pub edge_source: EdgeSource,
    /// How often the pair was seen.
    pub observed_count: i64,
    /// Trust in the edge, 0..=1: see [`confidence`].
    pub confidence_score: f64,
    /// When the pair was first seen.
    pub created_at: DateTime<Utc>,
    /// When the pair was last seen.
    pub last_observed: DateTime<Utc>,
}

impl Edge {
    fn new(stored: &observe::StoredEdge, from: &Resolved, to: &Resolved) -> Self {
        Self {
            from_pattern: stored.from_capability_id,
            to_pattern: stored.to_capability_id,
            from: Some(from.id),
            to: Some(to.id),
            from_name: Some(from.display_name()),
            to_name: Some(to.display_name()),
            edge_type: stored.edge_type,
            edge_source: stored.edge_source,
            observed_count: stored.observed_count,
            confidence_score: stored.confidence_score,
            created_at: stored.created_at,
            last_observed: stored.last_observed,
        }
    }
}

/// Which edges of a capability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Those that lead away from it.
    From,
    /// Those that lead to it.
    To,
    /// Both. The default.
    #[default]
    Both,
}

/// Reads `from`, `to` or `both`.
impl std::str::FromStr for Direction {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "from" => Ok(Self::From),
            "to" => Ok(Self::To),
            "both" => Ok(Self::Both),
            _ => Err(CapabilityError::InvalidDirection(
                text.chars().take(64).collect(),
            )),
        }
    }
}

/// A capability at the other end of some edges.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Relative {
    /// A registry entry of it that the caller may see.
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// Its level: see `workflow_pattern.hierarchy_level`.
    pub hierarchy_level: i32,
}

/// Adds an edge, or counts one more observation of the one that stands.
///
/// Needs the right to change `from` and to see `to`. A new edge starts with count 1 and the [`confidence`] of its type and source. One that
/// stands keeps its type and gains one; an inferred one is observed from 3 on; a template one becomes inferred with count 1 at its first
/// addition that is no template (spec of capabilities, DEP-2 with D01 and K16). A `contains` edge raises the levels of `from` and of
/// everything above it. One transaction, under the lock of the kind for `contains` and `dependency`.
///
/// # Errors
/// [`CapabilityError::SelfDependency`] if both stand for the same code; [`CapabilityError::Cycle`] if a new `contains` or `dependency` edge
/// would close a circle of its kind; [`Error::NotFound`]; [`CapabilityError::NoCode`] for an entry whose code was deleted.
pub async fn add<C>(
    db: &C,
    who: &Principal,
    from: &Reference,
    to: &Reference,
    edge_type: EdgeType,
    source: EdgeSource,
) -> Result<Edge, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let ends = Ends::resolve(db, who, from, to).await?;
    let (from_pattern, to_pattern) = (pattern(&ends.from, from)?, pattern(&ends.to, to)?);
    if from_pattern == to_pattern {
        return Err(CapabilityError::SelfDependency.into());
    }
    let tx = db.begin().await?;
    lock::lock_edges(&tx, edge_type).await?;
    let observed = observe_edges(&tx, from_pattern, &[to_pattern], edge_type, source).await?;
    let edge = match observed.into_iter().next() {
        Some(Observed::Edge(edge)) => edge,
        Some(Observed::Cycle(_)) => {
            tx.rollback().await?;
            return Err(CapabilityError::Cycle { edge_type }.into());
        }
        Some(Observed::Gone(_)) | None => {
            tx.rollback().await?;
            return Err(not_found(to));
        }
    };
    if edge_type == EdgeType::Contains {
        raise_levels(&tx, from_pattern, false).await?;
    }
    tx.commit().await?;
    Ok(Edge::new(&edge, &ends.from, &ends.to))
}

/// Counts `n` more observations of an edge that stands (DEP-3, with K16 for template edges). `None` if there is none; `n` = 0 only reads it.
///
/// Needs the right to change `from` and to see `to`. One atomic statement after the two that resolve the names.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn observe<C>(
    db: &C,
    who: &Principal,
    from: &Reference,
    to: &Reference,
    n: u32,
) -> Result<Option<Edge>, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let ends = Ends::resolve(db, who, from, to).await?;
    let Some((from_pattern, to_pattern)) = ends.patterns() else {
        return Ok(None);
    };
    let edge = observe::count_observations(db, from_pattern, to_pattern, n).await?;
    Ok(edge.map(|edge| Edge::new(&edge, &ends.from, &ends.to)))
}

/// Removes the edge from one capability to another. `false` if there was none. Levels stay as they are.
///
/// Needs the right to change `from` and to see `to`.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn remove<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    from: &Reference,
    to: &Reference,
) -> Result<bool, Error> {
    const SQL: &str =
        "DELETE FROM capability_dependency WHERE from_capability_id = $1 AND to_capability_id = $2";
    let ends = Ends::resolve(db, who, from, to).await?;
    let Some((from_pattern, to_pattern)) = ends.patterns() else {
        return Ok(false);
    };
    let values = [from_pattern.into(), to_pattern.into()];
    let statement = sql::statement(SQL, values);
    Ok(db.execute_raw(statement).await?.rows_affected() > 0)
}

/// The two capabilities of an edge that is about to change.
struct Ends {
    from: Resolved,
    to: Resolved,
}

impl Ends {
    async fn resolve<C: ConnectionTrait>(
        db: &C,
        who: &Principal,
        from: &Reference,
        to: &Reference,
    ) -> Result<Self, Error> {
        let ends = Self {
            from: resolve_for_change(db, who, from).await?,
            to: resolve(db, who, to).await?,
        };
        // Edges belong to code. In a local installation all of it is one person's.
        if let (Some(pattern), Principal::User { .. }) = (ends.from.pattern_id, who) {
            ensure_own(db, who, pattern, from).await?;
        }
        Ok(ends)
    }

    fn patterns(&self) -> Option<(PatternId, PatternId)> {
        self.from.pattern_id.zip(self.to.pattern_id)
    }
}

fn pattern(resolved: &Resolved, reference: &Reference) -> Result<PatternId, CapabilityError> {
    resolved.pattern_id.ok_or_else(|| CapabilityError::NoCode {
        key: reference.to_string(),
    })
}

//! The vectors of capabilities, for whoever computes with them.

use std::collections::{HashMap, HashSet};

use pml_entity::values::{CapabilityId, Embedding, PatternId};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;

use super::{access, ids};
use crate::{Error, Principal};

/// The vector of one capability.
#[derive(Clone, Debug, PartialEq)]
pub struct CapabilityEmbedding {
    /// The registry entry that was asked for.
    pub id: CapabilityId,
    /// Its pattern, to which the vector belongs.
    pub pattern_id: PatternId,
    /// The embedding of its intent: 1024 components.
    pub embedding: Embedding,
}

/// The vectors of several capabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// Those that were found, in the order of the question, each once.
    pub items: Vec<CapabilityEmbedding>,
    /// Those that are unknown or hidden, or whose code was deleted; in the same order, each once.
    pub missing: Vec<CapabilityId>,
}

/// The vectors of these capabilities. They come from the pattern that the registry entry names, never from one whose own id looks alike (spec of
/// capabilities, ID-2 and AT-93). One statement for any number of ids.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`](super::CapabilityError::InvalidFilter) for more than 10,000 ids.
pub async fn embeddings_of<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    ids: &[CapabilityId],
) -> Result<Embeddings, Error> {
    ids::check_number(ids.len())?;
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT r.id, p.pattern_id, p.intent_embedding FROM capability_records r JOIN workflow_pattern p ON p.pattern_id = r.workflow_pattern_id \
         WHERE r.id = ANY($1) AND {}",
        visible.sql
    );
    let mut seen = HashSet::with_capacity(ids.len());
    let asked: Vec<CapabilityId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    let uuids: Vec<Uuid> = asked.iter().map(CapabilityId::as_uuid).collect();
    let rows = ids::query(db, &sql, uuids, visible.values).await?;
    let mut found: HashMap<CapabilityId, CapabilityEmbedding> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let item = CapabilityEmbedding {
            id: row.try_get_by_index(0)?,
            pattern_id: row.try_get_by_index(1)?,
            embedding: row.try_get_by_index(2)?,
        };
        found.insert(item.id, item);
    }
    let mut embeddings = Embeddings::default();
    for id in asked {
        match found.remove(&id) {
            Some(item) => embeddings.items.push(item),
            None => embeddings.missing.push(id),
        }
    }
    Ok(embeddings)
}

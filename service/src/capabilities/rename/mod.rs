//! Changing what a capability is called, and how it is described.

mod name;
mod reembed;
mod state;
mod vector;

use pml_entity::values::{CapabilityId, Visibility};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};

use self::state::{Fields, State};
use super::access::not_found;
use super::{CapabilityError, Reference, resolve_for_change};
use crate::embedding::Embedder;
use crate::{Error, Principal};

pub use name::{validate_name, validate_tags};
pub use reembed::reembed;
pub(super) use state::author;

/// What shall change. `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rename {
    /// New namespace, by the rule of [`validate_name`].
    pub namespace: Option<String>,
    /// New action, by the rule of [`validate_name`].
    pub action: Option<String>,
    /// New description. A blank one removes it.
    pub description: Option<String>,
    /// New tags, instead of the old ones; see [`validate_tags`].
    pub tags: Option<Vec<String>>,
    /// Who may see it from now on.
    pub visibility: Option<Visibility>,
    /// A label of the version, for example `v1.2.0`: at most 64 characters. A blank one removes it.
    pub version_tag: Option<String>,
}

/// What a rename did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The entry. Its id never changes.
    pub id: CapabilityId,
    /// Its full name now.
    pub fqdn: String,
    /// Its name now: `namespace:action`.
    pub display_name: String,
    /// Whether anything was written.
    pub changed: bool,
    /// What the caller should know: an old name was used, no vector could be made, a signature was dropped.
    pub warnings: Vec<String>,
}

/// Changes what a capability is called, how it is described and labelled, and who may see it. Its id and the hash in its full name stay.
///
/// Fields that are given and equal to what is stored count as not given; nothing different, nothing written. With a new name a row of
/// `capability_name_history` keeps the old one, which still leads here; and a signature goes, because it covers the name. With a new name or
/// description the pattern gets a new vector, of `namespace:action: description` (SEARCH-9), made before the transaction begins. If none can
/// be made, the old one stays and is marked stale; [`reembed`] makes it later. Code that an entry of somebody else also names keeps its
/// description and its vector. Each of these is said in [`Renamed::warnings`].
///
/// One transaction (a savepoint inside a caller's) over `workflow_pattern`, `capability_records` and `capability_name_history`, with their rows
/// locked in this order.
///
/// # Errors
/// [`Error::NotFound`], also for an entry the caller may not change; [`CapabilityError::Ambiguous`];
/// [`CapabilityError::InvalidNamespace`], [`CapabilityError::InvalidAction`], [`CapabilityError::InvalidTag`],
/// [`CapabilityError::InvalidDocument`] for a bad description; [`CapabilityError::NameTaken`]; [`CapabilityError::NoCode`] for a description
/// where the pattern was deleted; [`Error::MixedModels`]; [`Error::Conflict`] if its code is replaced at the same moment.
pub async fn rename<C>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    reference: &Reference,
    change: Rename,
) -> Result<Renamed, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let found = resolve_for_change(db, who, reference).await?;
    let mut warnings: Vec<String> = found.warning.into_iter().collect();
    let seen = state::read(db, who, found.id, embedder.model_id()).await?;
    let seen = seen.ok_or_else(|| not_found(reference))?;
    let wanted = seen.with(&change)?;
    if wanted == seen.fields {
        return Ok(renamed(&seen, &wanted, false, warnings));
    }
    if wanted.description != seen.fields.description && seen.pattern_id.is_none() {
        let key = reference.to_string();
        return Err(CapabilityError::NoCode { key }.into());
    }
    let vector = if seen.needs_vector(&wanted) {
        Some(vector::make(embedder, &seen, &wanted).await?)
    } else {
        None
    };

    let tx = db.begin().await?;
    state::lock(&tx, &seen).await?;
    let standing = state::read(&tx, who, seen.id, embedder.model_id()).await?;
    let standing = standing.ok_or_else(|| not_found(reference))?;
    if standing.pattern_id != seen.pattern_id {
        return Err(Error::Conflict {
            constraint: "concurrent update".to_owned(),
            source: None,
        });
    }
    // Whoever was faster counts: what they changed is kept, unless it is to change here as well.
    let wanted = standing.with(&change)?;
    if wanted == standing.fields {
        return Ok(renamed(&standing, &wanted, false, warnings));
    }
    state::write(&tx, who, &standing, &wanted).await?;
    if standing.needs_vector(&wanted) {
        let vector = match vector {
            Some(vector) => vector.of(&standing, &wanted, &mut warnings)?,
            None => None,
        };
        state::write_pattern(&tx, &standing, &wanted, vector).await?;
    } else if standing.touches_pattern(&wanted) {
        warnings.push(
            "its code is also somebody else's: description and vector stay as they are".to_owned(),
        );
    }
    if standing.is_renamed(&wanted) {
        state::keep_old_name(&tx, who, &standing, &wanted).await?;
        if standing.signed {
            warnings
                .push("the signature was of the old name and is gone: sign it again".to_owned());
        }
    }
    tx.commit().await?;
    if standing.is_given_up(&wanted) {
        warnings.push(
            "nobody owns it and it is private now: only a local installation still sees it"
                .to_owned(),
        );
    }
    Ok(renamed(&standing, &wanted, true, warnings))
}

fn renamed(state: &State, now: &Fields, changed: bool, warnings: Vec<String>) -> Renamed {
    Renamed {
        id: state.id,
        fqdn: state.fqdn(now),
        display_name: now.display_name(),
        changed,
        warnings,
    }
}

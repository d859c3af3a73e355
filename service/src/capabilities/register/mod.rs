//! Giving a name to code, and taking it away.

mod delete;
mod store;

use pml_entity::values::{Fqdn, FqdnPart, InvalidFqdn, PatternId, Routing, Visibility};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait};

use self::store::{Named, Record};
use super::access::{self, not_found};
use super::reference::MAX_CHARS;
use super::routing::RoutingRules;
use super::{CapabilityError, Resolved, validate_tags};
use crate::{Error, Principal};

pub use delete::{Deleted, delete};

/// Longest namespace and action, in characters.
const MAX_PART: usize = 100;
/// How often an entry may come and go under the eyes of a registration.
const ATTEMPTS: u8 = 3;

/// A name for a pattern, in the caller's organisation and project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The code: a pattern that is the caller's, or nobody's and named by a capability they may change.
    pub pattern_id: PatternId,
    /// What it is about: 1–100 characters, `[A-Za-z_][A-Za-z0-9_-]*`.
    pub namespace: String,
    /// What it does, by the same rule.
    pub action: String,
    /// Who may see it. Only looked at when the entry is new.
    pub visibility: Visibility,
    /// Labels; see [`validate_tags`].
    pub tags: Vec<String>,
    /// Where it runs. `None`: where its tools can (RTE-2). Only looked at when the entry is new.
    pub routing: Option<Routing>,
}

impl NewRecord {
    /// A private name without labels.
    pub fn new(
        pattern_id: PatternId,
        namespace: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            pattern_id,
            namespace: namespace.into(),
            action: action.into(),
            visibility: Visibility::Private,
            tags: Vec::new(),
            routing: None,
        }
    }
}

/// Gives a pattern a name in the caller's project (REG-1).
///
/// If the name is free, an entry of version 1 is made. If the caller has it already and its code or its tags differ, it is given the new ones
/// and `version` goes up by one; its id, owner, visibility, routing and time of creation stay. With other code its full name changes, so the old
/// one goes to `capability_name_history` and a signature goes. If nothing differs, nothing is written: a registration can be repeated, also at
/// the same moment from elsewhere.
///
/// One transaction (a savepoint inside a caller's) that locks the pattern, then the entry. Two statements for a new name.
///
/// # Errors
/// [`CapabilityError::SignInRequired`] for nobody; [`CapabilityError::InvalidNamespace`], [`CapabilityError::InvalidAction`],
/// [`CapabilityError::InvalidFqdn`] if the caller's organisation or project can stand in no full name, [`CapabilityError::InvalidTag`], all
/// before anything is read; [`Error::NotFound`] for a pattern that is not the caller's: whoever names code decides who sees it; [`CapabilityError::NoCode`] for one without code;
/// [`CapabilityError::NameTaken`] if the entry of that name is not theirs to change.
pub async fn register<C>(db: &C, who: &Principal, record: NewRecord) -> Result<Resolved, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let (org, project) = who.scope().ok_or(CapabilityError::SignInRequired)?;
    check_name(org, project, &record.namespace, &record.action)?;
    let tags = validate_tags(&record.tags)?;

    let tx = db.begin().await?;
    let code = store::code(&tx, who, record.pattern_id).await?;
    let code = code.ok_or_else(|| not_found(&record.pattern_id))?;
    let hash = code.hash.ok_or_else(|| CapabilityError::NoCode {
        key: record.pattern_id.to_string(),
    })?;
    let tools = code.tools.iter().map(|tool| Some(tool.as_str()));
    let wanted = Record {
        org,
        project,
        namespace: &record.namespace,
        action: &record.action,
        hash: hash.short(),
        pattern_id: record.pattern_id,
        visibility: record.visibility,
        routing: RoutingRules::default().resolve(tools, record.routing),
        tags,
    };
    for _ in 0..ATTEMPTS {
        if let Some(id) = store::insert(&tx, who, &wanted).await? {
            tx.commit().await?;
            return Ok(wanted.resolved(id, who.user_id(), wanted.visibility));
        }
        // Somebody has the name; or had it a moment ago.
        if let Some(standing) = store::lock_named(&tx, &wanted).await? {
            let resolved = wanted.resolved(standing.id, standing.user_id, standing.visibility);
            if !access::can_change(who, &resolved.owned()) {
                let name = resolved.display_name();
                return Err(CapabilityError::NameTaken { name }.into());
            }
            if differs(&standing, &wanted) {
                store::replace(&tx, who, &standing, &wanted).await?;
            }
            tx.commit().await?;
            return Ok(resolved);
        }
    }
    Err(Error::Conflict {
        constraint: "concurrent update".to_owned(),
        source: None,
    })
}

fn differs(standing: &Named, wanted: &Record<'_>) -> bool {
    standing.pattern_id != Some(wanted.pattern_id)
        || standing.hash != wanted.hash
        || standing.tags != wanted.tags
}

/// Checks the parts of a full name before it is stored (FQDN-1, FQDN-6, D24), and that it can be referred to as a whole.
pub(super) fn check_name(
    org: &str,
    project: &str,
    namespace: &str,
    action: &str,
) -> Result<(), CapabilityError> {
    for (part, text) in [(FqdnPart::Org, org), (FqdnPart::Project, project)] {
        if !Fqdn::is_component(text) {
            let text = text.to_owned();
            return Err(InvalidFqdn::Part { part, text }.into());
        }
    }
    let rule = "it must have 1 to 100 letters, digits, underscores and hyphens, and begin with a letter or an underscore";
    let fits = |text: &str| Fqdn::is_component(text) && text.len() <= MAX_PART;
    if !fits(namespace) {
        return Err(CapabilityError::InvalidNamespace(rule.to_owned()));
    }
    if !fits(action) {
        return Err(CapabilityError::InvalidAction(rule.to_owned()));
    }
    // Four dots and four digits.
    if org.len() + project.len() + namespace.len() + action.len() + 8 > MAX_CHARS {
        let rule = "the full name would have over 300 characters";
        return Err(CapabilityError::InvalidAction(rule.to_owned()));
    }
    Ok(())
}

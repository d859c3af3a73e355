//! From a reference to the entry it stands for.

use pml_entity::values::{CapabilityId, PatternId, ShortHash, UserId, Visibility};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::Reference;
use super::statements::{self, Values};
use crate::capabilities::CapabilityError;
use crate::capabilities::access::{self, Owned, not_found};
use crate::{Error, Principal, sql};

/// The entry that a reference stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Its id.
    pub id: CapabilityId,
    /// Its code. `None`: the pattern was deleted.
    pub pattern_id: Option<PatternId>,
    /// Organisation.
    pub org: String,
    /// Project.
    pub project: String,
    /// What it is about.
    pub namespace: String,
    /// What it does.
    pub action: String,
    /// First four digits of its code hash.
    pub hash: ShortHash,
    /// Its owner.
    pub user_id: Option<UserId>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Set when the reference is an old name: says the old and the new one.
    pub warning: Option<String>,
}

impl Resolved {
    /// `org.project.namespace.action.hash`. Text, because a name that an older system stored may break today's rules.
    pub fn fqdn(&self) -> String {
        format!(
            "{}.{}.{}.{}.{}",
            self.org, self.project, self.namespace, self.action, self.hash
        )
    }

    /// `namespace:action`.
    pub fn display_name(&self) -> String {
        format!("{}:{}", self.namespace, self.action)
    }

    /// What the rules of access look at.
    pub fn owned(&self) -> Owned<'_> {
        Owned {
            user_id: self.user_id,
            org: &self.org,
            project: &self.project,
            visibility: self.visibility,
        }
    }
}

/// The entry that the caller means.
///
/// A name without a project means the caller's own project first, then their organisation, then whatever else they can see; within one of
/// these the entry last used, then the youngest, then the one with the smallest id. A name that nothing has any more is looked up among the
/// old names, latest renaming first, and the answer then carries a warning. A full name whose hash is not the stored one is an old name. The
/// id of an entry that was merged leads to the one it went into. One statement, two for what is old or unknown.
///
/// # Errors
/// [`Error::NotFound`], also for what the caller may not see; [`CapabilityError::Ambiguous`] for an action that several namespaces of the
/// nearest scope have.
pub async fn resolve<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
) -> Result<Resolved, Error> {
    // The server takes no such text. Whatever was parsed holds none.
    if reference.to_string().contains('\0') {
        return Err(not_found(reference));
    }
    let mut values = Values::default();
    let sql = statements::current(who, reference, &mut values);
    if let Some(found) = one(reference, rows(db, sql, values).await?)? {
        return Ok(found);
    }
    let mut values = Values::default();
    let sql = statements::former(who, reference, &mut values);
    let found = one(reference, rows(db, sql, values).await?)?;
    let found = found.ok_or_else(|| not_found(reference))?;
    let what = match reference {
        Reference::Id(_) => "was merged",
        _ => "is an old name",
    };
    Ok(Resolved {
        warning: Some(format!(
            "{reference} {what}: it is {} now ({})",
            found.display_name(),
            found.fqdn()
        )),
        ..found
    })
}

/// Like [`resolve`], for a caller who is about to change the entry: one they may not change is not found either.
///
/// # Errors
/// Those of [`resolve`].
pub async fn resolve_for_change<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
) -> Result<Resolved, Error> {
    let found = resolve(db, who, reference).await?;
    if access::can_change(who, &found.owned()) {
        Ok(found)
    } else {
        Err(not_found(reference))
    }
}

/// Resolves many references, by current names only: the answers in the order of the references. `None` stands for one that is unknown,
/// hidden or ambiguous. One statement; none without references.
///
/// # Errors
/// Those of the database.
pub async fn resolve_many<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    references: &[Reference],
) -> Result<Vec<Option<Resolved>>, Error> {
    let mut values = Values::default();
    let mut candidates: Vec<Vec<Resolved>> = references.iter().map(|_| Vec::new()).collect();
    if let Some(sql) = statements::many(who, references, &mut values) {
        let statement = sql::statement(sql, values.0);
        for row in db.query_all_raw(statement).await? {
            let position: i32 = row.try_get("", "position")?;
            let position = usize::try_from(position).unwrap_or(usize::MAX);
            if let Some(candidates) = candidates.get_mut(position) {
                candidates.push(Row::from_query_result(&row, "")?.resolved());
            }
        }
    }
    Ok(candidates
        .into_iter()
        .map(
            |mut found| {
                if found.len() == 1 { found.pop() } else { None }
            },
        )
        .collect())
}

async fn rows<C: ConnectionTrait>(
    db: &C,
    sql: String,
    values: Values,
) -> Result<Vec<Resolved>, Error> {
    let statement = sql::statement(sql, values.0);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(Row::resolved).collect())
}

/// The only one, or none. Several rows for one entry are one.
fn one(reference: &Reference, mut found: Vec<Resolved>) -> Result<Option<Resolved>, Error> {
    found.dedup_by_key(|found| found.id);
    if found.len() > 1 {
        let mut candidates: Vec<String> = found.iter().map(Resolved::fqdn).collect();
        candidates.sort();
        return Err(CapabilityError::Ambiguous {
            reference: reference.to_string(),
            candidates,
        }
        .into());
    }
    Ok(found.pop())
}

#[derive(Debug, FromQueryResult)]
struct Row {
    id: CapabilityId,
    pattern_id: Option<PatternId>,
    org: String,
    project: String,
    namespace: String,
    action: String,
    hash: ShortHash,
    user_id: Option<UserId>,
    visibility: Visibility,
}

impl Row {
    fn resolved(self) -> Resolved {
        Resolved {
            id: self.id,
            pattern_id: self.pattern_id,
            org: self.org,
            project: self.project,
            namespace: self.namespace,
            action: self.action,
            hash: self.hash,
            user_id: self.user_id,
            visibility: self.visibility,
            warning: None,
        }
    }
}

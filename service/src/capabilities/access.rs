//! Who may see a registry entry, and who may change it: each rule once, as SQL and as a function.
//!
//! Source: spec of capabilities, VIS-1 (who sees what) and VIS-5 (who changes what), with the corrections of D11: an ownerless entry
//! belongs to its project, not to everyone.

use pml_entity::values::{UserId, Visibility};
use sea_orm::{Value, sea_query::SimpleExpr};

use crate::{Error, Principal};

/// A condition on a row of `capability_records` (or of the view `capability`), ready to stand in a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Predicate {
    /// The condition. Its parameters are numbered from the number it was made with.
    pub(super) sql: String,
    /// The values of its parameters, in order.
    pub(super) values: Vec<Value>,
}

impl Predicate {
    fn new(sql: &str, alias: &str, first: usize, values: Vec<Value>) -> Self {
        let mut sql = sql.replace("r.", &format!("{alias}."));
        for (offset, name) in ["$user", "$org", "$project"].iter().enumerate() {
            sql = sql.replace(name, &format!("${}", first + offset));
        }
        Self { sql, values }
    }

    /// The same as an expression for the query builder. Make the predicate with `first` = 1 for it.
    pub(super) fn into_expr(self) -> SimpleExpr {
        SimpleExpr::cust_with_values(self.sql, self.values)
    }
}

/// Which rows the principal may see. `alias` names the table in the statement, `first` is the number of the first free parameter.
///
/// Local: all. Anybody: what is public. A user besides: their own, what is for their organisation, and what is for their project.
pub(super) fn visible(who: &Principal, alias: &str, first: usize) -> Predicate {
    match who {
        Principal::Local => Predicate::new("TRUE", alias, first, Vec::new()),
        Principal::Anonymous => Predicate::new("r.visibility = 'public'", alias, first, Vec::new()),
        Principal::User { id, org, project } => Predicate::new(
            "(r.visibility = 'public' OR r.user_id = $user \
              OR (r.org = $org AND (r.visibility = 'org' OR (r.visibility = 'project' AND r.project = $project))))",
            alias,
            first,
            scope(*id, org, project),
        ),
    }
}

/// Which rows the principal may change: the visible ones they own, and the visible ones of their project that nobody owns.
pub(super) fn changeable(who: &Principal, alias: &str, first: usize) -> Predicate {
    match who {
        Principal::Local => Predicate::new("TRUE", alias, first, Vec::new()),
        Principal::Anonymous => Predicate::new("FALSE", alias, first, Vec::new()),
        Principal::User { id, org, project } => Predicate::new(
            "(r.user_id = $user OR (r.user_id IS NULL AND r.visibility <> 'private' AND r.org = $org AND r.project = $project))",
            alias,
            first,
            scope(*id, org, project),
        ),
    }
}

fn scope(id: UserId, org: &str, project: &str) -> Vec<Value> {
    vec![id.into(), org.into(), project.into()]
}

/// What the two rules look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned<'a> {
    /// Owner of the entry.
    pub user_id: Option<UserId>,
    /// Its organisation.
    pub org: &'a str,
    /// Its project.
    pub project: &'a str,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Whether the principal may see the entry. The same rule as every statement of this area applies.
pub fn can_see(who: &Principal, entry: &Owned<'_>) -> bool {
    match who {
        Principal::Local => true,
        Principal::Anonymous => entry.visibility == Visibility::Public,
        Principal::User { id, org, project } => {
            entry.user_id == Some(*id)
                || match entry.visibility {
                    Visibility::Public => true,
                    Visibility::Org => entry.org == org,
                    Visibility::Project => entry.org == org && entry.project == project,
                    Visibility::Private => false,
                }
        }
    }
}

/// Whether the principal may change the entry.
pub fn can_change(who: &Principal, entry: &Owned<'_>) -> bool {
    match who {
        Principal::Local => true,
        Principal::Anonymous => false,
        Principal::User { id, org, project } => match entry.user_id {
            Some(owner) => owner == *id,
            None => {
                entry.visibility != Visibility::Private
                    && entry.org == org
                    && entry.project == project
            }
        },
    }
}

/// What every verb answers about a capability that is not there, or that the caller may not know about.
pub(super) fn not_found(reference: &impl ToString) -> Error {
    Error::NotFound {
        entity: "capability",
        key: reference.to_string().chars().take(520).collect(),
    }
}

//! The two capabilities of a merge, locked, as they stand then.

use chrono::{DateTime, Utc};
use pml_entity::values::{CapabilityId, CodeHash, PatternId, ShortHash, UserId, Visibility};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::fold::Totals;
use super::{CodeSource, Merged};
use crate::capabilities::access::{can_change, not_found};
use crate::capabilities::{CapabilityError, Owned, Reference, Resolved};
use crate::{Error, Principal, sql};

/// What happens to the source's pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is folded into the target's and goes.
    Folds,
    /// Somebody else needs it.
    Stays,
    /// It is the target's as well.
    Shared,
}

/// A locked pattern.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct CodeRow {
    pub(super) pattern_id: PatternId,
    pub(super) user_id: Option<UserId>,
    pub(super) code_hash: Option<CodeHash>,
    pub(super) has_code: bool,
    pub(super) tool_ids: Vec<String>,
}

/// A locked registry entry.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Entry {
    pub(super) id: CapabilityId,
    workflow_pattern_id: Option<PatternId>,
    pub(super) org: String,
    pub(super) project: String,
    pub(super) namespace: String,
    pub(super) action: String,
    pub(super) hash: ShortHash,
    user_id: Option<UserId>,
    visibility: Visibility,
    pub(super) created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

impl Entry {
    fn may_be_changed_by(&self, who: &Principal) -> bool {
        let entry = Owned {
            user_id: self.user_id,
            org: &self.org,
            project: &self.project,
            visibility: self.visibility,
        };
        can_change(who, &entry)
    }

    fn display_name(&self) -> String {
        format!("{}:{}", self.namespace, self.action)
    }

    fn last_changed(&self) -> DateTime<Utc> {
        self.updated_at.unwrap_or(self.created_at)
    }
}

/// One side of a merge.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) entry: Entry,
    pub(super) code: CodeRow,
}

/// Both sides. Nothing of them changes until the transaction ends.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) source: Side,
    pub(super) target: Side,
    pub(super) relation: Relation,
}

impl Pair {
    /// Whose code is to stand (spec of capabilities, MRG-4). A target without code takes what it can get.
    pub(super) fn source_wins(&self, prefer_source_code: Option<bool>) -> bool {
        prefer_source_code.unwrap_or_else(|| {
            !self.target.code.has_code
                || self.source.entry.last_changed() > self.target.entry.last_changed()
        })
    }

    /// The answer. `hash` is the target's from now on.
    pub(super) fn merged(
        &self,
        gone: Option<PatternId>,
        hash: &ShortHash,
        totals: Totals,
        code_source: CodeSource,
    ) -> Merged {
        let (source, target) = (&self.source.entry, &self.target.entry);
        Merged {
            target_id: target.id,
            target_fqdn: format!(
                "{}.{}.{}.{}.{hash}",
                target.org, target.project, target.namespace, target.action
            ),
            target_display_name: target.display_name(),
            deleted_source_id: source.id,
            deleted_source_name: source.display_name(),
            deleted_source_pattern_id: gone,
            target_pattern_id: self.target.code.pattern_id,
            usage_count: totals.usage_count,
            success_count: totals.success_count,
            success_rate: totals.success_rate,
            avg_duration_ms: totals.avg_duration_ms,
            code_source,
        }
    }
}

/// Locks both patterns, then every entry that names one of them, each in the order of their ids. What was found before the locks counts only
/// if it still holds: a merge or a deletion in the meantime is answered as if it had been earlier.
pub(super) async fn lock<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    source: (&Reference, &Resolved),
    target: (&Reference, &Resolved),
) -> Result<Pair, Error> {
    let source_pattern = pattern_of(source)?;
    let target_pattern = pattern_of(target)?;
    let codes = lock_patterns(tx, source_pattern, target_pattern).await?;
    let entries = lock_entries(tx, source_pattern, target_pattern).await?;
    let side = |(given, found): (&Reference, &Resolved), pattern: PatternId| {
        let entry = entries
            .iter()
            .find(|entry| entry.id == found.id && entry.workflow_pattern_id == Some(pattern))
            .filter(|entry| entry.may_be_changed_by(who));
        let code = codes.iter().find(|code| code.pattern_id == pattern);
        match (entry, code) {
            (Some(entry), Some(code)) => Ok(Side {
                entry: entry.clone(),
                code: code.clone(),
            }),
            _ => Err(not_found(given)),
        }
    };
    let source = side(source, source_pattern)?;
    let target = side(target, target_pattern)?;
    let relation = if source_pattern == target_pattern {
        Relation::Shared
    } else if !is_theirs(who, &target.code, &entries) {
        return Err(Error::Refused {
            reason: "the code of the target belongs to somebody else".to_owned(),
            source: None,
        });
    } else if named_by(&entries, source_pattern).count() > 1
        || !is_theirs(who, &source.code, &entries)
    {
        Relation::Stays
    } else {
        Relation::Folds
    };
    Ok(Pair {
        source,
        target,
        relation,
    })
}

fn pattern_of((given, found): (&Reference, &Resolved)) -> Result<PatternId, CapabilityError> {
    found.pattern_id.ok_or_else(|| CapabilityError::NoCode {
        key: given.to_string(),
    })
}

fn named_by(entries: &[Entry], pattern: PatternId) -> impl Iterator<Item = &Entry> {
    entries
        .iter()
        .filter(move |entry| entry.workflow_pattern_id == Some(pattern))
}

/// Whether the code is the caller's: they own it, or nobody does and they may change every entry that names it.
fn is_theirs(who: &Principal, code: &CodeRow, entries: &[Entry]) -> bool {
    match (who, code.user_id) {
        (Principal::Local, _) => true,
        (_, Some(owner)) => who.user_id() == Some(owner),
        (_, None) => named_by(entries, code.pattern_id).all(|entry| entry.may_be_changed_by(who)),
    }
}

async fn lock_patterns<C: ConnectionTrait>(
    tx: &C,
    source: PatternId,
    target: PatternId,
) -> Result<Vec<CodeRow>, Error> {
    const SQL: &str = "\
        SELECT pattern_id, user_id, code_hash, code_snippet IS NOT NULL AND code_hash IS NOT NULL AS has_code, tool_ids \
        FROM workflow_pattern WHERE pattern_id IN ($1, $2) ORDER BY pattern_id FOR UPDATE";
    rows(tx, SQL, [source.into(), target.into()]).await
}

async fn lock_entries<C: ConnectionTrait>(
    tx: &C,
    source: PatternId,
    target: PatternId,
) -> Result<Vec<Entry>, Error> {
    const SQL: &str = "\
        SELECT id, workflow_pattern_id, org, project, namespace, action, hash, user_id, visibility, created_at, updated_at \
        FROM capability_records WHERE workflow_pattern_id IN ($1, $2) ORDER BY id FOR UPDATE";
    rows(tx, SQL, [source.into(), target.into()]).await
}

async fn rows<C: ConnectionTrait, R: FromQueryResult>(
    tx: &C,
    sql: &str,
    values: [Value; 2],
) -> Result<Vec<R>, Error> {
    let statement = sql::statement(sql, values);
    let rows = tx.query_all_raw(statement).await?;
    Ok(rows
        .iter()
        .map(|row| R::from_query_result(row, ""))
        .collect::<Result<_, _>>()?)
}

//! The permission set of a capability: reading it, and moving it to a wider one.

use pml_entity::values::{
    AuditId, CapabilityId, DetectedOperation, PatternId, PatternSource, PermissionSet,
};
use sea_orm::ConnectionTrait;
use serde::Serialize;

use super::sets::{self, Risk};
use super::stored::{self, Decided, Stored};
use crate::capabilities::access::not_found;
use crate::capabilities::{CapabilityError, Reference, Resolved, resolve, resolve_for_change};
use crate::{Error, Principal};

/// Most characters of a reason.
pub const MAX_REASON_CHARS: usize = 2_000;
/// Most characters of the name of whoever decided.
pub const MAX_APPROVER_CHARS: usize = 200;
/// Who decided, when nobody says so and nobody is signed in.
const SOMEBODY: &str = "user";
/// What only this crate may sign with.
const RESERVED: &str = "system:";

/// What a capability may touch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PermissionState {
    /// The registry entry.
    pub id: CapabilityId,
    /// The pattern: sets belong to code, so every name of it has the same.
    pub pattern_id: PatternId,
    /// The stored set.
    pub permission_set: PermissionSet,
    /// Trust in it, 0..=1. 1 once a person has approved it.
    pub permission_confidence: f64,
    /// What a run really gets (spec of capabilities, PERM-3): `minimal` as long as a learned set is trusted less than 0.7.
    pub effective_set: PermissionSet,
    /// How the code came to be.
    pub source: PatternSource,
    /// How much harm a run can do with what it really gets.
    pub risk: Risk,
}

/// A decision about a wider set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionChange {
    /// The stored set that the decision was made about. `None`: whatever is stored.
    pub expected: Option<PermissionSet>,
    /// The wider set.
    pub to: PermissionSet,
    /// Whether it is granted. If not, only the audit is written.
    pub approved: bool,
    /// Who decided, 1 to 200 characters, not beginning with `system:`. `None`: the caller. Whoever is signed in can name nobody else.
    pub approved_by: Option<String>,
    /// Why, at most 2,000 characters.
    pub reason: Option<String>,
    /// The operation that asked for it.
    pub operation: Option<DetectedOperation>,
}

impl PermissionChange {
    /// Grants the set, whatever is stored.
    pub fn approve(to: PermissionSet) -> Self {
        Self {
            expected: None,
            to,
            approved: true,
            approved_by: None,
            reason: None,
            operation: None,
        }
    }

    /// Refuses the set.
    pub fn reject(to: PermissionSet) -> Self {
        Self {
            approved: false,
            ..Self::approve(to)
        }
    }
}

/// What a decision did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// Its row in the audit.
    pub audit_id: AuditId,
    /// What the capability got before: the effective set.
    pub from: PermissionSet,
    /// What was asked for.
    pub to: PermissionSet,
    /// Whether it was granted.
    pub approved: bool,
    /// What stands now.
    pub state: PermissionState,
}

/// What the capability may touch. Two statements.
///
/// # Errors
/// [`Error::NotFound`], also for what the caller may not see; [`CapabilityError::NoCode`].
pub async fn state<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    capability: &Reference,
) -> Result<PermissionState, Error> {
    let resolved = resolve(db, who, capability).await?;
    let pattern = pattern_of(&resolved, capability)?;
    let stored = stored::read(db, who, pattern)
        .await?
        .ok_or_else(|| not_found(capability))?;
    Ok(stored.state(resolved.id))
}

/// Decides about a wider set, and writes the decision into the audit in the same statement: there is never the one without the other.
///
/// The step must be allowed (spec of capabilities, PERM-7 and PERM-10) from what the capability really gets: a learned set that is not
/// believed yet counts as `minimal`, so it can be approved as it stands. A granted set is trusted with 1.0. It is written only if the
/// stored set is still the one that the decision was made about (compare-and-set). Refusing writes the audit alone. Three statements.
///
/// Writes `workflow_pattern` and `permission_audit_log`.
///
/// # Errors
/// [`Error::NotFound`], also for what the caller may not change; [`Error::Refused`] for code that belongs to somebody else;
/// [`CapabilityError::TrustedRefused`], [`CapabilityError::IllegalEscalation`], [`CapabilityError::PermissionChanged`],
/// [`CapabilityError::NoCode`], [`CapabilityError::InvalidFilter`] for a reason or a name that breaks its rule.
pub async fn change<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    capability: &Reference,
    change: PermissionChange,
) -> Result<Changed, Error> {
    validate(who, &change)?;
    let resolved = resolve_for_change(db, who, capability).await?;
    let pattern = pattern_of(&resolved, capability)?;
    let before = own(db, who, pattern, capability).await?;
    judge(&before, change.expected, change.to)?;
    let approved_by = change.approved_by.unwrap_or_else(|| signature(who));
    let decided = Decided {
        from: before.effective(),
        to: change.to,
        approved_by: Some(approved_by),
        reason: change.reason,
        operation: change.operation,
    };
    let written = if change.approved {
        stored::grant(db, who, &before, &decided).await?
    } else {
        stored::refuse(db, pattern, &decided).await?
    };
    let Some(audit_id) = written else {
        return Err(overtaken(db, who, &before, change.expected, change.to, capability).await);
    };
    let after = if change.approved {
        before.granted(change.to)
    } else {
        before.clone()
    };
    Ok(Changed {
        audit_id,
        from: decided.from,
        to: decided.to,
        approved: change.approved,
        state: after.state(resolved.id),
    })
}

/// Why the write hit nothing, from a fresh look.
async fn overtaken<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    before: &Stored,
    expected: Option<PermissionSet>,
    to: PermissionSet,
    capability: &Reference,
) -> Error {
    match own(db, who, before.pattern_id, capability).await {
        Err(error) => error,
        Ok(now) => match judge(&now, expected, to) {
            Err(error) => error.into(),
            Ok(()) => CapabilityError::PermissionChanged {
                expected: before.permission_set,
                stored: now.permission_set,
            }
            .into(),
        },
    }
}

/// Fails unless the code is the caller's to change: a name for it is not enough.
pub(in crate::capabilities) async fn ensure_own<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    pattern: PatternId,
    capability: &Reference,
) -> Result<(), Error> {
    own(db, who, pattern, capability).await.map(|_| ())
}

/// The stored set of code that is the caller's to change.
pub(super) async fn own<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    pattern: PatternId,
    capability: &Reference,
) -> Result<Stored, Error> {
    let stored = stored::read(db, who, pattern)
        .await?
        .ok_or_else(|| not_found(capability))?;
    if stored.mine {
        Ok(stored)
    } else {
        Err(Error::Refused {
            reason: "the code behind this name belongs to somebody else".to_owned(),
            source: None,
        })
    }
}

/// Whether a decision about `to` may be made at all.
fn judge(
    stored: &Stored,
    expected: Option<PermissionSet>,
    to: PermissionSet,
) -> Result<(), CapabilityError> {
    if to == PermissionSet::Trusted {
        return Err(CapabilityError::TrustedRefused);
    }
    if let Some(expected) = expected.filter(|&set| set != stored.permission_set) {
        return Err(CapabilityError::PermissionChanged {
            expected,
            stored: stored.permission_set,
        });
    }
    let from = stored.effective();
    if stored.permission_set == PermissionSet::Trusted || !sets::may_move(from, to) {
        return Err(CapabilityError::IllegalEscalation {
            from: stored.permission_set,
            to,
        });
    }
    Ok(())
}

fn validate(who: &Principal, change: &PermissionChange) -> Result<(), CapabilityError> {
    let refuse = |field, rule| Err(CapabilityError::InvalidFilter { field, rule });
    if let Some(by) = &change.approved_by {
        let chars = by.chars().count();
        if by.trim().is_empty() || chars > MAX_APPROVER_CHARS || by.contains('\0') {
            return refuse("approved_by", "must have 1 to 200 characters");
        }
        if by.starts_with(RESERVED) {
            return refuse("approved_by", "must not begin with `system:`");
        }
        if who.user_id().is_some() && *by != signature(who) {
            return refuse("approved_by", "must be who is signed in");
        }
    }
    if let Some(reason) = &change.reason
        && (reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0'))
    {
        return refuse("reason", "must have at most 2000 characters");
    }
    Ok(())
}

/// Who decided, if it is the caller (spec of capabilities, PERM-11).
pub(super) fn signature(who: &Principal) -> String {
    who.user_id()
        .map_or_else(|| SOMEBODY.to_owned(), |id| id.to_string())
}

/// The code behind an entry.
pub(super) fn pattern_of(resolved: &Resolved, given: &Reference) -> Result<PatternId, Error> {
    resolved.pattern_id.ok_or_else(|| {
        CapabilityError::NoCode {
            key: given.to_string(),
        }
        .into()
    })
}

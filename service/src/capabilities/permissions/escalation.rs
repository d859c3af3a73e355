//! What happens when a run is denied something: the set that would have allowed it is suggested, decided about, and granted or not.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use pml_entity::values::{AuditId, CapabilityId, DetectedOperation, PermissionSet};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::approval::{Approver, EscalationDecision, EscalationRequest};
use super::attempts::{self, Attempts};
use super::change::{MAX_APPROVER_CHARS, MAX_REASON_CHARS, own, pattern_of, signature};
use super::sets::{self, Reach};
use super::stored::{self, Decided, Stored};
use super::suggestion::{self, Denied, Suggestion};
use crate::capabilities::access::not_found;
use crate::capabilities::{Reference, Resolved, resolve, resolve_for_change};
use crate::{Error, Principal};

/// Who decided, when nobody was asked.
const AUTO: &str = "system:auto";

/// Who decides about an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every suggestion is granted at once.
    Auto,
    /// The approver is asked.
    Human {
        /// How long an answer is waited for; then the escalation is refused.
        timeout: Duration,
    },
}

impl Mode {
    /// How long an answer is waited for by default: five minutes (spec of capabilities, PERM-9).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);
}

impl Default for Mode {
    fn default() -> Self {
        Self::Human {
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }
}

/// What became of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EscalationOutcome {
    /// Nothing was decided: show the run's own error. No audit row.
    NotHandled {
        /// Why not.
        reason: String,
    },
    /// The set was granted for good: run once more with it.
    Approved {
        /// What the run got.
        from: PermissionSet,
        /// What it gets from now on.
        to: PermissionSet,
        /// The audit row.
        audit_id: AuditId,
    },
    /// The set was refused and nothing changed: the feedback is the run's error.
    Rejected {
        /// What the run got, and still gets.
        from: PermissionSet,
        /// What was asked for.
        to: PermissionSet,
        /// The audit row.
        audit_id: AuditId,
        /// Why.
        feedback: String,
    },
    /// Another decision changed the set in the meantime, and this one changed nothing: run once more with what stands.
    Overtaken {
        /// What stands now.
        stands: PermissionSet,
        /// The audit row, a refusal; `None` when there was nothing to decide any more.
        audit_id: Option<AuditId>,
    },
}

impl EscalationOutcome {
    /// Whether the error was one of permissions and is settled now.
    pub fn is_handled(&self) -> bool {
        !matches!(self, Self::NotHandled { .. })
    }

    /// Whether this call granted a wider set.
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved { .. })
    }
}

/// Handles the permission errors of runs. One for the whole process: it remembers which runs have had their attempt.
#[derive(Debug)]
pub struct Escalations {
    mode: Mode,
    approver: Arc<dyn Approver>,
    attempts: Attempts,
}

/// The run that was denied something.
struct Run<'a> {
    who: &'a Principal,
    execution: Option<&'a str>,
    given: &'a Reference,
    entry: Resolved,
    /// What stood when the error was handled.
    stored: Stored,
    denied: Denied,
    /// Its error, shortened.
    error: String,
}

impl Escalations {
    /// Attempts per run (spec of capabilities, PERM-9).
    pub const MAX_ATTEMPTS: u32 = 1;

    /// In [`Mode::Auto`] the approver is never asked.
    pub fn new(mode: Mode, approver: Arc<dyn Approver>) -> Self {
        Self {
            mode,
            approver,
            attempts: Attempts::default(),
        }
    }

    /// Reads the error of a run; if a permission was missing, suggests the least set that has it, has it decided about, and writes decision
    /// and audit in one statement (spec of capabilities, PERM-6 to PERM-9).
    ///
    /// A run has one attempt: the caller's `execution` id names it, without one the capability, for an hour. What is suggested starts from
    /// what the run really got. Starting processes and calling foreign code is refused without asking. An approver who fails, or does not
    /// answer in time, has refused. No transaction and no connection is held while somebody thinks.
    ///
    /// Writes `workflow_pattern` and `permission_audit_log`.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what the caller may not change; [`Error::Refused`] for code that belongs to somebody else;
    /// [`NoCode`](crate::capabilities::CapabilityError::NoCode). The attempt counts once the capability is known.
    pub async fn handle<C: ConnectionTrait>(
        &self,
        db: &C,
        who: &Principal,
        execution: Option<&str>,
        capability: &Reference,
        error: &str,
    ) -> Result<EscalationOutcome, Error> {
        let Some(denied) = suggestion::detect(error) else {
            return Ok(not_handled("not an error of permissions"));
        };
        let entry = resolve_for_change(db, who, capability).await?;
        let pattern = pattern_of(&entry, capability)?;
        let stored = own(db, who, pattern, capability).await?;
        if !self.attempts.begin(attempts::key(who, execution, entry.id)) {
            let max = Self::MAX_ATTEMPTS;
            return Ok(not_handled(&format!(
                "Maximum escalation retries ({max}) reached"
            )));
        }
        let run = Run {
            who,
            execution,
            given: capability,
            entry,
            stored,
            denied,
            error: clipped(error, MAX_REASON_CHARS),
        };
        self.settle(db, &run).await
    }

    async fn settle<C: ConnectionTrait>(
        &self,
        db: &C,
        run: &Run<'_>,
    ) -> Result<EscalationOutcome, Error> {
        let operation = run.denied.operation;
        let from = run.stored.effective();
        if matches!(operation, DetectedOperation::Run | DetectedOperation::Ffi) {
            let feedback = format!("no permission set allows {operation}");
            return run.reject(db, run.decided(from, AUTO), feedback).await;
        }
        let suggested = suggestion::suggest(from, operation, run.denied.resource.as_deref());
        // Nothing leads on from `trusted`, believed or not.
        let is_trusted = run.stored.permission_set == PermissionSet::Trusted;
        let Some(suggested) = suggested.filter(|_| !is_trusted) else {
            return Ok(not_handled("no escalation from here allows it"));
        };
        if allows_all(from, operation) {
            return Ok(EscalationOutcome::Overtaken {
                stands: from,
                audit_id: None,
            });
        }
        match self.mode {
            Mode::Auto => run.grant(db, run.decided(suggested.set, AUTO)).await,
            Mode::Human { timeout } => self.ask(db, run, suggested, timeout).await,
        }
    }

    /// Asks the approver and does what they say.
    async fn ask<C: ConnectionTrait>(
        &self,
        db: &C,
        run: &Run<'_>,
        suggested: Suggestion,
        timeout: Duration,
    ) -> Result<EscalationOutcome, Error> {
        let request = run.request(suggested);
        match self.answer(&request, timeout).await {
            Ok(decision) => {
                let by = decision.approved_by.unwrap_or_else(|| signature(run.who));
                let decided = run.decided(suggested.set, &by);
                if decision.approved {
                    return run.grant(db, decided).await;
                }
                let feedback = decision
                    .feedback
                    .unwrap_or_else(|| "Escalation rejected".to_owned());
                run.reject(db, decided, feedback).await
            }
            Err(feedback) => {
                let decided = Decided {
                    approved_by: None,
                    reason: Some(clipped(&feedback, MAX_REASON_CHARS)),
                    ..run.decided(suggested.set, "")
                };
                run.reject(db, decided, feedback).await
            }
        }
    }

    /// The approver's answer, or why there is none.
    async fn answer(
        &self,
        request: &EscalationRequest,
        timeout: Duration,
    ) -> Result<EscalationDecision, String> {
        let failed = |why: &str| Err(format!("HIL request failed: {why}"));
        match tokio::time::timeout(timeout, self.approver.decide(request)).await {
            Err(_) => Err("Escalation request timed out".to_owned()),
            Ok(Err(error)) => failed(&error.to_string()),
            Ok(Ok(decision)) if decision.request != request.id => {
                failed("the answer belongs to another request")
            }
            Ok(Ok(decision)) => Ok(decision),
        }
    }

    /// Forgets that a run had its attempt. To be called when the run with this execution id is over; the oldest are forgotten anyway.
    pub fn finished(&self, who: &Principal, execution: &str) {
        // An execution id stands for itself, whatever capability it is about.
        let any = CapabilityId::new(Uuid::nil());
        self.attempts.end(&attempts::key(who, Some(execution), any));
    }
}

impl Run<'_> {
    fn request(&self, suggested: Suggestion) -> EscalationRequest {
        EscalationRequest {
            id: Uuid::now_v7(),
            who: self.who.clone(),
            capability: self.entry.id,
            display_name: self.entry.display_name(),
            execution: self.execution.map(ToOwned::to_owned),
            operation: self.denied.operation,
            resource: self.denied.resource.clone(),
            from: self.stored.effective(),
            to: suggested.set,
            confidence: suggested.confidence,
            error: self.error.clone(),
            asked_at: Utc::now(),
        }
    }

    /// A decision for the audit: the run's own error is its reason.
    fn decided(&self, to: PermissionSet, by: &str) -> Decided {
        Decided {
            from: self.stored.effective(),
            to,
            approved_by: Some(clipped(by, MAX_APPROVER_CHARS)),
            reason: Some(self.error.clone()),
            operation: Some(self.denied.operation),
        }
    }

    /// Grants, if the set is still the one that was decided about. Otherwise the audit says that nothing was granted.
    async fn grant<C: ConnectionTrait>(
        &self,
        db: &C,
        mut decided: Decided,
    ) -> Result<EscalationOutcome, Error> {
        if let Some(audit_id) = stored::grant(db, self.who, &self.stored, &decided).await? {
            return Ok(EscalationOutcome::Approved {
                from: decided.from,
                to: decided.to,
                audit_id,
            });
        }
        let now = self.current(db).await?;
        decided.reason = Some(if now.pattern_id == self.stored.pattern_id {
            format!(
                "granted too late: the permission set became {} in the meantime",
                now.permission_set
            )
        } else {
            "granted too late: the capability was merged into another in the meantime".to_owned()
        });
        let audit_id = self.refuse(db, &decided).await?;
        Ok(EscalationOutcome::Overtaken {
            stands: now.effective(),
            audit_id: Some(audit_id),
        })
    }

    /// What stands now. A merge may have taken the pattern away: then the one that the capability went into.
    async fn current<C: ConnectionTrait>(&self, db: &C) -> Result<Stored, Error> {
        match own(db, self.who, self.stored.pattern_id, self.given).await {
            Err(Error::NotFound { .. }) => {
                let found = resolve(db, self.who, self.given).await?;
                let pattern = found.pattern_id.ok_or_else(|| not_found(self.given))?;
                own(db, self.who, pattern, self.given).await
            }
            answer => answer,
        }
    }

    async fn reject<C: ConnectionTrait>(
        &self,
        db: &C,
        decided: Decided,
        feedback: String,
    ) -> Result<EscalationOutcome, Error> {
        let audit_id = self.refuse(db, &decided).await?;
        Ok(EscalationOutcome::Rejected {
            from: decided.from,
            to: decided.to,
            audit_id,
            feedback,
        })
    }

    async fn refuse<C: ConnectionTrait>(
        &self,
        db: &C,
        decided: &Decided,
    ) -> Result<AuditId, Error> {
        if let Some(audit_id) = stored::refuse(db, self.stored.pattern_id, decided).await? {
            return Ok(audit_id);
        }
        // The audit of what was merged goes on with what it went into.
        let now = self.current(db).await?;
        stored::refuse(db, now.pattern_id, decided)
            .await?
            .ok_or_else(|| not_found(self.given))
    }
}

fn not_handled(reason: &str) -> EscalationOutcome {
    EscalationOutcome::NotHandled {
        reason: reason.to_owned(),
    }
}

/// Whether nothing of the operation is denied with this set: the run that was denied it began with another one.
fn allows_all(set: PermissionSet, operation: DetectedOperation) -> bool {
    let grants = sets::grants(set);
    let reach = match operation {
        DetectedOperation::Read => grants.read,
        DetectedOperation::Write => grants.write,
        DetectedOperation::Net => grants.net,
        DetectedOperation::Env => grants.env,
        DetectedOperation::Run | DetectedOperation::Ffi => Reach::Nothing,
    };
    reach == Reach::Everything
}

/// At most so many characters, and none that PostgreSQL cannot store.
fn clipped(text: &str, chars: usize) -> String {
    text.chars().filter(|&c| c != '\0').take(chars).collect()
}

//! Asking somebody whether a capability may touch more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use pml_entity::values::{CapabilityId, DetectedOperation, PermissionSet};
use serde::Serialize;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::Principal;

/// A question: may this capability have that set?
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EscalationRequest {
    /// Correlation id: the answer must name it, so that two open questions never get each other's answers.
    pub id: Uuid,
    /// For whom the capability ran.
    #[serde(skip)]
    pub who: Principal,
    /// The registry entry.
    pub capability: CapabilityId,
    /// `namespace:action` of the entry.
    pub display_name: String,
    /// The run that failed, if the caller named it.
    pub execution: Option<String>,
    /// What was denied.
    pub operation: DetectedOperation,
    /// On which file, host or variable, where the error says so.
    pub resource: Option<String>,
    /// What the capability gets now.
    pub from: PermissionSet,
    /// What it would get.
    pub to: PermissionSet,
    /// How sure it is that this would help: 0.70 to 0.95 (spec of capabilities, PERM-8).
    pub confidence: f64,
    /// The error of the run, shortened.
    pub error: String,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationDecision {
    /// The question it answers: [`EscalationRequest::id`].
    pub request: Uuid,
    /// Whether the set is granted.
    pub approved: bool,
    /// Who decided. `None`: the one for whom the capability ran.
    pub approved_by: Option<String>,
    /// What the run is told after a refusal.
    pub feedback: Option<String>,
}

/// Why no answer could be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ApproverError(pub String);

/// Whoever decides about escalations. It is called outside any transaction and may take its time: see
/// [`Mode::Human`](super::Mode::Human).
#[async_trait]
pub trait Approver: std::fmt::Debug + Send + Sync {
    /// Answers the question. The future is dropped when the time is up.
    ///
    /// # Errors
    /// [`ApproverError`] when nobody could be asked; the escalation then counts as refused.
    async fn decide(
        &self,
        request: &EscalationRequest,
    ) -> Result<EscalationDecision, ApproverError>;
}

/// Questions kept open at once by an [`ApprovalInbox`].
const MAX_OPEN: usize = 1_000;

/// An approver that keeps the open questions until somebody answers them by their id.
#[derive(Debug, Default)]
pub struct ApprovalInbox {
    open: Mutex<HashMap<Uuid, Open>>,
}

#[derive(Debug)]
struct Open {
    request: EscalationRequest,
    answer: oneshot::Sender<EscalationDecision>,
}

impl ApprovalInbox {
    /// The open questions of the caller, in local mode all, oldest first.
    pub fn pending(&self, who: &Principal) -> Vec<EscalationRequest> {
        let mut pending: Vec<_> = self
            .open()
            .values()
            .filter(|open| may_answer(who, &open.request))
            .map(|open| open.request.clone())
            .collect();
        pending.sort_by_key(|request| (request.asked_at, request.id));
        pending
    }

    /// Answers a question of the caller. `false`: there is no such question, or it was answered, or its time is up.
    pub fn answer(&self, who: &Principal, decision: EscalationDecision) -> bool {
        let mut open = self.open();
        let known = open
            .get(&decision.request)
            .is_some_and(|open| may_answer(who, &open.request));
        known
            && open
                .remove(&decision.request)
                .is_some_and(|open| open.answer.send(decision).is_ok())
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn may_answer(who: &Principal, request: &EscalationRequest) -> bool {
    match who {
        Principal::Local => true,
        Principal::Anonymous => false,
        Principal::User { .. } => who.user_id() == request.who.user_id(),
    }
}

/// Takes a question away when nobody waits for its answer any more.
struct Waiting<'a>(&'a ApprovalInbox, Uuid);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.open().remove(&self.1);
    }
}

#[async_trait]
impl Approver for ApprovalInbox {
    async fn decide(
        &self,
        request: &EscalationRequest,
    ) -> Result<EscalationDecision, ApproverError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut open = self.open();
            if open.len() >= MAX_OPEN {
                return Err(ApproverError("too many open requests".to_owned()));
            }
            let request = request.clone();
            open.insert(request.id, Open { request, answer });
        }
        let _waiting = Waiting(self, request.id);
        answered
            .await
            .map_err(|_| ApproverError("the request was dropped".to_owned()))
    }
}

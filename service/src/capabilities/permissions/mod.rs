//! What a capability may touch: sets and how they compare, what code seems to need, who grants more, and the audit of it.

mod approval;
mod attempts;
mod audit;
mod change;
mod escalation;
pub mod inference;
pub mod sets;
mod stored;
pub mod suggestion;
pub mod tool_policy;

pub use approval::{ApprovalInbox, Approver, ApproverError, EscalationDecision, EscalationRequest};
pub use audit::{AuditEntry, AuditFilter, AuditSummary, DEFAULT_WINDOW, audit, audit_summary};
pub(super) use change::ensure_own;
pub use change::{
    Changed, MAX_APPROVER_CHARS, MAX_REASON_CHARS, PermissionChange, PermissionState, change, state,
};
pub use escalation::{EscalationOutcome, Escalations, Mode};

//! PERM-6 to PERM-9 and K11: from the error of a run to a decision.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pml_entity::values::{DetectedOperation, PermissionSet};
use pml_service::capabilities::permissions::{
    Approver, ApproverError, EscalationDecision, EscalationOutcome, EscalationRequest, Escalations,
    Mode, state,
};
use pml_service::{Db, Principal};
use pml_testkit::{TestDatabase, database};
use uuid::Uuid;

use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly, Trusted};

use crate::fixture::{Capability, Stored, count, everything, pattern, user};

pub const NET: &str = "NotCapable: Requires net access to \"api.example.com:443\"";
pub const READ: &str = "PermissionDenied: Requires read access to \"/etc/hosts\"";

/// Answers every question alike, and remembers them.
#[derive(Debug, Default)]
pub struct Says {
    answer: Option<bool>,
    delay: Duration,
    /// Answer another question than the one that was asked.
    astray: bool,
    pub asked: Mutex<Vec<EscalationRequest>>,
}

#[async_trait]
impl Approver for Says {
    async fn decide(
        &self,
        request: &EscalationRequest,
    ) -> Result<EscalationDecision, ApproverError> {
        self.asked.lock().unwrap().push(request.clone());
        tokio::time::sleep(self.delay).await;
        let approved = self
            .answer
            .ok_or_else(|| ApproverError("nobody is there".to_owned()))?;
        Ok(EscalationDecision {
            request: if self.astray {
                Uuid::now_v7()
            } else {
                request.id
            },
            approved,
            approved_by: None,
            feedback: (!approved).then(|| "not today".to_owned()),
        })
    }
}

fn yes() -> Says {
    Says {
        answer: Some(true),
        ..Says::default()
    }
}

pub fn human(approver: Says) -> (Escalations, Arc<Says>) {
    let approver = Arc::new(approver);
    (
        Escalations::new(Mode::default(), approver.clone()),
        approver,
    )
}

async fn handled(
    db: &Db,
    escalations: &Escalations,
    of: &Stored,
    execution: &str,
    error: &str,
) -> EscalationOutcome {
    escalations
        .handle(
            db,
            &Principal::Local,
            Some(execution),
            &of.reference(),
            error,
        )
        .await
        .unwrap()
}

async fn with(test: &TestDatabase, set: PermissionSet) -> Stored {
    Capability::new("fs:c")
        .allowed(set, 0.95)
        .insert(test.db())
        .await
}

async fn audited(db: &Db, condition: &str) -> i64 {
    count(
        db,
        &format!("SELECT count(*) FROM permission_audit_log WHERE {condition}"),
        vec![],
    )
    .await
}

fn not_handled(outcome: &EscalationOutcome) -> &str {
    match outcome {
        EscalationOutcome::NotHandled { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// AT-79.
#[tokio::test]
async fn what_a_human_approves_is_granted_for_good() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let (escalations, approver) = human(yes());
    let outcome = handled(test.db(), &escalations, &stored, "e1", NET).await;
    assert!(
        matches!(
            outcome,
            EscalationOutcome::Approved {
                from: Minimal,
                to: NetworkApi,
                ..
            }
        ),
        "{outcome:?}"
    );
    let now = state(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap();
    assert_eq!(now.effective_set, NetworkApi);
    assert!((now.permission_confidence - 1.0).abs() < 1e-9);
    assert_eq!(audited(test.db(), "approved AND approved_by = 'user' AND from_set = 'minimal' AND to_set = 'network-api' AND detected_operation = 'net'").await, 1);
    assert_eq!(audited(test.db(), "true").await, 1);
    let asked = approver.asked.lock().unwrap();
    let [request] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (request.operation, request.resource.as_deref()),
        (DetectedOperation::Net, Some("api.example.com:443"))
    );
    assert_eq!(
        (request.from, request.to, request.capability),
        (Minimal, NetworkApi, stored.id)
    );
    assert_eq!(
        (request.display_name.as_str(), request.execution.as_deref()),
        ("fs:c", Some("e1"))
    );
    assert!((request.confidence - 0.95).abs() < 1e-9);
}

#[tokio::test]
async fn what_a_human_rejects_changes_nothing_but_the_audit() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let before = pattern(test.db(), stored.pattern).await;
    let (escalations, _) = human(Says {
        answer: Some(false),
        ..Says::default()
    });
    match handled(test.db(), &escalations, &stored, "e1", READ).await {
        EscalationOutcome::Rejected {
            from: Minimal,
            to: Readonly,
            feedback,
            ..
        } => assert_eq!(feedback, "not today"),
        other => panic!("{other:?}"),
    }
    assert_eq!(pattern(test.db(), stored.pattern).await, before);
    assert_eq!(
        audited(
            test.db(),
            "NOT approved AND approved_by = 'user' AND reason LIKE 'PermissionDenied%'"
        )
        .await,
        1
    );
}

/// PERM-9.
#[tokio::test]
async fn without_an_answer_in_time_it_is_rejected() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let slow = Says {
        delay: Duration::from_mins(10),
        ..yes()
    };
    let mode = Mode::Human {
        timeout: Duration::from_millis(30),
    };
    let escalations = Escalations::new(mode, Arc::new(slow));
    match handled(test.db(), &escalations, &stored, "e1", NET).await {
        EscalationOutcome::Rejected { feedback, .. } => {
            assert_eq!(feedback, "Escalation request timed out");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        audited(
            test.db(),
            "NOT approved AND approved_by IS NULL AND reason = 'Escalation request timed out'"
        )
        .await,
        1
    );
    assert_eq!(
        Mode::default(),
        Mode::Human {
            timeout: Duration::from_mins(5)
        }
    );
}

/// PERM-9; and D28: an answer to another question is no answer.
#[tokio::test]
async fn an_approver_who_fails_or_answers_something_else_has_rejected() {
    for (approver, why) in [
        (Says::default(), "HIL request failed: nobody is there"),
        (
            Says {
                astray: true,
                ..yes()
            },
            "HIL request failed: the answer belongs to another request",
        ),
    ] {
        let test = database().await;
        let stored = with(&test, Minimal).await;
        let (escalations, _) = human(approver);
        match handled(test.db(), &escalations, &stored, "e1", NET).await {
            EscalationOutcome::Rejected { feedback, .. } => assert_eq!(feedback, why),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            audited(test.db(), &format!("NOT approved AND reason = '{why}'")).await,
            1
        );
        assert_eq!(
            pattern(test.db(), stored.pattern).await.unwrap()["permission_set"],
            "minimal"
        );
    }
}

/// PERM-9, with D28: the audit says what the update did.
#[tokio::test]
async fn in_auto_mode_nobody_is_asked() {
    let test = database().await;
    let stored = with(&test, Readonly).await;
    let approver = Arc::new(Says::default());
    let escalations = Escalations::new(Mode::Auto, approver.clone());
    let outcome = handled(test.db(), &escalations, &stored, "e1", READ).await;
    assert!(
        matches!(
            outcome,
            EscalationOutcome::Approved {
                from: Readonly,
                to: Filesystem,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert!(approver.asked.lock().unwrap().is_empty());
    assert_eq!(
        audited(test.db(), "approved AND approved_by = 'system:auto'").await,
        1
    );
}

/// PERM-6.
#[tokio::test]
async fn an_error_that_says_nothing_of_permissions_is_left_alone() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let before = everything(test.db()).await;
    let (escalations, approver) = human(yes());
    for error in [
        "TypeError: x is undefined",
        "",
        "PermissionDenied: no",
        "Requires net access to \"x\"",
    ] {
        let outcome = handled(test.db(), &escalations, &stored, "e1", error).await;
        assert!(!outcome.is_handled(), "{error}");
    }
    assert!(approver.asked.lock().unwrap().is_empty());
    assert_eq!(everything(test.db()).await, before);
    // And none of these was the attempt of the run.
    assert!(
        handled(test.db(), &escalations, &stored, "e1", NET)
            .await
            .is_approved()
    );
}

/// AT-77.
#[tokio::test]
async fn where_no_step_leads_on_nothing_is_handled() {
    for set in [McpStandard, Trusted] {
        let test = database().await;
        let stored = with(&test, set).await;
        let (escalations, approver) = human(yes());
        let outcome = handled(test.db(), &escalations, &stored, "e1", NET).await;
        not_handled(&outcome);
        assert!(approver.asked.lock().unwrap().is_empty());
        assert_eq!(audited(test.db(), "true").await, 0);
    }
}

/// AT-81.
#[tokio::test]
async fn a_run_has_one_attempt() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let (escalations, _) = human(yes());
    assert!(
        handled(test.db(), &escalations, &stored, "e1", READ)
            .await
            .is_approved()
    );
    let second = handled(test.db(), &escalations, &stored, "e1", NET).await;
    assert_eq!(
        not_handled(&second),
        "Maximum escalation retries (1) reached"
    );
    assert!(
        handled(test.db(), &escalations, &stored, "e2", NET)
            .await
            .is_approved()
    );
    assert_eq!(audited(test.db(), "true").await, 2);

    escalations.finished(&Principal::Local, "e1");
    let again = handled(test.db(), &escalations, &stored, "e1", NET).await;
    assert!(!not_handled(&again).starts_with("Maximum"), "{again:?}");
}

#[tokio::test]
async fn without_an_execution_id_the_capability_has_one_attempt() {
    let test = database().await;
    let first = with(&test, Minimal).await;
    let second = Capability::new("fs:d").insert(test.db()).await;
    let (escalations, _) = human(yes());
    for (stored, expected) in [(first, true), (first, false), (second, true)] {
        let outcome = escalations
            .handle(
                test.db(),
                &Principal::Local,
                None,
                &stored.reference(),
                READ,
            )
            .await
            .unwrap();
        assert_eq!(outcome.is_handled(), expected);
    }
}

#[tokio::test]
async fn the_execution_ids_of_two_callers_do_not_meet() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let hers = Capability::new("fs:hers")
        .of(&alice)
        .insert(test.db())
        .await;
    let his = Capability::new("fs:his").of(&bob).insert(test.db()).await;
    let (escalations, _) = human(yes());
    for (who, stored) in [(&alice, hers), (&bob, his)] {
        let outcome = escalations
            .handle(test.db(), who, Some("1"), &stored.reference(), NET)
            .await
            .unwrap();
        assert!(outcome.is_approved());
    }
    let error = escalations
        .handle(test.db(), &bob, Some("2"), &hers.reference(), NET)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "not_found");
    let signed = format!("approved_by = '{}'", alice.user_id().unwrap());
    assert_eq!(audited(test.db(), &signed).await, 1);
}

/// K11.
#[tokio::test]
async fn processes_and_foreign_code_are_refused_without_asking() {
    for (operation, error) in [
        ("run", "NotCapable: Requires run access to \"ls\""),
        ("ffi", "PermissionError: Requires ffi access"),
    ] {
        let test = database().await;
        let stored = with(&test, NetworkApi).await;
        let (escalations, approver) = human(yes());
        let outcome = handled(test.db(), &escalations, &stored, "e1", error).await;
        assert!(
            matches!(
                outcome,
                EscalationOutcome::Rejected {
                    from: NetworkApi,
                    to: NetworkApi,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert!(approver.asked.lock().unwrap().is_empty());
        let row = format!(
            "NOT approved AND from_set = 'network-api' AND to_set = 'network-api' AND detected_operation = '{operation}'"
        );
        assert_eq!(audited(test.db(), &row).await, 1);
        assert_eq!(
            pattern(test.db(), stored.pattern).await.unwrap()["permission_set"],
            "network-api"
        );
    }
}

/// What was inferred with little trust gives a run nothing, so that is where its escalation starts (PERM-3). Else it could never be widened.
#[tokio::test]
async fn an_inferred_set_that_is_not_believed_is_no_obstacle() {
    let test = database().await;
    let stored = Capability::new("fs:c")
        .allowed(McpStandard, 0.5)
        .insert(test.db())
        .await;
    let (escalations, _) = human(yes());
    let outcome = handled(test.db(), &escalations, &stored, "e1", NET).await;
    assert!(
        matches!(
            outcome,
            EscalationOutcome::Approved {
                from: Minimal,
                to: NetworkApi,
                ..
            }
        ),
        "{outcome:?}"
    );
}

/// Else the late errors of runs that began with less would climb on, one step each.
#[tokio::test]
async fn an_error_from_before_the_grant_asks_for_nothing_more() {
    let test = database().await;
    let stored = with(&test, NetworkApi).await;
    let (escalations, approver) = human(yes());
    let outcome = handled(test.db(), &escalations, &stored, "e1", NET).await;
    assert_eq!(
        outcome,
        EscalationOutcome::Overtaken {
            stands: NetworkApi,
            audit_id: None
        }
    );
    assert!(approver.asked.lock().unwrap().is_empty());
}

/// An error is whatever a program prints.
#[tokio::test]
async fn a_long_error_is_kept_shortened() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let (escalations, _) = human(yes());
    let error = format!("{NET}\0 {}", "é".repeat(50_000));
    assert!(
        handled(test.db(), &escalations, &stored, "e1", &error)
            .await
            .is_approved()
    );
    assert_eq!(audited(test.db(), "length(reason) = 2000").await, 1);
}

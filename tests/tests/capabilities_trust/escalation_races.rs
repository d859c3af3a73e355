//! Escalations beside each other.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pml_entity::values::PermissionSet;
use pml_service::capabilities::merge;
use pml_service::capabilities::permissions::{
    ApprovalInbox, EscalationDecision, EscalationOutcome, EscalationRequest, Escalations, Mode,
    PermissionChange, change, state,
};
use pml_service::{Db, Principal};
use pml_testkit::TestDatabase;
use tokio::task::JoinHandle;

use crate::escalation::{NET, READ};
use crate::fixture::{Capability, Stored, count, user};

fn with_inbox() -> (Arc<Escalations>, Arc<ApprovalInbox>) {
    let inbox = Arc::new(ApprovalInbox::default());
    (
        Arc::new(Escalations::new(Mode::default(), inbox.clone())),
        inbox,
    )
}

fn start(
    db: &Db,
    escalations: &Arc<Escalations>,
    of: Stored,
    execution: usize,
    error: &'static str,
) -> JoinHandle<EscalationOutcome> {
    let (db, escalations) = (db.clone(), escalations.clone());
    tokio::spawn(async move {
        escalations
            .handle(
                &db,
                &Principal::Local,
                Some(&execution.to_string()),
                &of.reference(),
                error,
            )
            .await
            .unwrap()
    })
}

async fn pending(inbox: &ApprovalInbox, questions: usize) -> Vec<EscalationRequest> {
    for _ in 0..500 {
        let pending = inbox.pending(&Principal::Local);
        if pending.len() == questions {
            return pending;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{questions} questions were never open at once");
}

fn answer(request: &EscalationRequest, approved: bool) -> EscalationDecision {
    EscalationDecision {
        request: request.id,
        approved,
        approved_by: Some("the board".to_owned()),
        feedback: Some(format!("no {}", request.display_name)),
    }
}

/// D28: two open questions used to swap their answers.
#[tokio::test]
async fn every_question_gets_its_own_answer_in_any_order() {
    let test = TestDatabase::with_pool(4).await;
    let first = Capability::new("fs:first").insert(test.db()).await;
    let second = Capability::new("fs:second").insert(test.db()).await;
    let (escalations, inbox) = with_inbox();
    let runs = (
        start(test.db(), &escalations, first, 1, NET),
        start(test.db(), &escalations, second, 2, NET),
    );
    let open = pending(&inbox, 2).await;
    let about = |stored: Stored| {
        open.iter()
            .find(|request| request.capability == stored.id)
            .unwrap()
    };
    assert!(inbox.answer(&Principal::Local, answer(about(second), false)));
    assert!(inbox.answer(&Principal::Local, answer(about(first), true)));
    assert!(
        !inbox.answer(&Principal::Local, answer(about(first), false)),
        "answered already"
    );
    assert!(runs.0.await.unwrap().is_approved());
    match runs.1.await.unwrap() {
        EscalationOutcome::Rejected { feedback, .. } => assert_eq!(feedback, "no fs:second"),
        other => panic!("{other:?}"),
    }
    let signed = count(
        test.db(),
        "SELECT count(*) FROM permission_audit_log WHERE approved_by = 'the board'",
        vec![],
    )
    .await;
    assert_eq!(signed, 2);
}

/// With a single connection in the pool, a connection held while somebody thinks would stop everything.
#[tokio::test]
async fn nothing_is_held_while_somebody_thinks() {
    let test = TestDatabase::with_pool(1).await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    let (escalations, inbox) = with_inbox();
    let run = start(test.db(), &escalations, stored, 1, NET);
    let open = pending(&inbox, 1).await;
    state(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap();
    assert!(inbox.answer(&Principal::Local, answer(&open[0], true)));
    assert!(run.await.unwrap().is_approved());
}

/// Compare-and-set: the audit has one grant, and says of the others that they came too late.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_approvals_of_one_step_one_is_granted() {
    let test = TestDatabase::with_pool(20).await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    let (escalations, inbox) = with_inbox();
    let runs: Vec<_> = (0..20)
        .map(|number| {
            start(
                test.db(),
                &escalations,
                stored,
                number,
                if number % 2 == 0 { NET } else { READ },
            )
        })
        .collect();
    for request in pending(&inbox, 20).await {
        assert!(inbox.answer(&Principal::Local, answer(&request, true)));
    }
    let outcomes: Vec<_> = join_all(runs)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| outcome.is_approved())
            .count(),
        1
    );
    let stands = state(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap()
        .effective_set;
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_approved()) {
        assert!(
            matches!(outcome, EscalationOutcome::Overtaken { stands: now, audit_id: Some(_) } if *now == stands),
            "{outcome:?}"
        );
    }
    for (approved, rows) in [(true, 1), (false, 19)] {
        let sql = "SELECT count(*) FROM permission_audit_log WHERE approved = $1";
        assert_eq!(count(test.db(), sql, vec![approved.into()]).await, rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_automatic_grants_of_one_step_one_is_granted() {
    let test = TestDatabase::with_pool(20).await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    let escalations = Arc::new(Escalations::new(
        Mode::Auto,
        Arc::new(ApprovalInbox::default()),
    ));
    let runs: Vec<_> = (0..20)
        .map(|number| start(test.db(), &escalations, stored, number, NET))
        .collect();
    let outcomes: Vec<_> = join_all(runs)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| outcome.is_approved())
            .count(),
        1,
        "{outcomes:?}"
    );
    assert_eq!(
        count(
            test.db(),
            "SELECT count(*) FROM permission_audit_log WHERE approved",
            vec![]
        )
        .await,
        1
    );
    let now = state(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap();
    assert_eq!(now.permission_set, PermissionSet::NetworkApi);
}

#[tokio::test]
async fn an_approval_of_what_changed_in_the_meantime_grants_nothing() {
    let test = TestDatabase::with_pool(4).await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    let (escalations, inbox) = with_inbox();
    let run = start(test.db(), &escalations, stored, 1, NET);
    let open = pending(&inbox, 1).await;
    change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::approve(PermissionSet::Filesystem),
    )
    .await
    .unwrap();
    assert!(inbox.answer(&Principal::Local, answer(&open[0], true)));
    let outcome = run.await.unwrap();
    assert!(
        matches!(
            outcome,
            EscalationOutcome::Overtaken {
                stands: PermissionSet::Filesystem,
                ..
            }
        ),
        "{outcome:?}"
    );
    let sql = "SELECT count(*) FROM permission_audit_log WHERE NOT approved AND to_set = 'network-api' AND reason LIKE 'granted too late%filesystem%'";
    assert_eq!(count(test.db(), sql, vec![]).await, 1);
}

/// A question is for whoever ran the capability; in local mode for whoever sits there. When its time is up it is gone.
#[tokio::test]
async fn questions_are_shown_to_whom_they_concern_as_long_as_they_are_open() {
    let test = TestDatabase::with_pool(4).await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let hers = Capability::new("fs:hers")
        .of(&alice)
        .insert(test.db())
        .await;
    let inbox = Arc::new(ApprovalInbox::default());
    let mode = Mode::Human {
        timeout: Duration::from_millis(400),
    };
    let escalations = Arc::new(Escalations::new(mode, inbox.clone()));
    let (db, who, handler) = (test.db().clone(), alice.clone(), escalations.clone());
    let run = tokio::spawn(async move {
        handler
            .handle(&db, &who, Some("1"), &hers.reference(), NET)
            .await
            .unwrap()
    });
    let open = pending(&inbox, 1).await;
    assert_eq!(inbox.pending(&alice), open);
    for who in [&bob, &Principal::Anonymous] {
        assert_eq!(inbox.pending(who), []);
        assert!(!inbox.answer(who, answer(&open[0], true)));
    }
    assert!(!run.await.unwrap().is_approved());
    assert_eq!(inbox.pending(&alice), []);
    assert!(!inbox.answer(&alice, answer(&open[0], true)));
}

/// PERM-9: every decision is in the audit, also one that comes when the capability is gone.
#[tokio::test]
async fn a_decision_about_what_was_merged_meanwhile_is_audited_where_it_went() {
    let test = TestDatabase::with_pool(4).await;
    for approved in [true, false] {
        let source = Capability::new(if approved { "fs:s" } else { "fs:r" });
        let source = source.insert(test.db()).await;
        let target = Capability::new(if approved { "fs:t" } else { "fs:u" });
        let target = target.insert(test.db()).await;
        let (escalations, inbox) = with_inbox();
        let run = start(test.db(), &escalations, source, 1, NET);
        let open = pending(&inbox, 1).await;
        merge(
            test.db(),
            &Principal::Local,
            &source.reference(),
            &target.reference(),
            Some(false),
        )
        .await
        .unwrap();
        assert!(inbox.answer(&Principal::Local, answer(&open[0], approved)));
        let outcome = run.await.unwrap();
        assert!(!outcome.is_approved(), "{outcome:?}");
        let rows =
            "SELECT count(*) FROM permission_audit_log WHERE capability_id = $1 AND NOT approved";
        let audited = count(test.db(), rows, vec![target.pattern.into()]).await;
        assert_eq!(audited, 1, "{outcome:?}");
    }
}

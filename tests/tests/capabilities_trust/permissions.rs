//! PERM-3, PERM-5, PERM-10 and D28: what stands, which steps are allowed, and never a change without its audit.

use futures::future::join_all;
use pml_entity::values::{DetectedOperation, PermissionSet};
use pml_service::capabilities::permissions::sets::Risk;
use pml_service::capabilities::permissions::{PermissionChange, change, state};
use pml_service::capabilities::{CapabilityError, Reference, SaveRequest, save};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Error, Principal};
use pml_testkit::{TestDatabase, database};

use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly, Trusted};

use crate::fixture::{Capability, Stored, count, entry, everything, pattern, run, sabotage, user};

async fn with(test: &TestDatabase, set: PermissionSet) -> Stored {
    Capability::new("fs:c")
        .allowed(set, 0.95)
        .insert(test.db())
        .await
}

fn rule(error: Error) -> CapabilityError {
    match error {
        Error::Capability(error) => *error,
        other => panic!("{other:?}"),
    }
}

async fn audit_rows(test: &TestDatabase, approved: bool) -> i64 {
    count(
        test.db(),
        "SELECT count(*) FROM permission_audit_log WHERE approved = $1",
        vec![approved.into()],
    )
    .await
}

/// AT-83, with the risk of what a run really gets.
#[tokio::test]
async fn what_a_run_gets_depends_on_the_source_and_the_trust() {
    for (source, set, confidence, effective, risk) in [
        ("emergent", NetworkApi, 0.69, Minimal, Risk::Safe),
        ("emergent", NetworkApi, 0.70, NetworkApi, Risk::Moderate),
        ("emergent", McpStandard, 0.0, Minimal, Risk::Safe),
        ("manual", NetworkApi, 0.3, NetworkApi, Risk::Moderate),
        ("manual", McpStandard, 0.3, McpStandard, Risk::Dangerous),
    ] {
        let test = database().await;
        let stored = Capability::new("fs:c")
            .allowed(set, confidence)
            .insert(test.db())
            .await;
        run(
            test.db(),
            "UPDATE workflow_pattern SET source = $1",
            vec![source.into()],
        )
        .await;
        let state = state(test.db(), &Principal::Local, &stored.reference())
            .await
            .unwrap();
        assert_eq!(
            (state.permission_set, state.effective_set, state.risk),
            (set, effective, risk)
        );
        assert_eq!((state.id, state.pattern_id), (stored.id, stored.pattern));
    }
}

/// PERM-10 and PERM-11.
#[tokio::test]
async fn a_grant_is_trusted_and_audited() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let request = PermissionChange {
        expected: Some(Minimal),
        reason: Some("it must reach the API".to_owned()),
        operation: Some(DetectedOperation::Net),
        ..PermissionChange::approve(NetworkApi)
    };
    let changed = change(test.db(), &Principal::Local, &stored.reference(), request)
        .await
        .unwrap();
    assert_eq!(
        (changed.from, changed.to, changed.approved),
        (Minimal, NetworkApi, true)
    );
    assert_eq!(
        changed.state,
        state(test.db(), &Principal::Local, &stored.reference())
            .await
            .unwrap()
    );
    assert!((changed.state.permission_confidence - 1.0).abs() < 1e-9);
    assert_eq!(changed.state.effective_set, NetworkApi);
    let sql = "SELECT count(*) FROM permission_audit_log WHERE id = $1 AND capability_id = $2 AND from_set = 'minimal' AND to_set = 'network-api' \
               AND approved AND approved_by = 'user' AND reason = 'it must reach the API' AND detected_operation = 'net'";
    assert_eq!(
        count(
            test.db(),
            sql,
            vec![changed.audit_id.into(), stored.pattern.into()]
        )
        .await,
        1
    );
}

/// PERM-11. An audit in which anyone could sign for somebody else would be worth nothing.
#[tokio::test]
async fn whoever_is_signed_in_signs_and_only_for_themselves() {
    let test = database().await;
    let alice = user(test.db(), "alice").await;
    let id = alice.user_id().unwrap().to_string();
    let stored = Capability::new("fs:c").of(&alice).insert(test.db()).await;
    let signed_by = |by: Option<&str>| PermissionChange {
        approved_by: by.map(str::to_owned),
        ..PermissionChange::reject(NetworkApi)
    };
    for by in [None, Some(id.as_str())] {
        change(test.db(), &alice, &stored.reference(), signed_by(by))
            .await
            .unwrap();
    }
    let error = change(
        test.db(),
        &alice,
        &stored.reference(),
        signed_by(Some("bob")),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "invalid_filter");
    change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        signed_by(Some("the board")),
    )
    .await
    .unwrap();
    for (by, rows) in [(id.as_str(), 2), ("the board", 1), ("bob", 0)] {
        let sql = "SELECT count(*) FROM permission_audit_log WHERE approved_by = $1";
        assert_eq!(count(test.db(), sql, vec![by.into()]).await, rows);
    }
}

#[tokio::test]
async fn a_refusal_writes_the_audit_alone() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let before = pattern(test.db(), stored.pattern).await;
    let changed = change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::reject(NetworkApi),
    )
    .await
    .unwrap();
    assert!(!changed.approved);
    assert_eq!(changed.state.permission_set, Minimal);
    assert_eq!(pattern(test.db(), stored.pattern).await, before);
    assert_eq!(
        (
            audit_rows(&test, true).await,
            audit_rows(&test, false).await
        ),
        (0, 1)
    );
}

/// Every pair of sets: exactly the steps of PERM-7 are taken.
#[tokio::test]
async fn only_the_allowed_steps_are_taken() {
    let allowed = [
        (Minimal, Readonly),
        (Minimal, Filesystem),
        (Minimal, NetworkApi),
        (Minimal, McpStandard),
        (Readonly, Filesystem),
        (Readonly, McpStandard),
        (Filesystem, McpStandard),
        (NetworkApi, McpStandard),
    ];
    let test = database().await;
    let stored = with(&test, Minimal).await;
    for &from in PermissionSet::ALL {
        for &to in PermissionSet::ALL {
            run(
                test.db(),
                "UPDATE workflow_pattern SET permission_set = $1, permission_confidence = 0.9",
                vec![from.into()],
            )
            .await;
            let before = everything(test.db()).await;
            let answer = change(
                test.db(),
                &Principal::Local,
                &stored.reference(),
                PermissionChange::approve(to),
            )
            .await;
            if allowed.contains(&(from, to)) {
                assert_eq!(answer.unwrap().state.permission_set, to);
                continue;
            }
            let expected = if to == Trusted {
                CapabilityError::TrustedRefused
            } else {
                CapabilityError::IllegalEscalation { from, to }
            };
            assert_eq!(rule(answer.unwrap_err()), expected);
            assert_eq!(everything(test.db()).await, before);
        }
    }
    assert_eq!(audit_rows(&test, true).await, 8);
}

/// PERM-3 meets PERM-10: what was inferred but is not believed is no grant, so it can be approved as it stands, or something less.
#[tokio::test]
async fn an_inferred_set_that_is_not_believed_can_be_approved() {
    for (to, allowed) in [(McpStandard, true), (NetworkApi, true), (Minimal, false)] {
        let test = database().await;
        let stored = Capability::new("fs:c")
            .allowed(McpStandard, 0.5)
            .insert(test.db())
            .await;
        let answer = change(
            test.db(),
            &Principal::Local,
            &stored.reference(),
            PermissionChange::approve(to),
        )
        .await;
        if allowed {
            let changed = answer.unwrap();
            assert_eq!((changed.from, changed.state.effective_set), (Minimal, to));
        } else {
            assert_eq!(answer.unwrap_err().code(), "illegal_escalation");
        }
    }
    let test = database().await;
    let stored = Capability::new("fs:c")
        .allowed(Trusted, 0.5)
        .insert(test.db())
        .await;
    let error = change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::approve(NetworkApi),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "illegal_escalation");
}

#[tokio::test]
async fn a_decision_about_another_set_than_the_stored_one_is_refused() {
    let test = database().await;
    let stored = with(&test, Readonly).await;
    for approved in [true, false] {
        let request = PermissionChange {
            expected: Some(Minimal),
            approved,
            ..PermissionChange::approve(McpStandard)
        };
        let error = change(test.db(), &Principal::Local, &stored.reference(), request)
            .await
            .unwrap_err();
        assert_eq!(
            rule(error),
            CapabilityError::PermissionChanged {
                expected: Minimal,
                stored: Readonly
            }
        );
    }
    assert_eq!(
        (
            audit_rows(&test, true).await,
            audit_rows(&test, false).await
        ),
        (0, 0)
    );
}

/// D02: every save used to put `minimal` back.
#[tokio::test]
async fn an_approved_set_survives_the_next_save() {
    let test = database().await;
    let request = || SaveRequest::new("return 1 + 1;", "add");
    let saved = save(test.db(), &HashingEmbedder, &Principal::Local, request())
        .await
        .unwrap();
    let reference = Reference::Id(saved.id);
    change(
        test.db(),
        &Principal::Local,
        &reference,
        PermissionChange::approve(NetworkApi),
    )
    .await
    .unwrap();
    save(test.db(), &HashingEmbedder, &Principal::Local, request())
        .await
        .unwrap();
    let state = state(test.db(), &Principal::Local, &reference)
        .await
        .unwrap();
    assert_eq!(state.permission_set, NetworkApi);
    assert!((state.permission_confidence - 1.0).abs() < 1e-9);
}

/// D28: neither a change without its audit, nor an audit of what did not happen.
#[tokio::test]
async fn change_and_audit_happen_together_or_not_at_all() {
    for (event, table) in [
        ("INSERT", "permission_audit_log"),
        ("UPDATE", "workflow_pattern"),
    ] {
        let test = database().await;
        let stored = with(&test, Minimal).await;
        let before = everything(test.db()).await;
        sabotage(test.db(), event, table).await;
        let error = change(
            test.db(),
            &Principal::Local,
            &stored.reference(),
            PermissionChange::approve(Readonly),
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), "internal", "{table}");
        assert_eq!(everything(test.db()).await, before, "{table}");
    }
}

/// D18: the old value is guarded.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_decisions_about_one_set_one_is_written() {
    let test = TestDatabase::with_pool(20).await;
    let stored = with(&test, Minimal).await;
    let decisions = (0..20).map(|number| {
        let db = test.db().clone();
        tokio::spawn(async move {
            let request = PermissionChange {
                expected: Some(Minimal),
                ..PermissionChange::approve([Readonly, NetworkApi, Filesystem][number % 3])
            };
            change(&db, &Principal::Local, &stored.reference(), request)
                .await
                .map(|changed| changed.to)
        })
    });
    let outcomes: Vec<_> = join_all(decisions.collect::<Vec<_>>())
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let granted: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(granted.len(), 1);
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.code(), "permission_changed");
    }
    assert_eq!(
        (
            audit_rows(&test, true).await,
            audit_rows(&test, false).await
        ),
        (1, 0)
    );
    let now = state(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap();
    assert_eq!(now.permission_set, *granted[0]);
}

#[tokio::test]
async fn only_who_may_change_a_capability_decides_and_only_about_their_own_code() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let stored = Capability::new("fs:c")
        .of(&bob)
        .public()
        .insert(test.db())
        .await;
    let alias = entry(
        test.db(),
        &alice,
        "fs:alias",
        stored.pattern,
        "0000",
        "private",
    )
    .await;
    let before = everything(test.db()).await;
    for who in [&alice, &Principal::Anonymous] {
        let error = change(
            test.db(),
            who,
            &stored.reference(),
            PermissionChange::approve(Readonly),
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), "not_found");
        assert!(state(test.db(), who, &stored.reference()).await.is_ok());
    }
    let error = change(
        test.db(),
        &alice,
        &Reference::Id(alias),
        PermissionChange::approve(Readonly),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!(everything(test.db()).await, before);
    change(
        test.db(),
        &bob,
        &stored.reference(),
        PermissionChange::approve(Readonly),
    )
    .await
    .unwrap();
    change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::approve(Filesystem),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn texts_that_are_too_long_or_pretend_are_refused() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let ask = || PermissionChange::approve(Readonly);
    let long = |chars: usize| Some("x".repeat(chars));
    for bad in [
        PermissionChange {
            reason: long(2_001),
            ..ask()
        },
        PermissionChange {
            reason: Some("a\0b".to_owned()),
            ..ask()
        },
        PermissionChange {
            approved_by: long(201),
            ..ask()
        },
        PermissionChange {
            approved_by: Some(" ".to_owned()),
            ..ask()
        },
        PermissionChange {
            approved_by: Some("system:auto".to_owned()),
            ..ask()
        },
    ] {
        let error = change(test.db(), &Principal::Local, &stored.reference(), bad)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid_filter");
    }
    let longest = PermissionChange {
        reason: long(2_000),
        approved_by: long(200),
        ..ask()
    };
    change(test.db(), &Principal::Local, &stored.reference(), longest)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_unknown_or_without_code_has_no_state() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    run(test.db(), "DELETE FROM workflow_pattern", vec![]).await;
    assert_eq!(
        state(test.db(), &Principal::Local, &stored.reference())
            .await
            .unwrap_err()
            .code(),
        "no_code"
    );
    let unknown = "fs:none".parse().unwrap();
    assert_eq!(
        state(test.db(), &Principal::Local, &unknown)
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
}

/// Three statements: find, read, write with the audit.
#[tokio::test]
async fn a_decision_costs_three_statements() {
    let test = database().await;
    let stored = with(&test, Minimal).await;
    let before = test.db().statements().snapshot();
    change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::approve(Readonly),
    )
    .await
    .unwrap();
    assert_eq!(test.db().statements().since(&before).statements, 3);
}

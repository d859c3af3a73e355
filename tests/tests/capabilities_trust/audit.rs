//! PERM-11: reading the audit, and that nothing in it ever changes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pml_entity::values::{DetectedOperation, PermissionSet};
use pml_service::capabilities::permissions::{
    AuditEntry, AuditFilter, DEFAULT_WINDOW, PermissionChange, audit, audit_summary, change,
};
use pml_service::{Cursor, Db, Limit, PageRequest, Principal};
use pml_testkit::database;
use sea_orm::ConnectionTrait;

use crate::fixture::{Capability, Stored, count, entry, run, user};

/// A decision at a time of the year 2030, `minimal` to `readonly`.
async fn decided(db: &Db, about: &Stored, day: u32, approved: bool) {
    run(
        db,
        "INSERT INTO permission_audit_log (capability_id, timestamp, from_set, to_set, approved, approved_by, reason, detected_operation) \
         VALUES ($1, make_timestamptz(2030, 1, $2, 0, 0, 0, 'UTC'), 'minimal', 'readonly', $3, 'user', 'because', 'read')",
        vec![about.pattern.into(), i32::try_from(day).unwrap().into(), approved.into()],
    )
    .await;
}

fn day(day: u32) -> DateTime<Utc> {
    format!("2030-01-{day:02}T00:00:00Z").parse().unwrap()
}

async fn all(db: &Db, who: &Principal, filter: &AuditFilter) -> Vec<AuditEntry> {
    audit(db, who, filter, PageRequest::default())
        .await
        .unwrap()
        .items
}

fn days(entries: &[AuditEntry]) -> Vec<u32> {
    use chrono::Datelike;
    entries.iter().map(|entry| entry.timestamp.day()).collect()
}

#[tokio::test]
async fn the_newest_decision_comes_first_with_all_that_is_known() {
    let test = database().await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    for number in [2, 3, 1] {
        decided(test.db(), &stored, number, number == 3).await;
    }
    let before = test.db().statements().snapshot();
    let entries = all(test.db(), &Principal::Local, &AuditFilter::default()).await;
    assert_eq!(test.db().statements().since(&before).statements, 1);
    assert_eq!(days(&entries), [3, 2, 1]);
    let newest = &entries[0];
    assert_eq!(
        (newest.pattern_id, newest.capability),
        (stored.pattern, Some(stored.id))
    );
    assert_eq!(newest.display_name.as_deref(), Some("fs:c"));
    assert_eq!(
        (newest.from_set, newest.to_set, newest.approved),
        (PermissionSet::Minimal, PermissionSet::Readonly, true)
    );
    assert_eq!(
        (newest.approved_by.as_deref(), newest.reason.as_deref()),
        (Some("user"), Some("because"))
    );
    assert_eq!(newest.detected_operation, Some(DetectedOperation::Read));
}

#[tokio::test]
async fn the_filters_are_inclusive_and_work_together() {
    let test = database().await;
    let first = Capability::new("fs:a").insert(test.db()).await;
    let second = Capability::new("fs:b").insert(test.db()).await;
    for number in 1..=4 {
        decided(test.db(), &first, number, number % 2 == 0).await;
    }
    decided(test.db(), &second, 5, true).await;
    let about = |stored: Stored| Some(stored.reference());
    for (filter, expected) in [
        (
            AuditFilter {
                capability: about(first),
                ..AuditFilter::default()
            },
            vec![4, 3, 2, 1],
        ),
        (
            AuditFilter {
                approved: Some(true),
                ..AuditFilter::default()
            },
            vec![5, 4, 2],
        ),
        (
            AuditFilter {
                approved: Some(false),
                ..AuditFilter::default()
            },
            vec![3, 1],
        ),
        (
            AuditFilter {
                from: Some(day(2)),
                to: Some(day(4)),
                ..AuditFilter::default()
            },
            vec![4, 3, 2],
        ),
        (
            AuditFilter {
                capability: about(first),
                approved: Some(true),
                from: Some(day(3)),
                to: Some(day(9)),
            },
            vec![4],
        ),
        (
            AuditFilter {
                from: Some(day(9)),
                ..AuditFilter::default()
            },
            vec![],
        ),
    ] {
        assert_eq!(
            days(&all(test.db(), &Principal::Local, &filter).await),
            expected,
            "{filter:?}"
        );
    }
}

/// Rows of one moment are told apart by their ids: each is on one page, and on one only.
#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let test = database().await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    for _ in 0..5 {
        decided(test.db(), &stored, 1, true).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for expected in [2, 2, 1] {
        let request = PageRequest {
            limit: Limit::new(Some(2)).unwrap(),
            cursor: cursor.map(Cursor::from),
        };
        let page = audit(
            test.db(),
            &Principal::Local,
            &AuditFilter::default(),
            request,
        )
        .await
        .unwrap();
        assert_eq!(page.items.len(), expected);
        seen.extend(page.items.into_iter().map(|entry| entry.id));
        cursor = page.next_cursor;
    }
    assert_eq!(cursor, None);
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 5);
    let request = PageRequest {
        cursor: Some("AAAA".into()),
        ..PageRequest::default()
    };
    let error = audit(
        test.db(),
        &Principal::Local,
        &AuditFilter::default(),
        request,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "invalid_cursor");
}

/// PERM-11: the recent window.
#[tokio::test]
async fn the_summary_counts_the_window() {
    let test = database().await;
    let nothing = audit_summary(test.db(), &Principal::Local, DEFAULT_WINDOW)
        .await
        .unwrap();
    assert_eq!((nothing.total, nothing.capabilities), (0, 0));
    assert!(nothing.approval_rate.abs() < 1e-9);

    let first = Capability::new("fs:a").insert(test.db()).await;
    let second = Capability::new("fs:b").insert(test.db()).await;
    for (stored, age, approved) in [
        (first, "1 hour", true),
        (first, "23 hours", false),
        (second, "2 hours", false),
        (second, "25 hours", true),
    ] {
        let sql = format!(
            "INSERT INTO permission_audit_log (capability_id, timestamp, from_set, to_set, approved) \
                           VALUES ($1, now() - interval '{age}', 'minimal', 'readonly', $2)"
        );
        run(
            test.db(),
            &sql,
            vec![stored.pattern.into(), approved.into()],
        )
        .await;
    }
    let day = audit_summary(test.db(), &Principal::Local, DEFAULT_WINDOW)
        .await
        .unwrap();
    assert_eq!(
        (day.total, day.approved, day.rejected, day.capabilities),
        (3, 1, 2, 2)
    );
    assert!((day.approval_rate - 1.0 / 3.0).abs() < 1e-9);
    let ever = audit_summary(test.db(), &Principal::Local, Duration::MAX)
        .await
        .unwrap();
    assert_eq!(ever.total, 4);
    let now = audit_summary(test.db(), &Principal::Local, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(now.total, 0);
}

/// Nobody reads what was decided about somebody else's code, not even under a name of their own for it.
#[tokio::test]
async fn everyone_reads_the_audit_of_their_own_code_only() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let hers = Capability::new("fs:hers")
        .of(&alice)
        .insert(test.db())
        .await;
    let his = Capability::new("fs:his")
        .of(&bob)
        .public()
        .insert(test.db())
        .await;
    let alias = entry(
        test.db(),
        &alice,
        "fs:alias",
        his.pattern,
        "0000",
        "private",
    )
    .await;
    decided(test.db(), &hers, 1, true).await;
    decided(test.db(), &his, 2, true).await;
    for (who, expected) in [
        (&alice, vec![1]),
        (&bob, vec![2]),
        (&Principal::Local, vec![2, 1]),
        (&Principal::Anonymous, vec![]),
    ] {
        assert_eq!(
            days(&all(test.db(), who, &AuditFilter::default()).await),
            expected,
            "{who:?}"
        );
        let summary = audit_summary(test.db(), who, Duration::MAX).await.unwrap();
        assert_eq!(
            usize::try_from(summary.total).unwrap(),
            expected.len(),
            "{who:?}"
        );
    }
    let about = |reference| AuditFilter {
        capability: Some(reference),
        ..AuditFilter::default()
    };
    let error = audit(
        test.db(),
        &alice,
        &about(his.reference()),
        PageRequest::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), "not_found");
    assert_eq!(
        all(
            test.db(),
            &alice,
            &about(pml_service::capabilities::Reference::Id(alias))
        )
        .await,
        []
    );
}

/// What no entry names any more is still in the log of a local installation.
#[tokio::test]
async fn the_audit_outlives_the_last_name() {
    let test = database().await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    decided(test.db(), &stored, 1, true).await;
    run(test.db(), "DELETE FROM capability_records", vec![]).await;
    let entries = all(test.db(), &Principal::Local, &AuditFilter::default()).await;
    assert_eq!((entries.len(), entries[0].capability), (1, None));
}

/// Enforced by the database, whoever asks.
#[tokio::test]
async fn the_audit_is_append_only() {
    let test = database().await;
    let stored = Capability::new("fs:c").insert(test.db()).await;
    change(
        test.db(),
        &Principal::Local,
        &stored.reference(),
        PermissionChange::approve(PermissionSet::Readonly),
    )
    .await
    .unwrap();
    for sql in [
        "UPDATE permission_audit_log SET approved = false",
        "UPDATE permission_audit_log SET reason = NULL, approved_by = 'somebody else'",
        "UPDATE permission_audit_log SET timestamp = now() + interval '1 day'",
        "DELETE FROM permission_audit_log",
        "DELETE FROM permission_audit_log WHERE false",
        "TRUNCATE permission_audit_log",
        "TRUNCATE workflow_pattern CASCADE",
        "DELETE FROM workflow_pattern",
    ] {
        assert!(test.db().execute_unprepared(sql).await.is_err(), "{sql}");
    }
    assert_eq!(
        count(
            test.db(),
            "SELECT count(*) FROM permission_audit_log WHERE approved",
            vec![]
        )
        .await,
        1
    );
}

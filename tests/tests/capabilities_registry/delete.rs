//! Taking capabilities out of the registry.

use pml_entity::values::Visibility;
use pml_service::Principal;
use pml_service::capabilities::{Deleted, NewRecord, Rename, delete, register, rename};
use pml_testkit::{TestDatabase, database};

use crate::fixture::{
    Recorder, assert_not_found, number, reference, row_versions, seed, sql, user,
};

#[tokio::test]
async fn the_entry_goes_with_its_code_its_edges_and_its_old_names() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:read").insert(db).await;
    let other = seed(&local, "fs:write").insert(db).await;
    let change = Rename {
        action: Some("load".to_owned()),
        ..Rename::default()
    };
    rename(db, &Recorder::new(), &local, &made.reference(), change)
        .await
        .unwrap();
    sql(
        db,
        &format!(
            "INSERT INTO capability_dependency (from_capability_id, to_capability_id) VALUES ('{0}', '{1}'); \
             INSERT INTO execution_trace (capability_id, success, duration_ms) VALUES ('{0}', true, 1)",
            made.pattern_id.unwrap(),
            other.pattern_id.unwrap()
        ),
    )
    .await;
    let done = delete(db, &local, &reference("fs:load")).await.unwrap();
    assert_eq!(
        done,
        Deleted {
            id: made.id,
            pattern_removed: true
        }
    );
    for (table, left) in [
        ("capability_records", 1),
        ("workflow_pattern", 1),
        ("capability_name_history", 0),
        ("capability_dependency", 0),
        ("execution_trace", 1),
    ] {
        let count = number(db, &format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, left, "{table}");
    }
    let id = made.id.to_string();
    assert_not_found(delete(db, &local, &made.reference()).await, &id);
}

#[tokio::test]
async fn code_that_another_entry_names_stays_until_the_last_one_goes() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "zeta", "app").await;
    let hers = seed(&alice, "fs:read").insert(db).await;
    let his = seed(&bob, "fs:mine").named_beside(&hers).insert(db).await;
    let done = delete(db, &alice, &hers.reference()).await.unwrap();
    assert!(!done.pattern_removed);
    assert_eq!(
        number(
            db,
            "SELECT count(*) FROM capability WHERE pattern_id IS NOT NULL"
        )
        .await,
        1
    );
    let done = delete(db, &bob, &his.reference()).await.unwrap();
    assert!(done.pattern_removed);
}

#[tokio::test]
async fn code_that_the_audit_refers_to_stays() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    sql(
        db,
        &format!(
            "INSERT INTO permission_audit_log (capability_id, from_set, to_set, approved) VALUES ('{}', 'minimal', 'readonly', true)",
            made.pattern_id.unwrap()
        ),
    )
    .await;
    let done = delete(db, &Principal::Local, &made.reference())
        .await
        .unwrap();
    assert!(!done.pattern_removed);
    assert_eq!(number(db, "SELECT count(*) FROM workflow_pattern").await, 1);
}

#[tokio::test]
async fn an_entry_without_code_can_be_deleted() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read")
        .without_code()
        .insert(db)
        .await;
    let done = delete(db, &Principal::Local, &made.reference())
        .await
        .unwrap();
    assert!(!done.pattern_removed);
}

#[tokio::test]
async fn what_is_not_theirs_is_not_found_and_stays() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "acme", "webapp").await;
    for visibility in [Visibility::Private, Visibility::Public] {
        let made = seed(&alice, &format!("{visibility}:read"))
            .visible_to(visibility)
            .insert(db)
            .await;
        let before = row_versions(db).await;
        for who in [&bob, &Principal::Anonymous] {
            let id = made.id.to_string();
            assert_not_found(delete(db, who, &reference(&id)).await, &id);
        }
        assert_eq!(row_versions(db).await, before);
    }
}

/// A name may be given at the very moment its code goes: then it has its code, or it is refused; no name is left without.
#[tokio::test]
async fn a_registration_beside_a_deletion_never_ends_without_code() {
    let test = TestDatabase::with_pool(4).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    for round in 0..20 {
        let made = seed(&Principal::Local, &format!("fs:a{round}"))
            .insert(db)
            .await;
        let (first, second) = (db.clone(), db.clone());
        let pattern = made.pattern_id.unwrap();
        let gone = tokio::spawn(async move {
            delete(&first, &Principal::Local, &made.reference())
                .await
                .unwrap()
        });
        let named = tokio::spawn(async move {
            let new = NewRecord::new(pattern, "fs", format!("b{round}"));
            register(&second, &Principal::Local, new).await
        });
        let (gone, named) = (gone.await.unwrap(), named.await.unwrap());
        assert_eq!(gone.pattern_removed, named.is_err(), "{named:?}");
    }
    assert_eq!(
        number(
            db,
            "SELECT count(*) FROM capability_records WHERE workflow_pattern_id IS NULL"
        )
        .await,
        0
    );
}

//! Renaming and redescribing one capability.

use pml_entity::values::{CapabilityId, Visibility};
use pml_service::capabilities::{Rename, Renamed, rename, resolve};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::fixture::{
    Made, Recorder, assert_not_found, number, reference, row_versions, seed, sql, stored_record,
    user,
};

pub fn to(action: &str) -> Rename {
    Rename {
        action: Some(action.to_owned()),
        ..Rename::default()
    }
}

pub async fn local(db: &Db, made: &Made, change: Rename) -> Result<Renamed, Error> {
    rename(
        db,
        &Recorder::new(),
        &Principal::Local,
        &made.reference(),
        change,
    )
    .await
}

async fn code(db: &Db, made: &Made, change: Rename) -> &'static str {
    local(db, made, change).await.unwrap_err().code()
}

#[tokio::test]
async fn the_name_changes_and_the_id_and_the_hash_stay() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let made = seed(&me, "fs:read").insert(db).await;
    let change = Rename {
        namespace: Some("files".to_owned()),
        action: Some("readJson".to_owned()),
        ..Rename::default()
    };
    let done = rename(db, &Recorder::new(), &me, &reference("fs:read"), change)
        .await
        .unwrap();
    assert_eq!(
        done,
        Renamed {
            id: made.id,
            fqdn: format!("acme.webapp.files.readJson.{}", made.hash),
            display_name: "files:readJson".to_owned(),
            changed: true,
            warnings: Vec::new(),
        }
    );
    let stored = stored_record(db, &made).await;
    assert_eq!((&*stored.namespace, &*stored.action), ("files", "readJson"));
    assert!(stored.updated_at.is_some());
    assert_eq!(stored.updated_by, me.user_id().map(|id| id.to_string()));
    assert_eq!(stored.version, 1);
}

#[tokio::test]
async fn a_local_change_is_signed_local() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    local(db, &made, to("load")).await.unwrap();
    assert_eq!(
        stored_record(db, &made).await.updated_by.as_deref(),
        Some("local")
    );
}

#[tokio::test]
async fn the_old_name_is_kept_in_the_history() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let made = seed(&me, "fs:read").insert(db).await;
    rename(db, &Recorder::new(), &me, &made.reference(), to("load"))
        .await
        .unwrap();
    let row = db
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT capability_id, old_fqdn, new_fqdn, user_id::text FROM capability_name_history",
        ))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row.try_get::<CapabilityId>("", "capability_id").unwrap(),
        made.id
    );
    assert_eq!(row.try_get::<String>("", "old_fqdn").unwrap(), made.fqdn);
    assert_eq!(
        row.try_get::<String>("", "new_fqdn").unwrap(),
        made.fqdn.replace("read", "load")
    );
    assert_eq!(
        row.try_get::<String>("", "user_id").unwrap(),
        me.user_id().unwrap().to_string()
    );
}

#[tokio::test]
async fn labels_and_visibility_change_without_a_new_vector() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let embedder = Recorder::broken();
    let change = Rename {
        tags: Some(vec![" b ".to_owned(), "a".to_owned(), "b".to_owned()]),
        visibility: Some(Visibility::Public),
        version_tag: Some("v1.2.0".to_owned()),
        ..Rename::default()
    };
    let done = rename(db, &embedder, &Principal::Local, &made.reference(), change)
        .await
        .unwrap();
    assert!(done.changed);
    assert_eq!(done.fqdn, made.fqdn);
    assert!(embedder.texts().is_empty());
    let stored = stored_record(db, &made).await;
    assert_eq!(stored.tags, ["b", "a"]);
    assert_eq!(stored.visibility, Visibility::Public);
    assert_eq!(stored.version_tag.as_deref(), Some("v1.2.0"));
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_name_history").await,
        0
    );
    let change = Rename {
        version_tag: Some(String::new()),
        ..Rename::default()
    };
    local(db, &made, change).await.unwrap();
    assert_eq!(stored_record(db, &made).await.version_tag, None);
}

#[tokio::test]
async fn nothing_given_or_nothing_different_writes_nothing() {
    let test = database().await;
    let db = test.db();
    let mut new = seed(&Principal::Local, "Old-ns:exec_1a2b3c4d");
    new.tags = vec!["a".to_owned()];
    let made = new.insert(db).await;
    let before = row_versions(db).await;
    // An old name that breaks today's rule may be handed back.
    let same = Rename {
        namespace: Some("Old-ns".to_owned()),
        action: Some("exec_1a2b3c4d".to_owned()),
        description: Some("Does exec_1a2b3c4d".to_owned()),
        tags: Some(vec!["a".to_owned()]),
        visibility: Some(Visibility::Private),
        version_tag: Some(String::new()),
    };
    for change in [Rename::default(), same] {
        let done = local(db, &made, change).await.unwrap();
        assert!(!done.changed);
        assert_eq!(done.fqdn, made.fqdn);
    }
    assert_eq!(row_versions(db).await, before);
}

/// REN-2.
#[tokio::test]
async fn bad_names_labels_and_descriptions_are_refused_and_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let before = row_versions(db).await;
    for bad in ["", "Fs", "1a", "a b", "aaaaaaaaaaaaaaaaaaaaa"] {
        let change = Rename {
            namespace: Some(bad.to_owned()),
            ..Rename::default()
        };
        assert_eq!(code(db, &made, change).await, "invalid_namespace", "{bad}");
    }
    for bad in ["", "1a", "a-b", "exec_x", "execfacade", "a\0"] {
        assert_eq!(code(db, &made, to(bad)).await, "invalid_action", "{bad}");
    }
    for bad in ["a\0b".to_owned(), "x".repeat(16 * 1024 + 1)] {
        let change = Rename {
            description: Some(bad),
            ..Rename::default()
        };
        assert_eq!(code(db, &made, change).await, "invalid_document");
    }
    for bad in ["", "a\0b"] {
        let change = Rename {
            tags: Some(vec![bad.to_owned()]),
            ..Rename::default()
        };
        assert_eq!(code(db, &made, change).await, "invalid_tag");
    }
    let change = Rename {
        version_tag: Some("v".repeat(65)),
        ..Rename::default()
    };
    assert_eq!(code(db, &made, change).await, "invalid_tag");
    assert_eq!(row_versions(db).await, before);
}

/// AT-37. The example lets anyone rename what nobody owns; D11 decides otherwise: it belongs to its project.
#[tokio::test]
async fn a_foreign_entry_is_not_found_and_an_ownerless_one_belongs_to_its_project() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "acme", "webapp").await;
    let stranger = user(db, "zeta", "webapp").await;
    let embedder = Recorder::new();
    for visibility in [Visibility::Private, Visibility::Project, Visibility::Public] {
        let name = format!("{visibility}:read");
        let made = seed(&alice, &name).visible_to(visibility).insert(db).await;
        let before = row_versions(db).await;
        for who in [&bob, &stranger, &Principal::Anonymous] {
            let id = made.id.to_string();
            let refused = rename(db, &embedder, who, &reference(&id), to("load")).await;
            assert_not_found(refused, &id);
        }
        assert_eq!(row_versions(db).await, before);
    }
    assert!(embedder.texts().is_empty());
    let mut ownerless = seed(&alice, "open:read").visible_to(Visibility::Public);
    ownerless.owner = None;
    let ownerless = ownerless.insert(db).await;
    let id = ownerless.id.to_string();
    let refused = rename(db, &embedder, &stranger, &reference(&id), to("load")).await;
    assert_not_found(refused, &id);
    let done = rename(db, &embedder, &bob, &reference(&id), to("load")).await;
    assert!(done.unwrap().changed);
}

/// AT-39.
#[tokio::test]
async fn a_name_that_is_taken_is_refused_whatever_its_hash() {
    let test = database().await;
    let db = test.db();
    seed(&Principal::Local, "fs:a").insert(db).await;
    let b = seed(&Principal::Local, "fs:b").insert(db).await;
    let before = row_versions(db).await;
    let refused = local(db, &b, to("a")).await.unwrap_err();
    assert_eq!(refused.code(), "name_taken");
    assert!(
        refused.to_string().contains("fs:a already exists"),
        "{refused}"
    );
    assert_eq!(row_versions(db).await, before);
    // In another project it is free.
    let me = user(db, "acme", "webapp").await;
    let c = seed(&me, "fs:c").insert(db).await;
    let done = rename(db, &Recorder::new(), &me, &c.reference(), to("a")).await;
    assert!(done.unwrap().changed);
}

#[tokio::test]
async fn a_signature_does_not_outlive_the_name_it_is_of() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    sql(
        db,
        "UPDATE capability_records SET signature = 'x', verified = true",
    )
    .await;
    let change = Rename {
        description: Some("Other words".to_owned()),
        ..Rename::default()
    };
    assert!(local(db, &made, change).await.unwrap().warnings.is_empty());
    assert!(stored_record(db, &made).await.verified);
    let done = local(db, &made, to("load")).await.unwrap();
    assert!(
        done.warnings[0].contains("signature"),
        "{:?}",
        done.warnings
    );
    let stored = stored_record(db, &made).await;
    assert_eq!((stored.signature, stored.verified), (None, false));
}

#[tokio::test]
async fn an_entry_without_code_can_be_renamed_but_not_described() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read")
        .without_code()
        .insert(db)
        .await;
    assert!(local(db, &made, to("load")).await.unwrap().changed);
    let change = Rename {
        description: Some("x".to_owned()),
        ..Rename::default()
    };
    assert_eq!(code(db, &made, change).await, "no_code");
}

#[tokio::test]
async fn giving_up_what_nobody_owns_is_said() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let mut new = seed(&me, "fs:read").visible_to(Visibility::Project);
    new.owner = None;
    let made = new.insert(db).await;
    let change = Rename {
        visibility: Some(Visibility::Private),
        ..Rename::default()
    };
    let done = rename(db, &Recorder::new(), &me, &made.reference(), change)
        .await
        .unwrap();
    assert!(done.warnings[0].contains("nobody owns it"));
    assert!(resolve(db, &me, &made.reference()).await.is_err());
}

#[tokio::test]
async fn an_old_name_does_for_a_rename_and_is_warned_about() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    local(db, &made, to("load")).await.unwrap();
    let embedder = Recorder::new();
    let done = rename(
        db,
        &embedder,
        &Principal::Local,
        &reference("fs:read"),
        to("fetch"),
    )
    .await
    .unwrap();
    assert_eq!(done.display_name, "fs:fetch");
    assert!(done.warnings[0].contains("fs:read") && done.warnings[0].contains("fs:load"));
}

#[tokio::test]
async fn it_joins_the_transaction_of_the_caller() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    seed(&Principal::Local, "fs:taken").insert(db).await;
    let before = row_versions(db).await;
    let tx = db.begin().await.unwrap();
    let embedder = Recorder::new();
    let who = Principal::Local;
    let refused = rename(&tx, &embedder, &who, &made.reference(), to("taken")).await;
    assert_eq!(refused.unwrap_err().code(), "name_taken");
    // The transaction lives on.
    let done = rename(&tx, &embedder, &who, &made.reference(), to("load")).await;
    assert!(done.unwrap().changed);
    tx.rollback().await.unwrap();
    assert_eq!(row_versions(db).await, before);
}

#[tokio::test]
async fn the_number_of_statements_does_not_depend_on_the_number_of_rows() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read0").insert(db).await;
    let mut counts = Vec::new();
    for rows in [1, 50] {
        for number in 0..rows {
            seed(&Principal::Local, &format!("ns{rows}:a{number}"))
                .insert(db)
                .await;
        }
        let before = db.statements().snapshot();
        local(db, &made, to(&format!("read{rows}"))).await.unwrap();
        counts.push(db.statements().since(&before).statements);
    }
    assert_eq!(counts, [8, 8]);
}

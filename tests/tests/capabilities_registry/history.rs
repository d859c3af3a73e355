//! Old names: what they lead to, and for whom.

use pml_entity::values::Visibility;
use pml_service::capabilities::{
    CapabilityError, Rename, get, rename, resolve, resolve_for_change, resolve_many,
};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;

use crate::fixture::{Made, Recorder, assert_not_found, reference, seed, sql, user};

async fn change(db: &Db, who: &Principal, made: &Made, name: &str) {
    let (namespace, action) = name.split_once(':').unwrap();
    let change = Rename {
        namespace: Some(namespace.to_owned()),
        action: Some(action.to_owned()),
        ..Rename::default()
    };
    let done = rename(db, &Recorder::new(), who, &made.reference(), change).await;
    assert!(done.unwrap().changed);
}

/// Where an old name leads, and what is said about it.
async fn old(db: &Db, who: &Principal, text: &str) -> (Made, String) {
    let found = resolve(db, who, &reference(text)).await.unwrap();
    let made = Made {
        id: found.id,
        pattern_id: found.pattern_id,
        hash: found.hash.to_string(),
        fqdn: found.fqdn(),
    };
    (made, found.warning.expect("a warning"))
}

#[tokio::test]
async fn every_old_form_leads_to_the_entry_and_names_the_new_one() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:read").insert(db).await;
    change(db, &local, &made, "files:load").await;
    let now = made.fqdn.replace("fs.read", "files.load");
    for text in [
        made.fqdn.as_str(),
        "local.default.fs.read",
        "fs:read",
        "read",
    ] {
        let (found, warning) = old(db, &local, text).await;
        assert_eq!((found.id, found.pattern_id), (made.id, made.pattern_id));
        for part in [text, "files:load", &now] {
            assert!(warning.contains(part), "{warning}");
        }
        let details = get(db, &local, &reference(text)).await.unwrap();
        assert_eq!(details.warning, Some(warning));
    }
}

/// REN-7.
#[tokio::test]
async fn a_chain_of_renames_leads_to_its_end_from_each_of_its_names() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:a").insert(db).await;
    for name in ["fs:b", "fs:c", "fs:d"] {
        change(db, &local, &made, name).await;
    }
    for text in ["fs:a", "fs:b", "fs:c", "a", "local.default.fs.b"] {
        let (found, warning) = old(db, &local, text).await;
        assert_eq!(found.id, made.id);
        assert!(warning.contains("fs:d"), "{warning}");
    }
    let now = resolve(db, &local, &reference("fs:d")).await.unwrap();
    assert_eq!((now.id, now.warning), (made.id, None));
}

#[tokio::test]
async fn renaming_back_onto_an_own_old_name_works() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:a").insert(db).await;
    for name in ["fs:b", "fs:a"] {
        change(db, &local, &made, name).await;
    }
    let now = resolve(db, &local, &reference(&made.fqdn)).await.unwrap();
    assert_eq!((now.id, now.warning), (made.id, None));
    assert_eq!(old(db, &local, "fs:b").await.0.id, made.id);
}

#[tokio::test]
async fn a_name_that_is_given_again_leads_to_its_new_owner() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let first = seed(&local, "fs:a").insert(db).await;
    change(db, &local, &first, "fs:b").await;
    let second = seed(&local, "fs:a").insert(db).await;
    let found = resolve(db, &local, &reference("fs:a")).await.unwrap();
    assert_eq!((found.id, found.warning), (second.id, None));
    // The hash still tells them apart.
    assert_eq!(old(db, &local, &first.fqdn).await.0.id, first.id);
    // When it is given up again, the last who had it counts.
    change(db, &local, &second, "fs:c").await;
    assert_eq!(old(db, &local, "fs:a").await.0.id, second.id);
}

#[tokio::test]
async fn old_names_of_the_own_project_come_before_those_of_others() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "api").await;
    let stranger = user(db, "zeta", "app").await;
    let mut made = Vec::new();
    for owner in [&me, &colleague, &stranger] {
        let new = seed(owner, "fs:a")
            .visible_to(Visibility::Public)
            .insert(db)
            .await;
        change(db, owner, &new, "fs:b").await;
        made.push(new.id);
    }
    let fourth = user(db, "acme", "cli").await;
    assert_eq!(old(db, &me, "fs:a").await.0.id, made[0]);
    assert_eq!(old(db, &fourth, "fs:a").await.0.id, made[1]);
    assert_eq!(old(db, &stranger, "fs:a").await.0.id, made[2]);
    assert_eq!(old(db, &stranger, "a").await.0.id, made[2]);
    // Nobody has a project: the latest renaming counts.
    assert_eq!(old(db, &Principal::Anonymous, "fs:a").await.0.id, made[2]);
}

#[tokio::test]
async fn old_names_of_hidden_entries_are_hidden() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "webapp").await;
    let made = seed(&me, "fs:a").insert(db).await;
    change(db, &me, &made, "fs:b").await;
    for text in ["fs:a", "a", "acme.webapp.fs.a", &made.fqdn] {
        assert_eq!(old(db, &me, text).await.0.id, made.id);
        assert_not_found(resolve(db, &colleague, &reference(text)).await, text);
        assert_not_found(
            resolve_for_change(db, &colleague, &reference(text)).await,
            text,
        );
    }
}

#[tokio::test]
async fn an_old_action_of_several_namespaces_is_ambiguous_too() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let first = seed(&local, "m:read").insert(db).await;
    change(db, &local, &first, "m:load").await;
    assert_eq!(old(db, &local, "read").await.0.id, first.id);
    let second = seed(&local, "n:read").insert(db).await;
    change(db, &local, &second, "n:fetch").await;
    match resolve(db, &local, &reference("read")).await {
        Err(Error::Capability(error)) => assert_eq!(
            *error,
            CapabilityError::Ambiguous {
                reference: "read".to_owned(),
                candidates: vec![
                    first.fqdn.replace("read", "load"),
                    second.fqdn.replace("read", "fetch")
                ]
            }
        ),
        other => panic!("{other:?}"),
    }
    // One entry that had it in two namespaces is one entry.
    let third = seed(&local, "o:write").insert(db).await;
    change(db, &local, &third, "p:write").await;
    change(db, &local, &third, "p:store").await;
    assert_eq!(old(db, &local, "write").await.0.id, third.id);
}

#[tokio::test]
async fn an_old_hash_leads_on_through_the_history_only() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:a").insert(db).await;
    sql(
        db,
        &format!(
            "INSERT INTO capability_name_history (capability_id, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash) \
             VALUES ('{}', 'fs', 'a', '0bad', 'fs', 'a', '{}')",
            made.id, made.hash
        ),
    )
    .await;
    let (found, warning) = old(db, &local, "local.default.fs.a.0bad").await;
    assert_eq!(found.id, made.id);
    assert!(warning.contains("0bad") && warning.contains(&made.fqdn));
    let other = "local.default.fs.a.beef";
    assert_not_found(resolve(db, &local, &reference(other)).await, other);
}

#[tokio::test]
async fn old_names_go_with_the_entry_and_are_not_looked_for_in_bulk() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:a").insert(db).await;
    change(db, &local, &made, "fs:b").await;
    let both = [reference("fs:a"), reference("fs:b")];
    let found = resolve_many(db, &local, &both).await.unwrap();
    assert!(found[0].is_none() && found[1].is_some());
    sql(db, "DELETE FROM capability_records").await;
    assert_not_found(resolve(db, &local, &reference("fs:a")).await, "fs:a");
}

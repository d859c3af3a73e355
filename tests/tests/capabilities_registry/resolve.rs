//! Which capability a reference stands for.

use pml_entity::values::{CapabilityId, Visibility};
use pml_service::capabilities::{CapabilityError, resolve, resolve_for_change};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;
use sea_orm::prelude::Uuid;

use crate::fixture::{assert_not_found, day, reference, seed, sql, user};

async fn found(db: &Db, who: &Principal, text: &str) -> CapabilityId {
    let found = resolve(db, who, &reference(text)).await.unwrap();
    assert_eq!(found.warning, None, "{text}");
    found.id
}

#[tokio::test]
async fn every_form_leads_to_the_entry() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read_json").insert(db).await;
    for text in [
        made.id.to_string(),
        made.id.to_string().to_uppercase(),
        made.fqdn.clone(),
        "local.default.fs.read_json".to_owned(),
        "fs:read_json".to_owned(),
        "read_json".to_owned(),
    ] {
        let resolved = resolve(db, &Principal::Local, &reference(&text))
            .await
            .unwrap();
        assert_eq!(resolved.id, made.id, "{text}");
        assert_eq!(resolved.pattern_id, made.pattern_id);
        assert_eq!(resolved.fqdn(), made.fqdn);
        assert_eq!(resolved.display_name(), "fs:read_json");
    }
}

/// AT-31.
#[tokio::test]
async fn the_own_project_comes_before_a_public_one() {
    let test = database().await;
    let db = test.db();
    let own = user(db, "acme", "webapp").await;
    let market = user(db, "market", "public").await;
    let other = user(db, "other", "other").await;
    let mine = seed(&own, "ns:x").insert(db).await;
    let theirs = seed(&market, "ns:x")
        .visible_to(Visibility::Public)
        .last_used(day(9))
        .insert(db)
        .await;
    assert_eq!(found(db, &own, "ns:x").await, mine.id);
    assert_eq!(found(db, &other, "ns:x").await, theirs.id);
    assert_eq!(found(db, &own, "x").await, mine.id);
    assert_eq!(found(db, &other, "x").await, theirs.id);
}

#[tokio::test]
async fn the_own_organisation_comes_between() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "api").await;
    let stranger = user(db, "zeta", "app").await;
    let far = seed(&stranger, "ns:x")
        .visible_to(Visibility::Public)
        .last_used(day(9))
        .insert(db)
        .await;
    assert_eq!(found(db, &me, "ns:x").await, far.id);
    let near = seed(&colleague, "ns:x")
        .visible_to(Visibility::Org)
        .last_used(day(5))
        .insert(db)
        .await;
    assert_eq!(found(db, &me, "ns:x").await, near.id);
    assert_eq!(found(db, &me, "x").await, near.id);
    let mine = seed(&me, "ns:x").insert(db).await;
    assert_eq!(found(db, &me, "ns:x").await, mine.id);
    assert_eq!(found(db, &me, "x").await, mine.id);
    assert_eq!(found(db, &stranger, "ns:x").await, far.id);
}

#[tokio::test]
async fn at_equal_distance_the_last_used_wins_then_the_youngest_then_the_smallest_id() {
    let test = database().await;
    let db = test.db();
    let mut ids = Vec::new();
    // From the last choice to the first.
    for (number, (used, created)) in [
        (None, 0),
        (None, 3),
        (Some(1), 0),
        (Some(1), 2),
        (Some(2), 1),
    ]
    .into_iter()
    .enumerate()
    {
        let owner = user(db, &format!("org{number}"), "app").await;
        let mut new = seed(&owner, "ns:x").visible_to(Visibility::Public);
        new.created_at = day(created);
        let new = match used {
            Some(used) => new.last_used(day(used)),
            None => new.without_code(),
        };
        let id = new.insert(db).await.id;
        assert_eq!(
            found(db, &Principal::Anonymous, "ns:x").await,
            id,
            "{number}"
        );
        assert_eq!(found(db, &Principal::Anonymous, "x").await, id, "{number}");
        ids.push(id);
    }
    let owner = user(db, "orgz", "app").await;
    let mut twin = seed(&owner, "ns:x")
        .visible_to(Visibility::Public)
        .last_used(day(2));
    twin.created_at = day(1);
    twin.id = CapabilityId::new(Uuid::from_u128(1));
    twin.insert(db).await;
    assert_eq!(
        found(db, &Principal::Anonymous, "ns:x").await,
        CapabilityId::new(Uuid::from_u128(1))
    );
}

#[tokio::test]
async fn an_action_of_several_namespaces_is_ambiguous_and_the_full_names_are_listed() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let mut names = Vec::new();
    for number in (10..22).rev() {
        let made = seed(&me, &format!("ns{number}:read")).insert(db).await;
        names.push(made.fqdn);
    }
    names.sort();
    names.truncate(10);
    match resolve(db, &me, &reference("read")).await {
        Err(Error::Capability(error)) => {
            assert_eq!(error.code(), "ambiguous_reference");
            assert_eq!(
                *error,
                CapabilityError::Ambiguous {
                    reference: "read".to_owned(),
                    candidates: names
                }
            );
        }
        other => panic!("{other:?}"),
    }
    found(db, &me, "ns12:read").await;
}

#[tokio::test]
async fn an_action_is_ambiguous_within_the_nearest_scope_only() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "api").await;
    let stranger = user(db, "zeta", "app").await;
    for (owner, name) in [
        (&stranger, "a:read"),
        (&stranger, "b:read"),
        (&colleague, "c:read"),
    ] {
        seed(owner, name)
            .visible_to(Visibility::Public)
            .insert(db)
            .await;
    }
    // In one organisation, but a namespace counts once.
    let twin = user(db, "acme", "cli").await;
    let newest = seed(&twin, "c:read")
        .visible_to(Visibility::Org)
        .last_used(day(3))
        .insert(db)
        .await;
    assert_eq!(found(db, &me, "read").await, newest.id);
    let mine = seed(&me, "d:read").insert(db).await;
    assert_eq!(found(db, &me, "read").await, mine.id);
    assert!(resolve(db, &stranger, &reference("read")).await.is_err());
}

#[tokio::test]
async fn hidden_candidates_make_nothing_ambiguous() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "webapp").await;
    seed(&colleague, "secret:read").insert(db).await;
    let mine = seed(&me, "open:read").insert(db).await;
    assert_eq!(found(db, &me, "read").await, mine.id);
}

/// AT-33: text that is no UUID is a name, and nothing has it.
#[tokio::test]
async fn what_there_is_not_is_not_found_in_any_form() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for text in [
        "not-a-uuid",
        "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f",
        "local.default.fs.read.a7f3",
        "local.default.fs.read",
        "fs:read",
        "'; DROP TABLE users; --",
    ] {
        assert_not_found(resolve(db, &local, &reference(text)).await, text);
    }
}

#[tokio::test]
async fn a_hidden_entry_answers_like_an_unknown_one_in_any_form() {
    let test = database().await;
    let db = test.db();
    let owner = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "webapp").await;
    let made = seed(&owner, "fs:read").insert(db).await;
    for who in [&colleague, &Principal::Anonymous] {
        for text in [
            made.id.to_string().as_str(),
            &made.fqdn,
            "acme.webapp.fs.read",
            "fs:read",
            "read",
        ] {
            assert_not_found(resolve(db, who, &reference(text)).await, text);
        }
    }
}

#[tokio::test]
async fn a_full_name_with_another_hash_leads_nowhere() {
    let test = database().await;
    let db = test.db();
    seed(&Principal::Local, "fs:read").insert(db).await;
    let name = "local.default.fs.read.0bad";
    assert_not_found(resolve(db, &Principal::Local, &reference(name)).await, name);
}

#[tokio::test]
async fn names_that_older_systems_stored_are_found() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "My ns:do it:now").insert(db).await;
    for text in ["My ns:do it:now", &made.id.to_string()] {
        assert_eq!(found(db, &Principal::Local, text).await, made.id);
    }
}

#[tokio::test]
async fn nobody_finds_what_is_public_and_nothing_else() {
    let test = database().await;
    let db = test.db();
    let owner = user(db, "acme", "webapp").await;
    let open = seed(&owner, "fs:read")
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    seed(&owner, "fs:write")
        .visible_to(Visibility::Org)
        .insert(db)
        .await;
    let nobody = Principal::Anonymous;
    for text in ["fs:read", "read", "acme.webapp.fs.read"] {
        assert_eq!(found(db, &nobody, text).await, open.id);
    }
    assert_not_found(
        resolve(db, &nobody, &reference("fs:write")).await,
        "fs:write",
    );
}

#[tokio::test]
async fn only_who_may_change_an_entry_finds_it_for_a_change() {
    let test = database().await;
    let db = test.db();
    let owner = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "webapp").await;
    let made = seed(&owner, "fs:read")
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    let name = reference("fs:read");
    let changing = resolve_for_change(db, &owner, &name).await.unwrap();
    assert_eq!(changing.id, made.id);
    for who in [&colleague, &Principal::Anonymous] {
        assert!(resolve(db, who, &name).await.is_ok());
        assert_not_found(resolve_for_change(db, who, &name).await, "fs:read");
    }
    assert!(
        resolve_for_change(db, &Principal::Local, &made.reference())
            .await
            .is_ok()
    );
    sql(db, "UPDATE capability_records SET user_id = NULL").await;
    assert!(resolve_for_change(db, &colleague, &name).await.is_ok());
}

#[tokio::test]
async fn a_current_name_takes_one_statement_and_an_unknown_one_two() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let made = seed(&me, "ns0:a0").insert(db).await;
    let mut counts = Vec::new();
    for rows in [1, 50] {
        for number in counts.len()..rows {
            seed(&me, &format!("more{number}:b{number}"))
                .insert(db)
                .await;
        }
        let mut taken = Vec::new();
        for (text, wanted) in [
            (made.id.to_string(), 1),
            (made.fqdn.clone(), 1),
            ("acme.webapp.ns0.a0".to_owned(), 1),
            ("ns0:a0".to_owned(), 1),
            ("a0".to_owned(), 1),
            ("ns0:unknown".to_owned(), 2),
            ("unknown".to_owned(), 2),
            (Uuid::from_u128(7).to_string(), 2),
        ] {
            let before = db.statements().snapshot();
            let _ = resolve(db, &me, &reference(&text)).await;
            let statements = db.statements().since(&before).statements;
            assert_eq!(statements, wanted, "{text}");
            taken.push(statements);
        }
        counts.push(taken);
    }
    assert_eq!(counts[0], counts[1]);
}

//! Giving names to code.

use pml_entity::values::{PatternId, Routing, Visibility};
use pml_service::capabilities::{NewRecord, register, resolve};
use pml_service::{Db, Principal};
use pml_testkit::{TestDatabase, database};

use crate::fixture::{
    Code, Made, assert_not_found, number, reference, row_versions, seed, sql, stored_record, user,
};

/// Code of the caller without a name.
async fn code(db: &Db, owner: &Principal, tools: &[&str]) -> (PatternId, String) {
    let seed = seed(owner, "x:x").with(|code| {
        code.tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
    });
    let Some(Code::Own(pattern)) = seed.code else {
        unreachable!()
    };
    let (id, hash) = pattern.insert(db, owner.user_id()).await;
    (id, hash.short().into_string())
}

#[tokio::test]
async fn a_new_name_makes_an_entry_of_version_one() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let (pattern, hash) = code(db, &me, &[]).await;
    let mut new = NewRecord::new(pattern, "My-ns", "do_it");
    new.tags = vec![" a ".to_owned(), "a".to_owned()];
    new.visibility = Visibility::Org;
    let before = db.statements().snapshot();
    let made = register(db, &me, new).await.unwrap();
    assert_eq!(db.statements().since(&before).statements, 2);
    assert_eq!(made.fqdn(), format!("acme.webapp.My-ns.do_it.{hash}"));
    assert_eq!(made.pattern_id, Some(pattern));
    assert_eq!(
        resolve(db, &me, &reference("My-ns:do_it")).await.unwrap(),
        made
    );
    let stored = stored_record(db, &of(&made)).await;
    assert_eq!((stored.version, stored.updated_at), (1, None));
    assert_eq!(stored.tags, ["a"]);
    assert_eq!(stored.visibility, Visibility::Org);
    assert_eq!(stored.user_id, me.user_id());
    assert_eq!(stored.created_by, me.user_id().unwrap().to_string());
}

fn of(made: &pml_service::capabilities::Resolved) -> Made {
    Made {
        id: made.id,
        pattern_id: made.pattern_id,
        hash: made.hash.to_string(),
        fqdn: made.fqdn(),
    }
}

#[tokio::test]
async fn a_local_registration_belongs_to_nobody() {
    let test = database().await;
    let db = test.db();
    let (pattern, hash) = code(db, &Principal::Local, &[]).await;
    let made = register(db, &Principal::Local, NewRecord::new(pattern, "fs", "read"))
        .await
        .unwrap();
    assert_eq!(made.fqdn(), format!("local.default.fs.read.{hash}"));
    let stored = stored_record(db, &of(&made)).await;
    assert_eq!((stored.user_id, &*stored.created_by), (None, "local"));
    assert_eq!(stored.visibility, Visibility::Private);
}

/// RTE-2 at registration.
#[tokio::test]
async fn it_runs_where_its_tools_can_unless_told_otherwise() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for (number, (tools, asked, wanted)) in [
        (&[][..], None, Routing::Cloud),
        (&["fs:read"][..], None, Routing::Local),
        (&["fs:read"][..], Some(Routing::Cloud), Routing::Cloud),
    ]
    .into_iter()
    .enumerate()
    {
        let (pattern, _) = code(db, &local, tools).await;
        let mut new = NewRecord::new(pattern, "ns", format!("a{number}"));
        new.routing = asked;
        let made = register(db, &local, new).await.unwrap();
        assert_eq!(stored_record(db, &of(&made)).await.routing, wanted);
    }
}

/// D18.
#[tokio::test]
async fn registering_again_writes_only_what_differs() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let (pattern, _) = code(db, &local, &[]).await;
    let new = NewRecord::new(pattern, "fs", "read");
    let made = register(db, &local, new.clone()).await.unwrap();
    let before = row_versions(db).await;
    // Visibility and routing of an entry that stands are not a registration's business.
    let again = NewRecord {
        visibility: Visibility::Public,
        routing: Some(Routing::Local),
        ..new.clone()
    };
    assert_eq!(register(db, &local, again).await.unwrap(), made);
    assert_eq!(row_versions(db).await, before);
    let tagged = NewRecord {
        tags: vec!["a".to_owned()],
        ..new
    };
    assert_eq!(register(db, &local, tagged).await.unwrap(), made);
    let stored = stored_record(db, &of(&made)).await;
    assert_eq!((stored.version, &*stored.tags), (2, &["a".to_owned()][..]));
    assert!(stored.updated_at.is_some());
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_name_history").await,
        0
    );
}

#[tokio::test]
async fn other_code_under_a_name_is_a_new_version_and_its_old_full_name_leads_on() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let (first, _) = code(db, &local, &[]).await;
    let (second, hash) = code(db, &local, &[]).await;
    let made = register(db, &local, NewRecord::new(first, "fs", "read"))
        .await
        .unwrap();
    sql(
        db,
        "UPDATE capability_records SET signature = 'x', verified = true, visibility = 'org', version_tag = 'v1'",
    )
    .await;
    let now = register(db, &local, NewRecord::new(second, "fs", "read"))
        .await
        .unwrap();
    assert_eq!(now.id, made.id);
    assert_eq!(now.fqdn(), format!("local.default.fs.read.{hash}"));
    assert_eq!(now.visibility, Visibility::Org);
    let stored = stored_record(db, &of(&now)).await;
    assert_eq!(stored.version, 2);
    assert_eq!(stored.workflow_pattern_id, Some(second));
    assert_eq!((stored.signature, stored.verified), (None, false));
    let old = resolve(db, &local, &reference(&made.fqdn())).await.unwrap();
    assert_eq!(old.id, made.id);
    assert!(old.warning.unwrap().contains(&now.fqdn()));
}

/// AT-29.
#[tokio::test]
async fn bad_names_are_refused_before_the_database_is_asked() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let (pattern, _) = code(db, &local, &[]).await;
    let before = db.statements().snapshot();
    let long = "a".repeat(101);
    for bad in [
        "my namespace",
        "",
        "1a",
        "a.b",
        "a:b",
        "a/b",
        "é",
        "a\0",
        &long,
    ] {
        let refused = register(db, &local, NewRecord::new(pattern, bad, "read")).await;
        assert_eq!(refused.unwrap_err().code(), "invalid_namespace", "{bad:?}");
        let refused = register(db, &local, NewRecord::new(pattern, "fs", bad)).await;
        assert_eq!(refused.unwrap_err().code(), "invalid_action", "{bad:?}");
    }
    let mut new = NewRecord::new(pattern, "fs", "read");
    new.tags = vec![String::new()];
    assert_eq!(
        register(db, &local, new).await.unwrap_err().code(),
        "invalid_tag"
    );
    // D24: an organisation that can stand in no full name.
    let me = user(db, "9lives", "app").await;
    let before_user = db.statements().snapshot();
    let refused = register(db, &me, NewRecord::new(pattern, "fs", "read")).await;
    assert_eq!(refused.unwrap_err().code(), "invalid_fqdn");
    let refused = register(
        db,
        &Principal::Anonymous,
        NewRecord::new(pattern, "fs", "read"),
    )
    .await;
    assert_eq!(refused.unwrap_err().code(), "sign_in_required");
    assert_eq!(db.statements().since(&before_user).statements, 0);
    assert_eq!(
        db.statements().since(&before).statements,
        1,
        "the insert of the user"
    );
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_records").await,
        0
    );
}

#[tokio::test]
async fn only_ones_own_code_can_be_named() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "zeta", "app").await;
    let unknown = PatternId::generate();
    let (hers, _) = code(db, &alice, &[]).await;
    let ownerless = code(db, &Principal::Local, &[]).await.0;
    for pattern in [unknown, hers, ownerless] {
        let refused = register(db, &bob, NewRecord::new(pattern, "fs", "read")).await;
        assert_not_found(refused, &pattern.to_string());
    }
    let shown = seed(&alice, "fs:shown")
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    // To see it is not enough: under a name of his own he could show it to others.
    let seen = shown.pattern_id.unwrap();
    let refused = register(db, &bob, NewRecord::new(seen, "fs", "read")).await;
    assert_not_found(refused, &seen.to_string());
    let made = register(db, &alice, NewRecord::new(seen, "fs", "again"))
        .await
        .unwrap();
    assert_eq!((made.org.as_str(), made.user_id), ("acme", alice.user_id()));
    assert!(
        register(db, &Principal::Local, NewRecord::new(hers, "fs", "read"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_workflow_without_code_gets_no_name() {
    let test = database().await;
    let db = test.db();
    let (pattern, _) = code(db, &Principal::Local, &[]).await;
    sql(db, "UPDATE workflow_pattern SET code_hash = NULL").await;
    let refused = register(db, &Principal::Local, NewRecord::new(pattern, "fs", "read")).await;
    assert_eq!(refused.unwrap_err().code(), "no_code");
}

#[tokio::test]
async fn a_colleagues_name_is_taken() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "acme", "webapp").await;
    seed(&alice, "fs:read").insert(db).await;
    let (pattern, _) = code(db, &bob, &[]).await;
    let before = row_versions(db).await;
    let refused = register(db, &bob, NewRecord::new(pattern, "fs", "read")).await;
    assert_eq!(refused.unwrap_err().code(), "name_taken");
    assert_eq!(row_versions(db).await, before);
}

/// D18: two first runs at once.
#[tokio::test]
async fn registering_from_many_places_at_once_makes_one_entry_of_version_one() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let local = Principal::Local;
    let (pattern, _) = code(db, &local, &[]).await;
    let all = (0..20).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            register(
                &db,
                &Principal::Local,
                NewRecord::new(pattern, "fs", "read"),
            )
            .await
        })
    });
    let made = futures::future::join_all(all.collect::<Vec<_>>()).await;
    let made: Vec<_> = made
        .into_iter()
        .map(|made| made.unwrap().unwrap())
        .collect();
    assert!(made.iter().all(|one| *one == made[0]));
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_records").await,
        1
    );
    assert_eq!(stored_record(db, &of(&made[0])).await.version, 1);
}

#[tokio::test]
async fn different_code_from_many_places_counts_every_version() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let local = Principal::Local;
    let mut patterns = Vec::new();
    for _ in 0..12 {
        patterns.push(code(db, &local, &[]).await);
    }
    let all = patterns.iter().map(|(pattern, _)| {
        let (db, pattern) = (db.clone(), *pattern);
        tokio::spawn(async move {
            register(
                &db,
                &Principal::Local,
                NewRecord::new(pattern, "fs", "read"),
            )
            .await
        })
    });
    for made in futures::future::join_all(all.collect::<Vec<_>>()).await {
        made.unwrap().unwrap();
    }
    assert_eq!(
        number(db, "SELECT version::bigint FROM capability_records").await,
        12
    );
    // Every full name that ever stood still leads to it.
    for (_, hash) in &patterns {
        let name = format!("local.default.fs.read.{hash}");
        resolve(db, &local, &reference(&name)).await.unwrap();
    }
}

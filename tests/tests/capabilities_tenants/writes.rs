//! Writes.

use pml_entity::values::{
    CapabilityId, CodeHash, EdgeSource, EdgeType, PatternId, PermissionSet, Visibility,
};
use pml_service::capabilities::{
    self, CapabilityError, NewRecord, Outcome, Reference, Rename, SaveRequest, Verification,
    dependencies,
    permissions::{self, PermissionChange},
};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Error, Principal};

use super::world::{World, assert_unknown, named_target};

fn escalation() -> PermissionChange {
    PermissionChange {
        expected: None,
        to: PermissionSet::McpStandard,
        approved: true,
        approved_by: None,
        reason: None,
        operation: None,
    }
}

/// Whoever sees a capability of somebody else but may not change it learns no more than one who does not see it.
#[tokio::test]
async fn only_the_owner_changes_a_capability_and_the_others_are_told_that_there_is_none() {
    let world = World::new().await;
    let db = world.db();
    let owned = Reference::Id(world.targets[0].id);
    let before = world.rows().await;
    for caller in &world.callers[1..] {
        let who = &caller.who;
        for thing in &world.targets {
            let reference = Reference::Id(thing.id);
            let what = format!("{} / {}", caller.name, thing.visibility);
            let rename = Rename {
                action: Some("mine".to_owned()),
                ..Rename::default()
            };
            let done = capabilities::rename(db, &HashingEmbedder, who, &reference, rename).await;
            assert_unknown(done, &reference, &what);
            let opened = Rename {
                visibility: Some(Visibility::Public),
                ..Rename::default()
            };
            let done = capabilities::rename(db, &HashingEmbedder, who, &reference, opened).await;
            assert_unknown(done, &reference, &what);
            let done = capabilities::delete(db, who, &reference).await;
            assert_unknown(done, &reference, &what);
            let done = permissions::change(db, who, &reference, escalation()).await;
            assert_unknown(done, &reference, &what);
            let signed = Verification {
                // The first key of RFC 8032, section 7.1.
                public_key: Some("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned()),
                signature: Some("A".repeat(86) + "=="),
            };
            let done = capabilities::verify(db, who, &reference, signed).await;
            assert_unknown(done, &reference, &what);
            let kind = EdgeType::Sequence;
            let done =
                dependencies::add(db, who, &reference, &owned, kind, EdgeSource::Inferred).await;
            assert_unknown(done, &reference, &what);
            let done = dependencies::remove(db, who, &reference, &owned).await;
            assert_unknown(done, &reference, &what);
            let done = dependencies::observe(db, who, &reference, &owned, 1).await;
            assert_unknown(done, &reference, &what);
        }
    }
    assert_eq!(world.rows().await, before);
}

#[tokio::test]
async fn neither_end_of_a_merge_may_be_somebody_elses() {
    let world = World::new().await;
    let db = world.db();
    for caller in &world.callers[1..4] {
        let who = &caller.who;
        let mine = named_target(db, who, Visibility::Private, "mine".to_owned()).await;
        let mine = Reference::Id(mine.id);
        let before = world.rows().await;
        for thing in &world.targets {
            let theirs = Reference::Id(thing.id);
            let what = format!("{} / {}", caller.name, thing.visibility);
            let done = capabilities::merge(db, who, &theirs, &mine, None).await;
            assert_unknown(done, &theirs, &what);
            let done = capabilities::merge(db, who, &mine, &theirs, None).await;
            assert_unknown(done, &theirs, &what);
        }
        assert_eq!(world.rows().await, before, "{}", caller.name);
    }
}

#[tokio::test]
async fn the_owner_changes_capabilities_of_every_visibility() {
    let world = World::new().await;
    let db = world.db();
    let who = world.owner();
    for thing in &world.targets {
        let reference = Reference::Id(thing.id);
        let rename = Rename {
            action: Some(format!("{}New", thing.visibility)),
            ..Rename::default()
        };
        let renamed = capabilities::rename(db, &HashingEmbedder, who, &reference, rename)
            .await
            .unwrap();
        assert!(renamed.changed);
        permissions::change(db, who, &reference, escalation())
            .await
            .unwrap_or_else(|error| {
                // What the tools ask for may be that set already.
                assert_eq!(error.code(), "illegal_escalation");
                unreachable!("a tool of an unknown server is asked about, not escalated: {error}")
            });
    }
    let [a, b, ..] = &world.targets[..] else {
        unreachable!()
    };
    let (a, b) = (Reference::Id(a.id), Reference::Id(b.id));
    dependencies::add(db, who, &a, &b, EdgeType::Provides, EdgeSource::Template)
        .await
        .unwrap();
    assert!(dependencies::remove(db, who, &a, &b).await.unwrap());
    capabilities::merge(db, who, &a, &b, None).await.unwrap();
    capabilities::delete(db, who, &b).await.unwrap();
}

/// Using is not changing: whoever may see a capability may run it, and the run counts.
#[tokio::test]
async fn a_use_counts_for_whoever_sees_the_capability() {
    let world = World::new().await;
    let db = world.db();
    let outcome = || Outcome {
        success: true,
        duration_ms: 5.0,
    };
    for caller in &world.callers[1..4] {
        for (thing, sees) in world.targets.iter().zip(caller.sees) {
            let reference = Reference::Id(thing.id);
            let done = capabilities::record_use(db, &caller.who, &reference, outcome()).await;
            if sees {
                assert!(done.unwrap());
            } else {
                assert_unknown(done, &reference, caller.name);
            }
        }
    }
}

#[tokio::test]
async fn the_same_code_saved_by_somebody_else_is_their_own_capability() {
    let world = World::new().await;
    let db = world.db();
    let before = world.rows().await;
    for caller in &world.callers[1..4] {
        for thing in &world.targets {
            let code = format!("return '{}';", thing.visibility);
            let saved = capabilities::save(
                db,
                &HashingEmbedder,
                &caller.who,
                SaveRequest::new(code, "something else"),
            )
            .await
            .unwrap();
            assert!(saved.created, "{}", caller.name);
            assert_ne!(saved.pattern_id, thing.pattern_id);
            assert_eq!(saved.usage_count, 1);
        }
    }
    let after = world.rows().await;
    for row in before.lines() {
        assert!(after.contains(row), "changed: {row}");
    }
    // By hash a caller only reaches their own code.
    let unseen = CodeHash::of("nobody saved this");
    let used = Outcome {
        success: true,
        duration_ms: 1.0,
    };
    let done = capabilities::record_use_by_hash(db, world.owner(), &unseen, used).await;
    assert!(!done.unwrap());
}

/// A pattern that a caller cannot see cannot be given a name, and neither can one they see and do not own.
#[tokio::test]
async fn nobody_registers_the_code_of_somebody_else() {
    let world = World::new().await;
    let db = world.db();
    let before = world.rows().await;
    for caller in &world.callers[1..4] {
        for thing in &world.targets {
            let record = NewRecord {
                pattern_id: thing.pattern_id,
                namespace: "stolen".to_owned(),
                action: "goods".to_owned(),
                visibility: Visibility::Private,
                tags: Vec::new(),
                routing: None,
            };
            let done = capabilities::register(db, &caller.who, record).await;
            assert_eq!(
                done.unwrap_err().code(),
                "not_found",
                "{} / {}",
                caller.name,
                thing.visibility
            );
        }
    }
    assert_eq!(world.rows().await, before);
}

#[tokio::test]
async fn nobody_saves_without_signing_in() {
    let world = World::new().await;
    let before = world.rows().await;
    let done = capabilities::save(
        world.db(),
        &HashingEmbedder,
        &Principal::Anonymous,
        SaveRequest::new("return 1;", "one"),
    )
    .await;
    assert!(
        matches!(done, Err(Error::Capability(error)) if *error == CapabilityError::SignInRequired)
    );
    assert_eq!(world.rows().await, before);
}

/// AT-37, and the correction of D11: an ownerless capability belongs to its project, not to everyone.
#[tokio::test]
async fn an_ownerless_capability_is_changed_by_its_project_and_by_nobody_else() {
    let world = World::new().await;
    let db = world.db();
    for (number, caller) in world.callers.iter().enumerate() {
        let id = ownerless(&world, number).await;
        let reference = Reference::Id(id);
        let rename = Rename {
            tags: Some(vec!["taken".to_owned()]),
            ..Rename::default()
        };
        let done =
            capabilities::rename(db, &HashingEmbedder, &caller.who, &reference, rename).await;
        if matches!(&caller.who, Principal::User { org, project, .. } if org == "acme" && project == "web")
        {
            assert!(done.unwrap().changed, "{}", caller.name);
        } else {
            assert_unknown(done, &reference, caller.name);
        }
    }
}

/// A public entry of acme/web that nobody owns.
async fn ownerless(world: &World, number: usize) -> CapabilityId {
    use pml_entity::capabilities::capability_records;
    use pml_entity::values::ShortHash;
    use sea_orm::{ActiveModelTrait, ActiveValue::Set};
    capability_records::ActiveModel {
        org: Set("acme".to_owned()),
        project: Set("web".to_owned()),
        namespace: Set("old".to_owned()),
        action: Set(format!("thing{number}")),
        hash: Set(ShortHash::new("abcd").unwrap()),
        visibility: Set(Visibility::Public),
        ..Default::default()
    }
    .insert(world.db())
    .await
    .unwrap()
    .id
}

/// ID-5: an older system let entries of several tenants name one pattern.
#[tokio::test]
async fn a_name_for_somebody_elses_code_gives_no_right_to_its_edges() {
    let world = World::new().await;
    let db = world.db();
    let stranger = &world.callers[3].who;
    let mine = named_target(db, stranger, Visibility::Private, "mine".to_owned()).await;
    let (theirs, other) = (&world.targets[0], &world.targets[1]);
    let own = world.owner();
    let (from, to) = (Reference::Id(theirs.id), Reference::Id(other.id));
    dependencies::add(
        db,
        own,
        &from,
        &to,
        EdgeType::Dependency,
        EdgeSource::Observed,
    )
    .await
    .unwrap();
    let alias = alias(&world, stranger, theirs.pattern_id).await;
    let (alias, mine) = (Reference::Id(alias), Reference::Id(mine.id));
    let before = world.rows().await;
    let kind = EdgeType::Dependency;
    let added = dependencies::add(db, stranger, &alias, &mine, kind, EdgeSource::Inferred).await;
    assert_eq!(added.unwrap_err().code(), "refused");
    let removed = dependencies::remove(db, stranger, &alias, &mine).await;
    assert_eq!(removed.unwrap_err().code(), "refused");
    let observed = dependencies::observe(db, stranger, &alias, &mine, 1).await;
    assert_eq!(observed.unwrap_err().code(), "refused");
    assert_eq!(world.rows().await, before);
}

/// An entry of the caller's for a pattern that is not.
async fn alias(world: &World, who: &Principal, pattern: PatternId) -> CapabilityId {
    use pml_entity::capabilities::capability_records;
    use pml_entity::values::ShortHash;
    use sea_orm::{ActiveModelTrait, ActiveValue::Set};
    capability_records::ActiveModel {
        org: Set("other".to_owned()),
        project: Set("web".to_owned()),
        namespace: Set("old".to_owned()),
        action: Set("alias".to_owned()),
        hash: Set(ShortHash::new("abcd").unwrap()),
        user_id: Set(who.user_id()),
        workflow_pattern_id: Set(Some(pattern)),
        ..Default::default()
    }
    .insert(world.db())
    .await
    .unwrap()
    .id
}

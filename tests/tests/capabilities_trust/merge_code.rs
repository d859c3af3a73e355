//! MRG-4: whose code stands, and what moves with it.

use pml_entity::values::PermissionSet;
use pml_service::Principal;
use pml_service::capabilities::code::{pattern_hash, text_hash};
use pml_service::capabilities::{CodeSource, merge, resolve};
use pml_testkit::{TestDatabase, database};

use crate::fixture::{Capability, Stored, pattern, record, run, user};

async fn two(test: &TestDatabase) -> (Stored, Stored) {
    (
        Capability::new("fs:s")
            .code("source()")
            .insert(test.db())
            .await,
        Capability::new("fs:t")
            .code("target()")
            .insert(test.db())
            .await,
    )
}

async fn winner(
    test: &TestDatabase,
    source: &Stored,
    target: &Stored,
    prefer: Option<bool>,
) -> CodeSource {
    merge(
        test.db(),
        &Principal::Local,
        &source.reference(),
        &target.reference(),
        prefer,
    )
    .await
    .unwrap()
    .code_source
}

/// The recommendation of MRG-3: all of the code or nothing of it.
#[tokio::test]
async fn the_sources_code_brings_everything_that_belongs_to_it() {
    let test = database().await;
    let (source, target) = two(&test).await;
    let theirs = pattern(test.db(), source.pattern).await.unwrap();
    assert_eq!(
        winner(&test, &source, &target, Some(true)).await,
        CodeSource::Source
    );
    let stored = pattern(test.db(), target.pattern).await.unwrap();
    for field in [
        "code_snippet",
        "code_hash",
        "pattern_hash",
        "parameters_schema",
        "dag_structure",
    ] {
        assert_eq!(stored[field], theirs[field], "{field}");
    }
    assert_eq!(stored["description"], "target()");
}

/// Names carry the hash of the code, so they change with it; the old full name still leads here, and a signature was for the old code.
#[tokio::test]
async fn a_new_code_is_a_new_full_name_and_version_without_signature() {
    let test = database().await;
    let (source, target) = two(&test).await;
    let second = crate::fixture::entry(
        test.db(),
        &Principal::Local,
        "fs:t2",
        target.pattern,
        text_hash("target()").short().as_str(),
        "private",
    )
    .await;
    run(
        test.db(),
        "UPDATE capability_records SET verified = true, signature = 'x'",
        vec![],
    )
    .await;
    let old = resolve(test.db(), &Principal::Local, &target.reference())
        .await
        .unwrap()
        .fqdn();
    let answer = merge(
        test.db(),
        &Principal::Local,
        &source.reference(),
        &target.reference(),
        Some(true),
    )
    .await
    .unwrap();
    let short = text_hash("source()").short();
    assert_eq!(answer.target_fqdn, format!("local.default.fs.t.{short}"));
    for id in [target.id, second] {
        let stored = record(test.db(), id).await.unwrap();
        assert_eq!(stored["hash"], short.as_str());
        assert_eq!(stored["version"], 2);
        assert_eq!(stored["verified"], false);
        assert!(stored["signature"].is_null());
    }
    for name in [
        old.as_str(),
        &answer.target_fqdn,
        "local.default.fs.s",
        "fs:s",
    ] {
        let found = resolve(test.db(), &Principal::Local, &name.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found.id, target.id, "{name}");
        assert_eq!(found.fqdn(), answer.target_fqdn, "{name}");
    }
}

#[tokio::test]
async fn the_target_keeps_its_code_when_it_is_preferred() {
    let test = database().await;
    let (source, target) = two(&test).await;
    run(
        test.db(),
        "UPDATE capability_records SET updated_at = now() WHERE id = $1",
        vec![source.id.into()],
    )
    .await;
    assert_eq!(
        winner(&test, &source, &target, Some(false)).await,
        CodeSource::Target
    );
    assert_eq!(
        pattern(test.db(), target.pattern).await.unwrap()["code_snippet"],
        "target()"
    );
    assert_eq!(record(test.db(), target.id).await.unwrap()["version"], 1);
}

/// The time of an entry is that of its last change, else of its creation; a tie is the target's.
#[tokio::test]
async fn without_a_preference_the_entry_that_changed_later_wins() {
    for (source_time, target_time, expected) in [
        (
            "'2030-01-01Z', NULL",
            "'2029-01-01Z', NULL",
            CodeSource::Source,
        ),
        (
            "'2030-01-01Z', NULL",
            "'2030-01-01Z', NULL",
            CodeSource::Target,
        ),
        (
            "'2030-01-01Z', NULL",
            "'2020-01-01Z', '2031-01-01Z'",
            CodeSource::Target,
        ),
        (
            "'2010-01-01Z', '2032-01-01Z'",
            "'2020-01-01Z', '2031-01-01Z'",
            CodeSource::Source,
        ),
    ] {
        let test = database().await;
        let (source, target) = two(&test).await;
        for (id, times) in [(source.id, source_time), (target.id, target_time)] {
            let sql = format!(
                "UPDATE capability_records SET (created_at, updated_at) = ({times}) WHERE id = $1"
            );
            run(test.db(), &sql, vec![id.into()]).await;
        }
        assert_eq!(
            winner(&test, &source, &target, None).await,
            expected,
            "{source_time} / {target_time}"
        );
    }
}

#[tokio::test]
async fn a_source_without_code_never_wins_and_a_target_without_code_takes_it() {
    let test = database().await;
    let (source, target) = two(&test).await;
    run(
        test.db(),
        "UPDATE workflow_pattern SET code_snippet = NULL WHERE pattern_id = $1",
        vec![source.pattern.into()],
    )
    .await;
    assert_eq!(
        winner(&test, &source, &target, Some(true)).await,
        CodeSource::Target
    );
    assert_eq!(
        pattern(test.db(), target.pattern).await.unwrap()["code_snippet"],
        "target()"
    );

    let test = database().await;
    let (source, target) = two(&test).await;
    run(
        test.db(),
        "UPDATE capability_records SET created_at = '2001-01-01Z' WHERE id = $1",
        vec![source.id.into()],
    )
    .await;
    run(
        test.db(),
        "UPDATE workflow_pattern SET code_snippet = NULL WHERE pattern_id = $1",
        vec![target.pattern.into()],
    )
    .await;
    assert_eq!(
        winner(&test, &source, &target, None).await,
        CodeSource::Source
    );
}

/// A pattern's hash takes in its owner: the target's stays the owner.
#[tokio::test]
async fn the_hash_of_the_pattern_is_made_for_the_targets_owner() {
    let test = database().await;
    let alice = user(test.db(), "alice").await;
    let source = Capability::new("fs:s")
        .code("source()")
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .code("target()")
        .of(&alice)
        .insert(test.db())
        .await;
    assert_eq!(
        winner(&test, &source, &target, Some(true)).await,
        CodeSource::Source
    );
    let stored = pattern(test.db(), target.pattern).await.unwrap();
    let hash = text_hash("source()");
    assert_eq!(stored["code_hash"], hash.as_str());
    assert_eq!(
        stored["pattern_hash"],
        pattern_hash(&hash, alice.user_id().as_ref())
    );
    assert_eq!(stored["user_id"], alice.user_id().unwrap().to_string());
}

#[tokio::test]
async fn the_target_keeps_its_code_when_its_owner_has_the_sources_under_another_name() {
    let test = database().await;
    let alice = user(test.db(), "alice").await;
    let source = Capability::new("fs:s")
        .code("source()")
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .code("target()")
        .of(&alice)
        .insert(test.db())
        .await;
    Capability::new("fs:other")
        .code("source()")
        .of(&alice)
        .insert(test.db())
        .await;
    assert_eq!(
        winner(&test, &source, &target, Some(true)).await,
        CodeSource::Target
    );
    let stored = pattern(test.db(), target.pattern).await.unwrap();
    assert_eq!(stored["code_snippet"], "target()");
    assert_eq!(stored["usage_count"], 2);
}

/// What was approved was approved for that code: other code does not inherit it, in neither direction.
#[tokio::test]
async fn the_permission_set_belongs_to_the_code() {
    for (prefer, expected) in [(true, "minimal"), (false, "network-api")] {
        let test = database().await;
        let source = Capability::new("fs:s").insert(test.db()).await;
        let target = Capability::new("fs:t")
            .allowed(PermissionSet::NetworkApi, 1.0)
            .insert(test.db())
            .await;
        winner(&test, &source, &target, Some(prefer)).await;
        let stored = pattern(test.db(), target.pattern).await.unwrap();
        assert_eq!(stored["permission_set"], expected);
        assert_eq!(
            stored["permission_confidence"],
            if prefer { 0.95 } else { 1.0 }
        );
    }
}

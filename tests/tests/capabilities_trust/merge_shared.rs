//! MRG-7: one pattern under several names. Nobody loses their code by somebody else's merge.

use pml_service::capabilities::{CodeSource, Reference, merge, resolve};
use pml_service::{Error, Principal};
use pml_testkit::database;

use crate::fixture::{
    Capability, Stored, count, edge, edges_of, entry, everything, pattern, record, run, trace, user,
};

const HASH: &str = "0000";

/// D07: two names of one pattern used to lose their code together.
#[tokio::test]
async fn of_two_names_of_one_pattern_only_one_goes() {
    let test = database().await;
    let target = Capability::new("fs:t")
        .used(7, 5, 700)
        .insert(test.db())
        .await;
    let source = entry(
        test.db(),
        &Principal::Local,
        "fs:s",
        target.pattern,
        HASH,
        "private",
    )
    .await;
    let before = pattern(test.db(), target.pattern).await;
    let answer = merge(
        test.db(),
        &Principal::Local,
        &Reference::Id(source),
        &target.reference(),
        Some(true),
    )
    .await
    .unwrap();
    assert_eq!(answer.deleted_source_pattern_id, None);
    assert_eq!(answer.target_pattern_id, target.pattern);
    assert_eq!((answer.usage_count, answer.success_count), (7, 5));
    assert_eq!(answer.code_source, CodeSource::Target);
    assert_eq!(pattern(test.db(), target.pattern).await, before);
    assert_eq!(record(test.db(), source).await, None);
    let found = resolve(test.db(), &Principal::Local, &"fs:s".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(found.id, target.id);
}

/// AT-51.
#[tokio::test]
async fn code_that_another_entry_names_stays_as_it_is() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let source = Capability::new("fs:s")
        .of(&alice)
        .used(50, 40, 5_000)
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .of(&alice)
        .used(30, 30, 6_000)
        .insert(test.db())
        .await;
    let his = entry(test.db(), &bob, "fs:his", source.pattern, HASH, "private").await;
    edge(
        test.db(),
        source.pattern,
        target.pattern,
        "contains",
        "inferred",
        1,
    )
    .await;
    trace(test.db(), source.pattern).await;
    let (code, stands) = (
        pattern(test.db(), source.pattern).await,
        pattern(test.db(), target.pattern).await,
    );
    let answer = merge(
        test.db(),
        &alice,
        &source.reference(),
        &target.reference(),
        Some(true),
    )
    .await
    .unwrap();
    assert_eq!(answer.deleted_source_pattern_id, None);
    assert_eq!(answer.usage_count, 30);
    assert_eq!(answer.code_source, CodeSource::Target);
    assert_eq!(pattern(test.db(), source.pattern).await, code);
    assert_eq!(pattern(test.db(), target.pattern).await, stands);
    assert_eq!(edges_of(test.db(), source.pattern).await, 1);
    let runs = count(
        test.db(),
        "SELECT count(*) FROM execution_trace WHERE capability_id = $1",
        vec![source.pattern.into()],
    )
    .await;
    assert_eq!(runs, 1);
    assert_eq!(record(test.db(), source.id).await, None);
    assert_eq!(
        resolve(test.db(), &bob, &Reference::Id(his))
            .await
            .unwrap()
            .pattern_id,
        Some(source.pattern)
    );
    let old = resolve(test.db(), &alice, &"fs:s".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(old.id, target.id);
}

/// Anyone may give a name to code they can see. That must not be a way to change it.
#[tokio::test]
async fn a_name_for_somebody_elses_code_is_no_right_to_change_it() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let hers = Capability::new("fs:hers")
        .code("hers()")
        .of(&alice)
        .insert(test.db())
        .await;
    let his = Capability::new("fs:his")
        .code("his()")
        .of(&bob)
        .public()
        .insert(test.db())
        .await;
    let alias = entry(test.db(), &alice, "fs:alias", his.pattern, HASH, "private").await;
    let before = everything(test.db()).await;
    let error = merge(
        test.db(),
        &alice,
        &hers.reference(),
        &Reference::Id(alias),
        Some(true),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!(everything(test.db()).await, before);

    let before = pattern(test.db(), his.pattern).await;
    merge(
        test.db(),
        &alice,
        &Reference::Id(alias),
        &hers.reference(),
        None,
    )
    .await
    .unwrap();
    assert_eq!(pattern(test.db(), his.pattern).await, before);
    assert!(record(test.db(), his.id).await.is_some());
}

/// The same where the other's entry is gone and the alias is the last name.
#[tokio::test]
async fn the_last_name_of_somebody_elses_code_does_not_take_it_along() {
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
    let alias = entry(test.db(), &alice, "fs:alias", his.pattern, HASH, "private").await;
    run(
        test.db(),
        "DELETE FROM capability_records WHERE id = $1",
        vec![his.id.into()],
    )
    .await;
    merge(
        test.db(),
        &alice,
        &Reference::Id(alias),
        &hers.reference(),
        None,
    )
    .await
    .unwrap();
    assert!(pattern(test.db(), his.pattern).await.is_some());
}

/// Ownerless code that others name as well, as older systems stored it, is nobody's to overwrite.
#[tokio::test]
async fn ownerless_code_under_foreign_names_is_not_a_target() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    let hers = Capability::new("fs:hers")
        .of(&alice)
        .insert(test.db())
        .await;
    let Stored {
        id,
        pattern: shared,
    } = Capability::new("fs:shared")
        .of(&alice)
        .insert(test.db())
        .await;
    run(
        test.db(),
        "UPDATE workflow_pattern SET user_id = NULL WHERE pattern_id = $1",
        vec![shared.into()],
    )
    .await;
    entry(test.db(), &bob, "fs:his", shared, HASH, "private").await;
    let error = merge(
        test.db(),
        &alice,
        &hers.reference(),
        &Reference::Id(id),
        None,
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    merge(
        test.db(),
        &Principal::Local,
        &hers.reference(),
        &Reference::Id(id),
        None,
    )
    .await
    .unwrap();
}

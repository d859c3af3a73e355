//! Renames at the same moment. On a real server; the embedded one has a single connection.

use pml_entity::capabilities::capability_records;
use pml_service::capabilities::{Rename, delete, rename, resolve};
use pml_service::{Db, Error, Principal};
use pml_testkit::TestDatabase;
use sea_orm::EntityTrait;

use crate::fixture::{Made, Recorder, number, reference, seed, stored_pattern, vector_of};

fn to(action: &str) -> Rename {
    Rename {
        action: Some(action.to_owned()),
        ..Rename::default()
    }
}

fn start(db: &Db, made: &Made, change: Rename) -> tokio::task::JoinHandle<Result<String, Error>> {
    let (db, reference) = (db.clone(), made.reference());
    tokio::spawn(async move {
        let done = rename(&db, &Recorder::new(), &Principal::Local, &reference, change).await?;
        Ok(done.display_name)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_renamed_to_one_name_exactly_one_gets_it() {
    let test = TestDatabase::with_pool(6).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    for round in 0..15 {
        let first = seed(&Principal::Local, &format!("fs:a{round}"))
            .insert(db)
            .await;
        let second = seed(&Principal::Local, &format!("fs:b{round}"))
            .insert(db)
            .await;
        let name = format!("wanted{round}");
        let tasks = [start(db, &first, to(&name)), start(db, &second, to(&name))];
        let [a, b] = tasks;
        let done = [a.await.unwrap(), b.await.unwrap()];
        let won = done.iter().filter(|done| done.is_ok()).count();
        assert_eq!(won, 1, "{done:?}");
        let lost = done.into_iter().find_map(Result::err).unwrap();
        assert_eq!(lost.code(), "name_taken");
    }
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_name_history").await,
        15
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn renames_of_one_entry_come_one_after_the_other_and_each_is_in_the_history() {
    let test = TestDatabase::with_pool(10).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    let made = seed(&Principal::Local, "fs:start").insert(db).await;
    let tasks: Vec<_> = (0..10)
        .map(|number| start(db, &made, to(&format!("name{number}"))))
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_name_history").await,
        10
    );
    for name in ["fs:start".to_owned()]
        .into_iter()
        .chain((0..10).map(|number| format!("fs:name{number}")))
    {
        let found = resolve(db, &Principal::Local, &reference(&name))
            .await
            .unwrap();
        assert_eq!(found.id, made.id, "{name}");
    }
    let stored = capability_records::Entity::find()
        .one(db)
        .await
        .unwrap()
        .unwrap();
    let pattern = stored_pattern(db, &made).await;
    let words = format!("fs:{}: Does start", stored.action);
    assert_eq!(pattern.intent_embedding, vector_of(&words).await);
}

/// One changes the name, the other the description: both count, and the vector is of both, or marked.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_description_at_the_same_moment_are_both_kept() {
    let test = TestDatabase::with_pool(6).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    for round in 0..15 {
        let made = seed(&Principal::Local, &format!("fs:a{round}"))
            .insert(db)
            .await;
        let described = Rename {
            description: Some("New words".to_owned()),
            ..Rename::default()
        };
        let name = start(db, &made, to(&format!("b{round}")));
        let words = start(db, &made, described);
        name.await.unwrap().unwrap();
        words.await.unwrap().unwrap();
        let pattern = stored_pattern(db, &made).await;
        assert_eq!(pattern.description.as_deref(), Some("New words"));
        let vector = vector_of(&format!("fs:b{round}: New words")).await;
        assert!(pattern.embedding_stale || pattern.intent_embedding == vector);
    }
}

/// Each wants the other's name: one wins or both fail, but neither hangs, and no name is ever twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_entries_that_want_to_swap_names_do_not_lock_each_other_up() {
    let test = TestDatabase::with_pool(6).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    for round in 0..5 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let first = seed(&Principal::Local, &format!("fs:{a}")).insert(db).await;
        let second = seed(&Principal::Local, &format!("fs:{b}")).insert(db).await;
        let (one, two) = (start(db, &first, to(&b)), start(db, &second, to(&a)));
        for done in [one.await.unwrap(), two.await.unwrap()] {
            if let Err(error) = done {
                assert!(
                    error.code() == "name_taken" || error.is_retryable(),
                    "{error:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_beside_a_deletion_ends_in_one_of_two_ways() {
    let test = TestDatabase::with_pool(6).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    for round in 0..15 {
        let made = seed(&Principal::Local, &format!("fs:a{round}"))
            .insert(db)
            .await;
        let renaming = start(db, &made, to(&format!("b{round}")));
        let (db, reference) = (db.clone(), made.reference());
        let deleting =
            tokio::spawn(async move { delete(&db, &Principal::Local, &reference).await.unwrap() });
        let renamed = renaming.await.unwrap();
        assert!(deleting.await.unwrap().pattern_removed);
        if let Err(error) = renamed {
            assert_eq!(error.code(), "not_found");
        }
    }
    assert_eq!(
        number(db, "SELECT count(*) FROM capability_name_history").await,
        0
    );
}

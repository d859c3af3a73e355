//! What a rename does to the vector that searches go by.

use pml_service::capabilities::{Rename, rename};
use pml_service::{Error, Principal};
use pml_testkit::database;

use crate::fixture::{
    Recorder, first_vector, row_versions, seed, stored_pattern, stored_record, user, vector_of,
};
use crate::rename::{local, to};

/// REN-4 and SEARCH-9.
#[tokio::test]
async fn a_new_name_or_description_gets_a_new_vector() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let embedder = Recorder::new();
    let who = Principal::Local;
    let described = |text: &str| Rename {
        description: Some(text.to_owned()),
        ..Rename::default()
    };
    for (change, text) in [
        (to("load"), "fs:load: Does read"),
        (described("Loads JSON"), "fs:load: Loads JSON"),
        (described("  "), "fs:load"),
    ] {
        let done = rename(db, &embedder, &who, &made.reference(), change)
            .await
            .unwrap();
        assert!(done.changed && done.warnings.is_empty(), "{done:?}");
        assert_eq!(embedder.texts().last().unwrap(), text);
        let stored = stored_pattern(db, &made).await;
        assert_eq!(stored.intent_embedding, vector_of(text).await);
        assert_eq!(stored.embedding_model.as_deref(), Some("pml-hashing-v1"));
        assert!(!stored.embedding_stale);
    }
    assert_eq!(stored_pattern(db, &made).await.description, None);
    assert_eq!(embedder.texts().len(), 3);
}

#[tokio::test]
async fn without_a_vector_the_rename_stands_and_the_old_one_is_marked() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let broken = Recorder::broken();
    let done = rename(
        db,
        &broken,
        &Principal::Local,
        &made.reference(),
        to("load"),
    )
    .await
    .unwrap();
    assert!(done.changed);
    assert_eq!(done.warnings.len(), 1, "{:?}", done.warnings);
    assert!(done.warnings[0].contains("503"));
    let stored = stored_pattern(db, &made).await;
    assert!(stored.embedding_stale);
    assert_eq!(stored.intent_embedding, first_vector());
    assert_eq!(stored_record(db, &made).await.action, "load");
}

#[tokio::test]
async fn vectors_of_two_models_never_stand_side_by_side() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    seed(&Principal::Local, "fs:other").insert(db).await;
    let before = row_versions(db).await;
    for model in ["a-model", "z-model"] {
        let embedder = Recorder::of_model(model);
        let refused = rename(
            db,
            &embedder,
            &Principal::Local,
            &made.reference(),
            to("load"),
        )
        .await;
        match refused {
            Err(Error::MixedModels { stored, requested }) => {
                assert_eq!((&*stored, &*requested), ("pml-hashing-v1", model));
            }
            other => panic!("{other:?}"),
        }
        assert!(embedder.texts().is_empty());
        // What needs no vector needs no model.
        let change = Rename {
            tags: Some(Vec::new()),
            ..Rename::default()
        };
        rename(db, &embedder, &Principal::Local, &made.reference(), change)
            .await
            .unwrap();
    }
    assert_eq!(row_versions(db).await, before);
}

#[tokio::test]
async fn code_that_somebody_else_names_too_keeps_its_description_and_vector() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "zeta", "app").await;
    let made = seed(&alice, "fs:read").insert(db).await;
    seed(&bob, "fs:mine").named_beside(&made).insert(db).await;
    let embedder = Recorder::new();
    let change = Rename {
        description: Some("Mine alone".to_owned()),
        ..to("load")
    };
    let done = rename(db, &embedder, &alice, &made.reference(), change)
        .await
        .unwrap();
    assert!(done.changed);
    assert!(
        done.warnings[0].contains("somebody else"),
        "{:?}",
        done.warnings
    );
    let stored = stored_pattern(db, &made).await;
    assert_eq!(stored.description.as_deref(), Some("Does read"));
    assert_eq!(stored.intent_embedding, first_vector());
    assert!(!stored.embedding_stale && embedder.texts().is_empty());
    assert_eq!(stored_record(db, &made).await.action, "load");
}

#[tokio::test]
async fn a_second_name_of_the_same_owner_hinders_nothing() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    seed(&Principal::Local, "fs:again")
        .named_beside(&made)
        .insert(db)
        .await;
    let done = local(db, &made, to("load")).await.unwrap();
    assert!(done.warnings.is_empty());
    assert_eq!(
        stored_pattern(db, &made).await.intent_embedding,
        vector_of("fs:load: Does read").await
    );
}

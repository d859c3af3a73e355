//! Making vectors anew.

use std::sync::Mutex;

use pml_service::Principal;
use pml_service::capabilities::{Rename, reembed, rename};
use pml_testkit::database;

use crate::fixture::{
    Recorder, first_vector, number, row_versions, seed, sql, stored_pattern, user, vector_of,
};

#[tokio::test]
async fn what_a_broken_embedder_left_behind_is_caught_up() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:read").insert(db).await;
    let fresh = seed(&local, "fs:fresh").insert(db).await;
    let change = Rename {
        action: Some("load".to_owned()),
        ..Rename::default()
    };
    rename(db, &Recorder::broken(), &local, &made.reference(), change)
        .await
        .unwrap();
    let embedder = Recorder::new();
    assert_eq!(reembed(db, &embedder, &|_| {}, 100).await.unwrap(), 1);
    assert_eq!(embedder.texts(), ["fs:load: Does read"]);
    let stored = stored_pattern(db, &made).await;
    assert!(!stored.embedding_stale);
    assert_eq!(
        stored.intent_embedding,
        vector_of("fs:load: Does read").await
    );
    assert_eq!(
        stored_pattern(db, &fresh).await.intent_embedding,
        first_vector()
    );
    let before = row_versions(db).await;
    assert_eq!(reembed(db, &embedder, &|_| {}, 100).await.unwrap(), 0);
    assert_eq!(row_versions(db).await, before);
}

#[tokio::test]
async fn the_model_is_changed_in_batches() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    for number in 0..5 {
        seed(&alice, &format!("fs:a{number}")).insert(db).await;
    }
    seed(&Principal::Local, "fs:b")
        .with(|code| code.model = None)
        .insert(db)
        .await;
    let embedder = Recorder::of_model("another");
    let progress = Mutex::new(Vec::new());
    let told = |done| progress.lock().unwrap().push(done);
    let before = db.statements().snapshot();
    assert_eq!(reembed(db, &embedder, &told, 2).await.unwrap(), 5);
    assert_eq!(db.statements().since(&before).statements, 3 * 4 + 1);
    assert_eq!(*progress.lock().unwrap(), [2, 4, 5]);
    let of = |model: &str| {
        format!("SELECT count(*) FROM workflow_pattern WHERE embedding_model {model}")
    };
    assert_eq!(number(db, &of("= 'another'")).await, 5);
    assert_eq!(
        number(db, &of("IS NULL")).await,
        1,
        "a vector that a caller brought stays"
    );
}

#[tokio::test]
async fn a_run_that_breaks_off_is_continued_by_the_next() {
    let test = database().await;
    let db = test.db();
    for number in 0..3 {
        seed(&Principal::Local, &format!("fs:a{number}"))
            .with(|code| code.stale = true)
            .insert(db)
            .await;
    }
    let broken = Recorder::broken();
    let refused = reembed(db, &broken, &|_| {}, 1).await.unwrap_err();
    assert_eq!(refused.code(), "embedder_failed");
    assert_eq!(reembed(db, &Recorder::new(), &|_| {}, 0).await.unwrap(), 3);
}

#[tokio::test]
async fn the_text_is_that_of_the_owners_name_else_the_description_else_the_intent() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "zeta", "app").await;
    let mut early = seed(&bob, "his:name");
    let hers = seed(&alice, "her:name")
        .with(|code| code.stale = true)
        .insert(db)
        .await;
    early.created_at = crate::fixture::day(0) - chrono::Days::new(9);
    early.named_beside(&hers).insert(db).await;
    for (name, description) in [
        ("x:a", Some("Described")),
        ("x:b", None),
        ("x:c", Some(" ")),
    ] {
        seed(&alice, name)
            .with(|code| {
                code.description = description.map(str::to_owned);
                code.stale = true;
            })
            .insert(db)
            .await;
    }
    sql(
        db,
        "UPDATE workflow_pattern p SET dag_structure = dag_structure || '{\"intent_text\": \"Wanted\"}' \
         FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id AND r.action = 'b'; \
         DELETE FROM capability_records WHERE namespace = 'x'",
    )
    .await;
    let embedder = Recorder::new();
    assert_eq!(reembed(db, &embedder, &|_| {}, 100).await.unwrap(), 3);
    let mut texts = embedder.texts();
    texts.sort();
    assert_eq!(texts, ["Described", "Wanted", "her:name: Does name"]);
    // The one without any words waits for some.
    assert_eq!(
        number(
            db,
            "SELECT count(*) FROM workflow_pattern WHERE embedding_stale"
        )
        .await,
        1
    );
}

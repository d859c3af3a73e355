//! A save is all or nothing, counts a run once, and costs the same whatever it links.

use async_trait::async_trait;
use pml_entity::values::{Embedding, TraceId};
use pml_service::capabilities::{SaveRequest, save};
use pml_service::embedding::{Embedder, EmbedderError, HashingEmbedder};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;
use sea_orm::TransactionTrait;

use crate::given::{
    CountingEmbedder, calling, edge, execute, level, number, pattern, rows, run, run_with, save_as,
    saved,
};

fn traced(id: TraceId, request: SaveRequest) -> SaveRequest {
    SaveRequest {
        trace_id: Some(id),
        ..request
    }
}

/// D06.
#[tokio::test]
async fn a_failure_of_the_last_statement_leaves_nothing() {
    let test = database().await;
    let db = test.db();
    let child = saved(db, run_with("child()", &["fs:a"])).await;
    let parent = calling("parent", &[child.id]);
    let before = rows(db).await;
    execute(
        db,
        "CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''crash''; END'",
        [],
    )
    .await;
    execute(
        db,
        "CREATE TRIGGER crash BEFORE INSERT ON execution_trace FOR EACH ROW EXECUTE FUNCTION crash()",
        [],
    )
    .await;
    let crashed = save_as(db, &Principal::Local, run(&parent, "i")).await;
    assert_eq!(crashed.unwrap_err().code(), "internal");
    assert_eq!(rows(db).await, before);
    // Also where everything exists already.
    execute(db, "ALTER TABLE execution_trace DISABLE TRIGGER crash", []).await;
    let one = saved(db, run(&parent, "i")).await;
    let (before, row) = (rows(db).await, pattern(db, one.pattern_id).await);
    execute(db, "ALTER TABLE execution_trace ENABLE TRIGGER crash", []).await;
    save_as(db, &Principal::Local, run(&parent, "i"))
        .await
        .unwrap_err();
    assert_eq!(rows(db).await, before);
    assert_eq!(pattern(db, one.pattern_id).await, row);
    let link = edge(db, one.pattern_id, child.pattern_id).await.unwrap();
    assert_eq!(link.observed_count, 1);
}

#[tokio::test]
async fn a_run_that_is_saved_twice_counts_once() {
    let test = database().await;
    let db = test.db();
    let id = TraceId::generate();
    let embedder = CountingEmbedder::default();
    let request = || traced(id, run("x()", "i"));
    let first = save(db, &embedder, &Principal::Local, request())
        .await
        .unwrap();
    let before = (rows(db).await, pattern(db, first.pattern_id).await);
    let again = save(db, &embedder, &Principal::Local, request())
        .await
        .unwrap();
    assert!(again.replayed && !again.created);
    assert_eq!(
        (again.id, again.pattern_id, again.fqdn, again.usage_count),
        (first.id, first.pattern_id, first.fqdn, 1)
    );
    assert_eq!(
        (rows(db).await, pattern(db, first.pattern_id).await),
        before
    );
    assert_eq!(embedder.texts(), 1);
}

#[tokio::test]
async fn a_trace_id_of_another_run_is_a_conflict_and_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    let id = TraceId::generate();
    saved(db, traced(id, run("x()", "i"))).await;
    saved(db, run("known()", "i")).await;
    let before = (
        rows(db).await,
        number(db, "SELECT sum(usage_count)::bigint FROM workflow_pattern").await,
    );
    for code in ["new()", "known()"] {
        let refused = save_as(db, &Principal::Local, traced(id, run(code, "i"))).await;
        assert_eq!(refused.unwrap_err().code(), "conflict");
    }
    let after = (
        rows(db).await,
        number(db, "SELECT sum(usage_count)::bigint FROM workflow_pattern").await,
    );
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_run_that_went_otherwise_is_another_run_whatever_its_trace_id_says() {
    let test = database().await;
    let db = test.db();
    let id = TraceId::generate();
    let first = SaveRequest {
        duration_ms: 150.0,
        ..traced(id, run("x()", "i"))
    };
    let one = saved(db, first.clone()).await;
    let before = (rows(db).await, pattern(db, one.pattern_id).await);
    for other in [
        traced(
            id,
            SaveRequest {
                intent: "another".to_owned(),
                ..first.clone()
            },
        ),
        SaveRequest {
            success: false,
            ..first.clone()
        },
        SaveRequest {
            duration_ms: 150.5,
            ..first.clone()
        },
    ] {
        let start = db.statements().snapshot();
        let refused = save_as(db, &Principal::Local, other.clone()).await;
        let Err(Error::Conflict { constraint, .. }) = refused else {
            panic!("{other:?}: {refused:?}");
        };
        assert_eq!(constraint, "execution_trace_pkey");
        assert_eq!(db.statements().since(&start).statements, 1);
    }
    // The same in other words: blanks around the intent, parts of a millisecond.
    let same = SaveRequest {
        intent: " i ".to_owned(),
        duration_ms: 149.5,
        ..first
    };
    let start = db.statements().snapshot();
    assert!(saved(db, same).await.replayed);
    assert_eq!(db.statements().since(&start).statements, 2);
    let after = (rows(db).await, pattern(db, one.pattern_id).await);
    assert_eq!(after, before);
}

/// A run that was stored otherwise, as by an import, has no intent to compare.
#[tokio::test]
async fn a_run_that_was_not_saved_is_no_replay() {
    let test = database().await;
    let db = test.db();
    let one = saved(db, run("x()", "i")).await;
    for context in ["{}", "[]", "\"i\"", "{\"intent\": null}"] {
        execute(
            db,
            "UPDATE execution_trace SET initial_context = $1::jsonb",
            [context.into()],
        )
        .await;
        let again = traced(one.trace_id, run("x()", "i"));
        let refused = save_as(db, &Principal::Local, again).await;
        assert_eq!(refused.unwrap_err().code(), "conflict", "{context}");
    }
}

/// Eight statements at most: six, and BEGIN and COMMIT, which the handle does not count. That it is one transaction shows in the rows: all
/// of them were written by the same one.
#[tokio::test]
async fn a_save_takes_as_many_statements_with_twenty_children_as_with_one() {
    let test = database().await;
    let db = test.db();
    let mut children = Vec::new();
    for n in 0..20 {
        children.push(
            saved(db, run_with(&format!("child{n}()"), &["fs:a"]))
                .await
                .id,
        );
    }
    let mut counts = Vec::new();
    for number_of_children in [1, 20] {
        let code = calling(
            &number_of_children.to_string(),
            &children[..number_of_children],
        );
        for is_new in [true, false] {
            let start = db.statements().snapshot();
            let one = saved(db, run(&code, "i")).await;
            assert_eq!(one.created, is_new);
            assert_eq!(one.hierarchy_level, 2);
            counts.push(db.statements().since(&start).statements);
            let writers = format!(
                "SELECT count(DISTINCT writer) FROM ( \
                     SELECT xmin::text AS writer FROM workflow_pattern WHERE pattern_id = '{p}' \
                     UNION ALL SELECT xmin::text FROM capability_dependency WHERE from_capability_id = '{p}' \
                     UNION ALL SELECT xmin::text FROM execution_trace WHERE id = '{t}') AS written",
                p = one.pattern_id,
                t = one.trace_id
            );
            assert_eq!(number(db, &writers).await, 1);
        }
    }
    assert_eq!(counts, [6, 6, 6, 6]);
    let start = db.statements().snapshot();
    saved(db, run("no_children()", "i")).await;
    assert_eq!(db.statements().since(&start).statements, 4);
}

/// Saves something else of the same code while the vector is made, as another process might.
#[derive(Debug)]
struct Overtaking {
    db: Db,
    first: SaveRequest,
}

#[async_trait]
impl Embedder for Overtaking {
    fn model_id(&self) -> &str {
        HashingEmbedder.model_id()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        save(
            &self.db,
            &HashingEmbedder,
            &Principal::Local,
            self.first.clone(),
        )
        .await
        .unwrap();
        HashingEmbedder.embed(texts).await
    }
}

#[tokio::test]
async fn a_save_that_was_overtaken_counts_on_what_the_other_stored() {
    let test = database().await;
    let db = test.db();
    let embedder = Overtaking {
        db: db.clone(),
        first: run("x()", "theirs"),
    };
    let second = save(db, &embedder, &Principal::Local, run("x()", "ours"))
        .await
        .unwrap();
    assert!(!second.created);
    assert_eq!((second.usage_count, rows(db).await), (2, [1, 1, 0, 2]));
    let row = pattern(db, second.pattern_id).await;
    assert_eq!(row.description.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn a_save_that_was_overtaken_still_raises_the_level() {
    let test = database().await;
    let db = test.db();
    let embedder = Overtaking {
        db: db.clone(),
        first: run("x()", "without a tool"),
    };
    let second = save(db, &embedder, &Principal::Local, run_with("x()", &["fs:a"]))
        .await
        .unwrap();
    assert_eq!((second.usage_count, second.hierarchy_level), (2, 1));
    assert_eq!(level(db, &second).await, 1);
}

#[tokio::test]
async fn a_save_within_a_transaction_goes_with_it() {
    let test = database().await;
    let db = test.db();
    let child = saved(db, run_with("child()", &["fs:a"])).await;
    let before = rows(db).await;
    let id = TraceId::generate();
    let tx = db.begin().await.unwrap();
    let request = || traced(id, run(&calling("p", &[child.id]), "i"));
    let who = Principal::Local;
    let one = save(&tx, &HashingEmbedder, &who, request()).await.unwrap();
    assert_eq!(one.hierarchy_level, 2);
    // What is refused inside leaves the transaction of the caller usable.
    let other = save(&tx, &HashingEmbedder, &who, traced(id, run("other()", "i"))).await;
    assert_eq!(other.unwrap_err().code(), "conflict");
    assert!(
        save(&tx, &HashingEmbedder, &who, request())
            .await
            .unwrap()
            .replayed
    );
    tx.rollback().await.unwrap();
    assert_eq!(rows(db).await, before);
}

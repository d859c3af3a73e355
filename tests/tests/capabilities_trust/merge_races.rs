//! Merges beside each other, and beside runs. On the embedded server, which has one connection, nothing is beside anything.

use std::sync::Arc;

use futures::future::join_all;
use pml_entity::values::{EdgeSource, EdgeType};
use pml_service::capabilities::dependencies::add;
use pml_service::capabilities::{Outcome, SaveRequest, merge, record_use, save};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Db, Principal};
use pml_testkit::TestDatabase;
use tokio::sync::Barrier;

use crate::fixture::{Capability, Stored, count, edge};

/// Runs all at the same moment, each in a task of its own.
async fn at_once<T: Send + 'static>(
    tasks: Vec<impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(tasks.len()));
    let tasks = tasks.into_iter().map(|task| {
        let barrier = barrier.clone();
        tokio::spawn(async move {
            barrier.wait().await;
            task.await
        })
    });
    join_all(tasks.collect::<Vec<_>>())
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

async fn merged(db: Db, source: Stored, target: Stored) -> Result<(), String> {
    merge(
        &db,
        &Principal::Local,
        &source.reference(),
        &target.reference(),
        Some(false),
    )
    .await
    .map(|_| ())
    .map_err(|error| error.code().to_owned())
}

/// S into T and T into S: one comes first, and then the other has nothing to merge.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_merges_that_cross_one_happens() {
    let test = TestDatabase::with_pool(4).await;
    for round in 0..15 {
        let (s, t) = (format!("fs:s{round}"), format!("fs:t{round}"));
        let s = Capability::new(&s).insert(test.db()).await;
        let t = Capability::new(&t).insert(test.db()).await;
        let outcomes = at_once(vec![
            merged(test.db().clone(), s, t),
            merged(test.db().clone(), t, s),
        ])
        .await;
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{outcomes:?}"
        );
        // The later one finds one of them gone, or both names leading to one.
        assert!(outcomes.iter().any(lost), "{outcomes:?}");
    }
    assert_eq!(
        count(
            test.db(),
            "SELECT sum(usage_count)::bigint FROM workflow_pattern",
            vec![]
        )
        .await,
        30
    );
    assert_eq!(
        count(test.db(), "SELECT count(*) FROM capability_records", vec![]).await,
        15
    );
}

/// Whether a merge found that another was faster.
fn lost(outcome: &Result<(), String>) -> bool {
    matches!(outcome, Err(code) if code == "not_found" || code == "self_merge")
}

/// A ring of merges: whatever the order, nothing is counted twice and nothing hangs.
#[tokio::test(flavor = "multi_thread")]
async fn merges_in_a_ring_end_and_keep_every_count() {
    let test = TestDatabase::with_pool(8).await;
    let mut ring = Vec::new();
    for number in 0..6 {
        let name = format!("fs:r{number}");
        ring.push(
            Capability::new(&name)
                .used(10, 10, 0)
                .insert(test.db())
                .await,
        );
    }
    let tasks = (0..6).map(|at| merged(test.db().clone(), ring[at], ring[(at + 1) % 6]));
    for outcome in at_once(tasks.collect()).await {
        assert!(outcome.is_ok() || lost(&outcome), "{outcome:?}");
    }
    assert_eq!(
        count(
            test.db(),
            "SELECT sum(usage_count)::bigint FROM workflow_pattern",
            vec![]
        )
        .await,
        60
    );
}

/// D09: statistics used to be read before the transaction, so that what came in between was lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_use_during_a_merge_is_lost() {
    let test = TestDatabase::with_pool(24).await;
    let source = Capability::new("fs:s").insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    let mut tasks: Vec<futures::future::BoxFuture<'static, ()>> = Vec::new();
    for number in 0..40 {
        let db = test.db().clone();
        // By name: an old one leads on to the target.
        let name = if number % 2 == 0 { "fs:s" } else { "fs:t" };
        tasks.push(Box::pin(async move {
            let outcome = Outcome {
                success: true,
                duration_ms: 100.0,
            };
            // `false` says that the code went away between finding it and counting: not counted, so count again.
            while !record_use(&db, &Principal::Local, &name.parse().unwrap(), outcome)
                .await
                .unwrap()
            {}
        }));
    }
    let db = test.db().clone();
    tasks.push(Box::pin(async move {
        merged(db, source, target).await.unwrap();
    }));
    at_once(tasks).await;
    let sql = "SELECT usage_count FROM workflow_pattern WHERE pattern_id = $1 AND success_count = usage_count AND total_duration_ms = 100 * usage_count";
    assert_eq!(count(test.db(), sql, vec![target.pattern.into()]).await, 42);
}

/// The same with saves of both codes. A save that comes after the merge makes the source's code anew, or, where that code won, counts on the target.
#[tokio::test(flavor = "multi_thread")]
async fn no_save_during_a_merge_is_lost() {
    for prefer in [true, false] {
        let test = TestDatabase::with_pool(24).await;
        let source = Capability::new("fs:s")
            .code("source()")
            .tools(&[])
            .insert(test.db())
            .await;
        let target = Capability::new("fs:t")
            .code("target()")
            .tools(&[])
            .insert(test.db())
            .await;
        let mut tasks: Vec<futures::future::BoxFuture<'static, ()>> = Vec::new();
        for number in 0..40 {
            let db = test.db().clone();
            let code = if number % 2 == 0 {
                "source()"
            } else {
                "target()"
            };
            tasks.push(Box::pin(async move {
                let request = SaveRequest::new(code, "do something");
                save(&db, &HashingEmbedder, &Principal::Local, request)
                    .await
                    .unwrap();
            }));
        }
        let db = test.db().clone();
        tasks.push(Box::pin(async move {
            merge(
                &db,
                &Principal::Local,
                &source.reference(),
                &target.reference(),
                Some(prefer),
            )
            .await
            .unwrap();
        }));
        at_once(tasks).await;
        assert_eq!(
            count(
                test.db(),
                "SELECT sum(usage_count)::bigint FROM workflow_pattern",
                vec![]
            )
            .await,
            42,
            "{prefer}"
        );
        assert_eq!(
            count(
                test.db(),
                "SELECT count(*) FROM execution_trace WHERE capability_id IS NOT NULL",
                vec![]
            )
            .await,
            40,
            "{prefer}"
        );
        assert_eq!(
            count(
                test.db(),
                "SELECT count(*) FROM capability_records WHERE workflow_pattern_id IS NULL",
                vec![]
            )
            .await,
            0
        );
    }
}

/// The locks of edges and rows are taken in one order everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn edges_may_come_in_while_their_ends_are_merged() {
    for round in 0..5 {
        let test = TestDatabase::with_pool(24).await;
        let source = Capability::new("fs:s").insert(test.db()).await;
        let target = Capability::new("fs:t").insert(test.db()).await;
        let mut others = Vec::new();
        for number in 0..6 {
            let name = format!("fs:o{number}");
            others.push(Capability::new(&name).insert(test.db()).await);
        }
        edge(
            test.db(),
            source.pattern,
            target.pattern,
            "sequence",
            "inferred",
            1,
        )
        .await;
        let mut tasks: Vec<futures::future::BoxFuture<'static, Result<(), String>>> = Vec::new();
        for (number, other) in others.iter().enumerate() {
            for (from, to, kind) in [
                (*other, source, EdgeType::Sequence),
                (*other, target, EdgeType::Contains),
                (target, *other, EdgeType::Provides),
                (source, *other, EdgeType::Dependency),
            ] {
                let db = test.db().clone();
                let kind = if number % 2 == 0 {
                    kind
                } else {
                    EdgeType::Sequence
                };
                tasks.push(Box::pin(async move {
                    add(
                        &db,
                        &Principal::Local,
                        &from.reference(),
                        &to.reference(),
                        kind,
                        EdgeSource::Inferred,
                    )
                    .await
                    .map(|_| ())
                    .map_err(|error| error.code().to_owned())
                }));
            }
        }
        tasks.push(Box::pin(merged(test.db().clone(), source, target)));
        let outcomes = at_once(tasks).await;
        for outcome in &outcomes {
            assert!(
                outcome.is_ok() || *outcome == Err("not_found".to_owned()),
                "{round} {outcome:?}"
            );
        }
        assert!(outcomes.last().unwrap().is_ok());
        let dangling = "SELECT count(*) FROM capability_dependency WHERE $1 IN (from_capability_id, to_capability_id)";
        assert_eq!(
            count(test.db(), dangling, vec![source.pattern.into()]).await,
            0
        );
    }
}

//! Many writers at once. Only a real server has connections for them.

use std::collections::BTreeSet;

use futures::future::join_all;
use pml_entity::values::{CorrelationId, HookExecutionId};
use pml_service::traceability::{self, Completion, NewHook, NewTrace};
use pml_testkit::TestDatabase;

use super::{counts, number, prompt, quality_hook, started};

const WRITERS: usize = 40;

#[tokio::test]
async fn forty_hooks_at_once_get_the_places_one_to_forty() {
    let test = TestDatabase::with_pool(16).await;
    if test.is_embedded() {
        return;
    }
    let id = started(test.db()).await;
    let hooks = (0..WRITERS).map(|_| traceability::hook(test.db(), id, quality_hook()));
    let orders: BTreeSet<i32> = join_all(hooks)
        .await
        .into_iter()
        .map(|hook| hook.unwrap().execution_order)
        .collect();
    assert_eq!(orders, (1..=40).collect());
}

#[tokio::test]
async fn one_start_of_many_wins_and_the_others_see_it() {
    let test = TestDatabase::with_pool(16).await;
    if test.is_embedded() {
        return;
    }
    let new = NewTrace {
        correlation_id: Some(CorrelationId::generate()),
        ..prompt()
    };
    let starts = (0..WRITERS).map(|_| traceability::start(test.db(), new.clone()));
    let started = join_all(starts).await;
    let created = started
        .into_iter()
        .filter(|started| started.as_ref().unwrap().created)
        .count();
    assert_eq!((created, counts(test.db()).await.0), (1, 1));
}

#[tokio::test]
async fn one_completion_of_many_changes_the_execution() {
    let test = TestDatabase::with_pool(16).await;
    if test.is_embedded() {
        return;
    }
    let id = started(test.db()).await;
    let all = (0..WRITERS).map(|_| traceability::complete(test.db(), id, Completion::succeeded()));
    let changed = join_all(all)
        .await
        .into_iter()
        .filter(|done| done.as_ref().unwrap().changed)
        .count();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn retries_of_one_hook_at_once_write_it_once() {
    let test = TestDatabase::with_pool(16).await;
    if test.is_embedded() {
        return;
    }
    let id = started(test.db()).await;
    let new = NewHook {
        id: Some(HookExecutionId::generate()),
        ..quality_hook()
    };
    let hooks = (0..WRITERS).map(|_| traceability::hook(test.db(), id, new.clone()));
    for hook in join_all(hooks).await {
        assert_eq!(hook.unwrap().execution_order, 1);
    }
    let hooks = "SELECT count(*) FROM hook_executions";
    assert_eq!(number(test.db(), hooks).await, 1);
}

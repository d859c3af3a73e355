//! Two kinds of edges never form a circle, however many add them at once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::join_all;
use pml_entity::capabilities::capability_dependency;
use pml_entity::values::{EdgeSource, EdgeType, PatternId};
use pml_service::capabilities::dependencies::add;
use pml_service::{Db, Principal};
use pml_testkit::TestDatabase;
use sea_orm::EntityTrait;

use crate::given::{by_id, edge, run, saved};

/// Takes away what nothing leads to, until nothing is left, or a circle.
pub async fn assert_acyclic(db: &Db, edge_type: EdgeType) {
    let rows = capability_dependency::Entity::find()
        .all(db.conn())
        .await
        .unwrap();
    let mut edges: HashMap<PatternId, HashSet<PatternId>> = HashMap::new();
    for row in rows.into_iter().filter(|row| row.edge_type == edge_type) {
        edges
            .entry(row.from_capability_id)
            .or_default()
            .insert(row.to_capability_id);
    }
    loop {
        let targets: HashSet<PatternId> = edges.values().flatten().copied().collect();
        let before = edges.len();
        edges.retain(|from, _| targets.contains(from));
        if edges.len() == before {
            break;
        }
    }
    assert!(edges.is_empty(), "a circle of {edge_type}: {edges:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_opposite_edges_added_at_once_exactly_one_stands() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    for edge_type in [EdgeType::Contains, EdgeType::Dependency] {
        for round in 0..10 {
            let a = saved(db, run(&format!("a_{edge_type}_{round}()"), "i")).await;
            let b = saved(db, run(&format!("b_{edge_type}_{round}()"), "i")).await;
            let tasks = (0..8).map(|task| {
                let db = db.clone();
                let (from, to) = if task % 2 == 0 { (&a, &b) } else { (&b, &a) };
                let (from, to) = (by_id(from), by_id(to));
                tokio::spawn(async move {
                    let who = Principal::Local;
                    add(&db, &who, &from, &to, edge_type, EdgeSource::Inferred)
                        .await
                        .map_err(|error| error.code())
                })
            });
            let results = join_all(tasks).await.into_iter().map(Result::unwrap);
            let refused = results.filter(|result| match result {
                Ok(_) => false,
                Err(code) => *code == "dependency_cycle",
            });
            assert_eq!(refused.count(), 4);
            let forth = edge(db, a.pattern_id, b.pattern_id).await;
            let back = edge(db, b.pattern_id, a.pattern_id).await;
            assert!(forth.is_some() != back.is_some());
            assert_eq!(forth.or(back).unwrap().observed_count, 4);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_edges_of_eight_writers_leave_no_circle() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let mut nodes = Vec::new();
    for n in 0..12 {
        nodes.push(by_id(&saved(db, run(&format!("n{n}()"), "i")).await));
    }
    let writers = (0..8_u64).map(|writer| {
        let (db, nodes) = (db.clone(), nodes.clone());
        tokio::spawn(async move {
            // A generator of Lehmer's kind: the same edges in every run.
            let mut state = writer * 7_919 + 12_345;
            let mut next = |below: usize| {
                state = state * 48_271 % 2_147_483_647;
                usize::try_from(state).unwrap() % below
            };
            let mut refused = 0;
            for _ in 0..40 {
                let (from, to) = (next(12), next(12));
                let edge_type = [EdgeType::Contains, EdgeType::Dependency][next(2)];
                let who = Principal::Local;
                let added = add(
                    &db,
                    &who,
                    &nodes[from],
                    &nodes[to],
                    edge_type,
                    EdgeSource::Inferred,
                );
                match added.await {
                    Ok(_) => {}
                    Err(error) if from == to => assert_eq!(error.code(), "self_dependency"),
                    Err(error) => {
                        assert_eq!(error.code(), "dependency_cycle");
                        refused += 1;
                    }
                }
            }
            refused
        })
    });
    let refused = tokio::time::timeout(Duration::from_mins(1), join_all(writers))
        .await
        .expect("the writers wait for each other");
    let refused: i32 = refused.into_iter().map(Result::unwrap).sum();
    assert!(refused > 0);
    assert_acyclic(db, EdgeType::Contains).await;
    assert_acyclic(db, EdgeType::Dependency).await;
}

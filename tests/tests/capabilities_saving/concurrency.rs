//! Many savers at once. On the embedded server, which has one connection, they take turns.

use std::time::Duration;

use futures::future::join_all;
use pml_entity::values::{CapabilityId, EdgeSource, EdgeType, TraceId};
use pml_service::capabilities::dependencies::observe;
use pml_service::capabilities::{Outcome, SaveRequest, Saved, code, record_use_by_hash};
use pml_service::{Db, Error, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::cycles::assert_acyclic;
use crate::given::{
    by_id, calling, edge, level, near, number, pattern, record, rows, run, run_with, save_as,
    saved, saved_calling, user,
};

/// Each on a task of its own, all started together.
async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

fn saving(
    db: &Db,
    request: SaveRequest,
) -> impl Future<Output = Result<Saved, Error>> + Send + 'static {
    let db = db.clone();
    async move { save_as(&db, &Principal::Local, request).await }
}

/// AT-05.
#[tokio::test(flavor = "multi_thread")]
async fn forty_saves_at_once_count_forty() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let results = at_once((0..40).map(|_| {
        let request = SaveRequest {
            duration_ms: 100.0,
            ..run_with("x()", &["fs:a"])
        };
        saving(db, request)
    }))
    .await;
    let saves: Vec<Saved> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(saves.iter().filter(|save| save.created).count(), 1);
    assert!(saves.iter().all(|save| save.id == saves[0].id));
    let mut counts: Vec<i64> = saves.iter().map(|save| save.usage_count).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=40).collect::<Vec<i64>>());
    let row = pattern(db, saves[0].pattern_id).await;
    assert_eq!(
        (row.usage_count, row.success_count, row.avg_duration_ms),
        (40, 40, 100)
    );
    near(row.success_rate, 1.0);
    assert_eq!(rows(db).await, [1, 1, 0, 40]);
}

/// D18. Again and again, because two indexes may each find the second save a duplicate, and only now and then the wrong one does.
#[tokio::test(flavor = "multi_thread")]
async fn first_saves_at_once_make_one_pattern_one_entry_and_version_one() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    for round in 0..30 {
        let code = format!("round{round}()");
        let saves = at_once((0..4).map(|_| saving(db, run(&code, "i")))).await;
        let saves: Vec<Saved> = saves.into_iter().map(Result::unwrap).collect();
        assert_eq!(saves.iter().filter(|save| save.created).count(), 1);
        assert!(saves.iter().all(|save| save.id == saves[0].id));
        assert_eq!(record(db, saves[0].id).await.version, 1);
        assert_eq!(pattern(db, saves[0].pattern_id).await.usage_count, 4);
    }
    assert_eq!(rows(db).await, [30, 30, 0, 120]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_one_project_who_save_the_same_code_at_once_get_a_name_each() {
    let test = TestDatabase::with_pool(8).await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "acme", "web").await;
    for round in 0..15 {
        let saves = at_once([&alice, &bob].map(|who| {
            let (db, who, request) = (db.clone(), who.clone(), run(&format!("r{round}()"), "i"));
            async move { save_as(&db, &who, request).await.unwrap() }
        }))
        .await;
        assert_ne!(saves[0].display_name, saves[1].display_name);
        assert_ne!(saves[0].pattern_id, saves[1].pattern_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_that_ten_tasks_save_at_once_counts_once() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    for (round, known) in [(0, false), (1, true)] {
        let code = format!("round{round}()");
        if known {
            saved(db, run(&code, "i")).await;
        }
        let before = number(db, "SELECT count(*) FROM execution_trace").await;
        let id = TraceId::generate();
        let results = at_once((0..10).map(|_| {
            let request = SaveRequest {
                trace_id: Some(id),
                ..run(&code, "i")
            };
            saving(db, request)
        }))
        .await;
        let saves: Vec<Saved> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(saves.iter().filter(|save| !save.replayed).count(), 1);
        let expected = if known { 2 } else { 1 };
        assert_eq!(pattern(db, saves[0].pattern_id).await.usage_count, expected);
        assert_eq!(
            number(db, "SELECT count(*) FROM execution_trace").await,
            before + 1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_use_and_no_observation_is_lost() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let child = saved(db, run("child()", "i")).await;
    let parent = saved_calling(db, "parent", &[child.id]).await;
    let hash = code::code_hash("child()", None);
    at_once((0..40).map(|n| {
        let (db, hash) = (db.clone(), hash.clone());
        let (from, to) = (by_id(&parent), by_id(&child));
        async move {
            let outcome = Outcome {
                success: n % 4 != 0,
                duration_ms: 10.0,
            };
            assert!(
                record_use_by_hash(&db, &Principal::Local, &hash, outcome)
                    .await
                    .unwrap()
            );
            observe(&db, &Principal::Local, &from, &to, 1)
                .await
                .unwrap()
                .unwrap();
        }
    }))
    .await;
    let row = pattern(db, child.pattern_id).await;
    assert_eq!(
        (row.usage_count, row.success_count, row.total_duration_ms),
        (41, 31, 400)
    );
    near(row.success_rate, 31.0 / 41.0);
    let link = edge(db, parent.pattern_id, child.pattern_id).await.unwrap();
    assert_eq!(
        (link.observed_count, link.edge_source),
        (41, EdgeSource::Observed)
    );
    assert_eq!(link.edge_type, EdgeType::Contains);
}

/// Parents, children and circles of them, all written at once over and over: nothing waits for itself, and no circle is stored.
#[tokio::test(flavor = "multi_thread")]
async fn saves_of_parents_and_children_do_not_wait_for_each_other_for_ever() {
    let test = TestDatabase::with_pool(10).await;
    let db = test.db();
    let mut ids: Vec<CapabilityId> = Vec::new();
    for n in 0..6 {
        ids.push(saved(db, run(&format!("c{n}()"), "i")).await.id);
    }
    let work = at_once((0..8_usize).map(|task| {
        let (db, ids) = (db.clone(), ids.clone());
        async move {
            for round in 0..12 {
                let own = (task * 5 + round * 7) % ids.len();
                let children = [
                    ids[(own + round + 1) % ids.len()],
                    ids[(own + task) % ids.len()],
                ];
                let tools: Vec<String> = children
                    .iter()
                    .filter(|_| round % 3 != 0)
                    .map(|id| format!("$cap:{id}"))
                    .chain(["fs:a".to_owned()].into_iter().filter(|_| round % 2 == 0))
                    .collect();
                let request = SaveRequest {
                    tools_used: tools,
                    ..run(&format!("c{own}()"), "i")
                };
                save_as(&db, &Principal::Local, request).await.unwrap();
            }
        }
    }));
    tokio::time::timeout(Duration::from_mins(1), work)
        .await
        .expect("the saves wait for each other");
    assert_eq!(
        number(db, "SELECT sum(usage_count)::bigint FROM workflow_pattern").await,
        6 + 8 * 12
    );
    assert_acyclic(db, EdgeType::Contains).await;
    let too_low = "SELECT count(*) FROM capability_dependency d JOIN workflow_pattern p ON p.pattern_id = d.from_capability_id \
                   JOIN workflow_pattern c ON c.pattern_id = d.to_capability_id WHERE p.hierarchy_level <= c.hierarchy_level";
    assert_eq!(number(db, too_low).await, 0);
}

/// A chain of five is saved over and over while its bottom gains a tool: whoever comes first, in the end each stands one above the next.
#[tokio::test(flavor = "multi_thread")]
async fn levels_are_right_whoever_comes_first() {
    let test = TestDatabase::with_pool(8).await;
    let db = test.db();
    for round in 0..10 {
        let bottom = saved(db, run(&format!("bottom{round}()"), "i")).await;
        let middle_code = calling(&format!("middle{round}"), &[bottom.id]);
        let middle = saved(db, run(&middle_code, "i")).await;
        let top_code = calling(&format!("top{round}"), &[middle.id]);
        at_once([
            saving(db, run(&top_code, "i")),
            saving(db, run_with(&format!("bottom{round}()"), &["fs:a"])),
            saving(db, run(&middle_code, "i")),
        ])
        .await;
        let top = saved(db, run(&top_code, "i")).await;
        let levels = [
            level(db, &bottom).await,
            level(db, &middle).await,
            level(db, &top).await,
        ];
        assert_eq!(levels, [1, 2, 3], "round {round}");
    }
}

/// The pattern is deleted between the look and the update: the save starts anew, and stores it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_is_deleted_meanwhile_is_stored_again() {
    let test = TestDatabase::with_pool(8).await;
    if test.is_embedded() {
        return;
    }
    let db = test.db();
    let first = saved(db, run("x()", "i")).await;
    let tx = db.begin().await.unwrap();
    tx.execute_raw(Statement::from_string(
        DbBackend::Postgres,
        "DELETE FROM capability_records; ",
    ))
    .await
    .unwrap();
    tx.execute_raw(Statement::from_string(
        DbBackend::Postgres,
        "DELETE FROM workflow_pattern",
    ))
    .await
    .unwrap();
    let save = tokio::spawn(saving(db, run("x()", "i")));
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                   OR NOT granted AND locktype = 'transactionid'";
    while number(db, waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tx.commit().await.unwrap();
    let again = save.await.unwrap().unwrap();
    assert!(again.created);
    assert_ne!(again.pattern_id, first.pattern_id);
    assert_eq!(
        (again.usage_count, rows(db).await[..2].to_vec()),
        (1, vec![1, 1])
    );
}

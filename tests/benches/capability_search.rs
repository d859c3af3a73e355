//! Search, vectors and names among 100,000 capabilities, through the service beside the same statements through sqlx.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench capability_search`. Prints recall, statements and the ratios of the medians, measured in
//! turns; then criterion's own view.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "capabilities/mod.rs"]
mod data;

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use data::{Clusters, median};
use pgvector::Vector;
use pml_entity::values::{CapabilityId, Embedding, UserId};
use pml_service::capabilities::{
    Reference, SearchRequest, embeddings_of, reliability, resolve, search,
};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Db, Principal, Settings};
use pml_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::runtime::Runtime;
use uuid::Uuid;

const CAPABILITIES: usize = 100_000;
const K: usize = 10;
const CANDIDATES: usize = 4 * K;
const QUERIES: u64 = 200;
const IDS: usize = 1_000;
const ROUNDS: usize = 5;

fn request(query: &Embedding) -> SearchRequest {
    SearchRequest {
        limit: Some(i64::try_from(K).unwrap()),
        ..SearchRequest::embedding(query.clone())
    }
}

async fn service(db: &Db, who: &Principal, query: &Embedding) -> Vec<Uuid> {
    let answer = search(db, &HashingEmbedder, who, &request(query))
        .await
        .unwrap();
    answer
        .results
        .into_iter()
        .map(|hit| hit.pattern_id.as_uuid())
        .collect()
}

/// The statement of the service, sent and read by hand.
async fn raw(pool: &PgPool, sql: &str, query: &Embedding) -> usize {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .bind(Vector::from(query.as_slice().to_vec()))
        .bind(i64::try_from(CANDIDATES).unwrap())
        .bind(i64::try_from(K).unwrap())
        .fetch_all(pool)
        .await
        .unwrap();
    rows.iter()
        .filter(|row| {
            !row.get::<Uuid, _>("id").is_nil()
                && !row.get::<Uuid, _>("pattern_id").is_nil()
                && !row.get::<String, _>("fqdn").is_empty()
                && !row.get::<String, _>("display_name").is_empty()
                && row.get::<Option<String>, _>("description").is_some()
                && row.get::<f64, _>("score") > -2.0
                && row.get::<f64, _>("semantic") > -2.0
                && row.get::<f64, _>("reliability") > -2.0
                && row.get::<f64, _>("success_rate") > -2.0
                && row.get::<i64, _>("usage_count") > 0
                && !row.get::<Vec<String>, _>("tools").is_empty()
                && row
                    .get::<Option<serde_json::Value>, _>("parameters_schema")
                    .is_some()
        })
        .count()
}

/// The rule, applied to every vector: the best scored of the nearest candidates.
fn exact(vectors: &[Embedding], query: &Embedding, kept: impl Fn(usize) -> bool) -> HashSet<Uuid> {
    let mut near: Vec<(f64, usize)> = vectors
        .iter()
        .enumerate()
        .filter(|(number, _)| kept(*number))
        .map(|(number, vector)| (dot(vector, query), number))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(CANDIDATES);
    let mut scored: Vec<(f64, f64, usize)> = near
        .into_iter()
        .map(|(semantic, number)| {
            let (uses, wins) = data::record(number);
            let score = reliability::score(semantic, reliability::base(wins, uses));
            (score, semantic, number)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    scored
        .into_iter()
        .take(K)
        .map(|(_, _, number)| data::pattern_id(number))
        .collect()
}

fn dot(left: &Embedding, right: &Embedding) -> f64 {
    let products = left.as_slice().chunks(16).zip(right.as_slice().chunks(16));
    products
        .map(|(left, right)| left.iter().zip(right).map(|(a, b)| a * b).sum::<f32>())
        .map(f64::from)
        .sum()
}

/// The statements that a call sends, as text.
async fn statements_of(database: &TestDatabase, work: impl AsyncFn(&Db)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook: pml_service::StatementHook = {
        let seen = seen.clone();
        Arc::new(move |statement| seen.lock().unwrap().push(statement.sql.to_owned()))
    };
    let settings = Settings {
        database_url: Some(database.url().into()),
        ..Settings::default()
    };
    let db = Db::connect_with(&settings, Some(hook)).await.unwrap();
    work(&db).await;
    db.close().await.unwrap();
    std::mem::take(&mut *seen.lock().unwrap())
}

/// Runs both in turns, the one and the other first, and gives the medians. The first round warms the caches.
async fn in_turns(
    count: usize,
    ours: impl AsyncFn(usize),
    theirs: impl AsyncFn(usize),
) -> (Duration, Duration) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for number in 0..count {
            let service_first = (round + number) % 2 == 0;
            for turn in [service_first, !service_first] {
                let started = Instant::now();
                if turn {
                    ours(number).await;
                } else {
                    theirs(number).await;
                }
                let taken = started.elapsed();
                if round > 0 {
                    if turn {
                        &mut our_times
                    } else {
                        &mut their_times
                    }
                    .push(taken);
                }
            }
        }
    }
    (median(our_times), median(their_times))
}

fn show(what: &str, (ours, theirs): (Duration, Duration)) {
    println!(
        "p50 {what}: service {ours:?}, sqlx {theirs:?}, ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

#[allow(clippy::cast_precision_loss)]
async fn recall(
    db: &Db,
    who: &Principal,
    vectors: &[Embedding],
    queries: &[Embedding],
    kept: impl Fn(usize) -> bool,
) -> f64 {
    let mut found = 0;
    for query in queries {
        let hits = service(db, who, query).await;
        assert_eq!(hits.len(), K);
        found += exact(vectors, query, &kept)
            .intersection(&hits.into_iter().collect())
            .count();
    }
    found as f64 / (queries.len() * K) as f64
}

async fn report(
    database: &TestDatabase,
    alice: &Principal,
    vectors: &[Embedding],
    queries: &[Embedding],
) -> String {
    let (db, pool) = (database.db(), database.db().get_postgres_connection_pool());
    let everything = recall(db, &Principal::Local, vectors, queries, |_| true).await;
    println!("recall@10 among 100,000: {everything:.4}");
    let part = recall(db, alice, vectors, queries, data::mine).await;
    println!("recall@10 in a scope of 1 %: {part:.4}");

    let sql = statements_of(database, async |db| {
        black_box(service(db, &Principal::Local, &queries[0]).await);
    })
    .await;
    println!("statements of one search: {}", sql.len());
    let sql = sql.into_iter().next().unwrap();
    let times = in_turns(
        queries.len(),
        async |number| {
            black_box(service(db, &Principal::Local, &queries[number]).await);
        },
        async |number| {
            black_box(raw(pool, &sql, &queries[number]).await);
        },
    )
    .await;
    show("search among 100,000", times);

    let mut scoped = Vec::new();
    for query in queries {
        let started = Instant::now();
        black_box(service(db, alice, query).await);
        scoped.push(started.elapsed());
    }
    println!("p50 in a scope of 1 %: {:?}", median(scoped));
    embeddings(database).await;
    names(database).await;
    sql
}

async fn embeddings(database: &TestDatabase) {
    let (db, pool) = (database.db(), database.db().get_postgres_connection_pool());
    let ids: Vec<Uuid> = (0..IDS)
        .map(|number| data::entry_id(number * (CAPABILITIES / IDS)))
        .collect();
    let capabilities: Vec<CapabilityId> = ids.iter().copied().map(CapabilityId::new).collect();
    let sql = statements_of(database, async |db| {
        black_box(
            embeddings_of(db, &Principal::Local, &capabilities)
                .await
                .unwrap(),
        );
    })
    .await;
    let times = in_turns(
        20,
        async |_| {
            let found = embeddings_of(db, &Principal::Local, &capabilities)
                .await
                .unwrap();
            assert_eq!(black_box(found).items.len(), IDS);
        },
        async |_| {
            let rows = sqlx::query(AssertSqlSafe(sql[0].clone()))
                .bind(&ids)
                .fetch_all(pool)
                .await
                .unwrap();
            let found: Vec<(Uuid, Uuid, Vector)> = rows
                .iter()
                .map(|row| (row.get(0), row.get(1), row.get(2)))
                .collect();
            assert_eq!(black_box(found).len(), IDS);
        },
    )
    .await;
    show("vectors of 1,000 ids", times);
}

async fn names(database: &TestDatabase) {
    let (db, pool) = (database.db(), database.db().get_postgres_connection_pool());
    let parts = |number: usize| {
        let number = number * (CAPABILITIES / 200) + 7;
        (format!("ns{}", number % 100), format!("act{number}"))
    };
    let reference = |number: usize| -> Reference {
        let (namespace, action) = parts(number);
        format!("local.default.{namespace}.{action}.abcd")
            .parse()
            .unwrap()
    };
    let times = in_turns(
        200,
        async |number| {
            black_box(resolve(db, &Principal::Local, &reference(number)).await.unwrap());
        },
        async |number| {
            let (namespace, action) = parts(number);
            let row = sqlx::query(
                "SELECT id, workflow_pattern_id, org, project, namespace, action, hash, user_id, visibility FROM capability_records \
                 WHERE org = 'local' AND project = 'default' AND namespace = $1 AND action = $2 AND hash = 'abcd'",
            )
            .bind(namespace)
            .bind(action)
            .fetch_one(pool)
            .await
            .unwrap();
            let found: (Uuid, Option<Uuid>, String) = (row.get(0), row.get(1), row.get(4));
            black_box(found);
        },
    )
    .await;
    show("resolve by FQDN", times);
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = data::database(&runtime) else {
        return;
    };
    let clusters = Clusters::new();
    let vectors = clusters.vectors(CAPABILITIES);
    let queries = clusters.queries(QUERIES);
    let owner = Uuid::new_v4();
    let alice = Principal::User {
        id: UserId::new(owner),
        org: "acme".to_owned(),
        project: "default".to_owned(),
    };
    let sql = runtime.block_on(async {
        let built = data::load(&database, &vectors, owner).await;
        println!("vector index built in {built:?}");
        report(&database, &alice, &vectors, &queries).await
    });
    drop(vectors);
    let (db, count) = (database.db(), queries.len());
    let mut group = criterion.benchmark_group("capability_search");
    let mut turn = 0;
    group.bench_function("service", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            turn += 1;
            service(db, &Principal::Local, &queries[turn % count])
        });
    });
    group.bench_function("service, scope of 1 %", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            turn += 1;
            service(db, &alice, &queries[turn % count])
        });
    });
    group.bench_function("sqlx", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            turn += 1;
            raw(
                db.get_postgres_connection_pool(),
                &sql,
                &queries[turn % count],
            )
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

//! Tool search through the service beside the plain statement through sqlx: 10,000 tools, 10 results.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench tool_search`. Prints recall, plan, statements and the ratio of the medians, measured in turns;
//! then criterion's own view.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "tools/mod.rs"]
mod data;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use data::Clusters;
use pgvector::Vector;
use pml_entity::values::Embedding;
use pml_service::Db;
use pml_service::tools::{self, SearchRequest, SyncOptions};
use sqlx::{PgPool, Row};
use tokio::runtime::Runtime;

const K: i64 = 10;
const QUERIES: usize = 200;
/// What a person would write by hand.
const RAW: &str = "SELECT t.tool_id, t.server_id, t.name, t.description, t.input_schema, 1 - (e.embedding <=> $1) AS score \
    FROM tool_embedding e JOIN tool_schema t USING (tool_id) \
    ORDER BY e.embedding <=> $1 LIMIT 10";

fn request(query: &Embedding, servers: &[&str]) -> SearchRequest {
    SearchRequest {
        limit: Some(K),
        min_score: Some(0.0),
        server_ids: servers.iter().map(|server| (*server).to_owned()).collect(),
        ..SearchRequest::embedding(query.clone())
    }
}

async fn service(db: &Db, clusters: &Clusters, query: &Embedding, servers: &[&str]) -> Vec<String> {
    let answer = tools::search(db, clusters, &request(query, servers))
        .await
        .unwrap();
    answer
        .results
        .into_iter()
        .map(|hit| hit.tool_id.into_string())
        .collect()
}

async fn raw(pool: &PgPool, query: &Embedding) -> usize {
    let rows = sqlx::query(RAW)
        .bind(Vector::from(query.as_slice().to_vec()))
        .fetch_all(pool)
        .await
        .unwrap();
    rows.iter()
        .filter(|row| {
            row.get::<f64, _>("score") > -2.0
                && !row.get::<String, _>("name").is_empty()
                && row.get::<serde_json::Value, _>("input_schema").is_object()
        })
        .count()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn exact(clusters: &Clusters, query: &Embedding, servers: usize) -> HashSet<String> {
    let mut all: Vec<(f64, usize)> = clusters
        .vectors()
        .iter()
        .enumerate()
        .filter(|(number, _)| server(*number) < servers)
        .map(|(number, vector)| (vector.cosine_similarity(query), number))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter()
        .take(usize::try_from(K).unwrap())
        .map(|(_, number)| format!("s{}:tool_{number}", server(number)))
        .collect()
}

/// Server 0 has 1 % of the tools, server 1 has 29 %, server 2 the rest.
fn server(number: usize) -> usize {
    match number {
        0..100 => 0,
        100..3_000 => 1,
        _ => 2,
    }
}

#[allow(clippy::cast_precision_loss)]
async fn report(db: &Db, clusters: &Clusters) {
    let pool = db.get_postgres_connection_pool();
    for (name, servers, count) in [
        ("all", &[][..], 3),
        ("1 % of the tools", &["s0"][..], 1),
        ("30 % of the tools", &["s0", "s1"][..], 2),
    ] {
        let mut kept = 0;
        for query in clusters.queries() {
            let found = service(db, clusters, query, servers).await;
            assert_eq!(found.len(), usize::try_from(K).unwrap());
            kept += exact(clusters, query, count)
                .intersection(&found.into_iter().collect())
                .count();
        }
        println!(
            "recall@10, {name}: {:.4}",
            kept as f64 / (clusters.queries().len() as f64 * K as f64)
        );
    }
    let before = db.statements().snapshot();
    service(db, clusters, &clusters.queries()[0], &[]).await;
    println!(
        "statements of one search: {}",
        db.statements().since(&before).statements
    );
    let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN {RAW}")))
        .bind(Vector::from(clusters.queries()[0].as_slice().to_vec()))
        .fetch_all(pool)
        .await
        .unwrap();
    for line in plan {
        println!("  {}", line.get::<String, _>(0));
    }
    let (mut ours, mut theirs, mut filtered, mut part) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..5 {
        for (number, query) in clusters.queries().iter().enumerate() {
            // They take turns to go first: the second finds the part of the index it needs in the processor's caches.
            let service_first = (round + number) % 2 == 0;
            for turn in [service_first, !service_first] {
                let started = Instant::now();
                if turn {
                    black_box(service(db, clusters, query, &[]).await);
                } else {
                    black_box(raw(pool, query).await);
                }
                let taken = started.elapsed();
                if round > 0 {
                    if turn { &mut ours } else { &mut theirs }.push(taken);
                }
            }
        }
    }
    for query in clusters.queries() {
        let started = Instant::now();
        black_box(service(db, clusters, query, &["s0"]).await);
        filtered.push(started.elapsed());
        let started = Instant::now();
        black_box(service(db, clusters, query, &["s0", "s1"]).await);
        part.push(started.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "p50: service {ours:?}, sqlx {theirs:?}, ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    println!(
        "p50 filtered to 1 %: {:?}, to 30 %: {:?}",
        median(filtered),
        median(part)
    );
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = data::database(&runtime) else {
        return;
    };
    let db = database.db();
    let clusters = Clusters::new(QUERIES);
    runtime.block_on(async {
        for (server, from, to) in [
            ("s2", 3_000, data::TOOLS),
            ("s1", 100, 3_000),
            ("s0", 0, 100),
        ] {
            tools::sync_server(
                db,
                &clusters,
                server,
                data::definitions(from, to),
                SyncOptions::default(),
            )
            .await
            .unwrap();
        }
        sqlx::query("ANALYZE")
            .execute(db.get_postgres_connection_pool())
            .await
            .unwrap();
        report(db, &clusters).await;
    });
    let mut group = criterion.benchmark_group("tool_search");
    let mut turn = 0;
    group.bench_function("service", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            turn += 1;
            service(db, &clusters, &clusters.queries()[turn % QUERIES], &[])
        });
    });
    group.bench_function("sqlx", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            turn += 1;
            raw(
                db.get_postgres_connection_pool(),
                &clusters.queries()[turn % QUERIES],
            )
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

//! Storing 10,000 tools of 1,024 dimensions: the first sync, a sync without changes, and the same rows through sqlx.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench tool_sync`. The long runs are timed once and printed with their ratios; criterion repeats
//! the short ones.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "tools/mod.rs"]
mod data;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use data::{Clusters, TOOLS, definitions};
use pgvector::Vector;
use pml_service::Db;
use pml_service::tools::{self, SyncOptions};
use sqlx::PgPool;
use tokio::runtime::Runtime;

/// Rows that are inserted one by one; the rest is extrapolated.
const SINGLES: usize = 600;
/// Rows of the comparison without an index.
const BULK: usize = 2_000;

async fn clear(pool: &PgPool) {
    sqlx::query("TRUNCATE tool_schema CASCADE")
        .execute(pool)
        .await
        .unwrap();
}

async fn first_sync(db: &Db, clusters: &Clusters, tools: usize) -> Duration {
    let started = Instant::now();
    let report = tools::sync_server(
        db,
        clusters,
        "bench",
        definitions(0, tools),
        SyncOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(report.inserted, tools as u64);
    started.elapsed()
}

async fn rows(pool: &PgPool, tools: usize) {
    let names: Vec<String> = (0..tools).map(|number| format!("tool_{number}")).collect();
    let sql = "INSERT INTO tool_schema (tool_id, server_id, name, description, input_schema) SELECT 'bench:' || n, 'bench', n, 'Does', '{}' FROM unnest($1::text[]) n";
    sqlx::query(sql).bind(names).execute(pool).await.unwrap();
}

/// One statement per row, with the index in place.
async fn one_by_one(pool: &PgPool, clusters: &Clusters, from: usize, to: usize) -> Duration {
    let started = Instant::now();
    for number in from..to {
        sqlx::query("INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, model) VALUES ($1, 'bench', $2, $3, 'clusters')")
            .bind(format!("bench:tool_{number}"))
            .bind(format!("tool_{number}"))
            .bind(Vector::from(clusters.vectors()[number].as_slice().to_vec()))
            .execute(pool)
            .await
            .unwrap();
    }
    started.elapsed()
}

/// The plainest fast way: all rows as arrays in one statement per thousand.
async fn unnest(pool: &PgPool, clusters: &Clusters, tools: usize) -> Duration {
    let started = Instant::now();
    for chunk in (0..tools).collect::<Vec<_>>().chunks(1_000) {
        let names: Vec<String> = chunk
            .iter()
            .map(|number| format!("tool_{number}"))
            .collect();
        let vectors: Vec<Vector> = chunk
            .iter()
            .map(|number| Vector::from(clusters.vectors()[*number].as_slice().to_vec()))
            .collect();
        let sql = "INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, model) \
                   SELECT 'bench:' || n, 'bench', n, v, 'clusters' FROM unnest($1::text[], $2::vector[]) AS new (n, v)";
        sqlx::query(sql)
            .bind(names)
            .bind(vectors)
            .execute(pool)
            .await
            .unwrap();
    }
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn report(db: &Db, clusters: &Clusters) {
    let pool = db.get_postgres_connection_pool();
    clear(pool).await;
    let first = first_sync(db, clusters, TOOLS).await;
    println!("first sync of {TOOLS} tools: {first:?}");
    let (mut again, mut counts) = (Vec::new(), 0);
    for _ in 0..3 {
        let before = db.statements().snapshot();
        let started = Instant::now();
        let report = tools::sync_server(
            db,
            clusters,
            "bench",
            definitions(0, TOOLS),
            SyncOptions::default(),
        )
        .await
        .unwrap();
        again.push(started.elapsed());
        counts = db.statements().since(&before).statements;
        assert_eq!((report.unchanged, report.embedded), (TOOLS as u64, 0));
    }
    println!(
        "sync without changes: {:?}, {counts} statements",
        median(again)
    );

    // Row by row, index in place: the last rows of a full table cost what all of them would, or more than the first.
    sqlx::query("DELETE FROM tool_embedding WHERE tool_name > 'tool_9'")
        .execute(pool)
        .await
        .unwrap();
    clear(pool).await;
    rows(pool, TOOLS).await;
    let early = one_by_one(pool, clusters, 0, SINGLES).await;
    sqlx::query("DROP INDEX idx_tool_embedding_hnsw")
        .execute(pool)
        .await
        .unwrap();
    one_by_one(pool, clusters, SINGLES, TOOLS - SINGLES).await;
    sqlx::query("CREATE INDEX idx_tool_embedding_hnsw ON tool_embedding USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)")
        .execute(pool).await.unwrap();
    let late = one_by_one(pool, clusters, TOOLS - SINGLES, TOOLS).await;
    #[allow(clippy::cast_precision_loss)]
    let all = (early + late).mul_f64(TOOLS as f64 / (2.0 * SINGLES as f64));
    println!(
        "row by row with the index: {all:?} (from {SINGLES} rows at the start and at the end), first sync takes {:.3} of it",
        first.as_secs_f64() / all.as_secs_f64()
    );

    // Without an index, where only the way of writing counts. Tool rows and vectors against vectors alone.
    let (mut ours, mut theirs, mut singles) = (Vec::new(), Vec::new(), Duration::ZERO);
    sqlx::query("DROP INDEX idx_tool_embedding_hnsw")
        .execute(pool)
        .await
        .unwrap();
    for _ in 0..5 {
        clear(pool).await;
        ours.push(first_sync(db, clusters, BULK).await);
        clear(pool).await;
        let started = Instant::now();
        rows(pool, BULK).await;
        unnest(pool, clusters, BULK).await;
        theirs.push(started.elapsed());
        clear(pool).await;
        rows(pool, BULK).await;
        singles = one_by_one(pool, clusters, 0, BULK).await;
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{BULK} tools without an index: service {ours:?}, sqlx UNNEST {theirs:?}, ratio {:.2}; row by row {singles:?}, {:.1} times ours",
        ours.as_secs_f64() / theirs.as_secs_f64(),
        singles.as_secs_f64() / ours.as_secs_f64()
    );
    clear(pool).await;
    sqlx::query("CREATE INDEX idx_tool_embedding_hnsw ON tool_embedding USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)")
        .execute(pool).await.unwrap();
}

#[allow(clippy::cast_precision_loss)]
fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = data::database(&runtime) else {
        return;
    };
    let db = database.db();
    let clusters = Clusters::new(0);
    runtime.block_on(report(db, &clusters));

    let mut group = criterion.benchmark_group("tool_sync");
    group.sample_size(10);
    runtime.block_on(first_sync(db, &clusters, 1_000));
    group.bench_function("1,000 tools without changes", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            tools::sync_server(
                db,
                &clusters,
                "bench",
                definitions(0, 1_000),
                SyncOptions::default(),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

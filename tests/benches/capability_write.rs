//! Saving and merging capabilities, and the least that the same work takes through sqlx by hand.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench capability_write`. Both ways run in turns in one process; the medians and their ratio
//! are printed, with the number of statements of the service. The hand-written way checks nothing: no names, no cycles, no replay.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "tools/mod.rs"]
mod data;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use data::Clusters;
use pgvector::Vector;
use pml_entity::values::{CodeHash, Embedding};
use pml_service::capabilities::{self, Reference, SaveRequest, Saved};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Db, Principal};
use sqlx::PgPool;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Runs of each way.
const ROUNDS: usize = 200;
/// Capabilities that one calls.
const CHILDREN: usize = 20;
/// Rows of the table before anything is measured.
const STORED: usize = 2_000;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(what: &str, statements: u64, ours: Vec<Duration>, theirs: Vec<Duration>) {
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{what}: p50 service {ours:?} ({statements} statements, BEGIN and COMMIT not counted), sqlx {theirs:?}, ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

fn request(code: String, embedding: &Embedding) -> SaveRequest {
    SaveRequest {
        embedding: Some(embedding.clone()),
        tools_used: vec!["files:read".to_owned(), "files:write".to_owned()],
        duration_ms: 120.0,
        ..SaveRequest::new(code, "read a file and write it elsewhere")
    }
}

async fn save(db: &Db, request: SaveRequest) -> Saved {
    capabilities::save(db, &HashingEmbedder, &Principal::Local, request)
        .await
        .unwrap()
}

/// Pattern, record and trace in one transaction: what a first save must write at the least.
async fn raw_new(pool: &PgPool, code: &str, embedding: &Embedding) -> Uuid {
    let hash = CodeHash::of(code).to_string();
    let mut tx = pool.begin().await.unwrap();
    let pattern: Uuid = sqlx::query_scalar(
        "INSERT INTO workflow_pattern (pattern_hash, code_hash, code_snippet, dag_structure, intent_embedding, description, usage_count, success_count, total_duration_ms) \
         VALUES ($1, $1, $2, '{\"type\": \"code_execution\", \"tools_used\": [\"files:read\", \"files:write\"], \"tool_invocations\": []}', $3, 'read a file and write it elsewhere', 1, 1, 120) \
         ON CONFLICT (code_hash, user_id) WHERE code_hash IS NOT NULL DO UPDATE SET usage_count = workflow_pattern.usage_count + 1 RETURNING pattern_id",
    )
    .bind(&hash)
    .bind(code)
    .bind(Vector::from(embedding.as_slice().to_vec()))
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    sqlx::query("INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id) VALUES ('local', 'default', 'files', $1, $2, $3)")
        .bind(format!("raw_{}", &hash[..12]))
        .bind(&hash[..4])
        .bind(pattern)
        .execute(&mut *tx)
        .await
        .unwrap();
    raw_trace(&mut tx, pattern).await;
    tx.commit().await.unwrap();
    pattern
}

/// Count, look the record up, write the trace: what a repeated save must do at the least.
async fn raw_again(pool: &PgPool, hash: &str) {
    let mut tx = pool.begin().await.unwrap();
    let pattern: Uuid = sqlx::query_scalar(
        "UPDATE workflow_pattern SET usage_count = usage_count + 1, success_count = success_count + 1, total_duration_ms = total_duration_ms + 120, \
             success_rate = (success_count + 1)::float8 / (usage_count + 1), last_used = now() WHERE code_hash = $1 AND user_id IS NULL RETURNING pattern_id",
    )
    .bind(hash)
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    let _: Uuid = sqlx::query_scalar("SELECT id FROM capability_records WHERE workflow_pattern_id = $1 AND org = 'local' AND project = 'default'")
        .bind(pattern)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    raw_trace(&mut tx, pattern).await;
    tx.commit().await.unwrap();
}

async fn raw_trace(tx: &mut sqlx::PgTransaction<'_>, pattern: Uuid) {
    sqlx::query("INSERT INTO execution_trace (id, capability_id, success, duration_ms, initial_context) VALUES ($1, $2, true, 120, '{}')")
        .bind(Uuid::now_v7())
        .bind(pattern)
        .execute(&mut **tx)
        .await
        .unwrap();
}

/// Fold, move, delete: what a merge must write at the least.
async fn raw_merge(pool: &PgPool, source: &Saved, target: &Saved) {
    let (from, to) = (source.pattern_id.as_uuid(), target.pattern_id.as_uuid());
    let mut tx = pool.begin().await.unwrap();
    sqlx::query(
        "SELECT 1 FROM workflow_pattern WHERE pattern_id = ANY($1) ORDER BY pattern_id FOR UPDATE",
    )
    .bind([from, to])
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let steps = [
        "UPDATE workflow_pattern t SET usage_count = t.usage_count + s.usage_count, success_count = t.success_count + s.success_count, \
             total_duration_ms = t.total_duration_ms + s.total_duration_ms FROM workflow_pattern s WHERE t.pattern_id = $2 AND s.pattern_id = $1",
        "UPDATE capability_dependency SET from_capability_id = $2 WHERE from_capability_id = $1 AND to_capability_id <> $2",
        "UPDATE capability_dependency SET to_capability_id = $2 WHERE to_capability_id = $1 AND from_capability_id <> $2",
        "UPDATE execution_trace SET capability_id = $2 WHERE capability_id = $1",
        "UPDATE permission_audit_log SET capability_id = $2 WHERE capability_id = $1",
    ];
    for step in steps {
        sqlx::query(step)
            .bind(from)
            .bind(to)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    sqlx::query("DELETE FROM capability_records WHERE id = $1")
        .bind(source.id.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("DELETE FROM workflow_pattern WHERE pattern_id = $1")
        .bind(from)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn first_saves(db: &Db, pool: &PgPool, clusters: &Clusters) {
    let (mut ours, mut theirs, mut statements) = (Vec::new(), Vec::new(), 0);
    for round in 0..2 * ROUNDS {
        let embedding = &clusters.vectors()[STORED + round];
        let started = Instant::now();
        if round % 2 == 0 {
            let before = db.statements().snapshot();
            save(db, request(format!("ours({round});"), embedding)).await;
            ours.push(started.elapsed());
            statements = db.statements().since(&before).statements;
        } else {
            raw_new(pool, &format!("theirs({round});"), embedding).await;
            theirs.push(started.elapsed());
        }
    }
    report("first save", statements, ours, theirs);
}

async fn repeated_saves(db: &Db, pool: &PgPool, clusters: &Clusters) {
    let code = "again();";
    let hash = CodeHash::of(code).to_string();
    let (mut ours, mut theirs, mut statements) = (Vec::new(), Vec::new(), 0);
    save(db, request(code.to_owned(), &clusters.vectors()[0])).await;
    for round in 0..2 * ROUNDS {
        let started = Instant::now();
        if round % 2 == 0 {
            let before = db.statements().snapshot();
            save(db, request(code.to_owned(), &clusters.vectors()[0])).await;
            ours.push(started.elapsed());
            statements = db.statements().since(&before).statements;
        } else {
            raw_again(pool, &hash).await;
            theirs.push(started.elapsed());
        }
    }
    report("repeated save", statements, ours, theirs);
}

/// There is no hand-written way beside: edges without the check for cycles would be another thing.
async fn saves_with_children(db: &Db, clusters: &Clusters) {
    let mut calls = Vec::new();
    for number in 0..CHILDREN {
        let child = save(
            db,
            request(
                format!("child({number});"),
                &clusters.vectors()[4_000 + number],
            ),
        )
        .await;
        calls.push(format!("mcp[\"$cap:{}\"]();", child.id));
    }
    let calls = calls.concat();
    let (mut ours, mut statements) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let started = Instant::now();
        let before = db.statements().snapshot();
        save(
            db,
            request(
                format!("{calls} parent({round});"),
                &clusters.vectors()[5_000 + round],
            ),
        )
        .await;
        ours.push(started.elapsed());
        statements = db.statements().since(&before).statements;
    }
    println!(
        "first save with {CHILDREN} children: p50 service {:?} ({statements} statements, BEGIN and COMMIT not counted)",
        median(ours)
    );
}

async fn merges(db: &Db, pool: &PgPool, clusters: &Clusters) {
    let mut pairs = Vec::new();
    for round in 0..ROUNDS {
        let vectors = &clusters.vectors()[6_000 + 2 * round..];
        let source = save(db, request(format!("source({round});"), &vectors[0])).await;
        let target = save(db, request(format!("target({round});"), &vectors[1])).await;
        pairs.push((source, target));
    }
    let (mut ours, mut theirs, mut statements) = (Vec::new(), Vec::new(), 0);
    for (round, (source, target)) in pairs.iter().enumerate() {
        let started = Instant::now();
        if round % 2 == 0 {
            let before = db.statements().snapshot();
            capabilities::merge(
                db,
                &Principal::Local,
                &Reference::Id(source.id),
                &Reference::Id(target.id),
                Some(false),
            )
            .await
            .unwrap();
            ours.push(started.elapsed());
            statements = db.statements().since(&before).statements;
        } else {
            raw_merge(pool, source, target).await;
            theirs.push(started.elapsed());
        }
    }
    report("merge", statements, ours, theirs);
}

/// 40 savers of one code at once: the row is the bottleneck, as it must be.
async fn parallel_saves(db: &Db, clusters: &Clusters) {
    let started = Instant::now();
    let writers = (0..40).map(|_| {
        save(
            db,
            request("together();".to_owned(), &clusters.vectors()[1]),
        )
    });
    let saved = futures::future::join_all(writers).await;
    let most = saved.iter().map(|saved| saved.usage_count).max();
    println!(
        "40 saves of one code at once: {:?} altogether, usage_count {most:?}",
        started.elapsed()
    );
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = data::database(&runtime) else {
        return;
    };
    let db = database.db();
    let pool = db.get_postgres_connection_pool();
    let clusters = Clusters::new(1);
    runtime.block_on(async {
        for number in 0..STORED {
            raw_new(
                pool,
                &format!("stored({number});"),
                &clusters.vectors()[number],
            )
            .await;
        }
        sqlx::query("ANALYZE").execute(pool).await.unwrap();
        first_saves(db, pool, &clusters).await;
        repeated_saves(db, pool, &clusters).await;
        saves_with_children(db, &clusters).await;
        merges(db, pool, &clusters).await;
        parallel_saves(db, &clusters).await;
    });
    let mut group = criterion.benchmark_group("capability_save");
    let code = "criterion();".to_owned();
    let hash = CodeHash::of(&code).to_string();
    group.bench_function("service", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(|| save(db, request(code.clone(), &clusters.vectors()[2])));
    });
    group.bench_function("sqlx", |bencher| {
        bencher.to_async(&runtime).iter(|| raw_again(pool, &hash));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

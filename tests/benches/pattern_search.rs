//! Pattern search through the service beside the plain statement through sqlx, and the vector indexes beside each other.
//!
//! `TEST_DATABASE_URL=… PATTERNS=100000 cargo bench -p pml-testkit --bench pattern_search`. Prints recall@10 against the exact answer, medians, build
//! times and sizes: ivfflat as the migration builds it (on an empty table), rebuilt after loading, with 1, 10 and 30 probes; HNSW over whole and over
//! half components; then the service's lookup with embedding and scoring, and what one replay costs with its indexes.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss
)]

#[path = "patterns/mod.rs"]
mod data;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use data::Prompts;
use pgvector::Vector;
use pml_entity::values::{SuccessPatternId, TraceabilityEmbedding, UsageOutcome};
use pml_service::Db;
use pml_service::traceability::learning::{self, MatchRequest};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::runtime::Runtime;
use uuid::Uuid;

const K: usize = 10;
const QUERIES: usize = 100;
const IVFFLAT: &str = "CREATE INDEX idx_pattern_embedding ON success_patterns USING ivfflat (prompt_embedding vector_cosine_ops) WITH (lists = 100)";
const HNSW: &str = "CREATE INDEX success_patterns_prompt_hnsw_idx ON success_patterns \
    USING hnsw ((l2_normalize(prompt_embedding)::vector(1536)) vector_ip_ops) WITH (m = 16, ef_construction = 64)";
const HALF: &str = "CREATE INDEX bench_half_idx ON success_patterns \
    USING hnsw ((prompt_embedding::halfvec(1536)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)";
const BY_COLUMN: &str = "SELECT pattern_id, prompt_text, 1 - (prompt_embedding <=> $1) AS score FROM success_patterns ORDER BY prompt_embedding <=> $1 LIMIT 10";
const BY_NORMAL: &str = "SELECT pattern_id, prompt_text, 1 - (prompt_embedding <=> $1) AS score FROM success_patterns \
    ORDER BY l2_normalize(prompt_embedding)::vector(1536) <#> l2_normalize($1) LIMIT 10";
const BY_HALF: &str = "SELECT pattern_id, prompt_text, 1 - (prompt_embedding <=> $1) AS score FROM success_patterns \
    ORDER BY prompt_embedding::halfvec(1536) <=> ($1::vector)::halfvec(1536) LIMIT 10";

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Duration {
    let started = Instant::now();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
    started.elapsed()
}

async fn ask(
    connection: &mut PgConnection,
    sql: &'static str,
    query: &TraceabilityEmbedding,
) -> HashSet<Uuid> {
    sqlx::query(sql)
        .bind(Vector::from(query.as_slice().to_vec()))
        .fetch_all(connection)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get("pattern_id"))
        .collect()
}

struct Bench {
    connection: PgConnection,
    queries: Vec<TraceabilityEmbedding>,
    exact: Vec<HashSet<Uuid>>,
}

impl Bench {
    /// Recall and median of one statement under these settings.
    async fn measure(&mut self, name: &str, settings: &str, sql: &'static str) {
        // A plan that was kept would go on as it was, whatever the settings and the indexes are now.
        execute(&mut self.connection, &format!("DISCARD PLANS; {settings}")).await;
        let (mut kept, mut rows, mut times) = (0, 0, Vec::new());
        for (query, exact) in self.queries.iter().zip(&self.exact) {
            let started = Instant::now();
            let found = ask(&mut self.connection, sql, query).await;
            times.push(started.elapsed());
            rows += found.len();
            kept += found.intersection(exact).count();
        }
        let wanted = (self.queries.len() * K) as f64;
        println!(
            "{name:<42} recall@10 {:.3}   rows {:.2}   p50 {:?}",
            kept as f64 / wanted,
            rows as f64 / self.queries.len() as f64,
            median(times)
        );
    }

    async fn build(&mut self, name: &str, index: &str, sql: &str) {
        let taken = execute(&mut self.connection, sql).await;
        let size: String =
            sqlx::query_scalar("SELECT pg_size_pretty(pg_relation_size($1::regclass))")
                .bind(index)
                .fetch_one(&mut self.connection)
                .await
                .unwrap();
        println!("{name:<42} built in {taken:.1?}, {size}");
    }
}

async fn replay_cost(db: &Db, pattern: SuccessPatternId) -> Duration {
    let mut times = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        learning::update_pattern_stats(db, pattern, UsageOutcome::Success, Some(100))
            .await
            .unwrap();
        times.push(started.elapsed());
    }
    median(times)
}

#[allow(clippy::too_many_lines, reason = "a line per figure")]
async fn report(db: &Db, count: usize) {
    let mut connection = db
        .get_postgres_connection_pool()
        .acquire()
        .await
        .unwrap()
        .detach();
    execute(
        &mut connection,
        "SET statement_timeout = 0; SET maintenance_work_mem = '1500MB'; SET max_parallel_maintenance_workers = 1; DROP INDEX success_patterns_prompt_hnsw_idx",
    )
    .await;
    let prompts = Prompts::new();
    let started = Instant::now();
    data::load(&mut connection, &prompts, count).await;
    println!(
        "{count} patterns of 1,536 dimensions loaded in {:.1?} (the ivfflat index of the migration in place)",
        started.elapsed()
    );
    execute(&mut connection, "ANALYZE success_patterns").await;
    let queries: Vec<TraceabilityEmbedding> = (0..QUERIES)
        .map(|number| prompts.vector(usize::MAX / 2 + number))
        .collect();
    let mut exact = Vec::new();
    execute(&mut connection, "SET enable_indexscan = off").await;
    let started = Instant::now();
    for query in &queries {
        exact.push(ask(&mut connection, BY_COLUMN, query).await);
    }
    println!(
        "exact: {:?} a query",
        started.elapsed() / u32::try_from(QUERIES).unwrap()
    );
    let mut bench = Bench {
        connection,
        queries,
        exact,
    };
    execute(
        &mut bench.connection,
        "SET enable_indexscan = on; SET enable_seqscan = off",
    )
    .await;
    for (name, probes) in [("1 probe", 1), ("10 probes", 10), ("30 probes", 30)] {
        bench
            .measure(
                &format!("ivfflat of an empty table, {name}"),
                &format!("SET ivfflat.probes = {probes}"),
                BY_COLUMN,
            )
            .await;
    }
    bench
        .build(
            "ivfflat lists 100, rebuilt",
            "idx_pattern_embedding",
            &format!("DROP INDEX idx_pattern_embedding; {IVFFLAT}"),
        )
        .await;
    for (name, probes) in [("1 probe", 1), ("10 probes", 10), ("30 probes", 30)] {
        bench
            .measure(
                &format!("ivfflat rebuilt, {name}"),
                &format!("SET ivfflat.probes = {probes}"),
                BY_COLUMN,
            )
            .await;
    }
    let first = SuccessPatternId::from(*bench.exact[0].iter().next().unwrap());
    println!(
        "one replay counted, ivfflat alone: p50 {:?}",
        replay_cost(db, first).await
    );
    bench
        .build("HNSW halfvec m 16, ef 64", "bench_half_idx", HALF)
        .await;
    for ef in [40, 100] {
        bench
            .measure(
                &format!("HNSW halfvec, ef_search {ef}"),
                &format!("SET hnsw.ef_search = {ef}"),
                BY_HALF,
            )
            .await;
    }
    execute(&mut bench.connection, "DROP INDEX bench_half_idx").await;
    bench
        .build(
            "HNSW vector m 16, ef 64",
            "success_patterns_prompt_hnsw_idx",
            HNSW,
        )
        .await;
    for ef in [40, 100] {
        bench
            .measure(
                &format!("HNSW vector, ef_search {ef}"),
                &format!("SET hnsw.ef_search = {ef}"),
                BY_NORMAL,
            )
            .await;
    }
    println!(
        "one replay counted, both indexes: p50 {:?}",
        replay_cost(db, first).await
    );
    service(db, &mut bench, &prompts).await;
}

/// The whole lookup, by turns with the plain statement; and its recall.
async fn service(db: &Db, bench: &mut Bench, prompts: &Prompts) {
    execute(
        &mut bench.connection,
        "RESET enable_seqscan; SET hnsw.ef_search = 100",
    )
    .await;
    let (mut ours, mut theirs, mut whole, mut kept) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..4 {
        for number in 0..bench.queries.len() {
            let given = MatchRequest {
                embedding: Some(bench.queries[number].clone()),
                min_confidence: Some(0.0),
                max_results: Some(5),
                ..MatchRequest::new("fix the login timeout of the session store")
            };
            let all = MatchRequest {
                max_results: Some(10),
                ..given.clone()
            };
            for service_first in [(round + number) % 2 == 0, (round + number) % 2 != 0] {
                let started = Instant::now();
                if service_first {
                    black_box(learning::find_matches(db, prompts, &given).await.unwrap());
                    ours.push(started.elapsed());
                } else {
                    black_box(ask(&mut bench.connection, BY_NORMAL, &bench.queries[number]).await);
                    theirs.push(started.elapsed());
                }
            }
            let started = Instant::now();
            let text = MatchRequest {
                embedding: None,
                ..given
            };
            black_box(learning::find_matches(db, prompts, &text).await.unwrap());
            whole.push(started.elapsed());
            if round == 0 {
                let found: HashSet<Uuid> = learning::find_matches(db, prompts, &all)
                    .await
                    .unwrap()
                    .into_iter()
                    .map(|it| it.pattern_id.into())
                    .collect();
                kept += found.intersection(&bench.exact[number]).count();
            }
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "find_matches with a vector: p50 {ours:?}; the ten nearest through sqlx: {theirs:?}; ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    println!(
        "find_matches with a text, embedding and scoring included: p50 {:?}",
        median(whole)
    );
    // Matches are sorted by score and not by distance, so this is a lower bound: ten of the twenty nearest.
    println!(
        "share of the exact ten nearest among ten matches: {:.3}",
        kept as f64 / (bench.queries.len() * K) as f64
    );
}

fn main() {
    if pml_testkit::real_server().is_none() {
        eprintln!(
            "skipped: set {} to a real PostgreSQL (scripts/postgres start)",
            pml_testkit::REAL_SERVER_ENV
        );
        return;
    }
    let count = std::env::var("PATTERNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(pml_testkit::TestDatabase::with_pool(4));
    runtime.block_on(report(database.db(), count));
}

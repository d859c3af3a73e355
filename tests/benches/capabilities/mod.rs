//! The data of the capability benchmarks: clustered vectors, as embeddings of real texts are, and the rows that carry them.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::time::{Duration, Instant};

use pgvector::Vector;
use pml_entity::values::{DIMENSIONS, Embedding};
use pml_testkit::TestDatabase;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const CENTRES: u64 = 2_000;
const LATENT: usize = 48;
/// Rows of one INSERT: some 4 MB.
const CHUNK: usize = 1_000;

/// Unit vectors around 2,000 centres in a space of 48 dimensions, projected to 1,024, with a little noise. The same numbers at each run.
#[derive(Debug)]
pub struct Clusters {
    projection: Vec<f32>,
    centres: Vec<[f32; LATENT]>,
}

impl Clusters {
    /// Chooses the centres.
    pub fn new() -> Self {
        let mut random = Random(0x5eed);
        Self {
            projection: (0..LATENT * DIMENSIONS)
                .map(|_| random.gaussian())
                .collect(),
            centres: (0..CENTRES)
                .map(|_| std::array::from_fn(|_| random.gaussian()))
                .collect(),
        }
    }

    /// The vector with this number, whatever the others are.
    pub fn vector(&self, number: u64) -> Embedding {
        let mut random = Random(number.wrapping_mul(0xd134_2543_de82_ef95));
        let centre = self.centres[usize::try_from(random.next() % CENTRES).unwrap()];
        let mut components: Vec<f32> = (0..DIMENSIONS).map(|_| 0.2 * random.gaussian()).collect();
        for (row, value) in centre.iter().enumerate() {
            let value = value + 0.4 * random.gaussian();
            let factors = &self.projection[row * DIMENSIONS..(row + 1) * DIMENSIONS];
            for (component, factor) in components.iter_mut().zip(factors) {
                *component += value * factor;
            }
        }
        Embedding::new(components).unwrap().normalized()
    }

    /// Vectors `0..count`, made by all processors.
    pub fn vectors(&self, count: usize) -> Vec<Embedding> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let part = count.div_ceil(workers);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (0..workers)
                .map(|worker| {
                    scope.spawn(move || {
                        (worker * part..((worker + 1) * part).min(count))
                            .map(|number| self.vector(number as u64))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().unwrap())
                .collect()
        })
    }

    /// Vectors that are none of the others.
    pub fn queries(&self, count: u64) -> Vec<Embedding> {
        (0..count)
            .map(|number| self.vector(u64::MAX - number))
            .collect()
    }
}

/// Uses and successes of the capability with this number: some bad, some proven.
pub fn record(number: usize) -> (i64, i64) {
    match number % 10 {
        0 => (10, 3),
        1..4 => (20, 20),
        _ => (10, 8),
    }
}

/// Id of the pattern with this number. The entry has another: the same with its first digit set.
pub fn pattern_id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

/// Id of the entry with this number.
pub fn entry_id(number: usize) -> Uuid {
    Uuid::from_u128((1 << 124) + number as u128 + 1)
}

/// Writes one capability per vector: every hundredth belongs to `owner` in the organisation `acme`, the others to nobody. The vector index is built afterwards.
/// Gives the time of that.
pub async fn load(database: &TestDatabase, vectors: &[Embedding], owner: Uuid) -> Duration {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    run(&mut connection, "SET statement_timeout = 0").await;
    run(&mut connection, "SET maintenance_work_mem = '2GB'").await;
    run(&mut connection, "SET max_parallel_maintenance_workers = 4").await;
    run(&mut connection, "DROP INDEX idx_pattern_intent_embedding").await;
    sqlx::query("INSERT INTO users (id, username) VALUES ($1, 'alice')")
        .bind(owner)
        .execute(&mut connection)
        .await
        .unwrap();
    for (chunk, part) in vectors.chunks(CHUNK).enumerate() {
        let numbers = chunk * CHUNK..chunk * CHUNK + part.len();
        let rows = "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, usage_count, success_count, success_rate, \
                code_snippet, code_hash, description, parameters_schema, user_id) \
            SELECT id, hash, jsonb_build_object('type', 'code_execution', 'tools_used', jsonb_build_array('fs:read', 'std:t' || n % 1000)), vector, uses, wins, \
                wins::float8 / uses, 'return ' || n, hash, 'Does the thing that has number ' || n, '{\"type\": \"object\", \"properties\": {\"path\": {\"type\": \"string\"}}}', owner \
            FROM unnest($1::uuid[], $2::text[], $3::vector[], $4::bigint[], $5::bigint[], $6::uuid[], $7::bigint[]) AS rows(id, hash, vector, uses, wins, owner, n)";
        sqlx::query(rows)
            .bind(numbers.clone().map(pattern_id).collect::<Vec<_>>())
            .bind(
                numbers
                    .clone()
                    .map(|number| format!("{number:0>64x}"))
                    .collect::<Vec<_>>(),
            )
            .bind(
                part.iter()
                    .map(|vector| Vector::from(vector.as_slice().to_vec()))
                    .collect::<Vec<_>>(),
            )
            .bind(
                numbers
                    .clone()
                    .map(|number| record(number).0)
                    .collect::<Vec<_>>(),
            )
            .bind(
                numbers
                    .clone()
                    .map(|number| record(number).1)
                    .collect::<Vec<_>>(),
            )
            .bind(
                numbers
                    .clone()
                    .map(|number| mine(number).then_some(owner))
                    .collect::<Vec<_>>(),
            )
            .bind(
                numbers
                    .clone()
                    .map(|number| i64::try_from(number).unwrap())
                    .collect::<Vec<_>>(),
            )
            .execute(&mut connection)
            .await
            .unwrap();
        let entries = "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id, user_id, tags) \
            SELECT id, CASE WHEN owner IS NULL THEN 'local' ELSE 'acme' END, 'default', 'ns' || n % 100, 'act' || n, 'abcd', pattern, owner, '{bench}' \
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS rows(id, pattern, owner, n)";
        sqlx::query(entries)
            .bind(numbers.clone().map(entry_id).collect::<Vec<_>>())
            .bind(numbers.clone().map(pattern_id).collect::<Vec<_>>())
            .bind(
                numbers
                    .clone()
                    .map(|number| mine(number).then_some(owner))
                    .collect::<Vec<_>>(),
            )
            .bind(
                numbers
                    .map(|number| i64::try_from(number).unwrap())
                    .collect::<Vec<_>>(),
            )
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let started = Instant::now();
    run(&mut connection, "CREATE INDEX idx_pattern_intent_embedding ON workflow_pattern USING hnsw (intent_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)").await;
    let taken = started.elapsed();
    run(&mut connection, "VACUUM ANALYZE").await;
    taken
}

/// Whether the capability with this number is the user's: one of a hundred.
pub fn mine(number: usize) -> bool {
    number.is_multiple_of(100)
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap();
}

/// A private database on the server of `TEST_DATABASE_URL`; `None` (and a line that says so) without one.
pub fn database(runtime: &tokio::runtime::Runtime) -> Option<TestDatabase> {
    if pml_testkit::real_server().is_none() {
        eprintln!(
            "skipped: set {} to a real PostgreSQL (scripts/postgres start)",
            pml_testkit::REAL_SERVER_ENV
        );
        return None;
    }
    Some(runtime.block_on(TestDatabase::with_pool(4)))
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The `SplitMix64` generator, and the normal distribution by Box and Muller.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    #[allow(clippy::cast_precision_loss)]
    fn uniform(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / (1_u32 << 24) as f32
    }

    fn gaussian(&mut self) -> f32 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f32::consts::TAU * self.uniform()).cos()
    }
}

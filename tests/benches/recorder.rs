//! Handing a row to the recorder, and how fast it writes: beside a bulk statement by hand and beside row by row.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench recorder`. Each figure is taken once over many rows and printed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use pml_service::recorder::{Recorder, RecorderOptions, Sink, Written};
use pml_service::{Db, Error};
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// Rows per way of writing.
const ROWS: u32 = 50_000;
/// Rows that are written one by one; the rest is extrapolated.
const SINGLES: u32 = 2_000;
/// Tasks that record at the same time.
const CALLERS: u32 = 8;

#[derive(Clone)]
struct Event {
    id: Uuid,
    name: String,
    body: Value,
}

struct Events(Db);

const INSERT: &str = "INSERT INTO events (id, name, body) SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) ON CONFLICT DO NOTHING";

#[async_trait]
impl Sink for Events {
    type Row = Event;

    async fn write(&self, rows: &[Event]) -> Result<Written, Error> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        let bodies: Vec<Value> = rows.iter().map(|row| row.body.clone()).collect();
        let values = [ids.into(), names.into(), bodies.into()];
        self.0
            .execute_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                INSERT,
                values,
            ))
            .await?;
        Ok(Written::all())
    }

    fn describe(&self, row: &Event) -> Value {
        json!(row.id)
    }
}

fn event(number: u32) -> Event {
    Event {
        id: Uuid::now_v7(),
        name: format!("event {number}"),
        body: json!({ "number": number, "words": ["one", "two", "three"] }),
    }
}

fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let at = ((times.len() - 1) as f64 * share) as usize;
    times[at]
}

fn print_calls(what: &str, mut times: Vec<Duration>) {
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| percentile(&mut times, share));
    println!("{what}: mean {mean:?}, p50 {p50:?}, p99 {p99:?}, max {max:?} (wanted: below 50 µs)");
}

async fn clear(pool: &PgPool) {
    sqlx::query("TRUNCATE events").execute(pool).await.unwrap();
}

/// With room for every row, so that what is timed is the call and not the database.
async fn calls(db: &Db) {
    let options = RecorderOptions {
        capacity: 1_000_000,
        ..RecorderOptions::named("events")
    };
    let recorder = Recorder::start(db.clone(), Events(db.clone()), options);
    let rows: Vec<Event> = (0..ROWS).map(event).collect();
    let mut times = Vec::with_capacity(rows.len());
    for row in rows {
        let started = Instant::now();
        recorder.record(row).await.unwrap();
        times.push(started.elapsed());
    }
    print_calls("record(), one caller, the worker writing meanwhile", times);
    recorder.flush().await.unwrap();

    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let recorder = recorder.clone();
            tokio::spawn(async move {
                let rows: Vec<Event> = (0..ROWS / CALLERS).map(event).collect();
                let mut times = Vec::with_capacity(rows.len());
                for row in rows {
                    let started = Instant::now();
                    let _ = recorder.try_record(row);
                    times.push(started.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.unwrap());
    }
    print_calls(
        &format!(
            "try_record(), {CALLERS} callers on the machine's cores, the worker writing meanwhile"
        ),
        times,
    );
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!(stats.dropped + stats.poisoned + stats.unwritten, 0);
}

async fn through_the_recorder(db: &Db) -> Duration {
    let recorder = Recorder::start(
        db.clone(),
        Events(db.clone()),
        RecorderOptions::named("events"),
    );
    let rows: Vec<Event> = (0..ROWS).map(event).collect();
    let started = Instant::now();
    for row in rows {
        recorder.record(row).await.unwrap();
    }
    recorder.flush().await.unwrap();
    started.elapsed()
}

async fn in_bulk_by_hand(pool: &PgPool) -> Duration {
    let rows: Vec<Event> = (0..ROWS).map(event).collect();
    let started = Instant::now();
    for chunk in rows.chunks(500) {
        sqlx::query(INSERT)
            .bind(chunk.iter().map(|row| row.id).collect::<Vec<_>>())
            .bind(chunk.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|row| row.body.clone()).collect::<Vec<_>>())
            .execute(pool)
            .await
            .unwrap();
    }
    started.elapsed()
}

async fn row_by_row(pool: &PgPool) -> Duration {
    let rows: Vec<Event> = (0..SINGLES).map(event).collect();
    let started = Instant::now();
    for row in rows {
        sqlx::query(
            "INSERT INTO events (id, name, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(row.id)
        .bind(row.name)
        .bind(row.body)
        .execute(pool)
        .await
        .unwrap();
    }
    started.elapsed() * (ROWS / SINGLES)
}

#[tokio::main]
async fn main() {
    // `cargo test` builds and starts benchmarks too; only `cargo bench` says so.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let database = TestDatabase::with_pool(10).await;
    if database.is_embedded() {
        println!("recorder: needs a real server, set TEST_DATABASE_URL");
        return;
    }
    let db = database.db();
    let pool = db.get_postgres_connection_pool();
    sqlx::query(
        "CREATE TABLE events (id uuid PRIMARY KEY, name text NOT NULL, body jsonb NOT NULL)",
    )
    .execute(pool)
    .await
    .unwrap();
    calls(db).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        clear(pool).await;
        ours.push(through_the_recorder(db).await);
        clear(pool).await;
        theirs.push(in_bulk_by_hand(pool).await);
    }
    clear(pool).await;
    let singles = row_by_row(pool).await;
    let (ours, theirs) = (percentile(&mut ours, 0.5), percentile(&mut theirs, 0.5));
    println!(
        "{ROWS} rows: recorder {ours:?} ({:.0} rows/s), sqlx UNNEST of 500 {theirs:?}, ratio {:.2}; row by row {singles:?} (from {SINGLES}), {:.1} times the recorder",
        f64::from(ROWS) / ours.as_secs_f64(),
        ours.as_secs_f64() / theirs.as_secs_f64(),
        singles.as_secs_f64() / ours.as_secs_f64(),
    );
}

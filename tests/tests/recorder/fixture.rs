//! A table, a sink that writes it, and switches to make it fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pml_service::recorder::{Recorder, RecorderOptions, Sink, Written};
use pml_service::{Db, Error};
use sea_orm::{ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Row {
    pub id: Uuid,
    /// Negative numbers are refused by a CHECK.
    pub number: i32,
    /// Must be there before: a row without it is not yet writable.
    pub parent: Option<Uuid>,
    pub secret: &'static str,
}

pub fn row(number: i32) -> Row {
    Row {
        id: Uuid::now_v7(),
        number,
        parent: None,
        secret: "hunter2",
    }
}

/// What a test can see and turn while the sink works.
pub struct Switches {
    /// Calls of `write`.
    pub writes: AtomicU64,
    /// The next so many writes succeed and their answer is lost.
    pub lost_answers: AtomicU64,
    /// The next so many writes fail as if the database were away.
    pub away: AtomicU64,
    /// A write takes one permit; none are there: it waits.
    pub gate: Semaphore,
    /// Row numbers that make the sink panic.
    pub panics_at: i32,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            writes: AtomicU64::new(0),
            lost_answers: AtomicU64::new(0),
            away: AtomicU64::new(0),
            gate: Semaphore::new(1_000_000),
            panics_at: i32::MAX,
        }
    }
}

impl Switches {
    pub fn closed() -> Self {
        Self {
            gate: Semaphore::new(0),
            ..Self::default()
        }
    }

    pub fn open(&self) {
        self.gate.add_permits(1_000_000);
    }
}

pub struct Table {
    pub db: Db,
    pub switches: Arc<Switches>,
}

fn away() -> Error {
    DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into()
}

fn count_down(counter: &AtomicU64) -> bool {
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
}

#[async_trait]
impl Sink for Table {
    type Row = Row;

    async fn write(&self, rows: &[Row]) -> Result<Written, Error> {
        self.switches.writes.fetch_add(1, Ordering::SeqCst);
        self.switches.gate.acquire().await.unwrap().forget();
        if count_down(&self.switches.away) {
            return Err(away());
        }
        assert!(
            rows.iter()
                .all(|row| row.number != self.switches.panics_at && !row.secret.is_empty()),
            "the sink was told to panic"
        );
        let tx = self.db.begin().await?;
        // One round trip for the limit: a test with a lock must not wait for the pool's.
        tx.execute_unprepared("SET LOCAL lock_timeout = '60ms'")
            .await?;
        let sql = "SELECT n.position FROM unnest($1::uuid[]) WITH ORDINALITY AS n (parent, position) \
                   WHERE n.parent <> '00000000-0000-0000-0000-000000000000' AND NOT EXISTS (SELECT FROM recorded WHERE id = n.parent)";
        let parents: Vec<Uuid> = rows
            .iter()
            .map(|row| row.parent.unwrap_or_default())
            .collect();
        let mut missing = Vec::new();
        if parents.iter().any(|parent| !parent.is_nil()) {
            let statement =
                Statement::from_sql_and_values(DbBackend::Postgres, sql, [parents.into()]);
            for found in tx.query_all_raw(statement).await? {
                let position: i64 = found.try_get("", "position")?;
                missing.push(usize::try_from(position).unwrap() - 1);
            }
        }
        let present: Vec<&Row> = rows
            .iter()
            .enumerate()
            .filter(|(at, _)| !missing.contains(at))
            .map(|(_, row)| row)
            .collect();
        let ids: Vec<Uuid> = present.iter().map(|row| row.id).collect();
        let numbers: Vec<i32> = present.iter().map(|row| row.number).collect();
        let sql = "INSERT INTO recorded (id, number) SELECT id, number FROM unnest($1::uuid[], $2::int4[]) WITH ORDINALITY AS n (id, number, position) \
                   ORDER BY position ON CONFLICT DO NOTHING";
        let values = [ids.into(), numbers.into()];
        tx.execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            values,
        ))
        .await?;
        tx.commit().await?;
        if count_down(&self.switches.lost_answers) {
            return Err(away());
        }
        Ok(Written::except(missing))
    }

    fn describe(&self, row: &Row) -> Value {
        json!({ "id": row.id, "number": row.number, "note": "with a \0 in it" })
    }
}

/// Quick enough for a test that lets it fail.
pub fn options() -> RecorderOptions {
    RecorderOptions {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(50),
        interval: Duration::from_millis(20),
        ..RecorderOptions::named("recorded")
    }
}

pub async fn make_table(db: &Db) {
    let sql = "CREATE TABLE recorded (id uuid PRIMARY KEY, number int NOT NULL CHECK (number >= 0), place bigserial)";
    db.execute_unprepared(sql).await.unwrap();
}

pub async fn start(
    db: &Db,
    switches: Switches,
    options: RecorderOptions,
) -> (Recorder<Row>, Arc<Switches>) {
    make_table(db).await;
    let switches = Arc::new(switches);
    let sink = Table {
        db: db.clone(),
        switches: Arc::clone(&switches),
    };
    (Recorder::start(db.clone(), sink, options), switches)
}

/// The numbers in the table, in the order they were written.
pub async fn numbers(db: &Db) -> Vec<i32> {
    sqlx::query_scalar("SELECT number FROM recorded ORDER BY place")
        .fetch_all(db.get_postgres_connection_pool())
        .await
        .unwrap()
}

/// Message and context of the rows that went to `error_log`.
pub async fn dead_letters(db: &Db) -> Vec<(String, Value)> {
    sqlx::query_as("SELECT message, context FROM error_log WHERE error_type = 'RecorderRowRejected' ORDER BY id")
        .fetch_all(db.get_postgres_connection_pool())
        .await
        .unwrap()
}

/// Waits until it is so; a test whose condition never comes fails here.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..1_500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

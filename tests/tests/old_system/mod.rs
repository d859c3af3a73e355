//! A database as the older system made it: the recorded schema of a version, its own bookkeeping, none of ours.

#![allow(dead_code, reason = "each test binary uses its part")]

use pml_migration::history;
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Vectors that are valid and say nothing.
pub const VECTOR: &str = "array_fill(0.1, ARRAY[1024])::vector";

/// Applies the recorded steps up to `version` without our migrator, and records them the way the older runner did.
pub async fn make(db: &DatabaseConnection, version: u16) {
    sql(
        db,
        "CREATE TABLE migrations_history (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamp DEFAULT now())",
    )
    .await;
    advance(db, 1, version).await;
}

/// Applies the recorded steps `from` to `to`, as the older runner would on its next start.
pub async fn advance(db: &DatabaseConnection, from: u16, to: u16) {
    for step in history::STEPS {
        let number = history::version_of(step.name()).unwrap();
        if !(from..=to).contains(&number) {
            continue;
        }
        for statement in step.up() {
            sql(db, &statement).await;
        }
        let title = pml_migration::step::title(step.name()).replace(' ', "_");
        sql(
            db,
            &format!(
                "INSERT INTO migrations_history (version, name, applied_at) VALUES ({number}, '{title}', '2025-12-01 10:00:00')"
            ),
        )
        .await;
    }
}

/// How the migrator must run on this database.
pub fn options(database: &TestDatabase) -> pml_migration::Options {
    pml_migration::Options {
        exclusive: database.is_embedded(),
        ..Default::default()
    }
}

/// Runs one or more statements.
pub async fn sql<C: ConnectionTrait>(db: &C, statements: &str) {
    db.execute_unprepared(statements)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{statements}"));
}

/// The first column of every row, as text; NULL reads `-`.
pub async fn texts<C: ConnectionTrait>(db: &C, query: &str) -> Vec<String> {
    let query =
        format!("SELECT coalesce(value::text, '-') AS value FROM ({query}) AS answer (value)");
    db.query_all_raw(Statement::from_string(DbBackend::Postgres, query.clone()))
        .await
        .unwrap_or_else(|error| panic!("{error}\n{query}"))
        .iter()
        .map(|row| row.try_get("", "value").unwrap())
        .collect()
}

/// One value as text.
pub async fn text<C: ConnectionTrait>(db: &C, query: &str) -> String {
    texts(db, query).await.remove(0)
}

/// A uuid that is easy to read: `uuid(0xa)` ends in `…00a`.
pub fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

//! What the forward steps do to rows of version 034, and what their `down` gives back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::too_many_lines, reason = "a test of data states all its rows")]

mod audit;
mod capabilities;
#[path = "../old_system/mod.rs"]
mod old_system;
mod owners;
mod patterns;
mod runs;
mod tools;
mod values;

use old_system::{VECTOR, options, sql, uuid};
use pml_migration::{Engine, all, forward};
use pml_testkit::{TestDatabase, empty_database};
use sea_orm::DatabaseConnection;

/// How many steps come before the first forward one.
fn before_forward() -> usize {
    all().len() - forward::STEPS.len()
}

/// A database at version 034, before any forward step.
async fn recorded() -> TestDatabase {
    let database = empty_database().await;
    let steps = u32::try_from(before_forward()).unwrap();
    Engine::new(all())
        .up(database.conn(), Some(steps), &options(&database))
        .await
        .unwrap();
    database
}

/// Applies the forward steps up to number `last`, e.g. 103.
async fn up_to(database: &TestDatabase, last: u16) {
    let engine = Engine::new(all());
    let applied = all().len() - engine.pending(database.conn()).await.unwrap().len();
    let wanted = before_forward() + usize::from(last - 100);
    let steps = u32::try_from(wanted - applied).unwrap();
    engine
        .up(database.conn(), Some(steps), &options(database))
        .await
        .unwrap();
}

/// Takes forward steps back until `last` is the last one; 100 is the recorded version 034.
async fn down_to(database: &TestDatabase, last: u16) {
    let engine = Engine::new(all());
    let applied = all().len() - engine.pending(database.conn()).await.unwrap().len();
    let wanted = before_forward() + usize::from(last - 100);
    let steps = u32::try_from(applied - wanted).unwrap();
    engine
        .down(database.conn(), Some(steps), &options(database))
        .await
        .unwrap();
}

/// A pattern of version 034 or of any forward step; `more` is the SET list of an UPDATE.
async fn pattern(db: &DatabaseConnection, number: u32, more: &str) {
    sql(
        db,
        &format!(
            "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding)
             VALUES ('{0}', 'hash {number}', '{{}}', {VECTOR}); UPDATE workflow_pattern SET {more} WHERE pattern_id = '{0}'",
            uuid(number)
        ),
    )
    .await;
}

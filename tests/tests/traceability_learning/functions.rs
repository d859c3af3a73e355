//! The documented function, as SQL.

use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement};

use crate::data::{one, pattern, run};

fn state_and_constraint(error: &DbErr) -> (String, Option<String>) {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) =
        error
    else {
        panic!("{error:?}");
    };
    let error = error.as_database_error().unwrap();
    (
        error.code().unwrap().into_owned(),
        error.constraint().map(str::to_owned),
    )
}

const FIGURES: &str = "SELECT concat_ws(' ', total_usage_count, success_count, failure_count, success_rate, confidence_score, avg_duration_ms, \
    min_duration_ms, max_duration_ms) FROM ";

/// Example 19.
#[tokio::test]
async fn a_successful_replay_counts_and_moves_the_mean() {
    let database = database().await;
    let id = pattern(database.db(), "a").await;
    let figures: String = one(
        database.db(),
        &format!("{FIGURES} update_pattern_stats($1, 'success', 1300)"),
        [id.into()],
    )
    .await;
    assert_eq!(figures, "1 1 0 1.0000 0.5200 1150 900 1300");
}

/// Example 21.
#[tokio::test]
async fn a_partial_success_counts_as_neither_and_without_a_duration_moves_nothing() {
    let database = database().await;
    let id = pattern(database.db(), "a").await;
    for call in ["'success', 1000", "'failure', 1000", "'partial_success'"] {
        run(
            database.db(),
            &format!("SELECT update_pattern_stats($1, {call})"),
            [id.into()],
        )
        .await;
    }
    let figures: String = one(
        database.db(),
        &format!("{FIGURES} success_patterns WHERE pattern_id = $1"),
        [id.into()],
    )
    .await;
    assert_eq!(figures, "3 1 1 0.3333 0.5600 1000 900 1100");
}

/// Example 23.
#[tokio::test]
async fn another_outcome_and_an_unknown_pattern_have_states_of_their_own() {
    let database = database().await;
    let id = pattern(database.db(), "a").await;
    for (sql, state) in [
        (
            format!("SELECT update_pattern_stats('{id}', 'great')"),
            "22023",
        ),
        (
            "SELECT update_pattern_stats(gen_random_uuid(), 'success')".to_owned(),
            "P0002",
        ),
    ] {
        let error = database
            .conn()
            .execute_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .unwrap_err();
        assert_eq!(state_and_constraint(&error).0, state);
    }
}

/// Example 25.
#[tokio::test]
async fn a_pattern_hash_exists_once() {
    let database = database().await;
    pattern(database.db(), "h").await;
    let error = database
        .conn()
        .execute_unprepared(
            "INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score) \
             VALUES ('h', gen_random_uuid(), 'again', 1, 1, 1, 1)",
        )
        .await
        .unwrap_err();
    assert_eq!(
        state_and_constraint(&error),
        ("23505".to_owned(), Some("idx_pattern_hash".to_owned()))
    );
}

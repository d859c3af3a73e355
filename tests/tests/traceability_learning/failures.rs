//! From failures to recurring errors.

use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{ExtractionOptions, extract_all};
use pml_testkit::database;

use crate::data::{count, one, trace};

#[tokio::test]
async fn a_failure_that_comes_back_is_counted_with_its_samples_and_agents() {
    let database = database().await;
    let db = database.db();
    let options = ExtractionOptions::default();
    trace("a")
        .failed("timeout", "no answer after 3000 ms")
        .insert(db)
        .await;
    extract_all(db, &HashingPromptEmbedder, &options)
        .await
        .unwrap();
    let mut other = trace("b").failed("timeout", "no answer after 17 ms");
    other.agent = "agent-api".to_owned();
    other.insert(db).await;
    trace("c")
        .failed("timeout", "the socket is gone")
        .insert(db)
        .await;
    let extracted = extract_all(db, &HashingPromptEmbedder, &options)
        .await
        .unwrap();
    assert_eq!((extracted.errors, extracted.patterns), (2, 0));
    let found: String = one(
        db,
        "SELECT concat_ws(' | ', error_type, error_category, error_message_pattern, occurrence_count, array_to_string(affected_agents, ','), \
            cardinality(sample_correlation_ids)) FROM error_patterns ORDER BY occurrence_count DESC LIMIT 1",
        [],
    )
    .await;
    assert_eq!(
        found,
        "timeout | network | no answer after <number> ms | 2 | agent-api,agent-debug | 2"
    );
    assert_eq!(count(db, "error_patterns").await, 2);
    assert_eq!(
        count(db, "trace_extractions WHERE result = 'error'").await,
        3
    );
}

#[tokio::test]
async fn an_error_keeps_the_latest_twenty_samples() {
    let database = database().await;
    let db = database.db();
    let mut ids = Vec::new();
    for number in 0..25 {
        let mut it = trace("a").failed("api_error", "broken");
        it.started_ms = number * 10;
        ids.push(it.insert(db).await);
        if number == 12 {
            extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
                .await
                .unwrap();
        }
    }
    extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    assert_eq!(
        one::<_, i32>(db, "SELECT occurrence_count FROM error_patterns", []).await,
        25
    );
    let samples: Vec<pml_entity::values::CorrelationId> =
        one(db, "SELECT sample_correlation_ids FROM error_patterns", []).await;
    assert_eq!(samples, ids[5..]);
    let last: bool = one(
        db,
        "SELECT last_occurrence_at = (SELECT max(completed_at) FROM execution_traces) AND first_seen_at = (SELECT min(completed_at) FROM execution_traces) \
         FROM error_patterns",
        [],
    )
    .await;
    assert!(last);
}

#[tokio::test]
async fn the_values_of_a_message_do_not_reach_the_shared_table() {
    let database = database().await;
    let db = database.db();
    trace("a")
        .failed(
            "validation_error",
            "user 'Ann Lee' <ann@example.org> has no key sk-12345678abc",
        )
        .insert(db)
        .await;
    extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    let message: String = one(db, "SELECT error_message_pattern FROM error_patterns", []).await;
    assert_eq!(message, "user <text> <<email>> has no key <token>");
}

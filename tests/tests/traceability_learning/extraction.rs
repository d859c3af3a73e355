//! From executions to patterns.

use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{
    Criteria, CriteriaLimits, Extracted, ExtractionOptions, Observation, embed_missing,
    extract_all, extract_batch, reembed,
};
use pml_service::traceability::read;
use pml_testkit::database;
use serde_json::json;

use crate::data::{Other, Silent, count, one, patterns, run, trace};

fn options() -> ExtractionOptions {
    ExtractionOptions::default()
}

#[tokio::test]
async fn a_good_execution_becomes_a_pattern_without_its_values() {
    let database = database().await;
    let db = database.db();
    let id = trace("Fix the login of ann@example.org").insert(db).await;
    let extracted = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!(
        (extracted.traces, extracted.patterns, extracted.finished),
        (1, 1, true)
    );
    let stored = patterns(db).await.remove(0);
    assert_eq!(stored.source_correlation_id, id);
    assert_eq!(stored.prompt_text, "Fix the login of <email>");
    assert_eq!(stored.intent_classification.as_deref(), Some("debugging"));
    assert_eq!(stored.agent_sequence, ["agent-debug"]);
    assert_eq!(
        (
            stored.avg_duration_ms,
            stored.min_duration_ms,
            stored.max_duration_ms
        ),
        (1_000, 1_000, 1_000)
    );
    assert_eq!(
        (
            stored.success_score.as_str(),
            stored.total_usage_count,
            stored.embedded
        ),
        ("1.0000", 0, true)
    );
    assert_eq!(stored.context, Some(json!({"domain": "auth"})));
    assert_eq!(stored.hook_sequence[0]["quality_gates"], json!(["SV-001"]));
    assert_eq!(
        stored.endpoint_pattern[0]["request_template"],
        json!({"query": null, "top": null})
    );
    assert_eq!(
        stored.endpoint_pattern[0]["expected_response_schema"],
        json!({"answer": "string"})
    );
    let leaked: bool = one(
        db,
        "SELECT bool_or(p::text LIKE '%SECRET%' OR p::text LIKE '%ann@%') FROM success_patterns p",
        [],
    )
    .await;
    assert!(!leaked);
    assert_eq!(
        count(
            db,
            "trace_extractions WHERE result = 'pattern' AND pattern_id IS NOT NULL"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn nothing_is_looked_at_twice() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    let again = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!(
        again,
        Extracted {
            finished: true,
            ..Extracted::default()
        }
    );
}

/// Example 39.
#[tokio::test]
async fn an_execution_with_a_failed_hook_scores_and_gives_no_pattern() {
    let database = database().await;
    let db = database.db();
    let mut it = trace("Fix the login");
    it.hook_error = Some("exit 1");
    let id = it.insert(db).await;
    let assembled = read::get(db, id).await.unwrap();
    let criteria = Criteria::of(&Observation::from(&assembled), &CriteriaLimits::default());
    assert!((criteria.score() - 0.85).abs() < 1e-12 && !criteria.is_successful());
    let extracted = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!(
        (extracted.traces, extracted.patterns, extracted.errors),
        (1, 0, 0)
    );
    assert_eq!(count(db, "success_patterns").await, 0);
}

#[tokio::test]
async fn a_repeat_moves_the_durations_and_leaves_the_counters_and_the_source() {
    let database = database().await;
    let db = database.db();
    let first = trace("Fix the login").took(1_000).insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    trace("fix the LOGIN!").took(2_000).insert(db).await;
    let mut replay = trace("Fix the login").took(9_000);
    replay.strategy = "learned_pattern";
    replay.insert(db).await;
    let extracted = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!((extracted.patterns, extracted.repeats), (0, 2));
    let stored = patterns(db).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].source_correlation_id, first);
    // The replay is counted by its end, not here.
    assert_eq!(
        (
            stored[0].avg_duration_ms,
            stored[0].min_duration_ms,
            stored[0].max_duration_ms
        ),
        (1_500, 1_000, 2_000)
    );
    assert_eq!(stored[0].total_usage_count, 0);
}

#[tokio::test]
async fn executions_of_one_batch_that_show_the_same_are_one_pattern() {
    let database = database().await;
    let db = database.db();
    for duration in [100, 200, 600] {
        trace("Fix the login").took(duration).insert(db).await;
    }
    let extracted = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!((extracted.patterns, extracted.repeats), (1, 2));
    let stored = patterns(db).await.remove(0);
    assert_eq!(
        (
            stored.avg_duration_ms,
            stored.min_duration_ms,
            stored.max_duration_ms
        ),
        (300, 100, 600)
    );
}

#[tokio::test]
async fn an_execution_that_completes_late_is_not_missed() {
    let database = database().await;
    let db = database.db();
    let late = trace("Write the changelog").running();
    late.insert(db).await;
    trace("Fix the login").insert(db).await;
    let first = extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    assert_eq!(first.traces, 1);
    // It began before the other and, by its own clock, also ended before it.
    run(
        db,
        "UPDATE execution_traces SET completed_at = started_at + interval '10 ms', duration_ms = 10, status = 'completed', success = true \
         WHERE correlation_id = $1",
        [late.id.into()],
    )
    .await;
    let since = ExtractionOptions {
        since: first.reached,
        ..options()
    };
    let second = extract_all(db, &HashingPromptEmbedder, &since)
        .await
        .unwrap();
    assert_eq!((second.traces, second.patterns), (1, 1));
}

#[tokio::test]
async fn a_batch_takes_as_many_as_it_is_told_and_a_constant_number_of_statements() {
    let database = database().await;
    let db = database.db();
    for number in 0..60 {
        trace(&format!(
            "Fix the widget{} now",
            ["alpha", "beta", "gamma"][number % 3]
        ))
        .insert(db)
        .await;
    }
    let mut statements = Vec::new();
    for batch in [5, 50] {
        let before = db.statements().snapshot();
        let extracted = extract_batch(
            db,
            &HashingPromptEmbedder,
            &ExtractionOptions { batch, ..options() },
        )
        .await
        .unwrap();
        assert_eq!(extracted.traces, u64::from(batch));
        statements.push(db.statements().since(&before).statements);
    }
    // The first also names the model; the second repeats what the first has found.
    assert!(
        statements.iter().all(|count| *count <= 15),
        "{statements:?}"
    );
}

#[tokio::test]
async fn without_an_answer_of_the_embedder_the_vector_comes_later() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    extract_all(db, &Silent, &options()).await.unwrap();
    assert!(!patterns(db).await[0].embedded);
    assert_eq!(embed_missing(db, &HashingPromptEmbedder).await.unwrap(), 1);
    assert!(patterns(db).await[0].embedded);
    assert_eq!(embed_missing(db, &HashingPromptEmbedder).await.unwrap(), 0);
}

#[tokio::test]
async fn another_model_is_refused_before_anything_is_claimed_until_all_is_embedded_anew() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    trace("Write the changelog").insert(db).await;
    let error = extract_all(db, &Other, &options()).await.unwrap_err();
    assert_eq!(error.code(), "mixed_embedding_models");
    assert_eq!(count(db, "trace_extractions").await, 1);
    assert_eq!(reembed(db, &Other).await.unwrap(), 1);
    assert_eq!(
        extract_all(db, &Other, &options()).await.unwrap().patterns,
        1
    );
    assert_eq!(
        extract_all(db, &HashingPromptEmbedder, &options())
            .await
            .unwrap_err()
            .code(),
        "mixed_embedding_models"
    );
}

#[tokio::test]
async fn a_claim_that_was_left_lying_is_taken_over() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    run(db, "INSERT INTO trace_extractions (trace_id, claim_id) SELECT id, gen_random_uuid() FROM execution_traces", []).await;
    assert_eq!(
        extract_all(db, &HashingPromptEmbedder, &options())
            .await
            .unwrap()
            .traces,
        0
    );
    run(
        db,
        "UPDATE trace_extractions SET claimed_at = now() - interval '1 hour'",
        [],
    )
    .await;
    assert_eq!(
        extract_all(db, &HashingPromptEmbedder, &options())
            .await
            .unwrap()
            .patterns,
        1
    );
}

#[tokio::test]
async fn what_was_seen_goes_with_the_execution_and_the_pattern_stays() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    extract_all(db, &HashingPromptEmbedder, &options())
        .await
        .unwrap();
    run(db, "DELETE FROM execution_traces", []).await;
    assert_eq!(count(db, "trace_extractions").await, 0);
    assert_eq!(count(db, "success_patterns").await, 1);
}

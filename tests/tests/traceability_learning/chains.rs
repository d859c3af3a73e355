//! From delegations to chains of agents.

use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{ExtractionOptions, extract_all};
use pml_testkit::database;
use sea_orm::ConnectionTrait;

use crate::data::{count, one, patterns, run, trace};

async fn delegating<C: ConnectionTrait>(db: &C, success: bool) {
    let mut root = trace("Fix the failing build");
    if !success {
        root = root.failed("api_error", "broken");
    }
    let root_id = root.took(1_000).insert(db).await;
    let coder = trace("")
        .took(400)
        .below(root_id, "agent-code", 100)
        .insert(db)
        .await;
    trace("")
        .took(100)
        .below(coder, "agent-test", 200)
        .insert(db)
        .await;
    trace("")
        .took(300)
        .below(root_id, "agent-docs", 600)
        .insert(db)
        .await;
}

#[tokio::test]
async fn the_agents_of_a_chain_stand_in_order_in_pattern_and_chain() {
    let database = database().await;
    let db = database.db();
    delegating(db, true).await;
    let extracted = extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    assert_eq!(
        (extracted.traces, extracted.patterns, extracted.chains),
        (4, 1, 1)
    );
    let agents = ["agent-debug", "agent-code", "agent-test", "agent-docs"];
    assert_eq!(patterns(db).await[0].agent_sequence, agents);
    let chain: String = one(
        db,
        "SELECT concat_ws(' | ', primary_agent, array_to_string(delegated_agents, ','), delegation_depth, trigger_context, success_rate, usage_count, \
            avg_total_duration_ms, avg_coordination_overhead_ms, cardinality(source_traces)) FROM agent_chaining_patterns",
        [],
    )
    .await;
    assert_eq!(
        chain,
        "agent-debug | agent-code,agent-test,agent-docs | 2 | debugging | 1.0000 | 1 | 1000 | 300 | 1"
    );
}

#[tokio::test]
async fn a_chain_that_comes_back_is_averaged_whether_it_worked_or_not() {
    let database = database().await;
    let db = database.db();
    for success in [true, true, false] {
        delegating(db, success).await;
        extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
            .await
            .unwrap();
    }
    assert_eq!(count(db, "agent_chaining_patterns").await, 1);
    let chain: String = one(
        db,
        "SELECT concat_ws(' ', usage_count, success_rate) FROM agent_chaining_patterns",
        [],
    )
    .await;
    assert_eq!(chain, "3 0.6667");
}

#[tokio::test]
async fn a_cycle_of_parents_ends() {
    let database = database().await;
    let db = database.db();
    delegating(db, true).await;
    // The root says that it was delegated by its own grandchild.
    run(
        db,
        "UPDATE execution_traces SET parent_id = (SELECT correlation_id FROM execution_traces t JOIN agent_routing_decisions d ON d.trace_id = t.id \
            WHERE agent_selected = 'agent-test') WHERE prompt_text = 'Fix the failing build'",
        [],
    )
    .await;
    let extracted = extract_all(db, &HashingPromptEmbedder, &ExtractionOptions::default())
        .await
        .unwrap();
    assert_eq!((extracted.traces, extracted.patterns), (4, 1));
}

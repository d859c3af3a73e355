//! An execution with everything below it.

use pml_service::traceability::read::{MAX_PARTS, MAX_TRACES, get, hierarchy};
use pml_testkit::database;

use super::given::*;

#[tokio::test]
async fn an_execution_is_assembled_with_everything_below_it() {
    let test = database().await;
    let db = test.db();
    // Written out of order: children go by their start.
    for (number, parent) in [
        (1, None),
        (5, Some(2)),
        (3, Some(1)),
        (2, Some(1)),
        (4, Some(2)),
        (9, None),
    ] {
        trace(db, number, parent).await;
    }
    // Orders that repeat, as after a restart of a tracer: then the start decides, then the id.
    for (number, order, second) in [(4, 2, 9), (3, 1, 8), (1, 1, 7), (2, 1, 7)] {
        hook(db, 1, number, order, second).await;
    }
    for (number, second) in [(3, 6), (2, 5), (1, 5)] {
        call(db, 1, number, second).await;
    }
    call(db, 4, 40, 5).await;

    let found = get(db, correlation(1)).await.unwrap();

    assert_eq!(shape(&found), "1(2(4 5) 3)");
    let hooks: Vec<&str> = found
        .hook_executions
        .iter()
        .map(|hook| hook.hook_name.as_str())
        .collect();
    assert_eq!(hooks, ["hook-1", "hook-2", "hook-3", "hook-4"]);
    let calls: Vec<&str> = found
        .endpoint_calls
        .iter()
        .map(|call| call.endpoint_path.as_str())
        .collect();
    assert_eq!(calls, ["/1", "/2", "/3"]);
    assert_eq!(
        (found.total_hooks, found.total_endpoints),
        (4, 3),
        "children are not counted"
    );
    assert_eq!(found.child_traces[0].child_traces[0].total_endpoints, 1);
    assert!(found.routing_decision.is_none() && !found.truncated);
}

#[tokio::test]
async fn the_newest_decision_counts_and_of_two_at_once_the_greater_id() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    for (number, agent, second) in [
        (7, "old", 1),
        (2, "new", 3),
        (3, "newest", 3),
        (1, "middle", 2),
    ] {
        decision(db, 1, number, agent, second).await;
    }
    let found = get(db, correlation(1)).await.unwrap();
    assert_eq!(found.routing_decision.unwrap().agent_selected, "newest");
}

#[tokio::test]
async fn quality_gates_are_counted_by_their_lists_and_a_check_without_one_as_one() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    for number in 1..=4 {
        hook(db, 1, number, number, number).await;
    }
    sql(
        db,
        "UPDATE hook_executions SET rag_query_performed = execution_order <= 3, quality_check_performed = execution_order IN (1, 2, 3), \
         quality_gates_validated = CASE execution_order WHEN 1 THEN ARRAY['SV-001', 'SV-002'] WHEN 2 THEN ARRAY[]::text[] END",
    )
    .await;
    let found = get(db, correlation(1)).await.unwrap();
    assert_eq!(
        (found.total_rag_queries, found.total_quality_gates),
        (3, 2 + 1 + 1)
    );
}

/// Example 9.
#[tokio::test]
async fn a_cycle_among_the_parents_ends() {
    let test = database().await;
    let db = test.db();
    for (number, parent) in [(1, None), (2, Some(1)), (3, Some(2)), (4, None)] {
        trace(db, number, parent).await;
    }
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET parent_id = {} WHERE id = {}; UPDATE execution_traces SET parent_id = correlation_id WHERE id = {}",
            id(2, 3), id(1, 1), id(1, 4)
        ),
    )
    .await;
    assert_eq!(hierarchy(db, correlation(1)).await.unwrap().nodes.len(), 3);
    assert_eq!(shape(&get(db, correlation(1)).await.unwrap()), "1(2(3))");
    assert_eq!(shape(&get(db, correlation(2)).await.unwrap()), "2(3(1))");
    assert_eq!(
        shape(&get(db, correlation(4)).await.unwrap()),
        "4",
        "its own parent"
    );
}

#[tokio::test]
async fn the_assembly_takes_four_statements_for_one_child_and_for_fifty() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    let mut seen = Vec::new();
    for children in [2..3, 3..52] {
        for number in children {
            trace(db, number, Some(1)).await;
            hook(db, number, number, 1, 1).await;
            call(db, number, number, 1).await;
            decision(db, number, number, "agent", 1).await;
        }
        let before = db.statements().snapshot();
        let found = get(db, correlation(1)).await.unwrap();
        seen.push((found.child_traces.len(), statements(db, &before)));
        let before = db.statements().snapshot();
        hierarchy(db, correlation(1)).await.unwrap();
        assert_eq!(statements(db, &before), 1);
    }
    assert_eq!(seen, [(1, 4), (50, 4)]);
}

#[tokio::test]
async fn a_chain_of_more_than_32_levels_is_cut_there_and_says_so() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    for number in 2..=33 {
        trace(db, number, Some(number - 1)).await;
    }
    let whole = hierarchy(db, correlation(1)).await.unwrap();
    assert_eq!(
        (whole.nodes.last().unwrap().depth, whole.truncated),
        (32, false)
    );
    assert!(!get(db, correlation(1)).await.unwrap().truncated);

    trace(db, 34, Some(33)).await;
    let cut = hierarchy(db, correlation(1)).await.unwrap();
    assert_eq!(
        (
            cut.nodes.len(),
            cut.nodes.last().unwrap().depth,
            cut.truncated
        ),
        (33, 32, true)
    );
    assert!(get(db, correlation(1)).await.unwrap().truncated);
}

#[tokio::test]
async fn a_tree_of_more_than_a_thousand_is_cut_there_and_says_so() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    let children = |from: u32, to: u32| {
        format!(
            "INSERT INTO execution_traces (correlation_id, root_id, parent_id, session_id, source, started_at) \
             SELECT {}, {}, {}, {}, 'agent_delegation', '2026-01-01T11:00:00Z'::timestamptz + n * interval '1 second' FROM generate_series({from}, {to}) AS n",
            id(2, "n"),
            id(2, 1),
            id(2, 1),
            id(3, 1)
        )
    };
    sql(db, &children(2, 1_000)).await;
    let whole = get(db, correlation(1)).await.unwrap();
    assert_eq!((whole.child_traces.len(), whole.truncated), (999, false));

    sql(db, &children(1_001, 1_500)).await;
    let cut = get(db, correlation(1)).await.unwrap();
    assert_eq!(
        (cut.child_traces.len() + 1, cut.truncated),
        (MAX_TRACES, true)
    );
    assert_eq!(
        cut.child_traces.last().unwrap().trace.correlation_id,
        correlation(1_000),
        "the latest are left out"
    );
    let nodes = hierarchy(db, correlation(1)).await.unwrap();
    assert_eq!((nodes.nodes.len(), nodes.truncated), (MAX_TRACES, true));
}

#[tokio::test]
async fn more_than_ten_thousand_hooks_are_cut_there_and_say_so() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    let hooks = |from: usize, to: usize| {
        format!(
            "INSERT INTO hook_executions (trace_id, hook_type, hook_name, execution_order) SELECT {}, 'Stop', 'h', n FROM generate_series({from}, {to}) AS n",
            id(1, 1)
        )
    };
    sql(db, &hooks(1, MAX_PARTS)).await;
    assert!(!get(db, correlation(1)).await.unwrap().truncated);
    sql(db, &hooks(MAX_PARTS + 1, MAX_PARTS + 1)).await;
    let cut = get(db, correlation(1)).await.unwrap();
    assert_eq!(
        (cut.hook_executions.len(), cut.truncated),
        (MAX_PARTS, true)
    );
}

#[tokio::test]
async fn an_unknown_execution_is_not_found() {
    let test = database().await;
    for error in [
        get(test.db(), correlation(1)).await.unwrap_err(),
        hierarchy(test.db(), correlation(1)).await.unwrap_err(),
        pml_service::traceability::read::timeline(test.db(), correlation(1))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.code(), "not_found");
    }
}

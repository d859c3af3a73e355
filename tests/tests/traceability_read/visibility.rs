//! Somebody who sees a part: what is hidden does not exist.

use pml_service::PageRequest;
use pml_service::traceability::read::{TraceFilter, get, hierarchy, list, timeline};
use pml_testkit::database;

use super::given::*;

#[tokio::test]
async fn a_user_reads_their_own_executions_and_those_of_nobody() {
    let test = database().await;
    let db = test.db();
    // Alice's 1, below it Bob's 2 with Alice's 3, and nobody's 4. Bob's 5 stands alone.
    for (number, parent) in [
        (1, None),
        (2, Some(1)),
        (3, Some(2)),
        (4, Some(1)),
        (5, None),
    ] {
        trace(db, number, parent).await;
        hook(db, number, number, 1, 1).await;
        call(db, number, number, 1).await;
        decision(db, number, number, "agent", 1).await;
    }
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET user_id = 'alice' WHERE id IN ({}, {}); UPDATE execution_traces SET user_id = 'bob' WHERE id IN ({}, {})",
            id(1, 1), id(1, 3), id(1, 2), id(1, 5)
        ),
    )
    .await;
    assert_eq!(shape(&get(db, correlation(1)).await.unwrap()), "1(2(3) 4)");

    let alice = asking(db, Some("alice")).await;
    let seen = get(&alice, correlation(1)).await.unwrap();
    assert_eq!(
        shape(&seen),
        "1(4)",
        "what lies below a hidden execution is not reached"
    );
    assert_eq!(
        (
            seen.total_hooks,
            seen.total_endpoints,
            seen.routing_decision.is_some()
        ),
        (1, 1, true)
    );
    assert_eq!(
        hierarchy(&alice, correlation(1)).await.unwrap().nodes.len(),
        2
    );
    assert_eq!(
        list(&alice, &TraceFilter::default(), PageRequest::default())
            .await
            .unwrap()
            .items
            .len(),
        3
    );
    assert_eq!(timeline(&alice, correlation(3)).await.unwrap().len(), 4);
    for error in [
        get(&alice, correlation(2)).await.unwrap_err(),
        timeline(&alice, correlation(5)).await.unwrap_err(),
        hierarchy(&alice, correlation(5)).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "not_found");
    }
    alice.rollback().await.unwrap();

    let nobody = asking(db, None).await;
    let seen = list(&nobody, &TraceFilter::default(), PageRequest::default())
        .await
        .unwrap();
    assert_eq!(seen.items.len(), 1);
    assert_eq!(seen.items[0].correlation_id, correlation(4));
}

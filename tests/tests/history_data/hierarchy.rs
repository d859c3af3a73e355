//! Nesting depth (029).

use crate::old_system::{sql, texts};
use crate::{edge, levels, pattern, up_to};
use pml_testkit::empty_database;

#[tokio::test]
async fn step_029_computes_nesting_depth() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    // 1 contains 2 and 3, 2 contains 3; 4 stands alone; 5 is only followed by 1; 7 contains 6, which has no code.
    for number in 1..=7 {
        let hash = if number == 6 {
            "NULL".to_owned()
        } else {
            format!("repeat('{number}', 64)")
        };
        sql(db, &pattern(number, &hash)).await;
    }
    for (from, to, kind) in [
        (1, 2, "contains"),
        (1, 3, "contains"),
        (2, 3, "contains"),
        (5, 1, "sequence"),
        (7, 6, "contains"),
    ] {
        sql(db, &edge(from, to, kind)).await;
    }
    up_to(db, 29).await;
    assert_eq!(
        levels(db).await,
        ["1 2", "2 1", "3 0", "4 0", "5 0", "6 0", "7 0"]
    );
}

#[tokio::test]
async fn step_029_ends_on_a_cycle_and_counts_only_what_is_not_on_it() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    for number in 1..=6 {
        sql(db, &pattern(number, &format!("repeat('{number}', 64)"))).await;
    }
    // 1 and 2 contain each other, 2 contains the leaf 3, 4 contains 1; 5 and 6 contain each other and nothing else.
    for (from, to) in [(1, 2), (2, 1), (2, 3), (4, 1), (5, 6), (6, 5)] {
        sql(db, &edge(from, to, "contains")).await;
    }
    up_to(db, 29).await;
    assert_eq!(levels(db).await, ["1 0", "2 1", "3 0", "4 1", "5 0", "6 0"]);
}

#[tokio::test]
async fn step_029_takes_shared_parts_once_however_many_paths_lead_to_them() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 28).await;
    // A ladder of 40 rungs of two, each containing both of the next: 2^40 paths, 80 patterns.
    sql(
        db,
        "INSERT INTO workflow_pattern (pattern_id, pattern_hash, code_hash, dag_structure, intent_embedding)
         SELECT md5('p' || n)::uuid, 'h' || n, 'c' || n, '{}', array_fill(1.0::real, ARRAY[1024])::vector FROM generate_series(0, 79) n;
         INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type)
         SELECT md5('p' || n)::uuid, md5('p' || m)::uuid, 'contains'
         FROM generate_series(0, 77) n, generate_series(n / 2 * 2 + 2, n / 2 * 2 + 3) m",
    )
    .await;
    up_to(db, 29).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', max(hierarchy_level), count(DISTINCT hierarchy_level)) FROM workflow_pattern").await,
        ["39 40"]
    );
}

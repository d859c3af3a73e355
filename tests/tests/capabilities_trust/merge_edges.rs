//! Edges of a merge: they move, add up, and close no cycle.

use pml_entity::values::EdgeType;
use pml_service::capabilities::{CapabilityError, merge};
use pml_service::{Error, Principal};
use pml_testkit::{TestDatabase, database};

use crate::fixture::{
    Capability, Stored, StoredEdge, edge, edges_of, everything, pattern, stored_edge,
};

struct Four {
    s: Stored,
    t: Stored,
    x: Stored,
    y: Stored,
}

async fn four(test: &TestDatabase) -> Four {
    let mut stored = Vec::new();
    for name in ["fs:s", "fs:t", "fs:x", "fs:y"] {
        stored.push(Capability::new(name).insert(test.db()).await);
    }
    Four {
        s: stored[0],
        t: stored[1],
        x: stored[2],
        y: stored[3],
    }
}

async fn merge_s_into_t(test: &TestDatabase, of: &Four) -> Result<(), Error> {
    merge(
        test.db(),
        &Principal::Local,
        &of.s.reference(),
        &of.t.reference(),
        Some(false),
    )
    .await
    .map(|_| ())
}

fn is_edge(edge: Option<StoredEdge>, edge_type: &str, source: &str, count: i64, confidence: f64) {
    let edge = edge.expect("an edge");
    assert_eq!(
        (
            edge.edge_type.as_str(),
            edge.edge_source.as_str(),
            edge.observed_count
        ),
        (edge_type, source, count)
    );
    assert!(
        (edge.confidence_score - confidence).abs() < 1e-6,
        "{edge:?}"
    );
}

/// AT-49.
#[tokio::test]
async fn observations_of_both_add_up_and_the_rest_moves() {
    let test = database().await;
    let of = four(&test).await;
    edge(
        test.db(),
        of.x.pattern,
        of.s.pattern,
        "sequence",
        "inferred",
        3,
    )
    .await;
    edge(
        test.db(),
        of.x.pattern,
        of.t.pattern,
        "sequence",
        "inferred",
        2,
    )
    .await;
    edge(
        test.db(),
        of.s.pattern,
        of.y.pattern,
        "sequence",
        "inferred",
        1,
    )
    .await;
    merge_s_into_t(&test, &of).await.unwrap();
    is_edge(
        stored_edge(test.db(), of.x.pattern, of.t.pattern).await,
        "sequence",
        "observed",
        5,
        0.5,
    );
    is_edge(
        stored_edge(test.db(), of.t.pattern, of.y.pattern).await,
        "sequence",
        "inferred",
        1,
        0.35,
    );
    assert_eq!(edges_of(test.db(), of.s.pattern).await, 0);
}

/// D01: the trust is that of the type and the source which stand; the type is the target's.
#[tokio::test]
async fn the_target_keeps_its_type_and_trust_is_computed_anew() {
    for (source, target, expected) in [
        (
            ("provides", "inferred", 1),
            ("dependency", "inferred", 1),
            ("dependency", "inferred", 2, 0.7),
        ),
        (
            ("provides", "inferred", 2),
            ("contains", "inferred", 1),
            ("contains", "observed", 3, 0.8),
        ),
        (
            ("sequence", "observed", 1),
            ("alternative", "inferred", 1),
            ("alternative", "observed", 2, 0.6),
        ),
        (
            ("sequence", "inferred", 1),
            ("sequence", "observed", 4),
            ("sequence", "observed", 5, 0.5),
        ),
        // K16: a template edge is no observation.
        (
            ("sequence", "inferred", 2),
            ("provides", "template", 1),
            ("provides", "inferred", 2, 0.49),
        ),
        (
            ("sequence", "template", 1),
            ("provides", "inferred", 2),
            ("provides", "inferred", 2, 0.49),
        ),
        (
            ("sequence", "template", 2),
            ("provides", "template", 2),
            ("provides", "template", 4, 0.35),
        ),
    ] {
        let test = database().await;
        let of = four(&test).await;
        edge(
            test.db(),
            of.s.pattern,
            of.x.pattern,
            source.0,
            source.1,
            source.2,
        )
        .await;
        edge(
            test.db(),
            of.t.pattern,
            of.x.pattern,
            target.0,
            target.1,
            target.2,
        )
        .await;
        merge_s_into_t(&test, &of).await.unwrap();
        let stands = stored_edge(test.db(), of.t.pattern, of.x.pattern).await;
        is_edge(stands, expected.0, expected.1, expected.2, expected.3);
    }
}

/// D08: an edge between the two used to become one from the target to itself.
#[tokio::test]
async fn edges_between_the_two_vanish() {
    for kind in ["sequence", "contains", "dependency"] {
        let test = database().await;
        let of = four(&test).await;
        edge(test.db(), of.s.pattern, of.t.pattern, kind, "inferred", 1).await;
        edge(
            test.db(),
            of.t.pattern,
            of.s.pattern,
            "sequence",
            "inferred",
            1,
        )
        .await;
        merge_s_into_t(&test, &of).await.unwrap();
        assert_eq!(edges_of(test.db(), of.t.pattern).await, 0, "{kind}");
    }
}

/// K12: S contains X, X contains T. As one they would contain themselves.
#[tokio::test]
async fn a_merge_that_would_close_a_cycle_is_refused_and_writes_nothing() {
    for (kind, edge_type) in [
        ("contains", EdgeType::Contains),
        ("dependency", EdgeType::Dependency),
    ] {
        for reversed in [false, true] {
            let test = database().await;
            let of = four(&test).await;
            let (from, to) = if reversed { (of.t, of.s) } else { (of.s, of.t) };
            edge(test.db(), from.pattern, of.x.pattern, kind, "inferred", 1).await;
            edge(test.db(), of.x.pattern, of.y.pattern, kind, "inferred", 1).await;
            edge(test.db(), of.y.pattern, to.pattern, kind, "inferred", 1).await;
            let before = everything(test.db()).await;
            match merge_s_into_t(&test, &of).await.unwrap_err() {
                Error::Capability(error) => {
                    assert_eq!(*error, CapabilityError::Cycle { edge_type });
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(everything(test.db()).await, before, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_cycle_of_the_other_kinds_or_of_mixed_ones_is_none() {
    for (first, second) in [
        ("sequence", "sequence"),
        ("provides", "provides"),
        ("alternative", "alternative"),
        ("contains", "dependency"),
    ] {
        let test = database().await;
        let of = four(&test).await;
        edge(test.db(), of.s.pattern, of.x.pattern, first, "inferred", 1).await;
        edge(test.db(), of.x.pattern, of.t.pattern, second, "inferred", 1).await;
        merge_s_into_t(&test, &of).await.unwrap();
        assert!(
            stored_edge(test.db(), of.t.pattern, of.x.pattern)
                .await
                .is_some()
        );
        assert!(
            stored_edge(test.db(), of.x.pattern, of.t.pattern)
                .await
                .is_some()
        );
    }
}

/// DEP-10: what contains the target stands above what the target contains now.
#[tokio::test]
async fn the_levels_above_rise_with_the_children_that_came() {
    let test = database().await;
    let of = four(&test).await;
    edge(
        test.db(),
        of.s.pattern,
        of.x.pattern,
        "contains",
        "inferred",
        1,
    )
    .await;
    edge(
        test.db(),
        of.y.pattern,
        of.t.pattern,
        "contains",
        "inferred",
        1,
    )
    .await;
    crate::fixture::run(
        test.db(),
        "UPDATE workflow_pattern SET hierarchy_level = 2 WHERE pattern_id = $1",
        vec![of.y.pattern.into()],
    )
    .await;
    merge_s_into_t(&test, &of).await.unwrap();
    for (capability, level) in [(of.x, 1), (of.t, 2), (of.y, 3)] {
        assert_eq!(
            pattern(test.db(), capability.pattern).await.unwrap()["hierarchy_level"],
            level
        );
    }
}

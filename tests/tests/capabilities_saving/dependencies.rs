//! Edges that are added, counted, read and removed by hand.

use pml_entity::values::{EdgeSource, EdgeType, Visibility};
use pml_service::capabilities::dependencies::{
    self, Direction, Edge, Relative, add, all, ancestors, children, count, descendants, list,
    observe, parents, remove,
};
use pml_service::capabilities::{Reference, SaveRequest, Saved};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;

use crate::given::{by_id, edge, execute, legacy_contains, level, near, run, save_as, saved, user};

const LOCAL: Principal = Principal::Local;

async fn capability(db: &Db, name: &str) -> Saved {
    let request = SaveRequest {
        namespace: Some("ns".to_owned()),
        action: Some(name.to_owned()),
        ..run(&format!("{name}()"), "i")
    };
    saved(db, request).await
}

async fn added(db: &Db, from: &Saved, to: &Saved, edge_type: EdgeType) -> Edge {
    add(
        db,
        &LOCAL,
        &by_id(from),
        &by_id(to),
        edge_type,
        EdgeSource::Inferred,
    )
    .await
    .unwrap()
}

fn state(edge: &Edge) -> (EdgeSource, i64) {
    (edge.edge_source, edge.observed_count)
}

/// AT-55, AT-57, and the same for every kind.
#[tokio::test]
async fn the_third_observation_makes_an_edge_observed() {
    let test = database().await;
    let db = test.db();
    let from = capability(db, "from").await;
    for edge_type in EdgeType::ALL.iter().copied() {
        let to = capability(db, &format!("to_{edge_type}")).await;
        for (count, source) in [
            (1, EdgeSource::Inferred),
            (2, EdgeSource::Inferred),
            (3, EdgeSource::Observed),
            (4, EdgeSource::Observed),
        ] {
            let edge = added(db, &from, &to, edge_type).await;
            assert_eq!(state(&edge), (source, count), "{edge_type}");
            near(
                edge.confidence_score,
                dependencies::confidence(edge_type, source),
            );
        }
    }
    let sequence = added(db, &from, &capability(db, "one").await, EdgeType::Sequence).await;
    near(sequence.confidence_score, 0.35);
}

/// AT-59, D01.
#[tokio::test]
async fn confidence_is_that_of_the_stored_type_and_source() {
    let test = database().await;
    let db = test.db();
    let (from, to) = (capability(db, "a").await, capability(db, "b").await);
    added(db, &from, &to, EdgeType::Provides).await;
    let counted = observe(db, &LOCAL, &by_id(&from), &by_id(&to), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state(&counted), (EdgeSource::Inferred, 2));
    near(counted.confidence_score, 0.49);
    // Another type on the same pair counts, and changes nothing else.
    let again = added(db, &from, &to, EdgeType::Dependency).await;
    assert_eq!(again.edge_type, EdgeType::Provides);
    near(again.confidence_score, 0.7);
    let fourth = added(db, &from, &to, EdgeType::Provides).await;
    near(fourth.confidence_score, 0.7);
}

/// K16.
#[tokio::test]
async fn the_first_observation_of_a_template_edge_makes_it_inferred_with_count_one() {
    let test = database().await;
    let db = test.db();
    let (from, to) = (capability(db, "a").await, capability(db, "b").await);
    let (from_ref, to_ref) = (by_id(&from), by_id(&to));
    let template = || {
        add(
            db,
            &LOCAL,
            &from_ref,
            &to_ref,
            EdgeType::Dependency,
            EdgeSource::Template,
        )
    };
    let declared = template().await.unwrap();
    near(declared.confidence_score, 0.5);
    assert_eq!(state(&template().await.unwrap()), (EdgeSource::Template, 2));
    let seen = added(db, &from, &to, EdgeType::Dependency).await;
    assert_eq!(state(&seen), (EdgeSource::Inferred, 1));
    near(seen.confidence_score, 0.7);
    let more = observe(db, &LOCAL, &from_ref, &to_ref, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state(&more), (EdgeSource::Observed, 3));
    near(more.confidence_score, 1.0);
    // Several at once on a template edge count from nothing.
    let other = capability(db, "c").await;
    add(
        db,
        &LOCAL,
        &from_ref,
        &by_id(&other),
        EdgeType::Provides,
        EdgeSource::Template,
    )
    .await
    .unwrap();
    let many = observe(db, &LOCAL, &from_ref, &by_id(&other), 5)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state(&many), (EdgeSource::Observed, 5));
}

/// DEP-3.
#[tokio::test]
async fn observing_what_is_not_stored_does_nothing() {
    let test = database().await;
    let db = test.db();
    let (from, to) = (capability(db, "a").await, capability(db, "b").await);
    assert_eq!(
        observe(db, &LOCAL, &by_id(&from), &by_id(&to), 1)
            .await
            .unwrap(),
        None
    );
    added(db, &from, &to, EdgeType::Sequence).await;
    let read = observe(db, &LOCAL, &by_id(&from), &by_id(&to), 0)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state(&read), (EdgeSource::Inferred, 1));
}

/// AT-61.
#[tokio::test]
async fn a_sequence_may_lead_both_ways() {
    let test = database().await;
    let db = test.db();
    let (a, b) = (capability(db, "a").await, capability(db, "b").await);
    for edge_type in [
        EdgeType::Sequence,
        EdgeType::Alternative,
        EdgeType::Provides,
    ] {
        added(db, &a, &b, edge_type).await;
        added(db, &b, &a, edge_type).await;
        execute(db, "DELETE FROM capability_dependency", []).await;
    }
}

/// AT-63.
#[tokio::test]
async fn no_capability_depends_on_itself() {
    let test = database().await;
    let db = test.db();
    let one = capability(db, "a").await;
    // By whatever name, and for every kind.
    let by_name: Reference = "ns:a".parse().unwrap();
    for edge_type in EdgeType::ALL.iter().copied() {
        let refused = add(
            db,
            &LOCAL,
            &by_id(&one),
            &by_name,
            edge_type,
            EdgeSource::Inferred,
        )
        .await;
        assert_eq!(refused.unwrap_err().code(), "self_dependency");
    }
}

/// K12, DEP-7.
#[tokio::test]
async fn contains_and_dependency_edges_close_no_cycle() {
    let test = database().await;
    let db = test.db();
    let a = capability(db, "a").await;
    let b = capability(db, "b").await;
    let c = capability(db, "c").await;
    for edge_type in [EdgeType::Contains, EdgeType::Dependency] {
        added(db, &a, &b, edge_type).await;
        added(db, &b, &c, edge_type).await;
        for (from, to) in [(&b, &a), (&c, &a), (&c, &b)] {
            let refused = add(
                db,
                &LOCAL,
                &by_id(from),
                &by_id(to),
                edge_type,
                EdgeSource::Observed,
            )
            .await;
            assert_eq!(refused.unwrap_err().code(), "dependency_cycle");
            assert!(edge(db, from.pattern_id, to.pattern_id).await.is_none());
        }
        // Each kind has its own circle to keep from.
        added(db, &c, &a, EdgeType::Provides).await;
        execute(db, "DELETE FROM capability_dependency", []).await;
    }
    added(db, &a, &b, EdgeType::Contains).await;
    added(db, &b, &a, EdgeType::Dependency).await;
}

#[tokio::test]
async fn an_added_contains_edge_raises_what_stands_above() {
    let test = database().await;
    let db = test.db();
    let a = capability(db, "a").await;
    let b = capability(db, "b").await;
    let c = capability(db, "c").await;
    added(db, &a, &b, EdgeType::Contains).await;
    assert_eq!(level(db, &a).await, 1);
    added(db, &b, &c, EdgeType::Contains).await;
    assert_eq!((level(db, &a).await, level(db, &b).await), (2, 1));
    added(db, &a, &c, EdgeType::Dependency).await;
    assert_eq!(level(db, &c).await, 0);
}

/// DEP-4.
#[tokio::test]
async fn edges_are_listed_by_direction_most_trusted_first() {
    let test = database().await;
    let db = test.db();
    let a = capability(db, "a").await;
    let b = capability(db, "b").await;
    let c = capability(db, "c").await;
    added(db, &a, &b, EdgeType::Sequence).await;
    added(db, &a, &c, EdgeType::Dependency).await;
    added(db, &c, &a, EdgeType::Provides).await;
    let names = |edges: Vec<Edge>| -> Vec<String> {
        edges
            .into_iter()
            .map(|edge| format!("{} {}", edge.from_name.unwrap(), edge.to_name.unwrap()))
            .collect()
    };
    let of = by_id(&a);
    let get = |direction| list(db, &LOCAL, &of, direction);
    assert_eq!(
        names(get(Direction::From).await.unwrap()),
        ["ns:a ns:c", "ns:a ns:b"]
    );
    assert_eq!(names(get(Direction::To).await.unwrap()), ["ns:c ns:a"]);
    let both = get(Direction::Both).await.unwrap();
    assert_eq!((both[0].from, both[0].to), (Some(a.id), Some(c.id)));
    assert_eq!(names(both), ["ns:a ns:c", "ns:c ns:a", "ns:a ns:b"]);
    assert_eq!(count(db, &LOCAL, &of).await.unwrap(), 3);
    // 0.35, 0.49 and 0.7; the limit itself does not pass.
    for (min, expected) in [
        (None, 3),
        (Some(0.35), 2),
        (Some(0.49), 1),
        (Some(1.0), 0),
        (Some(0.0), 3),
    ] {
        assert_eq!(
            all(db, &LOCAL, min).await.unwrap().len(),
            expected,
            "{min:?}"
        );
    }
    execute(
        db,
        "UPDATE capability_dependency SET confidence_score = 0.3",
        [],
    )
    .await;
    assert_eq!(all(db, &LOCAL, None).await.unwrap().len(), 0);
    for bad in [f64::NAN, -0.1, 1.1] {
        assert_eq!(
            all(db, &LOCAL, Some(bad)).await.unwrap_err().code(),
            "invalid_filter"
        );
    }
    assert_eq!(
        "sideways".parse::<Direction>().unwrap_err().code(),
        "invalid_direction"
    );
}

/// DEP-5.
#[tokio::test]
async fn a_removed_edge_is_gone_and_a_missing_one_is_no_error() {
    let test = database().await;
    let db = test.db();
    let (a, b) = (capability(db, "a").await, capability(db, "b").await);
    added(db, &a, &b, EdgeType::Dependency).await;
    assert!(!remove(db, &LOCAL, &by_id(&b), &by_id(&a)).await.unwrap());
    assert!(remove(db, &LOCAL, &by_id(&a), &by_id(&b)).await.unwrap());
    assert!(!remove(db, &LOCAL, &by_id(&a), &by_id(&b)).await.unwrap());
}

#[tokio::test]
async fn walks_follow_one_kind_and_end_on_stored_cycles() {
    let test = database().await;
    let db = test.db();
    let a = capability(db, "a").await;
    let b = capability(db, "b").await;
    let c = capability(db, "c").await;
    let d = capability(db, "d").await;
    added(db, &a, &b, EdgeType::Contains).await;
    added(db, &b, &c, EdgeType::Contains).await;
    added(db, &a, &d, EdgeType::Dependency).await;
    legacy_contains(db, &c, &a).await;
    let names = |found: Vec<Relative>| -> Vec<String> {
        found.into_iter().map(|one| one.display_name).collect()
    };
    let (of_a, of_c) = (by_id(&a), by_id(&c));
    assert_eq!(names(children(db, &LOCAL, &of_a).await.unwrap()), ["ns:b"]);
    assert_eq!(names(parents(db, &LOCAL, &of_a).await.unwrap()), ["ns:c"]);
    for over in [EdgeType::Contains] {
        assert_eq!(
            names(descendants(db, &LOCAL, &of_a, over).await.unwrap()),
            ["ns:b", "ns:c"]
        );
        assert_eq!(
            names(ancestors(db, &LOCAL, &of_c, over).await.unwrap()),
            ["ns:a", "ns:b"]
        );
    }
    let over = EdgeType::Dependency;
    assert_eq!(
        names(descendants(db, &LOCAL, &of_a, over).await.unwrap()),
        ["ns:d"]
    );
    assert_eq!(
        names(ancestors(db, &LOCAL, &of_c, over).await.unwrap()),
        Vec::<String>::new()
    );
    // Adding beside the cycle still works, and still is checked.
    added(db, &b, &d, EdgeType::Contains).await;
    let refused = add(
        db,
        &LOCAL,
        &by_id(&d),
        &of_a,
        EdgeType::Contains,
        EdgeSource::Inferred,
    )
    .await;
    assert_eq!(refused.unwrap_err().code(), "dependency_cycle");
}

/// D11.
#[tokio::test]
async fn what_the_caller_may_not_see_has_no_edges_for_them() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "other", "web").await;
    let request = |name: &str, visibility| SaveRequest {
        namespace: Some("ns".to_owned()),
        action: Some(name.to_owned()),
        visibility: Some(visibility),
        ..run(&format!("{name}()"), "i")
    };
    let public = save_as(db, &alice, request("public", Visibility::Public))
        .await
        .unwrap();
    let hidden = save_as(db, &alice, request("hidden", Visibility::Private))
        .await
        .unwrap();
    let beyond = save_as(db, &alice, request("beyond", Visibility::Public))
        .await
        .unwrap();
    let own = save_as(db, &bob, request("own", Visibility::Private))
        .await
        .unwrap();
    let link = async |who: &Principal, from: &Saved, to: &Saved| -> Result<Edge, Error> {
        add(
            db,
            who,
            &by_id(from),
            &by_id(to),
            EdgeType::Contains,
            EdgeSource::Observed,
        )
        .await
    };
    link(&alice, &public, &hidden).await.unwrap();
    link(&alice, &hidden, &beyond).await.unwrap();
    link(&bob, &own, &public).await.unwrap();

    let code = |result: Result<Edge, Error>| result.unwrap_err().code();
    assert_eq!(code(link(&bob, &public, &own).await), "not_found");
    assert_eq!(code(link(&bob, &own, &hidden).await), "not_found");
    assert_eq!(
        code(link(&Principal::Anonymous, &public, &beyond).await),
        "not_found"
    );

    let of = by_id(&public);
    assert_eq!(
        list(db, &bob, &of, Direction::From).await.unwrap(),
        Vec::new()
    );
    assert_eq!(list(db, &bob, &of, Direction::Both).await.unwrap().len(), 1);
    assert_eq!(
        list(db, &alice, &of, Direction::Both).await.unwrap().len(),
        1
    );
    assert_eq!(count(db, &bob, &of).await.unwrap(), 1);
    assert_eq!(count(db, &Principal::Anonymous, &of).await.unwrap(), 0);
    assert_eq!(children(db, &bob, &of).await.unwrap(), Vec::new());
    // The way beyond leads through what is hidden.
    let reached = descendants(db, &bob, &of, EdgeType::Contains)
        .await
        .unwrap();
    assert_eq!(reached, Vec::new());
    let reached = descendants(db, &alice, &of, EdgeType::Contains)
        .await
        .unwrap();
    assert_eq!(reached.len(), 2);
    assert_eq!(all(db, &bob, None).await.unwrap().len(), 1);
    assert_eq!(all(db, &alice, None).await.unwrap().len(), 2);
    assert_eq!(all(db, &LOCAL, None).await.unwrap().len(), 3);
    let refused = list(db, &bob, &by_id(&hidden), Direction::Both).await;
    assert_eq!(refused.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn an_entry_without_code_has_no_edges_and_gets_none() {
    let test = database().await;
    let db = test.db();
    let (a, b) = (capability(db, "a").await, capability(db, "b").await);
    execute(
        db,
        "DELETE FROM workflow_pattern WHERE pattern_id = $1",
        [b.pattern_id.into()],
    )
    .await;
    let refused = add(
        db,
        &LOCAL,
        &by_id(&a),
        &by_id(&b),
        EdgeType::Provides,
        EdgeSource::Inferred,
    )
    .await;
    assert_eq!(refused.unwrap_err().code(), "no_code");
    assert_eq!(
        observe(db, &LOCAL, &by_id(&a), &by_id(&b), 1)
            .await
            .unwrap(),
        None
    );
    assert!(!remove(db, &LOCAL, &by_id(&a), &by_id(&b)).await.unwrap());
    assert_eq!(count(db, &LOCAL, &by_id(&b)).await.unwrap(), 0);
    assert_eq!(
        list(db, &LOCAL, &by_id(&b), Direction::Both).await.unwrap(),
        Vec::new()
    );
    assert_eq!(children(db, &LOCAL, &by_id(&b)).await.unwrap(), Vec::new());
    // The deleted pattern left a reference in code that is saved now.
    let caller = saved(db, run(&crate::given::calling("c", &[b.id]), "i")).await;
    assert_eq!(caller.warnings.len(), 1);
}

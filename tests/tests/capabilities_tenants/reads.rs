//! Reads.

use pml_entity::values::{EdgeSource, EdgeType, Visibility};
use pml_service::capabilities::{
    self, CachedCapabilities, ContextOptions, ListFilter, Outcome, Reference, SearchRequest,
    Verification,
    dependencies::{self, Direction},
    ids, permissions,
};
use pml_service::embedding::HashingEmbedder;
use pml_service::{PageRequest, Principal};
use std::sync::Arc;

use super::world::{TOOL, World, assert_unknown, references};

/// An action stands alone only within the caller's own project or for what else they see; the full names always do.
#[tokio::test]
async fn what_a_caller_may_not_see_is_unknown_to_every_read_of_one_capability() {
    let world = World::new().await;
    let db = world.db();
    let cache = CachedCapabilities::new(db.clone(), Arc::new(HashingEmbedder));
    for caller in &world.callers {
        for (target, sees) in world.targets.iter().zip(caller.sees) {
            for reference in references(target) {
                let what = format!("{} / {} / {reference}", caller.name, target.visibility);
                let who = &caller.who;
                let resolved = capabilities::resolve(db, who, &reference).await;
                let details = capabilities::get(db, who, &reference).await;
                let cached = cache.get(who, &reference).await;
                let edges = dependencies::list(db, who, &reference, Direction::Both).await;
                let below =
                    dependencies::descendants(db, who, &reference, EdgeType::Contains).await;
                let others = capabilities::alternatives(db, who, &reference, 0.9).await;
                let beside = capabilities::co_occurring(db, who, &reference, None).await;
                let state = permissions::state(db, who, &reference).await;
                let question = Verification {
                    public_key: None,
                    signature: None,
                };
                let message = capabilities::verify(db, who, &reference, question).await;
                if sees {
                    assert_eq!(resolved.unwrap().id, target.id, "{what}");
                    assert_eq!(details.unwrap().id, target.id, "{what}");
                    assert_eq!(cached.unwrap().id, target.id, "{what}");
                    assert!(edges.unwrap().is_empty() && below.unwrap().is_empty());
                    assert!(others.unwrap().is_empty());
                    // The owner ran all four within the hour, and whose runs those were is nobody else's business.
                    let shown: Vec<_> = beside.unwrap().into_iter().map(|hit| hit.id).collect();
                    for (other, seen) in world.targets.iter().zip(caller.sees) {
                        assert_eq!(
                            shown.contains(&other.id),
                            seen && other.id != target.id && caller.name == "owner",
                            "{what}"
                        );
                    }
                    assert_eq!(state.unwrap().id, target.id, "{what}");
                    assert_eq!(message.unwrap().id, target.id, "{what}");
                } else {
                    assert_unknown(resolved, &reference, &what);
                    assert_unknown(details, &reference, &what);
                    assert_unknown(cached, &reference, &what);
                    assert_unknown(edges, &reference, &what);
                    assert_unknown(below, &reference, &what);
                    assert_unknown(others, &reference, &what);
                    assert_unknown(beside, &reference, &what);
                    assert_unknown(state, &reference, &what);
                    assert_unknown(message, &reference, &what);
                }
            }
        }
    }
}

#[tokio::test]
async fn every_read_of_many_capabilities_shows_what_the_caller_may_see_and_no_more() {
    let world = World::new().await;
    let db = world.db();
    let all: Vec<_> = world.targets.iter().map(|target| target.id).collect();
    let patterns: Vec<_> = world
        .targets
        .iter()
        .map(|target| target.pattern_id)
        .collect();
    let named: Vec<Reference> = all.iter().map(|id| Reference::Id(*id)).collect();
    for caller in &world.callers {
        let who = &caller.who;
        let seen = |picked: bool| {
            let mut ids: Vec<_> = all
                .iter()
                .zip(caller.sees)
                .filter(|(_, sees)| *sees == picked)
                .map(|(id, _)| *id)
                .collect();
            ids.sort();
            ids
        };
        let sorted = |mut ids: Vec<_>| {
            ids.sort();
            ids
        };
        let listed = capabilities::list(db, who, &ListFilter::default(), PageRequest::default())
            .await
            .unwrap();
        let listed = listed.items.into_iter().map(|item| item.id).collect();
        assert_eq!(sorted(listed), seen(true), "list, {}", caller.name);

        let request = SearchRequest {
            limit: Some(20),
            min_score: Some(0.0),
            ..SearchRequest::query("do the thing")
        };
        let found = capabilities::search(db, &HashingEmbedder, who, &request)
            .await
            .unwrap();
        let found = found.results.into_iter().map(|hit| hit.id).collect();
        assert_eq!(sorted(found), seen(true), "search, {}", caller.name);

        let found = capabilities::search_with_dependencies(db, &HashingEmbedder, who, &request)
            .await
            .unwrap();
        let found = found.results.into_iter().map(|hit| hit.hit.id).collect();
        assert_eq!(
            sorted(found),
            seen(true),
            "search with edges, {}",
            caller.name
        );

        let options = ContextOptions {
            limit: Some(20),
            ..ContextOptions::default()
        };
        let found = capabilities::by_context(db, who, &[TOOL.to_owned()], &options)
            .await
            .unwrap();
        let found = found.into_iter().map(|hit| hit.id).collect();
        assert_eq!(sorted(found), seen(true), "context, {}", caller.name);

        let vectors = capabilities::embeddings_of(db, who, &all).await.unwrap();
        let given = vectors.items.into_iter().map(|item| item.id).collect();
        assert_eq!(sorted(given), seen(true), "vectors, {}", caller.name);
        assert_eq!(sorted(vectors.missing), seen(false), "{}", caller.name);

        let codes = ids::patterns_of(db, who, &all).await.unwrap();
        assert_eq!(
            codes.into_keys().collect::<Vec<_>>(),
            seen(true),
            "patterns, {}",
            caller.name
        );
        let records = ids::records_of(db, who, &patterns).await.unwrap();
        assert_eq!(
            sorted(records.into_values().flatten().collect()),
            seen(true),
            "records, {}",
            caller.name
        );

        let many = capabilities::resolve_many(db, who, &named).await.unwrap();
        let many: Vec<_> = many.iter().map(Option::is_some).collect();
        assert_eq!(many, caller.sees, "resolve_many, {}", caller.name);

        let totals = capabilities::totals(db, who).await.unwrap();
        let expected = i64::try_from(seen(true).len()).unwrap();
        assert_eq!(totals.capabilities, expected, "totals, {}", caller.name);
    }
}

/// The far end of an edge is a capability too.
#[tokio::test]
async fn an_edge_shows_no_end_that_its_reader_may_not_see() {
    let world = World::new().await;
    let db = world.db();
    let public = Reference::Id(world.targets[3].id);
    for target in &world.targets[..3] {
        for kind in [EdgeType::Alternative] {
            dependencies::add(
                db,
                world.owner(),
                &public,
                &Reference::Id(target.id),
                kind,
                EdgeSource::Template,
            )
            .await
            .unwrap();
        }
    }
    for caller in &world.callers {
        let visible = caller.sees[..3].iter().filter(|sees| **sees).count();
        let edges = dependencies::list(db, &caller.who, &public, Direction::Both)
            .await
            .unwrap();
        assert_eq!(edges.len(), visible, "{}", caller.name);
        let count = dependencies::count(db, &caller.who, &public).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), visible, "{}", caller.name);
        let all = dependencies::all(db, &caller.who, Some(0.0)).await.unwrap();
        assert_eq!(all.len(), visible, "{}", caller.name);
        let others = capabilities::alternatives(db, &caller.who, &public, 0.9)
            .await
            .unwrap();
        assert_eq!(others.len(), visible, "{}", caller.name);
    }
}

/// An ownerless private entry belongs to a local installation; signed-in users, and nobody, do not see it.
#[tokio::test]
async fn a_local_installation_sees_everything_and_others_nothing_private_of_it() {
    let world = World::new().await;
    let db = world.db();
    let own = super::world::target(db, &Principal::Local, Visibility::Private).await;
    let everything = capabilities::list(
        db,
        &Principal::Local,
        &ListFilter::default(),
        PageRequest::default(),
    )
    .await
    .unwrap();
    assert_eq!(everything.items.len(), 5);
    let reference = Reference::Id(own.id);
    for caller in &world.callers {
        assert_unknown(
            capabilities::get(db, &caller.who, &reference).await,
            &reference,
            caller.name,
        );
    }
}

/// The factor of what a capability depends on would tell how a hidden one fares.
#[tokio::test]
async fn a_score_says_nothing_about_a_capability_that_its_reader_may_not_see() {
    let world = World::new().await;
    let db = world.db();
    let (private, public) = (&world.targets[0], &world.targets[3]);
    let hidden = Reference::Id(private.id);
    for _ in 0..3 {
        let failure = Outcome {
            success: false,
            duration_ms: 1.0,
        };
        assert!(
            capabilities::record_use(db, world.owner(), &hidden, failure)
                .await
                .unwrap()
        );
    }
    let kind = EdgeType::Dependency;
    dependencies::add(
        db,
        world.owner(),
        &Reference::Id(public.id),
        &hidden,
        kind,
        EdgeSource::Template,
    )
    .await
    .unwrap();
    for caller in &world.callers {
        let request = SearchRequest {
            limit: Some(20),
            min_score: Some(0.0),
            ..SearchRequest::query("do the public thing")
        };
        let found = capabilities::search(db, &HashingEmbedder, &caller.who, &request)
            .await
            .unwrap();
        let hit = found.results.iter().find(|hit| hit.id == public.id);
        let expected = if caller.sees[0] { 0.25 } else { 1.0 };
        assert!(
            (hit.unwrap().reliability - expected).abs() < 1e-9,
            "{}: {hit:?}",
            caller.name
        );
    }
}

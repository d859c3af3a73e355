//! The two ids of a capability, and the vectors behind them.

use pml_entity::values::{CapabilityId, PatternId};
use pml_service::Principal;
use pml_service::capabilities::embeddings_of;
use pml_service::capabilities::ids::{GraphNode, patterns_of, records_of};
use pml_testkit::database;

use super::data::{at, capability, entry, run, user};

const LOCAL: &Principal = &Principal::Local;

/// AT-93.
#[tokio::test]
async fn the_vector_of_a_graph_node_is_that_of_the_pattern_its_entry_names() {
    let test = database().await;
    let db = test.db();
    let x = capability("x", 10.0).add(db).await;
    let third = capability("third", 80.0).add(db).await;
    run(
        db,
        "DELETE FROM capability_records WHERE id = $1",
        [third.id.as_uuid().into()],
    )
    .await;
    let node: GraphNode = format!("capability:{}", x.id).parse().unwrap();
    let found = embeddings_of(db, LOCAL, &[node.id()]).await.unwrap();
    assert_eq!(found.items[0].pattern_id, x.pattern_id);
    assert_eq!(found.items[0].embedding, at(10.0));
    // The pattern's own id, and that of a pattern without an entry, name no capability.
    let wrong: Vec<CapabilityId> = [x.pattern_id, third.pattern_id]
        .map(|pattern| CapabilityId::new(pattern.as_uuid()))
        .to_vec();
    let found = embeddings_of(db, LOCAL, &wrong).await.unwrap();
    assert!(found.items.is_empty());
    assert_eq!(found.missing, wrong);
}

/// An entry whose own id is the id of another capability's pattern.
#[tokio::test]
async fn an_entry_that_looks_like_a_pattern_still_names_its_own() {
    let test = database().await;
    let db = test.db();
    let one = capability("one", 10.0).add(db).await;
    let two = capability("two", 80.0).add(db).await;
    run(
        db,
        "UPDATE capability_records SET id = $1 WHERE id = $2",
        [two.pattern_id.as_uuid().into(), one.id.as_uuid().into()],
    )
    .await;
    let id = CapabilityId::new(two.pattern_id.as_uuid());
    let found = embeddings_of(db, LOCAL, &[id]).await.unwrap();
    assert_eq!(found.items[0].pattern_id, one.pattern_id);
    assert_eq!(found.items[0].embedding, at(10.0));
    assert_eq!(
        patterns_of(db, LOCAL, &[id]).await.unwrap()[&id],
        one.pattern_id
    );
    assert_eq!(
        records_of(db, LOCAL, &[two.pattern_id]).await.unwrap()[&two.pattern_id],
        [two.id]
    );
}

#[tokio::test]
async fn vectors_come_in_the_order_asked_each_once_in_one_statement() {
    let test = database().await;
    let db = test.db();
    let mut made = Vec::new();
    for number in 0..20 {
        made.push(
            capability("a", f64::from(number))
                .named(number)
                .add(db)
                .await,
        );
    }
    let unknown = [CapabilityId::generate(), CapabilityId::generate()];
    let asked: Vec<CapabilityId> = [unknown[1]]
        .into_iter()
        .chain(made.iter().rev().map(|made| made.id))
        .chain([unknown[0], made[3].id, unknown[1]])
        .collect();
    for number in [1, 5, asked.len()] {
        let before = db.statements().snapshot();
        embeddings_of(db, LOCAL, &asked[..number]).await.unwrap();
        assert_eq!(db.statements().since(&before).statements, 1);
    }
    let found = embeddings_of(db, LOCAL, &asked).await.unwrap();
    assert_eq!(
        found.items.iter().map(|item| item.id).collect::<Vec<_>>(),
        made.iter().rev().map(|made| made.id).collect::<Vec<_>>()
    );
    assert!(
        found
            .items
            .iter()
            .zip((0..20).rev())
            .all(|(item, number)| item.embedding == at(f64::from(number)))
    );
    assert_eq!(found.missing, [unknown[1], unknown[0]]);
}

#[tokio::test]
async fn hidden_and_codeless_entries_are_missing_like_unknown_ones() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let secret = capability("secret", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    let open = capability("open", 0.0).of(&alice, "public").add(db).await;
    let codeless = capability("codeless", 0.0)
        .of(&alice, "public")
        .add(db)
        .await;
    run(
        db,
        "DELETE FROM workflow_pattern WHERE pattern_id = $1",
        [codeless.pattern_id.as_uuid().into()],
    )
    .await;
    let asked = [secret.id, codeless.id, open.id];
    let found = embeddings_of(db, &bob, &asked).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.missing, [secret.id, codeless.id]);
    assert_eq!(
        embeddings_of(db, &alice, &asked).await.unwrap().missing,
        [codeless.id]
    );
    assert_eq!(
        patterns_of(db, &bob, &asked)
            .await
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>(),
        [(open.id, open.pattern_id)]
    );
    assert!(
        records_of(db, &Principal::Anonymous, &[secret.pattern_id])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_pattern_has_all_its_visible_entries() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let made = capability("a", 0.0).of(&alice, "public").add(db).await;
    let hidden = entry(
        db,
        made.pattern_id,
        &capability("b", 0.0).of(&alice, "private"),
    )
    .await;
    let mut both = vec![made.id, hidden];
    both.sort_unstable();
    let asked = [made.pattern_id, PatternId::generate(), made.pattern_id];
    assert_eq!(
        records_of(db, &alice, &asked)
            .await
            .unwrap()
            .into_values()
            .collect::<Vec<_>>(),
        [both]
    );
    assert_eq!(
        records_of(db, &bob, &asked).await.unwrap()[&made.pattern_id],
        [made.id]
    );
}

#[tokio::test]
async fn ten_thousand_ids_are_taken_and_one_more_is_refused() {
    let test = database().await;
    let mut ids: Vec<CapabilityId> = (0..10_000).map(|_| CapabilityId::generate()).collect();
    let found = embeddings_of(test.db(), LOCAL, &ids).await.unwrap();
    assert_eq!(found.missing, ids);
    ids.push(CapabilityId::generate());
    assert_eq!(
        embeddings_of(test.db(), LOCAL, &ids)
            .await
            .unwrap_err()
            .code(),
        "invalid_filter"
    );
    assert_eq!(
        patterns_of(test.db(), LOCAL, &ids)
            .await
            .unwrap_err()
            .code(),
        "invalid_filter"
    );
    assert!(
        embeddings_of(test.db(), LOCAL, &[])
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

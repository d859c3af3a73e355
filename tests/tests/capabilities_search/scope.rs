//! Whose capabilities a search finds: the predicate stands inside the statement, so the limit is filled with visible ones.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use pgvector::Vector;
use pml_entity::values::{DIMENSIONS, Embedding, PatternId};
use pml_service::capabilities::{SearchRequest, reliability};
use pml_service::{Db, Principal};
use pml_testkit::{database, real_server};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::data::{around, capability, close, entry, hits, names, user};

#[tokio::test]
async fn everyone_finds_what_they_may_see_and_nothing_else() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "acme", "default").await;
    let carol = user(db, "carol", "acme", "other").await;
    let dave = user(db, "dave", "market", "default").await;
    for (number, visibility) in ["private", "project", "org", "public"]
        .into_iter()
        .enumerate()
    {
        capability(visibility, number as f64)
            .of(&alice, visibility)
            .add(db)
            .await;
    }
    capability("ownerless", 10.0).add(db).await;
    let found = async |who: &Principal| names(db, who, &around(0.0, 10)).await;
    assert_eq!(found(&alice).await, ["private", "project", "org", "public"]);
    assert_eq!(found(&bob).await, ["project", "org", "public"]);
    assert_eq!(found(&carol).await, ["org", "public"]);
    assert_eq!(found(&dave).await, ["public"]);
    assert_eq!(found(&Principal::Anonymous).await, ["public"]);
    assert_eq!(
        found(&Principal::Local).await,
        ["private", "project", "org", "public", "ownerless"]
    );
}

#[tokio::test]
async fn the_letters_are_searched_within_the_scope_as_well() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let dave = user(db, "dave", "market", "default").await;
    capability("secret", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    let request = SearchRequest::query("secre");
    assert_eq!(names(db, &alice, &request).await, ["secret"]);
    assert!(names(db, &dave, &request).await.is_empty());
    assert!(names(db, &Principal::Anonymous, &request).await.is_empty());
}

#[tokio::test]
async fn a_pattern_with_several_names_comes_once_under_the_name_nearest_to_the_searcher() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "acme", "default").await;
    let carol = user(db, "carol", "acme", "other").await;
    let dave = user(db, "dave", "market", "default").await;
    let shared = capability("of_dave", 0.0).of(&dave, "public").add(db).await;
    entry(
        db,
        shared.pattern_id,
        &capability("of_alice", 0.0).of(&alice, "private"),
    )
    .await;
    entry(
        db,
        shared.pattern_id,
        &capability("of_project", 0.0).of(&bob, "project"),
    )
    .await;
    entry(
        db,
        shared.pattern_id,
        &capability("of_org", 0.0).of(&carol, "org"),
    )
    .await;
    capability("second", 10.0).of(&dave, "public").add(db).await;
    for (who, name) in [
        (&alice, "of_alice"),
        (&bob, "of_project"),
        (&carol, "of_org"),
        (&dave, "of_dave"),
        (&Principal::Anonymous, "of_dave"),
    ] {
        assert_eq!(names(db, who, &around(0.0, 2)).await, [name, "second"]);
    }
    let erin = user(db, "erin", "acme", "default").await;
    assert_eq!(
        names(db, &erin, &around(0.0, 2)).await,
        ["of_project", "second"]
    );
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_what_is_visible() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    for number in 0..40 {
        capability("a", f64::from(number))
            .named(number)
            .of(&alice, "private")
            .add(db)
            .await;
        if [0, 19, 39].contains(&number) {
            let before = db.statements().snapshot();
            hits(db, &alice, &around(0.0, 5)).await;
            assert_eq!(db.statements().since(&before).statements, 2);
        }
    }
}

/// Vectors around 60 centres, all of them within a right angle of each other: random, and the same each time.
fn scattered(seed: u64) -> Embedding {
    static CENTRES: LazyLock<Vec<Vec<f32>>> =
        LazyLock::new(|| (0..60).map(|centre| random(u64::MAX - centre)).collect());
    let centre = &CENTRES[usize::try_from(seed % 60).unwrap()];
    let components = random(seed)
        .into_iter()
        .zip(centre)
        .map(|(own, shared)| 0.7 * own + shared + 0.2);
    Embedding::new(components.collect()).unwrap()
}

fn random(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    (0..DIMENSIONS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let component = ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) as f32;
            component
        })
        .collect()
}

/// Capabilities with these organisations and owners; the vector index is built afterwards.
async fn fill(db: &Db, count: usize, owner_of: impl Fn(usize) -> (&'static str, Option<Uuid>)) {
    let pool = db.get_postgres_connection_pool();
    db.execute_unprepared("DROP INDEX idx_pattern_intent_embedding")
        .await
        .unwrap();
    for block in (0..count).collect::<Vec<_>>().chunks(500) {
        let numbers = || block.iter().copied();
        sqlx::query(
            "WITH rows AS (SELECT n, lpad(n::text, 32, '0')::uuid AS id, v, org, owner, uses, wins \
                 FROM unnest($1::bigint[], $2::vector[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[]) AS rows(n, v, org, owner, uses, wins)), \
             made AS (INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, usage_count, success_count, code_hash, user_id) \
                 SELECT id, lpad(n::text, 64, '0'), '{}', v, uses, wins, lpad(n::text, 64, '0'), owner FROM rows RETURNING 1) \
             INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id, user_id) \
             SELECT org, 'default', 'ns', 'a' || n, 'abcd', id, owner FROM rows",
        )
        .bind(numbers().map(|number| i64::try_from(number).unwrap()).collect::<Vec<_>>())
        .bind(numbers().map(|number| Vector::from(scattered(number as u64).into_vec())).collect::<Vec<_>>())
        .bind(numbers().map(|number| owner_of(number).0).collect::<Vec<_>>())
        .bind(numbers().map(|number| owner_of(number).1).collect::<Vec<_>>())
        .bind(numbers().map(|number| record(number).0).collect::<Vec<_>>())
        .bind(numbers().map(|number| record(number).1).collect::<Vec<_>>())
        .execute(pool)
        .await
        .unwrap();
    }
    db.execute_unprepared("CREATE INDEX idx_pattern_intent_embedding ON workflow_pattern USING hnsw (intent_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)").await.unwrap();
    db.execute_unprepared("ANALYZE workflow_pattern; ANALYZE capability_records")
        .await
        .unwrap();
}

fn record(number: usize) -> (i64, i64) {
    match number % 7 {
        0 => (10, 3),
        1 => (20, 20),
        _ => (10, 8),
    }
}

/// The rule written a second time: the best scored among the nearest `4 × limit`.
fn brute_force(
    query: &Embedding,
    limit: usize,
    visible: impl Iterator<Item = usize>,
) -> Vec<(usize, f64)> {
    let mut near: Vec<(usize, f64)> = visible
        .map(|number| (number, scattered(number as u64).cosine_similarity(query)))
        .collect();
    near.sort_by(|a, b| b.1.total_cmp(&a.1));
    near.truncate(limit * 4);
    let mut scored: Vec<(usize, f64)> = near
        .into_iter()
        .map(|(number, semantic)| {
            let (uses, wins) = record(number);
            (
                number,
                reliability::score(semantic, reliability::base(wins, uses)),
            )
        })
        .filter(|(_, score)| *score >= 0.0)
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.truncate(limit);
    scored
}

fn number_of(pattern: PatternId) -> usize {
    pattern.as_uuid().simple().to_string().parse().unwrap()
}

/// 2,000 rows of which a user sees 20: the limit is filled with those 20, nearest first, and another user gets others.
#[tokio::test]
async fn one_percent_visible_among_two_thousand_fills_the_limit_exactly() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let (one, two) = (
        alice.user_id().unwrap().as_uuid(),
        bob.user_id().unwrap().as_uuid(),
    );
    fill(db, 2_000, |number| match number % 100 {
        0 => ("acme", Some(one)),
        _ => ("market", Some(two)),
    })
    .await;
    let query = scattered(123_456);
    for limit in [1, 5, 20] {
        let request = SearchRequest {
            limit: Some(limit.try_into().unwrap()),
            ..SearchRequest::embedding(query.clone())
        };
        for (who, remainder) in [(&alice, true), (&bob, false)] {
            let expected = brute_force(
                &query,
                limit,
                (0..2_000).filter(|number| (number % 100 == 0) == remainder),
            );
            let found = hits(db, who, &request).await;
            let found: Vec<(usize, f64)> = found
                .iter()
                .map(|hit| (number_of(hit.pattern_id), hit.score))
                .collect();
            assert_eq!((found.len(), expected.len()), (limit, limit));
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.0, expected.0);
                assert!(close(found.1, expected.1));
            }
        }
    }
}

/// 6,000 rows of which a user sees 3,000: the vector index serves, and finds what a comparison with every vector finds.
#[tokio::test]
async fn a_large_scope_is_searched_through_the_index_and_finds_nearly_everything() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let owner = alice.user_id().unwrap().as_uuid();
    fill(db, 6_000, |number| {
        if number % 2 == 0 {
            ("acme", Some(owner))
        } else {
            ("market", None)
        }
    })
    .await;
    let (mut kept, mut asked) = (0, 0);
    for seed in 0..20 {
        let query = scattered(1_000_000 + seed);
        let request = SearchRequest {
            limit: Some(10),
            ..SearchRequest::embedding(query.clone())
        };
        let before = db.statements().snapshot();
        let found = hits(db, &alice, &request).await;
        assert!(db.statements().since(&before).statements <= 3);
        assert_eq!(found.len(), 10);
        assert!(
            found
                .iter()
                .all(|hit| number_of(hit.pattern_id).is_multiple_of(2)),
            "hidden ones are never among them"
        );
        let expected: BTreeSet<usize> =
            brute_force(&query, 10, (0..6_000).filter(|number| number % 2 == 0))
                .into_iter()
                .map(|(number, _)| number)
                .collect();
        kept += found
            .iter()
            .filter(|hit| expected.contains(&number_of(hit.pattern_id)))
            .count();
        asked += expected.len();
    }
    assert!(kept * 100 >= asked * 95, "{kept} of {asked}");
}

/// Everything that a user sees lies far behind what they do not see.
#[tokio::test]
async fn hidden_ones_in_front_never_empty_the_result() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let owner = alice.user_id().unwrap().as_uuid();
    fill(db, 5_000, |_| ("market", None)).await;
    // 2,500 visible entries, so that the index is tried, of only four patterns, all at the far end.
    let sql = "INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id, visibility, user_id) \
               SELECT 'acme', 'default', 'b' || n, 'a' || n, 'abcd', lpad((n % 4)::text, 32, '0')::uuid, 'private', $1 FROM generate_series(1, 2500) n";
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        [owner.into()],
    ))
    .await
    .unwrap();
    let request = SearchRequest {
        limit: Some(4),
        ..SearchRequest::embedding(scattered(4_999))
    };
    let mut found: Vec<usize> = hits(db, &alice, &request)
        .await
        .iter()
        .map(|hit| number_of(hit.pattern_id))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3]);
}

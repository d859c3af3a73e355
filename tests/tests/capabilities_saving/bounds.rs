//! What is read stays small, however much is stored: the strongest edges, the latest runs.

use pml_entity::values::{EdgeType, PatternId};
use pml_service::capabilities::co_occurring;
use pml_service::capabilities::dependencies::{
    Direction, Edge, Relative, all, ancestors, children, count, descendants, list, parents,
};
use pml_service::{Db, Principal};
use pml_testkit::database;
use uuid::Uuid;

use crate::given::{by_id, execute, run, saved};

const LOCAL: Principal = Principal::Local;

/// Patterns around the one in the middle; every seventh is as trusted as the next seventh.
const AROUND: u128 = 10_001;

/// Contains edges between one capability and very many, in both directions, with confidences from 0.31 to 0.91.
async fn star(db: &Db, middle: PatternId) {
    execute(db, "DROP INDEX idx_pattern_intent_embedding", []).await;
    execute(
        db,
        "WITH made AS ( \
             INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, code_hash) \
             SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(n::text, 64, '0'), '{}', array_fill(0.5::real, array[1024])::vector, lpad(n::text, 64, '0') \
             FROM generate_series(1, $1::int) AS n RETURNING 1 \
         ) \
         INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id) \
         SELECT 'local', 'default', 'ns', 'a' || n, 'abcd', lpad(to_hex(n), 32, '0')::uuid FROM generate_series(1, $1::int) AS n",
        [i32::try_from(AROUND).unwrap().into()],
    )
    .await;
    for (from, to) in [("$2", "p.pattern_id"), ("p.pattern_id", "$2")] {
        let sql = format!(
            "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type, confidence_score) \
             SELECT {from}, {to}, 'contains', 0.31 + (p.code_hash::bigint % 7)::float8 / 10 FROM workflow_pattern p \
             WHERE p.pattern_id <> $2 AND p.code_hash ~ $1"
        );
        execute(db, &sql, ["^[0-9]{64}$".into(), middle.into()]).await;
    }
}

fn numbered(number: u128) -> PatternId {
    PatternId::new(Uuid::from_u128(number))
}

fn patterns(found: &[Relative]) -> Vec<PatternId> {
    let mut ids: Vec<PatternId> = found.iter().map(|one| one.pattern_id).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn of_too_many_edges_the_most_trusted_are_read_and_of_equal_ones_the_least_ids() {
    let test = database().await;
    let db = test.db();
    let middle = saved(db, run("middle()", "i")).await;
    star(db, middle.pattern_id).await;
    let of = by_id(&middle);

    let edges = list(db, &LOCAL, &of, Direction::From).await.unwrap();
    let strongest: Vec<PatternId> = (0..500).map(|n| numbered(6 + 7 * n)).collect();
    let ends: Vec<PatternId> = edges.iter().map(|edge| edge.to_pattern).collect();
    assert_eq!(ends, strongest);
    for direction in [Direction::To, Direction::Both] {
        assert_eq!(
            list(db, &LOCAL, &of, direction).await.unwrap().len(),
            500,
            "{direction:?}"
        );
    }
    assert_eq!(
        count(db, &LOCAL, &of).await.unwrap(),
        2 * i64::try_from(AROUND).unwrap()
    );

    for neighbours in [
        children(db, &LOCAL, &of).await.unwrap(),
        parents(db, &LOCAL, &of).await.unwrap(),
    ] {
        assert_eq!(patterns(&neighbours), strongest);
        assert!(neighbours.is_sorted_by(|a, b| a.display_name < b.display_name));
    }

    // The weakest of them all with the greatest id: 0.31, and a multiple of seven.
    let all_but_one: Vec<PatternId> = (1..=AROUND).filter(|n| *n != 9_996).map(numbered).collect();
    for reached in [
        descendants(db, &LOCAL, &of, EdgeType::Contains)
            .await
            .unwrap(),
        ancestors(db, &LOCAL, &of, EdgeType::Contains)
            .await
            .unwrap(),
    ] {
        assert_eq!(patterns(&reached), all_but_one);
        assert!(reached.is_sorted_by(|a, b| a.display_name < b.display_name));
    }

    let everything = all(db, &LOCAL, Some(0.0)).await.unwrap();
    assert_eq!(everything.len(), 10_000);
    let place = |edge: &Edge| (-edge.confidence_score, edge.from_pattern, edge.to_pattern);
    assert!(everything.is_sorted_by(|a, b| place(a) < place(b)));
    assert!(everything.iter().all(|edge| edge.confidence_score > 0.5));
}

#[tokio::test]
async fn only_the_latest_thousand_runs_of_a_capability_tell_what_runs_with_it() {
    let test = database().await;
    let db = test.db();
    // Saving is a run too, the latest.
    let asked = saved(db, run("asked()", "i")).await;
    let beside = saved(db, run("beside()", "i")).await;
    let whole = Uuid::new_v4();
    let insert = "INSERT INTO execution_trace (id, capability_id, executed_at, success, duration_ms, parent_trace_id) \
                  SELECT coalesce($1, gen_random_uuid()), $2, timestamptz '2026-01-01 00:00:00Z' + make_interval(days => n), true, 1, $3 \
                  FROM generate_series($4::int, $5::int) AS n";
    let ran =
        async |id: Option<Uuid>, what: Option<PatternId>, part_of: Option<Uuid>, days: [i32; 2]| {
            let values = [
                id.into(),
                what.into(),
                part_of.into(),
                days[0].into(),
                days[1].into(),
            ];
            execute(db, insert, values).await;
        };
    ran(Some(whole), None, None, [0, 0]).await;
    ran(None, Some(asked.pattern_id), Some(whole), [-3_000, -3_000]).await;
    ran(None, Some(beside.pattern_id), Some(whole), [0, 0]).await;
    ran(None, Some(asked.pattern_id), None, [-1_998, -1_001]).await;
    let names = async || -> Vec<PatternId> {
        let found = co_occurring(db, &LOCAL, &by_id(&asked), None)
            .await
            .unwrap();
        found.iter().map(|one| one.pattern_id).collect()
    };
    assert_eq!(names().await, [beside.pattern_id]);
    ran(None, Some(asked.pattern_id), None, [-1_000, -1_000]).await;
    assert_eq!(names().await, []);
}

//! How patterns do, and whether they are used more or less.

use pml_entity::values::SuccessPatternId;
use pml_service::traceability::analytics::{PatternFilter, Trend, chains, pattern_usage, patterns};
use pml_service::{Db, Limit, PageRequest};
use pml_testkit::database;
use uuid::Uuid;

use super::given::*;

fn pattern(number: u128) -> SuccessPatternId {
    Uuid::from_u128((5 << 124) + number).into()
}

/// Adds a pattern that was replayed `uses` times, `successes` of which worked.
async fn given(db: &Db, number: u32, uses: u32, successes: u32, more: &str) {
    sql(
        db,
        &format!(
            "INSERT INTO success_patterns (pattern_id, pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, \
             max_duration_ms, success_score, total_usage_count, success_count, context, intent_classification, agent_sequence) \
             SELECT {}, 'hash-{number}', gen_random_uuid(), 'p', 1, 1, 1, 1, {uses}, {successes}, {more}",
            id(5, number)
        ),
    )
    .await;
}

async fn numbers(db: &Db, filter: &PatternFilter) -> Vec<u128> {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest {
            limit: Limit::new(Some(2)).unwrap(),
            cursor,
        };
        let before = db.statements().snapshot();
        let found = patterns(db, filter, page).await.unwrap();
        assert_eq!(statements(db, &before), 1);
        seen.extend(
            found
                .items
                .iter()
                .map(|row| row.pattern_id.as_uuid().as_u128() & 0xff),
        );
        cursor = found.next_cursor.map(Into::into);
        if cursor.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn patterns_come_by_rate_then_by_replays_and_each_condition_leaves_what_matches() {
    let test = database().await;
    let db = test.db();
    let plain = "NULL, NULL, '{}'";
    given(db, 1, 3, 1, plain).await;
    given(db, 2, 4, 4, plain).await;
    given(
        db,
        3,
        9,
        9,
        "'{\"domain\": \"backend\"}', 'testing', '{agent-a,agent-b}'",
    )
    .await;
    given(db, 4, 0, 0, plain).await;
    given(db, 5, 4, 4, plain).await;
    let all = PatternFilter::default;
    let word = |word: &str| Some(word.to_owned());
    for (filter, expected) in [
        (all(), vec![3, 5, 2, 4, 1]),
        (
            PatternFilter {
                min_success_rate: Some(0.34),
                ..all()
            },
            vec![3, 5, 2, 4],
        ),
        (
            PatternFilter {
                min_success_rate: Some(0.3333),
                ..all()
            },
            vec![3, 5, 2, 4, 1],
        ),
        (
            PatternFilter {
                min_usage_count: Some(4),
                ..all()
            },
            vec![3, 5, 2],
        ),
        (
            PatternFilter {
                domain: word("backend"),
                ..all()
            },
            vec![3],
        ),
        (
            PatternFilter {
                intent: word("testing"),
                ..all()
            },
            vec![3],
        ),
        (
            PatternFilter {
                agent: word("agent-b"),
                ..all()
            },
            vec![3],
        ),
        (
            PatternFilter {
                agent: word("agent-b"),
                domain: word("frontend"),
                ..all()
            },
            vec![],
        ),
    ] {
        assert_eq!(numbers(db, &filter).await, expected, "{filter:?}");
    }
    for bad in [
        PatternFilter {
            min_success_rate: Some(1.1),
            ..all()
        },
        PatternFilter {
            min_success_rate: Some(f64::NAN),
            ..all()
        },
        PatternFilter {
            min_usage_count: Some(0),
            ..all()
        },
        PatternFilter {
            domain: word("\0"),
            ..all()
        },
    ] {
        assert_eq!(
            patterns(db, &bad, PageRequest::default())
                .await
                .unwrap_err()
                .code(),
            "invalid_field"
        );
    }
}

#[tokio::test]
async fn the_use_of_a_pattern_is_told_day_by_day_with_its_trend() {
    let test = database().await;
    let db = test.db();
    given(db, 1, 0, 0, "NULL, NULL, '{}'").await;
    let usage = |days: i32, times: i32, success: bool, used: bool| {
        format!(
            "INSERT INTO pattern_usage_log (pattern_id, correlation_id, user_request, match_score, used, success, used_at) \
             SELECT {}, gen_random_uuid(), 'r', 0.9, {used}, {success}, now() - {days} * interval '1 day' FROM generate_series(1, {times})",
            id(5, 1)
        )
    };
    let quiet = pattern_usage(db, pattern(1)).await.unwrap();
    assert_eq!(
        (
            quiet.days.len(),
            quiet.total_count,
            quiet.success_rate,
            quiet.trend
        ),
        (30, 0, None, Trend::Stable)
    );

    for statement in [
        usage(0, 3, true, true),
        usage(0, 1, false, true),
        usage(14, 2, true, true),
        usage(20, 5, true, true),
        usage(1, 7, true, false),
        usage(31, 9, true, true),
    ] {
        sql(db, &statement).await;
    }
    let before = db.statements().snapshot();
    let told = pattern_usage(db, pattern(1)).await.unwrap();
    assert_eq!(statements(db, &before), 1);
    assert_eq!(
        (told.total_count, told.total_successes),
        (11, 10),
        "not used or too long ago is not counted"
    );
    // Six in the last fifteen days against five before: exactly a fifth more.
    assert_eq!(told.trend, Trend::Stable);
    let today = told.days.last().unwrap();
    assert_eq!((today.count, today.success_rate), (4, Some(0.75)));
    assert_eq!((told.days[28].count, told.days[28].success_rate), (0, None));
    assert!(
        told.days
            .windows(2)
            .all(|pair| pair[0].date.succ_opt() == Some(pair[1].date))
    );

    sql(db, &usage(3, 1, true, true)).await;
    assert_eq!(
        pattern_usage(db, pattern(1)).await.unwrap().trend,
        Trend::Increasing
    );
    assert_eq!(
        pattern_usage(db, pattern(2)).await.unwrap_err().code(),
        "unknown_pattern"
    );
}

#[tokio::test]
async fn chains_come_by_how_often_they_occur() {
    let test = database().await;
    let db = test.db();
    sql(
        db,
        "INSERT INTO agent_chaining_patterns (primary_agent, delegated_agents, delegation_depth, trigger_context, usage_count, avg_total_duration_ms, \
         avg_coordination_overhead_ms, source_traces) SELECT 'agent-' || n, '{b}', 1, 'review', n / 2, 1, 1, '{}' FROM generate_series(1, 9) AS n",
    )
    .await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest {
            limit: Limit::new(Some(4)).unwrap(),
            cursor,
        };
        let found = chains(db, page).await.unwrap();
        seen.extend(found.items.iter().map(|row| row.usage_count));
        cursor = found.next_cursor.map(Into::into);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [4, 4, 3, 3, 2, 2, 1, 1, 0]);
}

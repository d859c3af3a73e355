//! Lists of executions.

use pml_entity::values::TraceStatus;
use pml_service::traceability::read::{TraceFilter, list};
use pml_service::{Cursor, Db, Error, Limit, PageRequest};
use pml_testkit::database;

use super::given::*;

fn page(limit: i64, cursor: Option<String>) -> PageRequest {
    PageRequest {
        limit: Limit::new(Some(limit)).unwrap(),
        cursor: cursor.map(Cursor::from),
    }
}

async fn numbers(db: &Db, filter: &TraceFilter) -> Vec<u128> {
    let found = list(db, filter, PageRequest::default()).await.unwrap();
    found
        .items
        .iter()
        .map(|row| row.correlation_id.as_uuid().as_u128() & 0xffff)
        .collect()
}

#[tokio::test]
async fn the_newest_come_first_and_pages_meet_without_gap_or_overlap() {
    let test = database().await;
    let db = test.db();
    for number in 1..=7 {
        trace(db, number, None).await;
    }
    // Four that began at once: their ids decide.
    sql(db, "UPDATE execution_traces SET started_at = '2026-01-01T10:00:03Z' WHERE started_at BETWEEN '2026-01-01T10:00:02Z' AND '2026-01-01T10:00:05Z'").await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let before = db.statements().snapshot();
        let found = list(db, &TraceFilter::default(), page(2, cursor))
            .await
            .unwrap();
        assert_eq!(statements(db, &before), 1);
        seen.extend(found.items.iter().map(|row| row.correlation_id));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1].map(correlation));
}

#[tokio::test]
async fn a_line_shows_the_newest_decision_and_counts_hooks_and_calls_apart() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    decision(db, 1, 1, "first", 1).await;
    decision(db, 1, 2, "second", 2).await;
    for number in 1..=3 {
        hook(db, 1, number, number, 1).await;
    }
    for number in 1..=2 {
        call(db, 1, number, 1).await;
    }
    let found = list(db, &TraceFilter::default(), PageRequest::default())
        .await
        .unwrap();
    let line = &found.items[0];
    assert_eq!(
        (
            line.agent_selected.as_deref(),
            line.hook_count,
            line.endpoint_count
        ),
        (Some("second"), 3, 2)
    );
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a row per condition")]
async fn each_condition_leaves_what_matches_and_all_must_hold() {
    let test = database().await;
    let db = test.db();
    for number in 1..=4 {
        trace(db, number, None).await;
        decision(db, number, number, "common", 1).await;
    }
    decision(db, 1, 11, "rare", 2).await;
    decision(db, 2, 12, "rare", 0).await;
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET status = 'completed', success = true, session_id = {}, root_id = correlation_id, tags = ARRAY['x', 'y'] WHERE id = {one}; \
             UPDATE execution_traces SET status = 'failed', success = false, error_type = 'timeout', user_id = 'bob', source = 'hook_trigger' WHERE id = {two}",
            id(3, 9), one = id(1, 1), two = id(1, 2)
        ),
    )
    .await;
    let all = TraceFilter::default;
    let began = |second: u32| Some(format!("2026-01-01T10:00:0{second}Z").parse().unwrap());
    for (filter, expected) in [
        (all(), vec![4, 3, 2, 1]),
        (
            TraceFilter {
                status: Some(TraceStatus::Completed),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                success: Some(false),
                ..all()
            },
            vec![2],
        ),
        (
            TraceFilter {
                session_id: Some(session(9)),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                root_id: Some(correlation(1)),
                ..all()
            },
            vec![4, 3, 2, 1],
        ),
        (
            TraceFilter {
                user_id: Some("bob".to_owned()),
                ..all()
            },
            vec![2],
        ),
        (
            TraceFilter {
                source: Some("hook_trigger".to_owned()),
                ..all()
            },
            vec![2],
        ),
        // Of number 2 it was not the newest.
        (
            TraceFilter {
                agent: Some("rare".to_owned()),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                agent: Some("common".to_owned()),
                ..all()
            },
            vec![4, 3, 2],
        ),
        (
            TraceFilter {
                error_type: Some("timeout".to_owned()),
                ..all()
            },
            vec![2],
        ),
        (
            TraceFilter {
                tag: Some("y".to_owned()),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                since: began(2),
                until: began(4),
                ..all()
            },
            vec![3, 2],
        ),
        (
            TraceFilter {
                tag: Some("y".to_owned()),
                success: Some(true),
                agent: Some("rare".to_owned()),
                ..all()
            },
            vec![1],
        ),
        (
            TraceFilter {
                tag: Some("y".to_owned()),
                success: Some(false),
                ..all()
            },
            vec![],
        ),
    ] {
        assert_eq!(numbers(db, &filter).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_other_conditions_and_a_text_that_cannot_be_stored_are_refused() {
    let test = database().await;
    let db = test.db();
    for number in 1..=2 {
        trace(db, number, None).await;
    }
    let cursor = list(db, &TraceFilter::default(), page(1, None))
        .await
        .unwrap()
        .next_cursor;
    let other = TraceFilter {
        success: Some(true),
        ..TraceFilter::default()
    };
    assert!(matches!(
        list(db, &other, page(1, cursor)).await,
        Err(Error::InvalidCursor)
    ));
    let bad = TraceFilter {
        agent: Some("a\0b".to_owned()),
        ..TraceFilter::default()
    };
    assert_eq!(
        list(db, &bad, page(1, None)).await.unwrap_err().code(),
        "invalid_field"
    );
}

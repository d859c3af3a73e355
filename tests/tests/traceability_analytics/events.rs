//! The stream of decisions and errors.

use pml_service::traceability::analytics::{EventFilter, EventKind, events};
use pml_service::{Db, Limit};
use pml_testkit::database;

use super::given::*;

/// Decisions of the last three hours by two agents; the second execution met an error.
async fn world(db: &Db) {
    for (number, agent) in [(1, "a"), (2, "a"), (3, "b")] {
        trace(db, number, None).await;
        decision(db, number, number, agent, 1).await;
        sql(
            db,
            &format!("UPDATE agent_routing_decisions SET created_at = now() - (10 - {number}) * interval '1 hour' WHERE id = {}", id(4, number)),
        )
        .await;
    }
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET error_type = 'timeout', error_message = 'late', completed_at = now() - interval '30 minutes' WHERE id = {}",
            id(1, 2)
        ),
    )
    .await;
}

async fn told(db: &Db, filter: &EventFilter) -> Vec<String> {
    let stream = events(db, filter).await.unwrap();
    assert_eq!(stream.total, stream.items.len());
    stream
        .items
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event.event_type.as_str(),
                event.correlation_id.as_uuid().as_u128() & 0xff
            )
        })
        .collect()
}

#[tokio::test]
async fn the_newest_events_come_first_and_each_condition_leaves_what_matches() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    let all = EventFilter::default;
    for (filter, expected) in [
        (
            all(),
            vec![
                "error 2",
                "routing_decision 3",
                "routing_decision 2",
                "routing_decision 1",
            ],
        ),
        (
            EventFilter { hours: 8, ..all() },
            vec!["error 2", "routing_decision 3"],
        ),
        (
            EventFilter {
                event_type: Some(EventKind::Error),
                ..all()
            },
            vec!["error 2"],
        ),
        (
            EventFilter {
                event_type: Some(EventKind::RoutingDecision),
                agent_name: Some("a".to_owned()),
                ..all()
            },
            vec!["routing_decision 2", "routing_decision 1"],
        ),
        (
            EventFilter {
                agent_name: Some("a".to_owned()),
                ..all()
            },
            vec!["error 2", "routing_decision 2", "routing_decision 1"],
        ),
        (
            EventFilter {
                correlation_id: Some(correlation(3)),
                ..all()
            },
            vec!["routing_decision 3"],
        ),
        (
            EventFilter {
                event_type: Some(EventKind::AgentAction),
                ..all()
            },
            vec![],
        ),
    ] {
        assert_eq!(told(db, &filter).await, expected, "{filter:?}");
    }
    let stream = events(db, &all()).await.unwrap();
    let counts: Vec<_> = stream.event_counts.into_iter().collect();
    assert_eq!(
        counts,
        [(EventKind::RoutingDecision, 3), (EventKind::Error, 1)]
    );
    assert_eq!(
        (stream.time_range.from, stream.time_range.to),
        (stream.items[3].timestamp, stream.items[0].timestamp)
    );
    assert_eq!(stream.items[0].error_type.as_deref(), Some("timeout"));
}

#[tokio::test]
async fn the_stream_goes_on_where_the_last_part_ended() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let filter = EventFilter {
            limit: Limit::new(Some(1)).unwrap(),
            cursor,
            ..EventFilter::default()
        };
        let part = events(db, &filter).await.unwrap();
        seen.extend(part.items.iter().map(|event| event.event_type));
        cursor = part.next_cursor.map(Into::into);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[0], EventKind::Error);
}

#[tokio::test]
async fn a_window_out_of_range_and_an_unknown_kind_are_refused() {
    let test = database().await;
    for hours in [0, 169] {
        let filter = EventFilter {
            hours,
            ..EventFilter::default()
        };
        assert_eq!(
            events(test.db(), &filter).await.unwrap_err().code(),
            "invalid_field"
        );
    }
    assert!("agent_actions".parse::<EventKind>().is_err());
}

#[tokio::test]
async fn a_user_hears_of_their_own() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    sql(
        db,
        &format!(
            "UPDATE execution_traces SET user_id = CASE WHEN id = {} THEN 'alice' ELSE 'bob' END",
            id(1, 2)
        ),
    )
    .await;
    let alice = asking(db, Some("alice")).await;
    assert_eq!(
        events(&alice, &EventFilter::default()).await.unwrap().total,
        2
    );
}

//! What the views count, through the service.

use pml_migration::{Engine, traceability};
use pml_service::PageRequest;
use pml_service::traceability::analytics::{
    ErrorFilter, PatternFilter, TimeRange, agents, alerts, chains, dashboard, developer_metrics,
    errors, events, patterns,
};
use pml_testkit::{database, empty_database};
use sea_orm::ConnectionTrait;

use super::given::*;

const TABLES: &str = "ARRAY['execution_traces', 'agent_routing_decisions', 'hook_executions', 'endpoint_calls', 'success_patterns', \
    'pattern_usage_log', 'agent_chaining_patterns', 'error_patterns']";
const VIEWS: &str = "ARRAY['pattern_effectiveness', 'trace_summary', 'agent_performance', 'error_analysis', 'dashboard_summary']";

async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let row = db
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            sql,
        ))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Example 1. By the names of the eight, not by words in them.
#[tokio::test]
async fn the_twelve_steps_make_the_documented_number_of_everything() {
    let test = empty_database().await;
    let db = test.db();
    sql(db, "CREATE EXTENSION IF NOT EXISTS vector").await;
    Engine::new(traceability::STEPS)
        .up(db.conn(), None, &db.migration_options())
        .await
        .unwrap();
    for (what, expected, sql) in [
        ("tables", 8, format!("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY ({TABLES})")),
        ("named indexes", 60, format!("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ({TABLES}) AND indexname LIKE 'idx\\_%'")),
        ("indexes", 70, format!("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ({TABLES})")),
        ("views", 5, format!("SELECT count(*) FROM pg_views WHERE schemaname = 'public' AND viewname = ANY ({VIEWS})")),
        ("views in all", 5, "SELECT count(*) FROM pg_views WHERE schemaname = 'public'".to_owned()),
        (
            "functions",
            6,
            "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS ( \
             SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')"
                .to_owned(),
        ),
        ("triggers", 8, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal".to_owned()),
        ("policies", 16, format!("SELECT count(*) FROM pg_policies WHERE schemaname = 'public' AND tablename = ANY ({TABLES})")),
        ("foreign keys", 6, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'".to_owned()),
        ("row security", 8, format!("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY ({TABLES}) AND rowsecurity")),
    ] {
        assert_eq!(number(db, &sql).await, expected, "{what}");
    }
}

#[tokio::test]
async fn everything_answers_on_an_empty_database() {
    let test = database().await;
    let db = test.db();
    let summary = dashboard(db).await.unwrap();
    assert_eq!(
        (summary.refreshed_at, summary.age_ms),
        (None, None),
        "no snapshot was taken"
    );
    let data = summary.data;
    assert_eq!(
        (
            data.total_traces,
            data.total_patterns,
            data.active_agents,
            data.most_used_agent
        ),
        (0, 0, 0, None)
    );
    assert_eq!(
        (data.overall_success_rate.is_zero(), data.median_duration_ms),
        (true, 0)
    );
    assert!(
        agents(db, PageRequest::default())
            .await
            .unwrap()
            .data
            .items
            .is_empty()
    );
    assert!(
        chains(db, PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        patterns(db, &PatternFilter::default(), PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        errors(db, &ErrorFilter::default(), PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        alerts(
            db,
            &pml_service::traceability::analytics::AlertLimits::default()
        )
        .await
        .unwrap()
        .is_empty()
    );
    let metrics = developer_metrics(db, None).await.unwrap();
    assert_eq!(
        (
            metrics.window_days,
            metrics.avg_duration_ms,
            metrics.success_rate,
            metrics.ended_traces
        ),
        (30, None, None, 0)
    );
    let stream = events(
        db,
        &pml_service::traceability::analytics::EventFilter::default(),
    )
    .await
    .unwrap();
    assert_eq!((stream.total, stream.next_cursor), (0, None));
    assert_eq!(stream.time_range.from, stream.time_range.to);
}

/// Example 5.
#[tokio::test]
async fn an_execution_whose_end_nobody_told_is_not_completed() {
    let test = database().await;
    sql(
        test.db(),
        "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, status) \
         VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'local_test', 'completed')",
    )
    .await;
    let data = dashboard(test.db()).await.unwrap().data;
    assert_eq!(
        (
            data.total_traces,
            data.completed_traces,
            data.overall_success_rate.is_zero()
        ),
        (1, 0, true)
    );
}

/// Example 15.
#[tokio::test]
async fn an_agent_is_judged_by_the_executions_that_ended() {
    let test = database().await;
    let db = test.db();
    for (number, took) in [
        (1, Some(100)),
        (2, Some(200)),
        (3, Some(300)),
        (4, Some(400)),
        (5, None),
    ] {
        trace(db, number, None).await;
        decision(db, number, number, "agent-testing", number).await;
        if let Some(took) = took {
            sql(
                db,
                &format!(
                    "UPDATE execution_traces SET completed_at = started_at + {took} * interval '1 millisecond', duration_ms = {took}, \
                     success = {}, status = CASE WHEN {took} < 400 THEN 'completed' ELSE 'failed' END WHERE id = {}",
                    took < 400,
                    id(1, number)
                ),
            )
            .await;
        }
    }
    sql(
        db,
        &format!(
            "UPDATE agent_routing_decisions SET confidence_score = 0.8; UPDATE agent_routing_decisions SET pattern_id = {} WHERE id IN ({}, {})",
            id(5, 1), id(4, 1), id(4, 2)
        ),
    )
    .await;
    let found = agents(db, PageRequest::default()).await.unwrap().data.items;
    assert_eq!(found.len(), 1);
    let agent = &found[0];
    assert_eq!(
        (
            agent.total_executions,
            agent.successful_executions,
            agent.failed_executions
        ),
        (4, 3, 1)
    );
    assert_eq!(agent.success_rate_pct.to_string(), "75.00");
    assert_eq!(
        (agent.avg_duration_ms, agent.p95_duration_ms),
        (Some(250), Some(385))
    );
    assert_eq!(
        (
            agent.avg_routing_confidence.to_string(),
            agent.patterns_used
        ),
        ("0.8000".to_owned(), 1)
    );
}

#[tokio::test]
async fn agents_come_by_their_number_of_executions_then_by_name_and_page_by_page() {
    let test = database().await;
    let db = test.db();
    for (number, agent) in [(1, "b"), (2, "B"), (3, "a"), (4, "busy"), (5, "busy")] {
        trace(db, number, None).await;
        decision(db, number, number, agent, 1).await;
    }
    sql(db, "UPDATE execution_traces SET completed_at = started_at").await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest {
            limit: pml_service::Limit::new(Some(1)).unwrap(),
            cursor,
        };
        let found = agents(db, page).await.unwrap().data;
        seen.extend(found.items.into_iter().map(|row| row.agent_name));
        cursor = found.next_cursor.map(Into::into);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["busy", "B", "a", "b"]);
}

/// Example 17.
#[tokio::test]
async fn an_error_shows_how_often_it_was_met_lately() {
    let test = database().await;
    let db = test.db();
    for (number, days) in [(1, 0), (2, 2), (3, 6), (4, 8)] {
        trace(db, number, None).await;
        sql(
            db,
            &format!(
                "UPDATE execution_traces SET started_at = now() - interval '20 days', completed_at = now() - {days} * interval '1 day', \
                 error_type = 'timeout', success = false, status = 'failed' WHERE id = {}",
                id(1, number)
            ),
        )
        .await;
    }
    sql(
        db,
        "INSERT INTO error_patterns (error_type, error_message_pattern, occurrence_count, sample_correlation_ids, last_occurrence_at) VALUES \
         ('timeout', 'late', 40, '{}', now()), ('timeout', 'never', 1, '{}', now() - interval '3 days'), ('other', 'x', 1, '{}', now() - interval '1 hour')",
    )
    .await;
    let one = errors(
        db,
        &ErrorFilter {
            error_type: Some("timeout".to_owned()),
            ..ErrorFilter::default()
        },
        PageRequest::default(),
    )
    .await
    .unwrap();
    assert_eq!(one.items.len(), 1, "the other was seen before today");
    let error = &one.items[0];
    assert_eq!(
        (
            error.error_count,
            error.occurrences_24h,
            error.occurrences_7d
        ),
        (40, 1, 3)
    );

    let week = ErrorFilter {
        time_range: "7d".parse::<TimeRange>().unwrap(),
        ..ErrorFilter::default()
    };
    let all = errors(db, &week, PageRequest::default()).await.unwrap();
    let types: Vec<(&str, i64)> = all
        .items
        .iter()
        .map(|row| (row.error_type.as_str(), row.occurrences_7d))
        .collect();
    assert_eq!(
        types,
        [("timeout", 3), ("other", 0), ("timeout", 3)],
        "two of one class show the same windows"
    );
    let by_view = number(db, "SELECT sum(occurrences_24h + occurrences_7d)::bigint FROM error_analysis WHERE error_count = 40").await;
    assert_eq!(by_view, 4);

    let page = |cursor| PageRequest {
        limit: pml_service::Limit::new(Some(2)).unwrap(),
        cursor,
    };
    let first = errors(db, &week, page(None)).await.unwrap();
    let second = errors(db, &week, page(first.next_cursor.map(Into::into)))
        .await
        .unwrap();
    assert_eq!(
        (first.items.len(), second.items.len(), second.next_cursor),
        (2, 1, None)
    );
    assert!("1h".parse::<TimeRange>().is_err());
}

#[tokio::test]
async fn developer_metrics_are_means_over_the_window() {
    let test = database().await;
    let db = test.db();
    for (number, days, took, success) in [
        (1, 1, 100, true),
        (2, 2, 301, true),
        (3, 3, 9_000, false),
        (4, 40, 5_000, true),
    ] {
        trace(db, number, None).await;
        decision(db, number, number, "a", 1).await;
        sql(
            db,
            &format!(
                "UPDATE execution_traces SET started_at = now() - {days} * interval '1 day', completed_at = now(), duration_ms = {took}, success = {success}, \
                 status = CASE WHEN {success} THEN 'completed' ELSE 'failed' END WHERE id = {}; \
                 UPDATE agent_routing_decisions SET created_at = now() - {days} * interval '1 day', execution_started_at = now(), \
                 execution_completed_at = now() + {took} * interval '1 millisecond' WHERE id = {}",
                id(1, number), id(4, number)
            ),
        )
        .await;
    }
    trace(db, 5, None).await;
    let metrics = developer_metrics(db, None).await.unwrap();
    assert_eq!(
        (metrics.avg_duration_ms, metrics.ended_traces),
        (Some(201), 3)
    );
    assert!((metrics.success_rate.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(
        metrics.avg_agent_duration_ms,
        Some((100 + 301 + 9_000) / 3 + 1),
        "rounded"
    );
    assert_eq!(metrics.avg_pattern_success_rate, None);
    assert_eq!(
        developer_metrics(db, Some(60)).await.unwrap().ended_traces,
        4
    );
    for bad in [0, 366] {
        assert_eq!(
            developer_metrics(db, Some(bad)).await.unwrap_err().code(),
            "invalid_field"
        );
    }
}

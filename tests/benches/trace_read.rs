//! Reading executions among a million: one assembled, a page of the list, the five views, and the snapshots.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench trace_read`; `PML_BENCH_TRACES` sets another number. Prints medians; targets are 50 ms for an
//! assembly and 200 ms for a view (spec of traceability, section 13). The assembly also runs by plain sqlx with the same statements, in turns.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "traces/mod.rs"]
mod traces;

use std::future::Future;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use pml_entity::values::CorrelationId;
use pml_service::traceability::{analytics, read};
use pml_service::{Db, PageRequest, Settings};
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use sqlx::{PgPool, Row};
use tokio::runtime::Runtime;
use uuid::Uuid;

const ROUNDS: usize = 200;
const VIEWS: [(&str, &str); 5] = [
    ("dashboard_summary", "SELECT * FROM dashboard_summary"),
    ("agent_performance", "SELECT * FROM agent_performance"),
    ("error_analysis", "SELECT * FROM error_analysis"),
    (
        "pattern_effectiveness, best 10",
        "SELECT * FROM pattern_effectiveness ORDER BY success_rate DESC, total_usage_count DESC LIMIT 10",
    ),
    (
        "trace_summary, newest 50",
        "SELECT * FROM trace_summary ORDER BY started_at DESC LIMIT 50",
    ),
];

/// Median of some runs; the first is not counted.
async fn median<F: Future>(rounds: usize, mut run: impl FnMut() -> F) -> Duration {
    let mut times = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let started = Instant::now();
        black_box(run().await);
        if round > 0 {
            times.push(started.elapsed());
        }
    }
    middle(times)
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The statements that the service sends for an assembly.
async fn statements_of(url: &str, story: CorrelationId) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook: pml_service::StatementHook = {
        let seen = seen.clone();
        Arc::new(move |statement| seen.lock().unwrap().push(statement.sql.to_owned()))
    };
    let settings = Settings {
        database_url: Some(url.into()),
        ..Settings::default()
    };
    let db = Db::connect_with(&settings, Some(hook)).await.unwrap();
    read::get(&db, story).await.unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// The same statements by plain sqlx, with their rows read but not assembled.
async fn raw(pool: &PgPool, sql: &[String], story: CorrelationId) -> usize {
    let text = |at: usize| sqlx::AssertSqlSafe(sql[at].clone());
    let traces = sqlx::query(text(0))
        .bind(story.as_uuid())
        .bind(1_001_i64)
        .bind(32_i32)
        .fetch_all(pool)
        .await
        .unwrap();
    let ids: Vec<Uuid> = traces.iter().map(|row| row.get("id")).collect();
    let decisions = sqlx::query(text(1))
        .bind(&ids)
        .fetch_all(pool)
        .await
        .unwrap();
    let hooks = sqlx::query(text(2))
        .bind(&ids)
        .bind(10_001_i64)
        .fetch_all(pool)
        .await
        .unwrap();
    let calls = sqlx::query(text(3))
        .bind(&ids)
        .bind(10_001_i64)
        .fetch_all(pool)
        .await
        .unwrap();
    let read = |rows: &[sqlx::postgres::PgRow]| {
        rows.iter()
            .filter(|row| row.get::<Uuid, _>("id") != Uuid::nil())
            .count()
    };
    read(&traces) + read(&decisions) + read(&hooks) + read(&calls)
}

async fn report_reads(db: &Db, story: CorrelationId, sql: &[String]) {
    let pool = db.get_postgres_connection_pool();
    let assembled = read::get(db, story).await.unwrap();
    assert_eq!(
        (
            assembled.total_hooks,
            assembled.total_endpoints,
            assembled.child_traces.len()
        ),
        (20, 20, 5)
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..2 * ROUNDS {
        let started = Instant::now();
        if round % 2 == 0 {
            black_box(read::get(db, story).await.unwrap());
            ours.push(started.elapsed());
        } else {
            black_box(raw(pool, sql, story).await);
            theirs.push(started.elapsed());
        }
    }
    let (ours, theirs) = (middle(ours), middle(theirs));
    println!(
        "assembly (20 hooks, 20 calls, 5 children): service {ours:?}, sqlx {theirs:?}, ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    let timeline = median(ROUNDS, || async {
        read::timeline(db, story).await.unwrap()
    })
    .await;
    println!("timeline: {timeline:?}");
    for (name, filter) in [
        ("all", read::TraceFilter::default()),
        (
            "of a user with 1 %",
            read::TraceFilter {
                user_id: Some("alice".to_owned()),
                ..Default::default()
            },
        ),
        (
            "of an agent",
            read::TraceFilter {
                agent: Some("agent-07".to_owned()),
                ..Default::default()
            },
        ),
        (
            "of a class of error",
            read::TraceFilter {
                error_type: Some("error_03".to_owned()),
                ..Default::default()
            },
        ),
        (
            "of a tag",
            read::TraceFilter {
                tag: Some("tag_3".to_owned()),
                ..Default::default()
            },
        ),
    ] {
        let took = median(20, || async {
            let page = read::list(db, &filter, PageRequest::default())
                .await
                .unwrap();
            assert_eq!(page.items.len(), 50);
        })
        .await;
        println!("list page of 50, {name}: {took:?}");
    }
}

async fn report_numbers(db: &Db) {
    for (name, sql) in VIEWS {
        let took = median(5, || async {
            db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
                .await
                .unwrap()
        })
        .await;
        println!("{name}, live: {took:?}");
    }
    let refreshed = median(3, || async {
        analytics::refresh_snapshots(db).await.unwrap()
    })
    .await;
    println!("refresh of both snapshots: {refreshed:?}");
    let dashboard = median(ROUNDS, || async {
        assert!(
            analytics::dashboard(db)
                .await
                .unwrap()
                .refreshed_at
                .is_some()
        );
    })
    .await;
    let agents = median(ROUNDS, || async {
        analytics::agents(db, PageRequest::default()).await.unwrap()
    })
    .await;
    println!("from the snapshot: dashboard {dashboard:?}, agents {agents:?}");
    let errors = analytics::ErrorFilter::default();
    let took = [
        (
            "patterns",
            median(20, || async {
                analytics::patterns(
                    db,
                    &analytics::PatternFilter::default(),
                    PageRequest::default(),
                )
                .await
                .unwrap()
                .items
                .len()
            })
            .await,
        ),
        (
            "errors",
            median(20, || async {
                analytics::errors(db, &errors, PageRequest::default())
                    .await
                    .unwrap()
                    .items
                    .len()
            })
            .await,
        ),
        (
            "events",
            median(20, || async {
                analytics::events(db, &analytics::EventFilter::default())
                    .await
                    .unwrap()
                    .total
            })
            .await,
        ),
        (
            "alerts",
            median(5, || async {
                analytics::alerts(db, &analytics::AlertLimits::default())
                    .await
                    .unwrap()
                    .len()
            })
            .await,
        ),
        (
            "developer metrics, 30 days",
            median(5, || async {
                analytics::developer_metrics(db, None).await.unwrap()
            })
            .await,
        ),
    ];
    for (name, took) in took {
        println!("{name}: {took:?}");
    }
}

/// As a user who owns one execution in a hundred.
async fn report_user(db: &Db, story: CorrelationId) {
    let tx = db.begin().await.unwrap();
    let become_alice = "SELECT set_config('role', 'authenticated', true), set_config('app.user_id', 'alice', true)";
    tx.query_one_raw(Statement::from_string(DbBackend::Postgres, become_alice))
        .await
        .unwrap();
    for (name, sql) in VIEWS {
        let took = median(5, || async {
            tx.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
                .await
                .unwrap()
        })
        .await;
        println!("as a user with 1 %, {name}: {took:?}");
    }
    let took = [
        (
            "list page",
            median(20, || async {
                read::list(&tx, &read::TraceFilter::default(), PageRequest::default())
                    .await
                    .unwrap()
                    .items
                    .len()
            })
            .await,
        ),
        (
            "assembly",
            median(20, || async {
                read::get(&tx, story).await.unwrap().total_hooks
            })
            .await,
        ),
        (
            "events",
            median(5, || async {
                analytics::events(&tx, &analytics::EventFilter::default())
                    .await
                    .unwrap()
                    .total
            })
            .await,
        ),
    ];
    for (name, took) in took {
        println!("as a user with 1 %, {name}: {took:?}");
    }
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = traces::database(&runtime) else {
        return;
    };
    let db = database.db();
    let pool = db.get_postgres_connection_pool();
    let (story, sql) = runtime.block_on(async {
        let started = Instant::now();
        let count = traces::count();
        traces::load(db, count).await;
        println!("{count} executions loaded in {:?}", started.elapsed());
        let story = traces::add_story(db).await;
        let sql = statements_of(database.url(), story).await;
        report_reads(db, story, &sql).await;
        report_numbers(db).await;
        report_user(db, story).await;
        (story, sql)
    });
    let mut group = criterion.benchmark_group("trace_read");
    group.bench_function("assembly, service", |bencher| {
        bencher.to_async(&runtime).iter(|| read::get(db, story));
    });
    group.bench_function("assembly, sqlx", |bencher| {
        bencher.to_async(&runtime).iter(|| raw(pool, &sql, story));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

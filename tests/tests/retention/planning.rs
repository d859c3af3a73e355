//! A plan says what a run would do, and does nothing.

use std::collections::HashSet;

use pml_service::retention::{self, Action};
use sea_orm::{AccessMode, TransactionTrait};

use crate::fixture::{count, number, pattern, policies, run, sql, traces, usage};

#[tokio::test]
async fn a_plan_counts_what_is_due_and_changes_nothing() {
    let database = pml_testkit::database().await;
    let db = database.db();
    traces(db, 12, 95).await;
    traces(db, 5, 10).await;
    usage(db, 200).await;
    pattern(db, "weak", 4, 1, "now() - interval '31 days'").await;
    let state = async || {
        let mut rows = Vec::new();
        for table in [
            "execution_traces",
            "execution_traces_archive",
            "pattern_usage_log",
            "success_patterns",
        ] {
            rows.push(count(db, table).await);
        }
        rows
    };
    let before = state().await;

    // A transaction that could not change anything if it wanted to.
    let tx = db
        .begin_with_config(None, Some(AccessMode::ReadOnly))
        .await
        .unwrap();
    let plan = retention::plan(&tx, &policies()).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(state().await, before);

    let due: Vec<_> = plan.iter().map(|due| (due.policy, due.due)).collect();
    assert_eq!(
        due,
        [("traces", 12), ("pattern_usage", 1), ("weak_patterns", 1)]
    );
    let traces = &plan[0];
    assert_eq!(
        traces.action,
        Action::Archive {
            into: "execution_traces_archive"
        }
    );
    assert!(traces.oldest.unwrap() < traces.limit.unwrap());
    let age = traces.limit.unwrap().timestamp()
        - number(
            db,
            "SELECT extract(epoch FROM now() - interval '90 days')::bigint",
        )
        .await;
    assert!(age.abs() < 60, "the limit is 90 days ago");

    let done = run(db, 100).await;
    let removed: Vec<_> = done
        .iter()
        .map(|done| (done.policy, done.removed))
        .collect();
    assert_eq!(removed, due);
    let empty = retention::plan(db, &policies()).await.unwrap();
    assert!(empty.iter().all(|due| due.due == 0 && due.oldest.is_none()));
}

/// The list is of text: a slip in it must show here and not at a customer's.
#[tokio::test]
async fn every_policy_fits_the_schema() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let policies = policies();
    let names: HashSet<_> = policies.iter().map(|policy| policy.name).collect();
    assert_eq!(names.len(), policies.len(), "names are unique");
    for policy in &policies {
        // Prepared with its key, its type and its condition, and rolled back.
        let key = format!(
            "SELECT {key}::text::{ty} FROM {table} WHERE {condition} LIMIT 0",
            key = policy.key,
            ty = policy.key_type,
            table = policy.table,
            condition = policy.condition.unwrap_or("true"),
        );
        sql(db, &key).await;
        if let Action::Archive { into } = policy.action {
            let columns = |table: &str| {
                format!(
                    "SELECT string_agg(attname || format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
                )
            };
            let same = format!(
                "SELECT (({}) = ({}))::int",
                columns(policy.table),
                columns(into)
            );
            assert_eq!(number(db, &same).await, 1, "{into} has other columns");
        }
    }
}

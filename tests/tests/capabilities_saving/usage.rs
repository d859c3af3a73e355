//! Counting uses.

use pml_entity::values::{CodeHash, Visibility};
use pml_service::Principal;
use pml_service::capabilities::{
    Outcome, SaveRequest, Totals, code, record_use, record_use_by_hash, save, totals,
};
use pml_service::embedding::HashingEmbedder;
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::given::{by_id, execute, near, number, pattern, record, run, save_as, saved, user};

fn ok(duration_ms: f64) -> Outcome {
    Outcome {
        success: true,
        duration_ms,
    }
}

fn failed(duration_ms: f64) -> Outcome {
    Outcome {
        success: false,
        duration_ms,
    }
}

/// AT-07.
#[tokio::test]
async fn an_unknown_hash_changes_no_row_and_is_no_error() {
    let test = database().await;
    let db = test.db();
    saved(db, run("x()", "i")).await;
    let unknown = CodeHash::of("zz");
    let counted = record_use_by_hash(db, &Principal::Local, &unknown, ok(1.0)).await;
    assert!(!counted.unwrap());
    assert_eq!(
        number(db, "SELECT usage_count FROM workflow_pattern").await,
        1
    );
}

/// AT-09.
#[tokio::test]
async fn long_running_code_that_is_used_often_does_not_overflow() {
    let test = database().await;
    let db = test.db();
    let one = saved(db, run("x()", "i")).await;
    execute(
        db,
        "UPDATE workflow_pattern SET usage_count = 35791, success_count = 35791, total_duration_ms = 35791::bigint * 60000",
        [],
    )
    .await;
    let hash = code::code_hash("x()", None);
    assert!(
        record_use_by_hash(db, &Principal::Local, &hash, ok(60_000.0))
            .await
            .unwrap()
    );
    let row = pattern(db, one.pattern_id).await;
    assert_eq!((row.usage_count, row.avg_duration_ms), (35_792, 60_000));
    execute(
        db,
        "UPDATE workflow_pattern SET total_duration_ms = 9223372036854775000",
        [],
    )
    .await;
    assert!(
        record_use_by_hash(db, &Principal::Local, &hash, ok(1e15))
            .await
            .unwrap()
    );
    let row = pattern(db, one.pattern_id).await;
    assert_eq!(row.total_duration_ms, i64::MAX);
}

/// AT-17, and USE-2 with its recommendation: the registry entry stays as it is.
#[tokio::test]
async fn uses_of_a_capability_count_on_its_pattern() {
    let test = database().await;
    let db = test.db();
    let first = SaveRequest {
        success: false,
        duration_ms: 50.0,
        ..run("x()", "i")
    };
    let one = saved(db, first).await;
    assert_eq!((one.usage_count, one.success_count), (1, 0));
    for outcome in [ok(100.0), ok(200.0), failed(50.0)] {
        assert!(
            record_use(db, &Principal::Local, &by_id(&one), outcome)
                .await
                .unwrap()
        );
    }
    let row = pattern(db, one.pattern_id).await;
    assert_eq!((row.usage_count, row.success_count), (4, 2));
    near(row.success_rate, 0.5);
    assert_eq!(row.avg_duration_ms, 100);
    assert_eq!(record(db, one.id).await.updated_at, None);
}

#[tokio::test]
async fn durations_that_are_none_are_refused() {
    let test = database().await;
    let db = test.db();
    let one = saved(db, run("x()", "i")).await;
    let hash = code::code_hash("x()", None);
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let by_hash = record_use_by_hash(db, &Principal::Local, &hash, ok(bad)).await;
        assert_eq!(by_hash.unwrap_err().code(), "invalid_duration");
        let by_reference = record_use(db, &Principal::Local, &by_id(&one), ok(bad)).await;
        assert_eq!(by_reference.unwrap_err().code(), "invalid_duration");
    }
    assert_eq!(pattern(db, one.pattern_id).await.usage_count, 1);
}

#[tokio::test]
async fn a_hash_stands_for_the_callers_own_code_only() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "acme", "web").await;
    let hers = save_as(db, &alice, run("x()", "i")).await.unwrap();
    let hash = code::code_hash("x()", None);
    for other in [&bob, &Principal::Local, &Principal::Anonymous] {
        assert!(!record_use_by_hash(db, other, &hash, ok(1.0)).await.unwrap());
    }
    assert!(
        record_use_by_hash(db, &alice, &hash, ok(1.0))
            .await
            .unwrap()
    );
    assert_eq!(pattern(db, hers.pattern_id).await.usage_count, 2);
}

#[tokio::test]
async fn whoever_sees_a_capability_may_use_it_and_nobody_else_learns_of_it() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "other", "web").await;
    let hidden = save_as(db, &alice, run("x()", "i")).await.unwrap();
    let public = SaveRequest {
        visibility: Some(Visibility::Public),
        ..run("y()", "i")
    };
    let public = save_as(db, &alice, public).await.unwrap();
    let refused = record_use(db, &bob, &by_id(&hidden), ok(1.0)).await;
    assert_eq!(refused.unwrap_err().code(), "not_found");
    assert!(
        record_use(db, &bob, &by_id(&public), ok(1.0))
            .await
            .unwrap()
    );
    let nobody = record_use(db, &Principal::Anonymous, &by_id(&public), ok(1.0)).await;
    assert_eq!(nobody.unwrap_err().code(), "not_found");
    assert_eq!(pattern(db, public.pattern_id).await.usage_count, 2);
    assert_eq!(pattern(db, hidden.pattern_id).await.usage_count, 1);
}

/// USE-5.
#[tokio::test]
async fn totals_are_plain_means_over_what_the_caller_sees() {
    let test = database().await;
    let db = test.db();
    assert_eq!(
        totals(db, &Principal::Local).await.unwrap(),
        Totals::default()
    );
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "other", "web").await;
    let with = |code: &str, success, duration_ms| SaveRequest {
        success,
        duration_ms,
        ..run(code, "i")
    };
    save_as(db, &alice, with("x()", true, 100.0)).await.unwrap();
    save_as(db, &alice, with("x()", true, 100.0)).await.unwrap();
    save_as(db, &alice, with("y()", false, 300.0))
        .await
        .unwrap();
    let named = SaveRequest {
        namespace: Some("files".to_owned()),
        action: Some("second".to_owned()),
        ..with("x()", true, 100.0)
    };
    save_as(db, &alice, named).await.unwrap();
    let hers = totals(db, &alice).await.unwrap();
    assert_eq!((hers.capabilities, hers.executions), (2, 4));
    near(hers.avg_success_rate, 0.5);
    near(hers.avg_duration_ms, 200.0);
    assert_eq!(totals(db, &bob).await.unwrap(), Totals::default());
    assert_eq!(totals(db, &Principal::Local).await.unwrap(), hers);
}

/// No index holds a counter, so PostgreSQL writes the new version beside the old one and leaves the vector index alone.
#[tokio::test]
async fn counting_touches_no_index() {
    let test = database().await;
    let db = test.db();
    saved(db, run("x()", "i")).await;
    let tx = db.begin().await.unwrap();
    let hash = code::code_hash("x()", None);
    for _ in 0..3 {
        record_use_by_hash(&tx, &Principal::Local, &hash, ok(1.0))
            .await
            .unwrap();
        save(&tx, &HashingEmbedder, &Principal::Local, run("x()", "i"))
            .await
            .unwrap();
    }
    let updates = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'workflow_pattern'";
    let row = tx
        .query_one_raw(Statement::from_string(DbBackend::Postgres, updates))
        .await
        .unwrap()
        .unwrap();
    let updates: (i64, i64) = (
        row.try_get_by_index(0).unwrap(),
        row.try_get_by_index(1).unwrap(),
    );
    assert_eq!(updates, (6, 6));
}

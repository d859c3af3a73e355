//! Who sees what of the traces: the policies under the three roles, asked through `Db::as_principal` and through the platform's token.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pml_entity::values::UserId;
use pml_service::{Db, Error, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

const ALICE: Uuid = Uuid::from_u128(0xa11ce);
const BOB: Uuid = Uuid::from_u128(0xb0b);

const TABLES: [&str; 8] = [
    "execution_traces",
    "agent_routing_decisions",
    "hook_executions",
    "endpoint_calls",
    "success_patterns",
    "pattern_usage_log",
    "agent_chaining_patterns",
    "error_patterns",
];
const VIEWS: [&str; 5] = [
    "pattern_effectiveness",
    "trace_summary",
    "agent_performance",
    "error_analysis",
    "dashboard_summary",
];

fn signed_in(id: Uuid) -> Principal {
    Principal::User {
        id: UserId::from(id),
        org: "acme".to_owned(),
        project: "web".to_owned(),
    }
}

/// Traces of Alice, Bob and nobody with one hook each; two patterns; a usage row on Bob's trace and one on none.
async fn prepared(pool: u32) -> TestDatabase {
    let database = TestDatabase::with_pool(pool).await;
    let sql = format!(
        "INSERT INTO execution_traces (id, correlation_id, root_id, session_id, user_id, source)
         SELECT id, id, id, id, owner, 'user_prompt' FROM (VALUES
             ('{a}'::uuid, '{ALICE}'), ('{b}'::uuid, '{BOB}'), ('{n}'::uuid, NULL)) AS t (id, owner);
         INSERT INTO hook_executions (trace_id, hook_type, hook_name, execution_order) SELECT id, 'Stop', 'stop', 1 FROM execution_traces;
         INSERT INTO success_patterns (pattern_id, pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score)
         SELECT id, lpad(n::text, 16, '0'), id, 'prompt', 1, 1, 1, 1 FROM (VALUES ('{b}'::uuid, 1), ('{n}'::uuid, 2)) AS p (id, n);
         INSERT INTO pattern_usage_log (pattern_id, trace_id, correlation_id, user_request, match_score, used)
         VALUES ('{b}', '{b}', '{b}', 'request', 0.9, true), ('{b}', NULL, '{b}', 'request', 0.9, true);",
        a = Uuid::from_u128(1),
        b = Uuid::from_u128(2),
        n = Uuid::from_u128(3),
    );
    database.conn().execute_unprepared(&sql).await.unwrap();
    database
}

async fn count<C: ConnectionTrait>(tx: &C, what: &str) -> Result<i64, Error> {
    let sql = format!("SELECT count(*) AS rows FROM {what}");
    let row = tx
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?
        .unwrap();
    Ok(row.try_get("", "rows")?)
}

async fn total_traces<C: ConnectionTrait>(tx: &C) -> Result<i64, Error> {
    let sql = "SELECT total_traces FROM dashboard_summary";
    let row = tx
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?
        .unwrap();
    Ok(row.try_get("", "total_traces")?)
}

async fn counts_as(db: &Db, who: &Principal) -> [i64; 5] {
    db.as_principal(who, async |tx| {
        let mut counts = [0; 5];
        for (count_of, table) in counts.iter_mut().zip([
            "execution_traces",
            "hook_executions",
            "trace_summary",
            "success_patterns",
            "pattern_usage_log",
        ]) {
            *count_of = count(tx, table).await?;
        }
        Ok(counts)
    })
    .await
    .unwrap()
}

/// Example 43.
#[tokio::test]
async fn a_user_sees_their_own_and_ownerless_traces() {
    let database = prepared(1).await;
    let db = database.db();
    assert_eq!(counts_as(db, &signed_in(ALICE)).await, [2, 2, 2, 2, 0]);
    let total = db
        .as_principal(&signed_in(ALICE), async |tx| total_traces(tx).await)
        .await;
    assert_eq!(total.unwrap(), 2);
    // Bob sees the usage on his trace, and none of the one without a trace.
    assert_eq!(counts_as(db, &signed_in(BOB)).await, [2, 2, 2, 2, 1]);
}

/// Example 45. The second time an earlier transaction on the same connection has set an identity: the setting then reads as ''.
#[tokio::test]
async fn a_role_without_an_identity_sees_only_what_nobody_owns() {
    let database = prepared(1).await;
    let db = database.db();
    for _ in 0..2 {
        let tx = db.begin().await.unwrap();
        tx.execute_unprepared("SET LOCAL ROLE authenticated")
            .await
            .unwrap();
        assert_eq!(count(&tx, "execution_traces").await.unwrap(), 1);
        assert_eq!(
            count(&tx, "execution_traces WHERE user_id IS NULL")
                .await
                .unwrap(),
            1
        );
        assert_eq!(count(&tx, "hook_executions").await.unwrap(), 1);
        assert_eq!(total_traces(&tx).await.unwrap(), 1);
        tx.rollback().await.unwrap();
        // Sets an identity, so that the next round finds the empty text that is left of it.
        assert_eq!(counts_as(db, &signed_in(ALICE)).await[0], 2);
    }
}

/// A trace whose owner is the empty text belongs to nobody who can ask: no identity is never equal to it.
#[tokio::test]
async fn an_empty_identity_is_nobody() {
    let database = prepared(1).await;
    let db = database.db();
    let sql = "INSERT INTO execution_traces (correlation_id, root_id, session_id, user_id, source) SELECT id, id, id, '', 'test' FROM gen_random_uuid() id";
    db.execute_unprepared(sql).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("SET LOCAL ROLE authenticated; SET LOCAL app.user_id = ''; SET LOCAL request.jwt.claims = ''")
        .await
        .unwrap();
    assert_eq!(count(&tx, "execution_traces").await.unwrap(), 1);
}

/// Example 47.
#[tokio::test]
async fn nobody_in_particular_may_not_select() {
    let database = prepared(1).await;
    let db = database.db();
    for relation in TABLES.into_iter().chain(VIEWS) {
        let denied = db
            .as_principal(&Principal::Anonymous, async |tx| count(tx, relation).await)
            .await;
        assert!(
            matches!(denied, Err(Error::Forbidden(_))),
            "{relation}: {denied:?}"
        );
    }
    // With a grant the policies still show nothing. Rolled back, like everything of this transaction.
    let tx = db.begin().await.unwrap();
    for table in TABLES {
        tx.execute_unprepared(&format!("GRANT SELECT ON {table} TO anon"))
            .await
            .unwrap();
    }
    tx.execute_unprepared("GRANT USAGE ON SCHEMA public TO anon; SET LOCAL ROLE anon")
        .await
        .unwrap();
    for table in TABLES {
        assert_eq!(count(&tx, table).await.unwrap(), 0, "{table}");
    }
}

/// Example 49.
#[tokio::test]
async fn a_view_with_its_owners_rights_would_leak() {
    let database = prepared(1).await;
    let db = database.db();
    assert_eq!(counts_as(db, &signed_in(ALICE)).await[2], 2);
    db.execute_unprepared("ALTER VIEW trace_summary SET (security_invoker = off)")
        .await
        .unwrap();
    assert_eq!(counts_as(db, &signed_in(ALICE)).await[2], 3);
}

/// The same identity by the platform's token; `app.user_id` wins where both are set.
#[tokio::test]
async fn the_subject_of_the_token_is_the_identity() {
    let database = prepared(1).await;
    let db = database.db();
    let claims = format!("{{\"sub\": \"{BOB}\", \"role\": \"authenticated\"}}");
    let as_token = async |own: &str| {
        let tx = db.begin().await.unwrap();
        let set = "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true), set_config('app.user_id', $2, true)";
        let values = [claims.as_str().into(), own.into()];
        tx.execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            set,
            values,
        ))
        .await
        .unwrap();
        let mine = "execution_traces WHERE user_id = ";
        let alice = count(&tx, &format!("{mine}'{ALICE}'")).await.unwrap();
        let bob = count(&tx, &format!("{mine}'{BOB}'")).await.unwrap();
        let usage = count(&tx, "pattern_usage_log").await.unwrap();
        tx.rollback().await.unwrap();
        (alice, bob, usage)
    };
    assert_eq!(as_token("").await, (0, 1, 1));
    assert_eq!(as_token(&ALICE.to_string()).await, (1, 0, 0));
}

/// `service_role` does everything, in every table and view.
#[tokio::test]
async fn the_service_sees_and_changes_everything() {
    let database = prepared(1).await;
    let db = database.db();
    assert_eq!(counts_as(db, &Principal::Local).await, [3, 3, 3, 2, 2]);
    db.as_service(async |tx| {
        for view in VIEWS {
            count(tx, view).await?;
        }
        tx.execute_unprepared("UPDATE execution_traces SET source = 'changed'")
            .await?;
        tx.execute_unprepared("DELETE FROM success_patterns")
            .await?;
        assert_eq!(
            count(tx, "execution_traces WHERE source = 'changed'").await?,
            3
        );
        assert_eq!(count(tx, "pattern_usage_log").await?, 0);
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(counts_as(db, &Principal::Local).await, [3, 3, 3, 0, 0]);
}

#[tokio::test]
async fn neither_users_nor_nobody_write() {
    let database = prepared(1).await;
    let db = database.db();
    let before = counts_as(db, &Principal::Local).await;
    let write = async |who: &Principal, sql: &str| {
        db.as_principal(who, async |tx: &DatabaseTransaction| {
            Ok(tx.execute_unprepared(sql).await?)
        })
        .await
    };
    for who in [signed_in(ALICE), Principal::Anonymous] {
        for table in TABLES {
            for sql in [
                format!("INSERT INTO {table} DEFAULT VALUES"),
                format!("UPDATE {table} SET created_at = now()"),
                format!("DELETE FROM {table}"),
            ] {
                let denied = write(&who, &sql).await;
                assert!(
                    matches!(denied, Err(Error::Forbidden(_))),
                    "{sql}: {denied:?}"
                );
            }
        }
        for call in [
            "SELECT * FROM apply_retention()",
            "SELECT update_pattern_stats(gen_random_uuid(), 'success')",
        ] {
            let denied = write(&who, call).await;
            assert!(
                matches!(denied, Err(Error::Forbidden(_))),
                "{call}: {denied:?}"
            );
        }
    }
    assert_eq!(counts_as(db, &Principal::Local).await, before);
}

/// If somebody granted it: an insert is still refused, an update and a delete find no row.
#[tokio::test]
async fn a_grant_alone_lets_nobody_write() {
    let database = prepared(1).await;
    let db = database.db();
    db.execute_unprepared("GRANT INSERT, UPDATE, DELETE ON execution_traces TO authenticated")
        .await
        .unwrap();
    let insert = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source) SELECT id, id, id, 'test' FROM gen_random_uuid() id";
    let denied = db
        .as_principal(&signed_in(ALICE), async |tx| {
            Ok(tx.execute_unprepared(insert).await?)
        })
        .await;
    assert!(matches!(denied, Err(Error::Forbidden(_))), "{denied:?}");
    let touched = db
        .as_principal(&signed_in(ALICE), async |tx| {
            let updated = tx
                .execute_unprepared("UPDATE execution_traces SET source = 'stolen'")
                .await?;
            let deleted = tx
                .execute_unprepared("DELETE FROM execution_traces")
                .await?;
            Ok((updated.rows_affected(), deleted.rows_affected()))
        })
        .await;
    assert_eq!(touched.unwrap(), (0, 0));
}

/// The archive has grants alone: nobody but the service reads it, and the service does not change it.
#[tokio::test]
async fn the_archive_is_for_the_service() {
    let database = prepared(1).await;
    let db = database.db();
    for who in [signed_in(ALICE), Principal::Anonymous] {
        let denied = db
            .as_principal(&who, async |tx| count(tx, "execution_traces_archive").await)
            .await;
        assert!(matches!(denied, Err(Error::Forbidden(_))));
    }
    let rows = db
        .as_service(async |tx| count(tx, "execution_traces_archive").await)
        .await;
    assert_eq!(rows.unwrap(), 0);
    let denied = db
        .as_service(async |tx| {
            Ok(tx
                .execute_unprepared("DELETE FROM execution_traces_archive")
                .await?)
        })
        .await;
    assert!(matches!(denied, Err(Error::Forbidden(_))));
}

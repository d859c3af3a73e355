//! Names of capabilities and the patterns they mean (022, 023, 028).

use crate::old_system::{sql, texts, uuid};
use crate::{pattern, record, record_at_023, run, up_to};
use pml_migration::Direction;
use pml_testkit::empty_database;

#[tokio::test]
async fn step_022_keeps_a_name_as_description_where_there_is_none() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 21).await;
    for (number, name, description) in [
        (1, "'mail'", "NULL"),
        (2, "'mail'", "'Sends it'"),
        (3, "NULL", "NULL"),
    ] {
        sql(db, &pattern(number, "NULL")).await;
        sql(
            db,
            &format!("UPDATE workflow_pattern SET name = {name}, description = {description} WHERE pattern_id = '{}'", uuid(number)),
        )
        .await;
    }
    up_to(db, 22).await;
    assert_eq!(
        texts(
            db,
            "SELECT coalesce(description, 'none') FROM workflow_pattern ORDER BY pattern_id"
        )
        .await,
        ["mail", "Sends it", "none"]
    );
}

#[tokio::test]
async fn step_023_settles_a_collision_by_code_then_hash_then_age() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 22).await;
    // The first four patterns begin with the same four digits: those of the SHA-256 of `four()`.
    let sha = "encode(sha256('four()'), 'hex')";
    let prefix = texts(db, &format!("SELECT left({sha}, 4)")).await.remove(0);
    for (number, hash, code, created) in [
        (
            1,
            format!("'{prefix}' || repeat('1', 60)"),
            "'one()'",
            "2025-01-03",
        ),
        (
            2,
            format!("'{prefix}' || repeat('2', 60)"),
            "'two()'",
            "2025-01-02",
        ),
        (
            3,
            format!("'{prefix}' || repeat('3', 60)"),
            "NULL",
            "2025-01-02",
        ),
        (4, sha.to_owned(), "'four( )'", "2025-01-09"),
        (
            5,
            "'beef' || repeat('5', 60)".to_owned(),
            "'five()'",
            "2025-01-01",
        ),
    ] {
        sql(db, &pattern(number, &hash)).await;
        sql(
            db,
            &format!("UPDATE workflow_pattern SET code_snippet = {code}, created_at = '{created}' WHERE pattern_id = '{}'", uuid(number)),
        )
        .await;
    }
    sql(db, &record("same_code", &prefix, "'one()'")).await;
    sql(db, &record("same_hash", &prefix, "'four()'")).await;
    sql(db, &record("oldest", &prefix, "NULL")).await;
    sql(db, &record("only_one", "BEEF", "'other()'")).await;
    sql(db, &record("nothing", "dead", "'five()'")).await;
    up_to(db, 23).await;
    let links = "SELECT action || ' ' || coalesce(right(workflow_pattern_id::text, 1), '-') FROM capability_records ORDER BY 1";
    assert_eq!(
        texts(db, links).await,
        [
            "nothing -",
            "oldest 2",
            "only_one 5",
            "same_code 1",
            "same_hash 4"
        ]
    );
}

#[tokio::test]
async fn step_023_moves_what_only_the_record_knew_to_its_pattern_and_down_brings_it_back() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 22).await;
    sql(db, &pattern(1, "repeat('a', 64)")).await;
    sql(db, &pattern(2, "repeat('b', 64)")).await;
    sql(
        db,
        &format!(
            "UPDATE workflow_pattern SET description = 'its own', parameters_schema = '{{\"own\": 1}}', code_snippet = 'own()'
             WHERE pattern_id = '{}'",
            uuid(2)
        ),
    )
    .await;
    sql(db, &record("younger", "aaaa", "'younger()'")).await;
    sql(db, &record("older", "aaaa", "NULL")).await;
    sql(db, &record("other", "bbbb", "'other()'")).await;
    sql(
        db,
        "UPDATE capability_records SET description = action, parameters_schema = to_jsonb(action);
         UPDATE capability_records SET created_at = '2025-01-01' WHERE action = 'older'",
    )
    .await;
    up_to(db, 23).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', description, parameters_schema, code_snippet) FROM workflow_pattern ORDER BY pattern_id")
            .await,
        ["older \"older\" younger()", "its own {\"own\": 1} own()"]
    );
    run(db, 23, Direction::Down).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', action, description, code_snippet, tools_used) FROM capability_records ORDER BY 1").await,
        ["older older younger() {}", "other its own own() {}", "younger older younger() {}"]
    );
}

#[tokio::test]
async fn step_028_derives_ids_from_full_names_so_that_no_path_changes_them() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 27).await;
    sql(db, &record_at_023("send")).await;
    sql(db, &record_at_023("read")).await;
    sql(
        db,
        "INSERT INTO capability_aliases (org, project, alias, target_fqdn) VALUES ('o', 'p', 'old', 'o.p.n.send.abcd')",
    )
    .await;
    up_to(db, 28).await;
    let ids = "SELECT action || ' ' || id FROM capability_records ORDER BY 1";
    let first = texts(db, ids).await;
    assert_eq!(
        first,
        texts(db, "VALUES ('read ' || md5('o.p.n.read.abcd')::uuid), ('send ' || md5('o.p.n.send.abcd')::uuid)").await
    );
    run(db, 28, Direction::Up).await;
    assert_eq!(texts(db, ids).await, first, "replayed");
    run(db, 28, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT id || ' ' || display_name FROM capability_records ORDER BY 1"
        )
        .await,
        ["o.p.n.read.abcd n:read", "o.p.n.send.abcd n:send"]
    );
    run(db, 28, Direction::Up).await;
    assert_eq!(texts(db, ids).await, first, "down and up again");
}

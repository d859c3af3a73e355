//! Whose rows they are, and the users they name (106, 109).

use crate::old_system::{sql, text, texts, uuid};
use crate::{down_to, recorded, up_to};
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn step_106_turns_owners_into_references_and_keeps_the_words() {
    let database = recorded().await;
    let db = database.conn();
    let ann = "aaaaaaaa-0000-4000-8000-00000000000a";
    let upper = ann.to_uppercase();
    let gone = uuid(0xff);
    sql(
        db,
        &format!("INSERT INTO users (id, username) VALUES ('{ann}', 'ann')"),
    )
    .await;
    sql(
        db,
        &format!(
            "INSERT INTO capability_records (org, project, namespace, action, hash, created_by) VALUES
                 ('o', 'p', 'n', '1', 'h', '{upper}'), ('o', 'p', 'n', '2', 'h', 'local'), ('o', 'p', 'n', '3', 'h', '{gone}');
             INSERT INTO execution_trace (id, success, duration_ms, user_id, created_by, updated_by) VALUES
                 ('{0}', true, 1, '{upper}', 'local', NULL), ('{1}', true, 1, 'local', 'local', NULL),
                 ('{2}', true, 1, '{gone}', 'local', NULL), ('{3}', true, 1, 'bob', 'migration', NULL),
                 ('{4}', true, 1, 'bob', 'migration', 'eve'), ('{5}', true, 1, NULL, 'job', NULL);
             INSERT INTO entropy_history (von_neumann_entropy, structural_entropy, normalized_entropy, health_status, threshold_low,
                 threshold_high, node_count, edge_count, user_id)
                 SELECT 0, 0, 0, 'healthy', 0, 0, 0, 0, owner FROM unnest(ARRAY['{upper}', 'bob', NULL]) owner;
             INSERT INTO shgat_params (user_id, params) VALUES ('{upper}', '{{}}'), ('local', '{{}}'), ('{gone}', '{{}}')",
            uuid(1), uuid(2), uuid(3), uuid(4), uuid(5), uuid(6)
        ),
    )
    .await;
    up_to(&database, 106).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', action, user_id, created_by) FROM capability_records ORDER BY 1"
        )
        .await,
        [
            format!("1|{ann}|{upper}"),
            "2|local".into(),
            format!("3|{gone}")
        ]
    );
    let traces = "SELECT concat_ws('|', right(id::text, 1), coalesce(user_id::text, '-'), created_by, updated_by) FROM execution_trace ORDER BY id";
    assert_eq!(
        texts(db, traces).await,
        [
            format!("1|{ann}|local"),
            "2|-|local".into(),
            format!("3|-|{gone}|local"),
            "4|-|bob|migration".into(),
            "5|-|bob|eve".into(),
            "6|-|job".into()
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', user_id, created_by) FROM entropy_history ORDER BY id"
        )
        .await,
        [format!("{ann}|{upper}"), "bob".into(), String::new()]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', user_id, created_by) FROM shgat_params ORDER BY 1"
        )
        .await,
        [gone.clone(), format!("{ann}|{upper}"), "local".into()]
    );
    let doubled = db
        .execute_unprepared("INSERT INTO shgat_params (params) VALUES ('{}')")
        .await
        .unwrap_err();
    assert!(
        doubled
            .to_string()
            .contains("shgat_params_user_id_created_by_key"),
        "{doubled}"
    );

    sql(db, &format!("INSERT INTO shgat_params (user_id, created_by, params, updated_at) VALUES ('{ann}', 'local', '{{\"newer\": true}}', now() + interval '1 day')")).await;
    down_to(&database, 105).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws('|', right(id::text, 1), user_id) FROM execution_trace ORDER BY id"
        )
        .await,
        [
            format!("1|{ann}"),
            "2|local".into(),
            format!("3|{gone}"),
            "4|bob".into(),
            "5|bob".into(),
            "6|job".into()
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT user_id || ' ' || params FROM shgat_params ORDER BY 1"
        )
        .await,
        [
            format!("{gone} {{}}"),
            format!("{ann} {{\"newer\": true}}"),
            "local {}".into()
        ]
    );
    up_to(&database, 106).await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM shgat_params WHERE user_id IS NOT NULL"
        )
        .await,
        "1"
    );
    sql(db, "DELETE FROM users").await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM execution_trace WHERE user_id IS NULL"
        )
        .await,
        "6"
    );
}

#[tokio::test]
async fn step_109_leaves_one_owner_per_identity_and_whole_keys() {
    let database = recorded().await;
    let db = database.conn();
    let user = |number: u32,
                day: u32,
                github: &str,
                hash: &str,
                prefix: &str,
                at: &str,
                name: &str,
                role: &str| {
        format!(
            "('{}', {name}, {role}, '2025-01-{day:02}', {github}, {hash}, {prefix}, {at})",
            uuid(number)
        )
    };
    sql(
        db,
        &format!(
            "INSERT INTO users (id, username, role, created_at, github_id, api_key_hash, api_key_prefix, api_key_created_at) VALUES {}",
            [
                user(1, 9, "'42'", "'h1'", "'ac_AAAAaaa1'", "now()", "'ann'", "'admin'"),
                user(2, 2, "'42'", "'h2'", "'ac_AAAAaaa1'", "now()", "NULL", "'king'"),
                user(3, 3, "'43'", "'h3'", "'sk_12345678'", "now()", "'bob'", "'ops'"),
                user(4, 4, "NULL", "'h4'", "NULL", "now()", "'eve'", "NULL"),
                user(5, 5, "NULL", "'h5'", "'ac_bbbb2222'", "NULL", "'joe'", "'user'"),
                user(6, 6, "NULL", "NULL", "NULL", "NULL", "'joe'", "'user'"),
            ]
            .join(", ")
        ),
    )
    .await;
    up_to(&database, 109).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', username, role, coalesce(github_id, '-'), coalesce(api_key_hash, '-'), coalesce(api_key_prefix, '-'), api_key_created_at IS NULL) FROM users ORDER BY id").await,
        [
            "ann|admin|-|-|-|t",
            "user-00000000|user|42|h2|ac_AAAAaaa1|f",
            "bob|ops|43|-|-|t",
            "eve|user|-|-|-|t",
            "joe|user|-|h5|ac_bbbb2222|f",
            "joe|user|-|-|-|t",
        ]
    );
    for (set, constraint) in [
        ("github_id = '42'", "users_github_id_unique"),
        (
            "api_key_prefix = 'ac_bbbb2222', api_key_hash = 'x', api_key_created_at = now()",
            "users_api_key_prefix_unique",
        ),
        ("api_key_hash = 'x'", "users_api_key_check"),
        (
            "api_key_prefix = 'ac_short', api_key_hash = 'x', api_key_created_at = now()",
            "users_api_key_prefix_check",
        ),
        ("role = 'king'", "users_role_check"),
        ("username = NULL", "username"),
    ] {
        let error = db
            .execute_unprepared(&format!("UPDATE users SET {set} WHERE id = '{}'", uuid(6)))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(constraint), "{set}: {error}");
    }
    down_to(&database, 108).await;
    assert_eq!(text(db, "SELECT count(*) FROM users").await, "6");
}

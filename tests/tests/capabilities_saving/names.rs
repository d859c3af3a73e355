//! What a saved capability is called.

use pml_service::Principal;
use pml_service::capabilities::SaveRequest;
use pml_testkit::database;

use crate::given::{number, pattern, record, rows, run, run_with, save_as, saved, user};

fn named(code: &str, namespace: &str, action: &str) -> SaveRequest {
    SaveRequest {
        namespace: Some(namespace.to_owned()),
        action: Some(action.to_owned()),
        ..run(code, "i")
    }
}

/// SAVE-8, K14.
#[tokio::test]
async fn a_name_is_made_of_the_first_tools_server_and_the_hash() {
    let test = database().await;
    let db = test.db();
    let one = saved(db, run_with("x()", &["github:search", "fs:read"])).await;
    let hash = pattern(db, one.pattern_id).await.code_hash.unwrap();
    let (long, short) = (&hash.as_str()[..8], &hash.as_str()[..4]);
    assert_eq!(one.display_name, format!("github:exec_{long}"));
    assert_eq!(
        one.fqdn,
        format!("local.default.github.exec_{long}.{short}")
    );
    let plain = saved(db, run("y()", "i")).await;
    assert!(plain.display_name.starts_with("code:exec_"));
}

#[tokio::test]
async fn a_repeated_save_keeps_name_and_version() {
    let test = database().await;
    let db = test.db();
    let first = saved(db, run("x()", "i")).await;
    let second = saved(db, run_with("x()", &["fs:read"])).await;
    assert_eq!(first.id, second.id);
    assert_eq!(first.fqdn, second.fqdn);
    let entry = record(db, first.id).await;
    assert_eq!((entry.version, entry.updated_at), (1, None));
}

#[tokio::test]
async fn the_same_code_of_two_users_of_one_project_has_two_names() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "acme", "web").await;
    let hers = save_as(db, &alice, run("x()", "i")).await.unwrap();
    let his = save_as(db, &bob, run("x()", "i")).await.unwrap();
    let row = pattern(db, his.pattern_id).await;
    let code = row.code_hash.unwrap();
    assert_eq!(
        hers.display_name,
        format!("code:exec_{}", &code.as_str()[..8])
    );
    assert_eq!(
        his.display_name,
        format!("{}_{}", hers.display_name, &row.pattern_hash[..8])
    );
    let again = save_as(db, &bob, run("x()", "i")).await.unwrap();
    assert_eq!(again.id, his.id);
}

#[tokio::test]
async fn one_user_in_two_projects_has_one_pattern_and_two_entries() {
    let test = database().await;
    let db = test.db();
    let web = user(db, "alice", "acme", "web").await;
    let shop = Principal::User {
        id: web.user_id().unwrap(),
        org: "acme".to_owned(),
        project: "shop".to_owned(),
    };
    let first = save_as(db, &web, run("x()", "i")).await.unwrap();
    let second = save_as(db, &shop, run("x()", "i")).await.unwrap();
    assert_eq!(first.pattern_id, second.pattern_id);
    assert_ne!(first.id, second.id);
    assert!(second.fqdn.starts_with("acme.shop.code.exec_"));
    assert_eq!(second.usage_count, 2);
}

#[tokio::test]
async fn a_given_name_is_used_and_found_again() {
    let test = database().await;
    let db = test.db();
    let first = saved(db, named("x()", "files", "count")).await;
    assert_eq!(first.display_name, "files:count");
    let again = saved(db, named("x()", "files", "count")).await;
    assert_eq!((again.id, again.usage_count), (first.id, 2));
    // Without a name the entry that is there serves.
    let unnamed = saved(db, run("x()", "i")).await;
    assert_eq!(unnamed.id, first.id);
    // Another name is another entry of the same code.
    let second = saved(db, named("x()", "files", "tally")).await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.pattern_id, first.pattern_id);
}

#[tokio::test]
async fn a_name_of_other_code_is_refused_and_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    saved(db, named("x()", "files", "count")).await;
    let before = rows(db).await;
    let refused = save_as(db, &Principal::Local, named("y()", "files", "count")).await;
    assert_eq!(refused.unwrap_err().code(), "name_taken");
    assert_eq!(rows(db).await, before);
    // Also for code that is known under another name.
    saved(db, run("y()", "i")).await;
    let refused = save_as(db, &Principal::Local, named("y()", "files", "count")).await;
    assert_eq!(refused.unwrap_err().code(), "name_taken");
    assert_eq!(
        number(db, "SELECT sum(usage_count)::bigint FROM workflow_pattern").await,
        2
    );
}

#[tokio::test]
async fn a_name_of_another_users_entry_is_taken() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "acme", "web").await;
    save_as(db, &alice, named("x()", "files", "count"))
        .await
        .unwrap();
    let refused = save_as(db, &bob, named("x()", "files", "count")).await;
    assert_eq!(refused.unwrap_err().code(), "name_taken");
    let elsewhere = user(db, "carol", "acme", "shop").await;
    save_as(db, &elsewhere, named("x()", "files", "count"))
        .await
        .unwrap();
}

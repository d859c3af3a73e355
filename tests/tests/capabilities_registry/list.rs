//! What a list shows.

use pml_entity::values::Visibility;
use pml_service::capabilities::{ListFilter, Summary, list};
use pml_service::{Db, Error, Limit, PageRequest, Principal};
use pml_testkit::database;

use crate::fixture::{day, seed, user};

async fn all(db: &Db, who: &Principal, filter: ListFilter) -> Vec<Summary> {
    let page = list(db, who, &filter, PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.next_cursor, None);
    page.items
}

pub async fn names(db: &Db, who: &Principal, filter: ListFilter) -> Vec<String> {
    let rows = all(db, who, filter).await;
    rows.into_iter().map(|row| row.display_name).collect()
}

/// LST-1.
#[tokio::test]
async fn the_most_used_comes_first_then_namespace_and_action() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for (name, usage) in [("b:z", 1), ("b:a", 1), ("a:z", 1), ("z:z", 9), ("m:m", 5)] {
        seed(&local, name).used(usage, 0).insert(db).await;
    }
    seed(&local, "a:none").without_code().insert(db).await;
    assert_eq!(
        names(db, &local, ListFilter::default()).await,
        ["z:z", "m:m", "a:z", "b:a", "b:z", "a:none"]
    );
}

#[tokio::test]
async fn a_line_shows_entry_and_code() {
    let test = database().await;
    let db = test.db();
    let mut new = seed(&Principal::Local, "fs:read").used(4, 1).with(|code| {
        code.tools = vec!["mcp.fs.read".to_owned()];
        code.total_duration_ms = 10;
        code.last_used = day(2);
    });
    new.tags = vec!["x".to_owned()];
    let made = new.insert(db).await;
    let rows = all(db, &Principal::Local, ListFilter::default()).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.id, row.pattern_id), (made.id, made.pattern_id));
    assert_eq!((&row.fqdn, &*row.display_name), (&made.fqdn, "fs:read"));
    assert_eq!((&*row.namespace, &*row.action), ("fs", "read"));
    assert_eq!(row.description.as_deref(), Some("Does read"));
    assert_eq!(
        (&row.tags[..], &row.tools[..]),
        (&["x".to_owned()][..], &["fs:read".to_owned()][..])
    );
    assert_eq!(
        (row.usage_count, row.success_count, row.avg_duration_ms),
        (4, 1, 2)
    );
    assert!((row.success_rate - 0.25).abs() < 1e-12);
    assert_eq!((row.version, row.verified), (1, false));
    assert_eq!((row.last_used, row.created_at), (Some(day(2)), day(0)));
}

/// AT-41. The example uses 500 for a limit of 1,000; DESIGN decides otherwise: a limit outside 1–500 is refused, and 500 is the most.
#[test]
fn a_limit_above_500_is_refused() {
    assert_eq!(Limit::new(Some(1_000)).unwrap_err().code(), "invalid_limit");
    assert_eq!(Limit::new(Some(500)).unwrap().get(), 500);
    assert_eq!(Limit::default().get(), 50);
}

/// AT-87 for lists, and the four visibilities.
#[tokio::test]
async fn a_list_shows_what_the_caller_may_see() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let same_project = user(db, "acme", "webapp").await;
    let same_org = user(db, "acme", "api").await;
    let stranger = user(db, "zeta", "webapp").await;
    for (name, visibility) in [
        ("a:private", Visibility::Private),
        ("b:project", Visibility::Project),
        ("c:org", Visibility::Org),
        ("d:public", Visibility::Public),
    ] {
        seed(&alice, name).visible_to(visibility).insert(db).await;
    }
    let all = ["a:private", "b:project", "c:org", "d:public"];
    for (who, wanted) in [
        (&alice, &all[..]),
        (&Principal::Local, &all[..]),
        (&same_project, &all[1..]),
        (&same_org, &all[2..]),
        (&stranger, &all[3..]),
        (&Principal::Anonymous, &all[3..]),
    ] {
        assert_eq!(
            names(db, who, ListFilter::default()).await,
            wanted,
            "{who:?}"
        );
        // Also when exactly the hidden one is asked for.
        let filter = ListFilter {
            pattern: Some("a:private".to_owned()),
            visibility: Some(Visibility::Private),
            ..ListFilter::default()
        };
        let seen = usize::from(wanted.contains(&"a:private"));
        assert_eq!(names(db, who, filter).await.len(), seen, "{who:?}");
    }
}

#[tokio::test]
async fn entries_with_one_code_are_listed_each_once() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let first = seed(&local, "fs:a").insert(db).await;
    seed(&local, "fs:b").named_beside(&first).insert(db).await;
    assert_eq!(
        names(db, &local, ListFilter::default()).await,
        ["fs:a", "fs:b"]
    );
}

#[tokio::test]
async fn one_statement_for_any_number_of_rows() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for rows in [1, 50] {
        for number in 0..rows {
            seed(&local, &format!("ns{rows}:a{number}"))
                .insert(db)
                .await;
        }
        let before = db.statements().snapshot();
        let page = PageRequest {
            limit: Limit::new(Some(500)).unwrap(),
            cursor: None,
        };
        let found = list(db, &local, &ListFilter::default(), page)
            .await
            .unwrap();
        assert!(found.items.len() >= rows);
        assert_eq!(db.statements().since(&before).statements, 1);
    }
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_is_refused() {
    let test = database().await;
    let page = PageRequest {
        cursor: Some("AAAA".into()),
        ..PageRequest::default()
    };
    let result = list(test.db(), &Principal::Local, &ListFilter::default(), page).await;
    assert!(matches!(result, Err(Error::InvalidCursor)));
}

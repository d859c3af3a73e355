//! Which capabilities a list leaves out.

use pml_entity::values::{Routing, Visibility};
use pml_service::capabilities::{ListFilter, list};
use pml_service::{Db, PageRequest, Principal};
use pml_testkit::database;

use crate::fixture::{seed, sql, user};
use crate::list::names;

async fn refused(db: &Db, filter: ListFilter) -> &'static str {
    let page = PageRequest::default();
    list(db, &Principal::Local, &filter, page)
        .await
        .unwrap_err()
        .code()
}

#[tokio::test]
#[allow(
    clippy::too_many_lines,
    reason = "one line a filter, before formatting"
)]
async fn each_filter_keeps_what_matches() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let acme = user(db, "acme", "webapp").await;
    let mut read = seed(&local, "fs:read").used(10, 8);
    read.tags = vec!["json".to_owned(), "files".to_owned()];
    let read = read.insert(db).await;
    seed(&local, "fs:write").used(2, 2).insert(db).await;
    seed(&acme, "net:get")
        .used(5, 1)
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    sql(
        db,
        &format!(
            "UPDATE capability_records SET routing = 'cloud', verified = true WHERE id = '{0}'; \
             UPDATE workflow_pattern SET community_id = 3 WHERE pattern_id = '{1}'",
            read.id,
            read.pattern_id.unwrap()
        ),
    )
    .await;
    let base = ListFilter::default;
    let some = |word: &str| Some(word.to_owned());
    let read = vec!["fs:read"];
    for (filter, wanted) in [
        (base(), vec!["fs:read", "net:get", "fs:write"]),
        (
            ListFilter {
                namespace: some("fs"),
                ..base()
            },
            vec!["fs:read", "fs:write"],
        ),
        (
            ListFilter {
                namespace: some("FS"),
                ..base()
            },
            vec![],
        ),
        (
            ListFilter {
                org: some("acme"),
                ..base()
            },
            vec!["net:get"],
        ),
        (
            ListFilter {
                project: some("default"),
                ..base()
            },
            vec!["fs:read", "fs:write"],
        ),
        (
            ListFilter {
                tag: some("json"),
                ..base()
            },
            read.clone(),
        ),
        (
            ListFilter {
                tag: some("js"),
                ..base()
            },
            vec![],
        ),
        (
            ListFilter {
                visibility: Some(Visibility::Public),
                ..base()
            },
            vec!["net:get"],
        ),
        (
            ListFilter {
                routing: Some(Routing::Cloud),
                ..base()
            },
            read.clone(),
        ),
        (
            ListFilter {
                verified: Some(true),
                ..base()
            },
            read.clone(),
        ),
        (
            ListFilter {
                verified: Some(false),
                ..base()
            },
            vec!["net:get", "fs:write"],
        ),
        (
            ListFilter {
                community_id: Some(3),
                ..base()
            },
            read.clone(),
        ),
        // Equal is enough: 8 of 10 are 0.8.
        (
            ListFilter {
                min_success_rate: Some(0.8),
                ..base()
            },
            vec!["fs:read", "fs:write"],
        ),
        (
            ListFilter {
                min_success_rate: Some(1.0),
                ..base()
            },
            vec!["fs:write"],
        ),
        (
            ListFilter {
                min_usage: Some(5),
                ..base()
            },
            vec!["fs:read", "net:get"],
        ),
        (
            ListFilter {
                mine_only: true,
                ..base()
            },
            vec!["fs:read", "fs:write"],
        ),
        (
            ListFilter {
                namespace: some("fs"),
                min_usage: Some(5),
                ..base()
            },
            read,
        ),
    ] {
        assert_eq!(
            names(db, &local, filter.clone()).await,
            wanted,
            "{filter:?}"
        );
    }
}

/// LST-2.
#[tokio::test]
async fn a_glob_is_matched_against_namespace_and_action() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for name in ["fs:read_a", "fs:read_ab", "fs:readxa", "fs:100%", "fs:1000"] {
        seed(&local, name).insert(db).await;
    }
    for (glob, wanted) in [
        (
            "*",
            vec!["fs:100%", "fs:1000", "fs:read_a", "fs:read_ab", "fs:readxa"],
        ),
        ("fs:read_?", vec!["fs:read_a"]),
        ("fs:read_*", vec!["fs:read_a", "fs:read_ab"]),
        ("*100%", vec!["fs:100%"]),
        ("read_a", vec![]),
        ("FS:*", vec![]),
        ("fs:read\\_a", vec![]),
    ] {
        let filter = ListFilter {
            pattern: Some(glob.to_owned()),
            ..ListFilter::default()
        };
        assert_eq!(names(db, &local, filter).await, wanted, "{glob}");
    }
    for bad in ["fs:\\", "", "  ", "a\0"] {
        let filter = ListFilter {
            pattern: Some(bad.to_owned()),
            ..ListFilter::default()
        };
        assert_eq!(refused(db, filter).await, "invalid_pattern", "{bad:?}");
    }
}

/// K14.
#[tokio::test]
async fn the_unnamed_are_those_whose_name_was_made_up() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for name in [
        "code:exec_1a2b3c4d",
        "code:unnamed_1a2b",
        "code:exec_command",
        "code:read",
    ] {
        seed(&local, name).insert(db).await;
    }
    let filter = ListFilter {
        unnamed_only: true,
        ..ListFilter::default()
    };
    assert_eq!(
        names(db, &local, filter).await,
        ["code:exec_1a2b3c4d", "code:unnamed_1a2b"]
    );
}

/// OWN-1.
#[tokio::test]
async fn mine_are_those_i_own_and_those_i_ran() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let other = user(db, "acme", "webapp").await;
    seed(&me, "fs:mine").insert(db).await;
    let ran = seed(&other, "fs:ran")
        .visible_to(Visibility::Org)
        .insert(db)
        .await;
    seed(&other, "fs:theirs")
        .visible_to(Visibility::Org)
        .insert(db)
        .await;
    let hidden = seed(&other, "fs:hidden").insert(db).await;
    for code in [&ran, &ran, &hidden] {
        sql(
            db,
            &format!(
                "INSERT INTO execution_trace (capability_id, user_id, success, duration_ms) VALUES ('{}', '{}', true, 1)",
                code.pattern_id.unwrap(),
                me.user_id().unwrap()
            ),
        )
        .await;
    }
    let mine = || ListFilter {
        mine_only: true,
        ..ListFilter::default()
    };
    assert_eq!(names(db, &me, mine()).await, ["fs:mine", "fs:ran"]);
    assert!(names(db, &Principal::Anonymous, mine()).await.is_empty());
}

#[tokio::test]
async fn filters_outside_their_range_are_refused_before_the_database_is_asked() {
    let test = database().await;
    let db = test.db();
    let before = db.statements().snapshot();
    let base = ListFilter::default;
    for rate in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
        let filter = ListFilter {
            min_success_rate: Some(rate),
            ..base()
        };
        assert_eq!(refused(db, filter).await, "invalid_filter", "{rate}");
    }
    let filter = ListFilter {
        min_usage: Some(-1),
        ..base()
    };
    assert_eq!(refused(db, filter).await, "invalid_filter");
    let null = || Some("a\0b".to_owned());
    for filter in [
        ListFilter {
            namespace: null(),
            ..base()
        },
        ListFilter {
            org: null(),
            ..base()
        },
        ListFilter {
            project: null(),
            ..base()
        },
        ListFilter {
            tag: null(),
            ..base()
        },
    ] {
        assert_eq!(refused(db, filter).await, "invalid_filter");
    }
    assert_eq!(db.statements().since(&before).statements, 0);
}

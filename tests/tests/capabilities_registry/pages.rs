//! Going through a list page by page.

use pml_entity::values::{CapabilityId, Visibility};
use pml_service::capabilities::{ListFilter, Sort, Summary, list};
use pml_service::{Cursor, Db, Error, Limit, PageRequest, Principal};
use pml_testkit::database;

use crate::fixture::{day, seed};

const SORTS: [Sort; 5] = [
    Sort::UsageCount,
    Sort::Name,
    Sort::SuccessRate,
    Sort::LastUsed,
    Sort::CreatedAt,
];

fn filter(sort: Sort, descending: Option<bool>) -> ListFilter {
    ListFilter {
        sort,
        descending,
        ..ListFilter::default()
    }
}

async fn page(
    db: &Db,
    filter: &ListFilter,
    limit: i64,
    cursor: Option<String>,
) -> (Vec<Summary>, Option<String>) {
    let request = PageRequest {
        limit: Limit::new(Some(limit)).unwrap(),
        cursor: cursor.map(Cursor::from),
    };
    let page = list(db, &Principal::Local, filter, request).await.unwrap();
    (page.items, page.next_cursor)
}

async fn through(db: &Db, filter: &ListFilter, limit: i64) -> Vec<CapabilityId> {
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let (items, next) = page(db, filter, limit, cursor).await;
        ids.extend(items.iter().map(|row| row.id));
        cursor = next;
        if cursor.is_none() {
            return ids;
        }
    }
}

/// Many equal values, thirds that no decimal holds, and entries without code.
async fn fill(db: &Db) {
    let local = Principal::Local;
    for number in 0..12_u32 {
        let mut new = seed(&local, &format!("ns{}:a{number:02}", number % 3))
            .used(i64::from(number % 3) * 3, i64::from(number % 2))
            .last_used(day(number % 4) + chrono::Duration::microseconds(i64::from(number % 2)));
        new.created_at = day(number % 5);
        new.insert(db).await;
    }
    for name in ["ns0:x", "ns1:x"] {
        seed(&local, name).without_code().insert(db).await;
    }
}

#[tokio::test]
async fn pages_of_any_size_make_up_the_whole_list_in_every_order() {
    let test = database().await;
    let db = test.db();
    fill(db).await;
    for sort in SORTS {
        for descending in [None, Some(true), Some(false)] {
            let filter = filter(sort, descending);
            let whole = through(db, &filter, 500).await;
            assert_eq!(whole.len(), 14);
            for limit in [1, 3, 13, 14] {
                assert_eq!(
                    through(db, &filter, limit).await,
                    whole,
                    "{sort:?} {descending:?} {limit}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_order_is_the_one_it_says() {
    let test = database().await;
    let db = test.db();
    fill(db).await;
    for sort in SORTS {
        for descending in [true, false] {
            let (rows, _) = page(db, &filter(sort, Some(descending)), 500, None).await;
            let ordered = rows.windows(2).all(|pair| {
                let (a, b) = (&pair[0], &pair[1]);
                let by_name = (&a.namespace, &a.action, a.id).cmp(&(&b.namespace, &b.action, b.id));
                let order = match sort {
                    Sort::Name => by_name,
                    Sort::UsageCount => a.usage_count.cmp(&b.usage_count),
                    Sort::SuccessRate => a.success_rate.total_cmp(&b.success_rate),
                    Sort::LastUsed => a.last_used.cmp(&b.last_used),
                    Sort::CreatedAt => a.created_at.cmp(&b.created_at),
                };
                let order = if descending { order.reverse() } else { order };
                order.then(by_name).is_le()
            });
            assert!(ordered, "{sort:?} {descending}");
        }
    }
    let default = |sort| filter(sort, None);
    for sort in SORTS {
        let explicit = filter(sort, Some(sort != Sort::Name));
        assert_eq!(
            through(db, &default(sort), 500).await,
            through(db, &explicit, 500).await
        );
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_order_and_its_filters() {
    let test = database().await;
    let db = test.db();
    fill(db).await;
    let mut lists: Vec<ListFilter> = SORTS
        .into_iter()
        .flat_map(|sort| [true, false].map(|descending| filter(sort, Some(descending))))
        .collect();
    lists.push(ListFilter {
        namespace: Some("ns1".to_owned()),
        ..ListFilter::default()
    });
    for made_for in &lists {
        let (_, cursor) = page(db, made_for, 1, None).await;
        let cursor = cursor.unwrap();
        for used_for in &lists {
            let request = PageRequest {
                limit: Limit::default(),
                cursor: Some(Cursor::from(cursor.as_str())),
            };
            let result = list(db, &Principal::Local, used_for, request).await;
            if made_for == used_for {
                assert!(result.is_ok());
            } else {
                assert!(
                    matches!(result, Err(Error::InvalidCursor)),
                    "{made_for:?} {used_for:?}"
                );
            }
        }
    }
}

/// Pairs of filters that restrict the same things, to different values.
#[tokio::test]
async fn a_cursor_of_one_value_is_refused_for_another() {
    let test = database().await;
    let db = test.db();
    fill(db).await;
    let default = ListFilter::default;
    let some = |value: &str| Some(value.to_owned());
    let pairs = [
        [some("ns*"), some("*")].map(|pattern| ListFilter {
            pattern,
            ..default()
        }),
        [some("ns0"), some("ns1")].map(|namespace| ListFilter {
            namespace,
            ..default()
        }),
        [some("local"), some("acme")].map(|org| ListFilter { org, ..default() }),
        [some("default"), some("web")].map(|project| ListFilter {
            project,
            ..default()
        }),
        [Visibility::Private, Visibility::Public].map(|visibility| ListFilter {
            visibility: Some(visibility),
            ..default()
        }),
        [false, true].map(|verified| ListFilter {
            verified: Some(verified),
            ..default()
        }),
        [0.0, 0.1].map(|rate| ListFilter {
            min_success_rate: Some(rate),
            ..default()
        }),
        [0, 1].map(|usage| ListFilter {
            min_usage: Some(usage),
            ..default()
        }),
        [true, false].map(|mine_only| ListFilter {
            mine_only,
            ..default()
        }),
        // One value at two places.
        [
            ListFilter {
                org: some("local"),
                project: some("default"),
                ..default()
            },
            ListFilter {
                org: some("default"),
                project: some("local"),
                ..default()
            },
        ],
    ];
    for [made_for, other] in &pairs {
        let (_, cursor) = page(db, made_for, 1, None).await;
        let request = || PageRequest {
            limit: Limit::default(),
            cursor: cursor.as_deref().map(Cursor::from),
        };
        assert!(cursor.is_some(), "{made_for:?}");
        let refused = list(db, &Principal::Local, other, request()).await;
        assert!(matches!(refused, Err(Error::InvalidCursor)), "{other:?}");
        // The order it has anyway, in so many words.
        let explicit = ListFilter {
            descending: Some(true),
            ..made_for.clone()
        };
        list(db, &Principal::Local, &explicit, request())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn rows_that_come_and_go_shift_nothing() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    for name in ["m:b", "m:d", "m:f"] {
        seed(&local, name).insert(db).await;
    }
    let order = filter(Sort::Name, None);
    let (first, cursor) = page(db, &order, 2, None).await;
    assert_eq!(first[1].display_name, "m:d");
    for name in ["m:a", "m:e"] {
        seed(&local, name).insert(db).await;
    }
    crate::fixture::sql(db, "DELETE FROM capability_records WHERE action = 'd'").await;
    let (rest, _) = page(db, &order, 2, cursor).await;
    let names: Vec<_> = rest.iter().map(|row| row.display_name.as_str()).collect();
    assert_eq!(names, ["m:e", "m:f"]);
}

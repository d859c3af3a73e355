//! Policies by number, and on a table of another area: what the list promises to those who extend it.

use pml_service::retention::{self, Action, Policy, What};

use crate::fixture::{count, number, options, sql};

fn newest(keep: u64) -> Policy {
    Policy {
        name: "events",
        area: "test",
        table: "events",
        key: "id",
        key_type: "bigint",
        what: What::Count { column: "at", keep },
        condition: None,
        action: Action::Delete,
        batch: 4,
    }
}

const TABLE: &str = "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz, kind text);
     INSERT INTO events SELECT n, now() - make_interval(hours => n::int), CASE n % 2 WHEN 0 THEN 'even' END FROM generate_series(1, 20) n;
     INSERT INTO events VALUES (100, NULL, 'even')";

#[tokio::test]
async fn the_newest_rows_stay_and_rows_without_a_time() {
    let database = pml_testkit::database().await;
    let db = database.db();
    sql(db, TABLE).await;
    let policies = [newest(7)];
    let plan = retention::plan(db, &policies).await.unwrap();
    assert_eq!(plan[0].due, 13);
    let done = retention::run(db, &policies, &options(4)).await.unwrap();
    assert_eq!((done[0].removed, done[0].batches), (13, 4));
    assert_eq!(number(db, "SELECT sum(id) FROM events").await, 28 + 100);
    // As many as stay, or fewer: nothing is due.
    for keep in [7, 8, 1_000] {
        let plan = retention::plan(db, &[newest(keep)]).await.unwrap();
        assert_eq!((plan[0].due, plan[0].limit), (0, None));
        let done = retention::run(db, &[newest(keep)], &options(4)).await;
        assert_eq!(done.unwrap()[0].removed, 0);
    }
    retention::run(db, &[newest(0)], &options(4)).await.unwrap();
    assert_eq!(number(db, "SELECT sum(id) FROM events").await, 100);
}

#[tokio::test]
async fn rows_of_one_moment_are_told_apart_by_their_key() {
    let database = pml_testkit::database().await;
    let db = database.db();
    sql(db, TABLE).await;
    sql(
        db,
        "DELETE FROM events WHERE id > 9; UPDATE events SET at = '2020-01-01Z'",
    )
    .await;
    retention::run(db, &[newest(3)], &options(2)).await.unwrap();
    assert_eq!(number(db, "SELECT sum(id) FROM events").await, 7 + 8 + 9);
}

/// Counted among the rows of the condition. Where it is unknown (NULL), the row stays.
#[tokio::test]
async fn a_condition_limits_what_is_counted_and_what_goes() {
    let database = pml_testkit::database().await;
    let db = database.db();
    sql(db, TABLE).await;
    let even = Policy {
        condition: Some("kind = 'even'"),
        ..newest(2)
    };
    let done = retention::run(db, &[even], &options(3)).await.unwrap();
    assert_eq!(done[0].removed, 8);
    assert_eq!(count(db, "events WHERE kind IS NULL").await, 10);
    assert_eq!(
        number(db, "SELECT sum(id) FROM events WHERE kind = 'even'").await,
        2 + 4 + 100
    );
}

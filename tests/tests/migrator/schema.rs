//! Which schema each way through the steps leads to.

use pml_migration::{Engine, all, catalog, forward, script, step_names, up};
use pml_testkit::empty_database;

use crate::TABLES;
use crate::old_system::{options, sql, text, texts};

#[tokio::test]
async fn every_forward_step_goes_down_to_what_was_before_and_up_to_the_same() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let others = u32::try_from(all().len() - forward::STEPS.len()).unwrap();
    let engine = Engine::new(all());
    engine.up(db, Some(others), &options).await.unwrap();
    let mut before = vec![catalog::read(db).await.unwrap()];
    for step in forward::STEPS {
        assert_eq!(
            engine.up(db, Some(1), &options).await.unwrap().names(),
            [step.name()]
        );
        let reached = catalog::read(db).await.unwrap();
        engine.down(db, Some(1), &options).await.unwrap();
        let restored = catalog::read(db).await.unwrap();
        assert_eq!(
            catalog::differences(before.last().unwrap(), &restored),
            [""; 0],
            "{} down",
            step.name()
        );
        engine.up(db, Some(1), &options).await.unwrap();
        assert_eq!(
            catalog::differences(&reached, &catalog::read(db).await.unwrap()),
            [""; 0],
            "{} again",
            step.name()
        );
        before.push(reached);
    }
    let target = before.pop().unwrap();
    for (step, expected) in forward::STEPS.iter().zip(&before).rev() {
        engine.down(db, Some(1), &options).await.unwrap();
        assert_eq!(
            catalog::differences(expected, &catalog::read(db).await.unwrap()),
            [""; 0],
            "down from {}",
            step.name()
        );
    }
    engine.up(db, None, &options).await.unwrap();
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
}

#[tokio::test]
async fn fresh_drops_everything_but_extensions_and_starts_over() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    up(db, &options).await.unwrap();
    let target = catalog::read(db).await.unwrap();
    sql(
        db,
        "CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN short AS text; CREATE TYPE pair AS (a integer, b mood);
         CREATE TYPE span AS RANGE (subtype = integer); CREATE SEQUENCE counter; CREATE TABLE notes (id integer, mood mood); CREATE MATERIALIZED VIEW sums AS SELECT 1 AS one;
         CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * 2';
         CREATE TABLE \"Odd name\" (id integer); CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.kept (id integer);
         INSERT INTO config (key, value) VALUES ('a', 'b')",
    )
    .await;
    let report = pml_migration::fresh(db, &options).await.unwrap();
    assert_eq!(report.names(), step_names());
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
    assert_eq!(text(db, "SELECT count(*) FROM config").await, "0");
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM pg_type WHERE typname IN ('mood', 'short', 'pair', 'span', 'counter')"
        )
        .await,
        "0"
    );
    assert_eq!(text(db, "SELECT count(*) FROM elsewhere.kept").await, "0");
}

#[tokio::test]
async fn refresh_and_reset_leave_what_they_promise() {
    let database = empty_database().await;
    let (db, options) = (database.conn(), options(&database));
    let engine = Engine::new(all());
    engine.up(db, None, &options).await.unwrap();
    let target = catalog::read(db).await.unwrap();
    assert_eq!(
        engine.refresh(db, &options).await.unwrap().steps.len(),
        2 * step_names().len()
    );
    assert_eq!(
        catalog::differences(&target, &catalog::read(db).await.unwrap()),
        [""; 0]
    );
    engine.reset(db, &options).await.unwrap();
    assert_eq!(texts(db, TABLES).await, [""; 0]);
}

#[tokio::test]
async fn the_printed_script_makes_the_same_database_and_a_managed_one() {
    let (by_hand, by_us) = (empty_database().await, empty_database().await);
    let text = script(all(), true);
    let (_, statements) = text.split_once('\n').unwrap();
    sql(by_hand.conn(), statements).await;
    up(by_us.conn(), &options(&by_us)).await.unwrap();
    let expected = catalog::read(by_us.conn()).await.unwrap();
    assert_eq!(
        catalog::differences(&expected, &catalog::read(by_hand.conn()).await.unwrap()),
        [""; 0]
    );
    assert!(
        up(by_hand.conn(), &options(&by_hand))
            .await
            .unwrap()
            .is_empty()
    );
}

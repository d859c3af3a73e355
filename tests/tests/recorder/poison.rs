//! Rows that cannot be written: they are found, kept in `error_log`, and stop nobody.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pml_service::recorder::RecorderOptions;
use sea_orm::ConnectionTrait;

use crate::fixture::{Switches, dead_letters, numbers, options, row, start};

fn one_batch() -> RecorderOptions {
    RecorderOptions {
        interval: Duration::from_hours(1),
        ..options()
    }
}

#[tokio::test]
async fn one_bad_row_among_500_goes_to_error_log() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, switches) = start(db, Switches::default(), one_batch()).await;
    for number in 0..500 {
        let number = if number == 321 { -1 } else { number };
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    let expected: Vec<_> = (0..500).filter(|number| *number != 321).collect();
    assert_eq!(numbers(db).await, expected, "the others, in order");
    let letters = dead_letters(db).await;
    assert_eq!(letters.len(), 1);
    let (message, context) = &letters[0];
    assert_eq!(context["recorder"], "recorded");
    assert_eq!(context["code"], "refused");
    assert_eq!(context["row"]["number"], -1);
    assert!(message.contains("recorded_number_check"), "{message}");
    assert!(!context.to_string().contains("hunter2") && !message.contains("hunter2"));
    // Nine halvings of two writes each, and the whole.
    assert!(switches.writes.load(Ordering::SeqCst) <= 19);
    let stats = recorder.stats();
    assert_eq!((stats.written, stats.poisoned, stats.retried), (499, 1, 0));
}

#[tokio::test]
async fn bad_rows_anywhere_stop_nobody() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let (recorder, _) = start(db, Switches::default(), one_batch()).await;
    let bad = [0, 1, 99, 250, 498, 499];
    for number in 0..500 {
        let number = if bad.contains(&number) {
            -number - 1
        } else {
            number
        };
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    let expected: Vec<_> = (0..500).filter(|number| !bad.contains(number)).collect();
    assert_eq!(numbers(db).await, expected);
    let kept: Vec<_> = dead_letters(db)
        .await
        .iter()
        .map(|(_, context)| context["row"]["number"].as_i64().unwrap())
        .collect();
    assert_eq!(kept, [-1, -2, -100, -251, -499, -500]);
    assert_eq!(recorder.shutdown().await.unwrap().poisoned, 6);
}

#[tokio::test]
async fn a_row_that_makes_the_sink_panic_is_a_bad_row() {
    let database = pml_testkit::database().await;
    let db = database.db();
    let switches = Switches {
        panics_at: 7,
        ..Switches::default()
    };
    let (recorder, _) = start(db, switches, one_batch()).await;
    for number in 0..20 {
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await.len(), 19);
    assert_eq!(dead_letters(db).await[0].1["code"], "panicked");
}

/// Then the log is all there is, and the rest goes on.
#[tokio::test]
async fn a_missing_error_log_stops_nobody() {
    let database = pml_testkit::database().await;
    let db = database.db();
    db.execute_unprepared("DROP TABLE error_log").await.unwrap();
    let (recorder, _) = start(db, Switches::default(), one_batch()).await;
    for number in [1, -1, 2] {
        recorder.record(row(number)).await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(numbers(db).await, [1, 2]);
    assert_eq!(recorder.stats().poisoned, 1);
}

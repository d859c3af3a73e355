//! Several who extract at once, and the one in the background.

use std::sync::Arc;
use std::time::Duration;

use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{ExtractionOptions, extract_all, schedule_extraction};
use pml_testkit::{TestDatabase, database};

use crate::data::{count, one, trace};

#[tokio::test]
async fn eight_at_once_look_at_each_execution_once_and_miss_none() {
    if database().await.is_embedded() {
        return;
    }
    let database = TestDatabase::with_pool(12).await;
    let db = database.db();
    for number in 0..120 {
        let it = trace(&format!(
            "Fix the {} login",
            ["red", "green", "blue", "black"][number % 4]
        ));
        if number % 3 == 0 {
            it.failed("timeout", format!("no answer after {number} ms"))
                .insert(db)
                .await;
        } else {
            it.insert(db).await;
        }
    }
    let options = ExtractionOptions {
        batch: 7,
        ..ExtractionOptions::default()
    };
    let workers = (0..8).map(|_| extract_all(db, &HashingPromptEmbedder, &options));
    let all = futures::future::try_join_all(workers).await.unwrap();
    assert_eq!(all.iter().map(|it| it.traces).sum::<u64>(), 120);
    assert_eq!(all.iter().map(|it| it.patterns).sum::<u64>(), 4);
    assert_eq!(
        all.iter().map(|it| it.patterns + it.repeats).sum::<u64>(),
        80
    );
    assert_eq!(count(db, "success_patterns").await, 4);
    assert_eq!(
        count(db, "trace_extractions WHERE extracted_at IS NOT NULL").await,
        120
    );
    assert_eq!(count(db, "error_patterns").await, 1);
    assert_eq!(
        one::<_, i32>(db, "SELECT occurrence_count FROM error_patterns", []).await,
        40
    );
}

#[tokio::test]
async fn the_background_work_extracts_what_comes_and_stops() {
    let database = database().await;
    let db = database.db();
    trace("Fix the login").insert(db).await;
    let task = schedule_extraction(
        db.clone(),
        Arc::new(HashingPromptEmbedder),
        Duration::from_millis(50),
    );
    let wait_for = async |expected: i64| {
        for _ in 0..200 {
            if count(db, "success_patterns").await == expected {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    };
    assert!(wait_for(1).await);
    trace("Write the changelog").insert(db).await;
    assert!(wait_for(2).await);
    task.stop().await;
    trace("Deploy the service").insert(db).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(db, "success_patterns").await, 2);
}

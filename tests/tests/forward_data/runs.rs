//! Runs move into traces (105).

use crate::old_system::{sql, text, texts, uuid};
use crate::{down_to, pattern, recorded, up_to};

#[tokio::test]
async fn step_105_moves_runs_once_and_completes_copies() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "code_hash = repeat('ab', 32)").await;
    let run = |number: u32, at: &str, owner: &str| {
        format!(
            "('{}', '{at}', 'intent {number}', '{{\"n\": {number}}}', true, 10, NULL, 'code', repeat('ab', 32), {owner}, NULL, NULL)",
            uuid(number)
        )
    };
    sql(
        db,
        &format!(
            "INSERT INTO workflow_execution VALUES {}, {}, {}, {}, {};
             INSERT INTO execution_trace (id, executed_at, success, duration_ms, created_by, initial_context, priority) VALUES
                 ('{}', '2025-01-02 00:00:00+00', true, 10, 'migration', '{{}}', 0.9),
                 ('{}', '2025-01-03 00:00:00+00', true, 10, 'migration', '{{\"intent\": \"own\"}}', 0.8),
                 ('{}', '2025-01-09 00:00:00+00', true, 10, 'migration', '{{}}', 0.7)",
            run(0x11, "2025-01-01", "'ann'"),
            run(0x12, "2025-01-02", "NULL"),
            run(0x13, "2025-01-03", "'local'"),
            // Two that nothing tells apart meet one copy: one completes it, one moves.
            run(0x14, "2025-01-09", "NULL"),
            run(0x15, "2025-01-09", "NULL"),
            uuid(0x12),
            uuid(0x23),
            uuid(0x24)
        ),
    )
    .await;
    let before = texts(db, "SELECT concat_ws('|', execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms, code_snippet, code_hash) FROM workflow_execution ORDER BY 1").await;
    up_to(&database, 105).await;

    let traces = "SELECT concat_ws('|', right(id::text, 2), initial_context ->> 'intent', initial_context #>> '{workflow_execution,dag_structure,n}',
                  right(initial_context #>> '{workflow_execution,execution_id}', 2), user_id, created_by, priority, capability_id IS NOT NULL) FROM execution_trace ORDER BY id";
    let moved = [
        "11|intent 17|17|ann|ann|0.5|t",
        "12|intent 18|18|12|local|migration|0.9|t",
        "15|intent 21|21|local|local|0.5|t",
        "23|own|19|13|local|migration|0.8|t",
        "24|intent 20|20|14|local|migration|0.7|t",
    ];
    assert_eq!(texts(db, traces).await, moved);
    let old_name = "SELECT concat_ws('|', execution_id, executed_at AT TIME ZONE 'UTC', CASE intent_text WHEN 'own' THEN 'intent 19' ELSE intent_text END,
                    dag_structure, success, execution_time_ms, code_snippet, code_hash) FROM workflow_execution ORDER BY 1";
    assert_eq!(texts(db, old_name).await, before);

    // Down and up again, also from further on: nothing doubles.
    up_to(&database, 110).await;
    assert_eq!(texts(db, old_name).await, before);
    assert_eq!(
        texts(
            db,
            "SELECT user_id FROM workflow_execution ORDER BY execution_id LIMIT 1"
        )
        .await,
        ["ann"]
    );
    down_to(&database, 104).await;
    assert_eq!(text(db, "SELECT count(*) || ' ' || count(*) FILTER (WHERE initial_context ? 'workflow_execution') FROM execution_trace").await, "3 0");
    assert_eq!(texts(db, old_name).await, before);
    up_to(&database, 110).await;
    assert_eq!(text(db, "SELECT count(*) FROM execution_trace").await, "5");
    assert_eq!(texts(db, old_name).await, before);
}

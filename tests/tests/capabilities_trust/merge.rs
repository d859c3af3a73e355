//! MRG-1 to MRG-3 and MRG-5: what is refused, what adds up, what follows, and all or nothing.

use chrono::{DateTime, Utc};
use pml_service::capabilities::{CapabilityError, CodeSource, Merged, Reference, merge, resolve};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;

use crate::fixture::{
    Capability, Stored, count, edge, everything, pattern, record, run, sabotage, trace, user,
};

async fn merged(db: &Db, source: &Stored, target: &Stored) -> Merged {
    merge(
        db,
        &Principal::Local,
        &source.reference(),
        &target.reference(),
        Some(false),
    )
    .await
    .unwrap()
}

async fn refused(db: &Db, who: &Principal, source: &str, target: &str) -> Error {
    let (source, target): (Reference, Reference) =
        (source.parse().unwrap(), target.parse().unwrap());
    merge(db, who, &source, &target, None).await.unwrap_err()
}

fn time(row: &serde_json::Value, field: &str) -> DateTime<Utc> {
    row[field].as_str().unwrap().parse().unwrap()
}

/// AT-43.
#[tokio::test]
async fn tools_are_compared_as_sets() {
    let test = database().await;
    let source = Capability::new("fs:s")
        .tools(&["x:a", "x:b"])
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .tools(&["x:b", "x:a", "x:a"])
        .insert(test.db())
        .await;
    merged(test.db(), &source, &target).await;
}

/// AT-45.
#[tokio::test]
async fn the_spelling_of_a_tool_does_not_matter() {
    let test = database().await;
    let source = Capability::new("fs:s")
        .tools(&["pml.mcp.std.psql_query.db48"])
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .tools(&["std:psql_query"])
        .insert(test.db())
        .await;
    merged(test.db(), &source, &target).await;
}

/// MRG-2.
#[tokio::test]
async fn different_tools_are_refused_and_listed_and_nothing_is_written() {
    let test = database().await;
    Capability::new("fs:s")
        .tools(&["x:a", "x:b"])
        .insert(test.db())
        .await;
    Capability::new("fs:t")
        .tools(&["x:c"])
        .insert(test.db())
        .await;
    let before = everything(test.db()).await;
    match refused(test.db(), &Principal::Local, "fs:s", "fs:t").await {
        Error::Capability(error) => assert_eq!(
            *error,
            CapabilityError::ToolsMismatch {
                source_tools: vec!["x:a".to_owned(), "x:b".to_owned()],
                target_tools: vec!["x:c".to_owned()],
            }
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(everything(test.db()).await, before);
}

/// AT-47 and D07: not the texts are compared but what they stand for.
#[tokio::test]
async fn no_two_names_of_one_capability_are_merged() {
    let test = database().await;
    let stored = Capability::new("fs:s").insert(test.db()).await;
    let fqdn = resolve(test.db(), &Principal::Local, &stored.reference())
        .await
        .unwrap()
        .fqdn();
    let before = everything(test.db()).await;
    for other in [
        stored.id.to_string(),
        fqdn,
        "fs:s".to_owned(),
        "s".to_owned(),
        "local.default.fs.s".to_owned(),
    ] {
        let error = refused(test.db(), &Principal::Local, "fs:s", &other).await;
        assert_eq!(error.code(), "self_merge", "{other}");
    }
    assert_eq!(everything(test.db()).await, before);
}

/// MRG-1: the source is looked for first, and what may not be changed is not found.
#[tokio::test]
async fn an_unknown_or_foreign_side_is_not_found_the_source_first() {
    let test = database().await;
    let (alice, bob) = (user(test.db(), "alice").await, user(test.db(), "bob").await);
    Capability::new("fs:hers")
        .of(&alice)
        .public()
        .insert(test.db())
        .await;
    Capability::new("fs:his")
        .of(&bob)
        .public()
        .insert(test.db())
        .await;
    let before = everything(test.db()).await;
    for (who, source, target, missing) in [
        (&Principal::Local, "fs:none", "fs:nothing", "fs:none"),
        (&Principal::Local, "fs:his", "fs:nothing", "fs:nothing"),
        (&alice, "fs:his", "fs:nothing", "fs:his"),
        (&alice, "fs:hers", "fs:his", "fs:his"),
        (&Principal::Anonymous, "fs:hers", "fs:his", "fs:hers"),
    ] {
        match refused(test.db(), who, source, target).await {
            Error::NotFound { entity, key } => {
                assert_eq!((entity, key.as_str()), ("capability", missing));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(everything(test.db()).await, before);
}

/// AT-53 and MRG-3. Also D04: these are the statements as PostgreSQL runs them.
#[tokio::test]
async fn counters_add_up_and_the_mean_is_weighted() {
    let test = database().await;
    let source = Capability::new("fs:s")
        .used(50, 40, 5_000)
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .used(30, 30, 6_000)
        .insert(test.db())
        .await;
    let answer = merged(test.db(), &source, &target).await;
    assert_eq!((answer.usage_count, answer.success_count), (80, 70));
    assert!((answer.success_rate - 0.875).abs() < 1e-9);
    assert_eq!(answer.avg_duration_ms, 137);
    assert_eq!(answer.deleted_source_pattern_id, Some(source.pattern));
    let stored = pattern(test.db(), target.pattern).await.unwrap();
    assert_eq!(stored["usage_count"], 80);
    assert_eq!(stored["total_duration_ms"], 11_000);
    assert_eq!(stored["success_rate"], 0.875);
    assert_eq!(pattern(test.db(), source.pattern).await, None);
    assert_eq!(record(test.db(), source.id).await, None);
}

#[tokio::test]
async fn without_any_use_the_rate_is_zero() {
    let test = database().await;
    let source = Capability::new("fs:s")
        .used(0, 0, 0)
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .used(0, 0, 0)
        .insert(test.db())
        .await;
    let answer = merged(test.db(), &source, &target).await;
    assert!(answer.success_rate.abs() < 1e-9);
    assert_eq!(answer.avg_duration_ms, 0);
}

#[tokio::test]
async fn durations_that_add_up_to_too_much_stop_at_the_largest_sum() {
    let test = database().await;
    let source = Capability::new("fs:s")
        .used(1, 1, i64::MAX)
        .insert(test.db())
        .await;
    let target = Capability::new("fs:t")
        .used(1, 1, i64::MAX)
        .insert(test.db())
        .await;
    assert_eq!(
        merged(test.db(), &source, &target).await.avg_duration_ms,
        i64::MAX / 2
    );
}

/// MRG-3: the earliest of the three times of creation, and with its recommendation the later use.
#[tokio::test]
async fn the_earliest_creation_and_the_latest_use_stand() {
    let test = database().await;
    let source = Capability::new("fs:s").insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    run(
        test.db(),
        "UPDATE capability_records SET created_at = '2020-01-01Z' WHERE id = $1",
        vec![source.id.into()],
    )
    .await;
    run(
        test.db(),
        "UPDATE workflow_pattern SET last_used = '2040-01-01Z' WHERE pattern_id = $1",
        vec![source.pattern.into()],
    )
    .await;
    merged(test.db(), &source, &target).await;
    let stored = pattern(test.db(), target.pattern).await.unwrap();
    assert_eq!(
        time(&stored, "created_at"),
        "2020-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    assert_eq!(
        time(&stored, "last_used"),
        "2040-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
}

/// MRG-3: everything else is the target's. The entry says that it changed.
#[tokio::test]
async fn the_rest_of_the_target_stays() {
    let test = database().await;
    let source = Capability::new("fs:s").public().insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    let (code, name) = (
        pattern(test.db(), target.pattern).await.unwrap(),
        record(test.db(), target.id).await.unwrap(),
    );
    let answer = merged(test.db(), &source, &target).await;
    assert_eq!(answer.code_source, CodeSource::Target);
    let (code_now, name_now) = (
        pattern(test.db(), target.pattern).await.unwrap(),
        record(test.db(), target.id).await.unwrap(),
    );
    for field in [
        "code_snippet",
        "code_hash",
        "pattern_hash",
        "description",
        "parameters_schema",
        "dag_structure",
        "user_id",
        "permission_set",
        "created_by",
    ] {
        assert_eq!(code_now[field], code[field], "{field}");
    }
    for field in [
        "hash",
        "version",
        "tags",
        "visibility",
        "routing",
        "created_by",
        "created_at",
        "user_id",
    ] {
        assert_eq!(name_now[field], name[field], "{field}");
    }
    assert!(name["updated_at"].is_null() && !name_now["updated_at"].is_null());
    assert_eq!(name_now["updated_by"], "local");
}

/// D03: the audit refuses to be deleted, so it moves; and no run loses its capability (D09).
#[tokio::test]
async fn runs_and_audit_follow() {
    let test = database().await;
    let source = Capability::new("fs:s").insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    for _ in 0..3 {
        trace(test.db(), source.pattern).await;
    }
    trace(test.db(), target.pattern).await;
    run(
        test.db(),
        "INSERT INTO permission_audit_log (capability_id, from_set, to_set, approved) VALUES ($1, 'minimal', 'readonly', true)",
        vec![source.pattern.into()],
    )
    .await;
    merged(test.db(), &source, &target).await;
    for (table, rows) in [("execution_trace", 4), ("permission_audit_log", 1)] {
        let sql = format!("SELECT count(*) FROM {table} WHERE capability_id = $1");
        assert_eq!(
            count(test.db(), &sql, vec![target.pattern.into()]).await,
            rows,
            "{table}"
        );
    }
}

/// The old names lead to the target, those of the source's past included, and each with a warning.
#[tokio::test]
async fn every_name_of_the_source_leads_to_the_target() {
    let test = database().await;
    let source = Capability::new("fs:s").insert(test.db()).await;
    let target = Capability::new("fs:t").insert(test.db()).await;
    run(
        test.db(),
        "INSERT INTO capability_name_history (capability_id, old_namespace, old_action, new_namespace, new_action) VALUES ($1, 'fs', 'older', 'fs', 's')",
        vec![source.id.into()],
    )
    .await;
    let fqdn = resolve(test.db(), &Principal::Local, &source.reference())
        .await
        .unwrap()
        .fqdn();
    let answer = merged(test.db(), &source, &target).await;
    assert_eq!(answer.deleted_source_name, "fs:s");
    assert_eq!(answer.target_display_name, "fs:t");
    for name in ["fs:s", "fs:older", "local.default.fs.s", &fqdn] {
        let found = resolve(test.db(), &Principal::Local, &name.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found.id, target.id, "{name}");
        assert!(found.warning.unwrap().contains("fs:t"), "{name}");
    }
    // Code calls by id, so that leads there too.
    let found = resolve(test.db(), &Principal::Local, &source.reference())
        .await
        .unwrap();
    assert_eq!(found.id, target.id);
    assert!(found.warning.unwrap().contains("was merged"));
}

/// What goes must be named as it is now; what stays may go by an old name.
#[tokio::test]
async fn what_was_merged_can_be_merged_on() {
    let test = database().await;
    for name in ["fs:a", "fs:b", "fs:c"] {
        Capability::new(name).insert(test.db()).await;
    }
    for (source, target) in [("fs:a", "fs:b"), ("fs:c", "fs:a")] {
        let (source, target) = (source.parse().unwrap(), target.parse().unwrap());
        merge(test.db(), &Principal::Local, &source, &target, None)
            .await
            .unwrap();
    }
    let found = resolve(test.db(), &Principal::Local, &"fs:a".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(found.display_name(), "fs:b");
    let used = count(
        test.db(),
        "SELECT usage_count FROM workflow_pattern",
        vec![],
    )
    .await;
    assert_eq!(used, 3);
}

#[tokio::test]
async fn a_side_without_code_has_nothing_to_merge() {
    let test = database().await;
    let source = Capability::new("fs:s").insert(test.db()).await;
    Capability::new("fs:t").insert(test.db()).await;
    run(
        test.db(),
        "DELETE FROM workflow_pattern WHERE pattern_id = $1",
        vec![source.pattern.into()],
    )
    .await;
    assert_eq!(
        refused(test.db(), &Principal::Local, "fs:s", "fs:t")
            .await
            .code(),
        "no_code"
    );
    assert_eq!(
        refused(test.db(), &Principal::Local, "fs:t", "fs:s")
            .await
            .code(),
        "no_code"
    );
}

/// MRG-5: whichever statement fails, nothing of the others stays.
#[tokio::test]
async fn a_merge_that_fails_late_leaves_everything_as_it_was() {
    for (event, table) in [
        ("INSERT", "capability_name_history"),
        ("DELETE", "capability_records"),
        ("DELETE", "workflow_pattern"),
        ("UPDATE", "workflow_pattern"),
        ("UPDATE", "capability_records"),
        ("UPDATE", "execution_trace"),
    ] {
        let test = database().await;
        let source = Capability::new("fs:s").insert(test.db()).await;
        let target = Capability::new("fs:t").insert(test.db()).await;
        let other = Capability::new("fs:o").insert(test.db()).await;
        edge(
            test.db(),
            source.pattern,
            other.pattern,
            "contains",
            "inferred",
            1,
        )
        .await;
        trace(test.db(), source.pattern).await;
        let before = everything(test.db()).await;
        sabotage(test.db(), event, table).await;
        let error = merge(
            test.db(),
            &Principal::Local,
            &source.reference(),
            &target.reference(),
            Some(true),
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), "internal", "{event} {table}");
        assert_eq!(everything(test.db()).await, before, "{event} {table}");
    }
}

/// The number of statements depends on nothing but the kind of merge.
#[tokio::test]
async fn a_merge_costs_the_same_number_of_statements_whatever_there_is_to_move() {
    let mut costs = Vec::new();
    for edges in [0, 40] {
        let test = database().await;
        let source = Capability::new("fs:s").insert(test.db()).await;
        let target = Capability::new("fs:t").insert(test.db()).await;
        for number in 0..edges {
            let name = format!("fs:o{number}");
            let other = Capability::new(&name).insert(test.db()).await;
            edge(
                test.db(),
                source.pattern,
                other.pattern,
                "sequence",
                "inferred",
                1,
            )
            .await;
            edge(
                test.db(),
                other.pattern,
                target.pattern,
                "contains",
                "inferred",
                1,
            )
            .await;
            trace(test.db(), source.pattern).await;
        }
        let before = test.db().statements().snapshot();
        merge(
            test.db(),
            &Principal::Local,
            &source.reference(),
            &target.reference(),
            Some(true),
        )
        .await
        .unwrap();
        costs.push(test.db().statements().since(&before).statements);
    }
    assert_eq!(costs, [13, 13]);
}

//! Structural tests: every table keeps the rules of [`pml_testkit::rules`], and each rule can fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pml_entity::values;
use pml_testkit::{TestDatabase, database, rules};
use sea_orm::ConnectionTrait;

const NOTHING: [&str; 0] = [];

/// The documents name both the index and the constraint. `users` is small and written rarely; traces pay for it.
const DOCUMENTED_DOUBLES: [&str; 4] = [
    "execution_traces: index idx_execution_traces_correlation repeats execution_traces_correlation_id_key",
    "execution_traces_archive: index execution_traces_archive_correlation_id_idx repeats execution_traces_archive_correlation_id_key",
    "users: index users_api_key_prefix_unique repeats idx_users_api_key_prefix",
    "users: index users_github_id_unique repeats idx_users_github_id",
];

#[tokio::test]
async fn every_foreign_key_leads_an_index() {
    let database = database().await;
    assert_eq!(
        rules::foreign_keys_without_index(database.conn(), "public")
            .await
            .unwrap(),
        NOTHING
    );
}

#[tokio::test]
async fn every_moment_has_a_time_zone() {
    let database = database().await;
    assert_eq!(
        rules::times_without_zone(database.conn(), "public")
            .await
            .unwrap(),
        NOTHING
    );
}

#[tokio::test]
async fn every_constraint_is_validated_and_every_index_valid() {
    let database = database().await;
    assert_eq!(
        rules::unvalidated_constraints(database.conn(), "public")
            .await
            .unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::invalid_indexes(database.conn(), "public")
            .await
            .unwrap(),
        NOTHING
    );
}

#[tokio::test]
async fn every_table_has_a_primary_key_and_no_index_twice() {
    let database = database().await;
    assert_eq!(
        rules::tables_without_primary_key(database.conn(), "public")
            .await
            .unwrap(),
        NOTHING
    );
    let mut doubled = rules::duplicate_indexes(database.conn(), "public")
        .await
        .unwrap();
    doubled.retain(|violation| !DOCUMENTED_DOUBLES.contains(&violation.as_str()));
    assert_eq!(doubled, NOTHING);
}

#[tokio::test]
async fn every_column_that_an_entity_types_as_a_word_set_has_a_check_with_those_words() {
    let database = database().await;
    let columns = word_columns();
    assert!(
        columns.len() >= 16,
        "found only {columns:?}: has the shape of the entity files changed?"
    );
    let mut differences = Vec::new();
    for WordColumn {
        table,
        column,
        words,
    } in &columns
    {
        differences.extend(
            rules::value_set_differences(database.conn(), "public", table, column, words)
                .await
                .unwrap(),
        );
    }
    assert_eq!(differences, NOTHING);
}

#[test]
fn every_word_set_is_known_here() {
    let source = fs::read_to_string(entities().join("values/words.rs")).unwrap();
    let declared: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub enum ")?.strip_suffix(" {"))
        .collect();
    let known = word_sets();
    assert_eq!(
        declared
            .iter()
            .filter(|name| !known.contains_key(*name))
            .collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[tokio::test]
async fn the_rules_report_a_bad_table() {
    let database = database().await;
    bad_tables(&database).await;
    let db = database.conn();

    assert_eq!(
        rules::foreign_keys_without_index(db, "scratch")
            .await
            .unwrap(),
        [
            "child: foreign key child_other_fkey (other_id) leads no index",
            "child: foreign key child_parent_fkey (parent_id) leads no index"
        ]
    );
    assert_eq!(
        rules::times_without_zone(db, "scratch").await.unwrap(),
        [
            "child: column made_at is text, not timestamp with time zone",
            "child: column seen is timestamp without time zone, not timestamp with time zone"
        ]
    );
    assert_eq!(
        rules::unvalidated_constraints(db, "scratch").await.unwrap(),
        ["child: constraint child_kind_check is not validated"]
    );
    assert_eq!(
        rules::tables_without_primary_key(db, "scratch")
            .await
            .unwrap(),
        ["child: no primary key"]
    );
    assert_eq!(
        rules::duplicate_indexes(db, "scratch").await.unwrap(),
        ["child: index child_kind_2 repeats child_kind_1"]
    );
    assert_eq!(
        rules::value_set_differences(db, "scratch", "child", "kind", &["a", "c"])
            .await
            .unwrap(),
        [r#"child: column kind: the CHECK allows ["a", "b"], the type has ["a", "c"]"#]
    );
    assert_eq!(
        rules::value_set_differences(db, "scratch", "child", "made_at", &["a"])
            .await
            .unwrap(),
        [r#"child: column made_at holds one of ["a"], but no CHECK says so"#]
    );
}

#[tokio::test]
async fn the_rules_accept_a_good_table() {
    let database = database().await;
    let db = database.conn();
    db.execute_unprepared(
        "CREATE SCHEMA scratch;
         CREATE TABLE scratch.parent (id uuid PRIMARY KEY, second int, UNIQUE (id, second));
         CREATE TABLE scratch.child (
             id uuid PRIMARY KEY REFERENCES scratch.parent,
             kind text CONSTRAINT child_kind_check CHECK (kind IN ('b', 'a')),
             parent_id uuid REFERENCES scratch.parent,
             second int,
             made_at timestamptz,
             FOREIGN KEY (parent_id, second) REFERENCES scratch.parent (id, second));
         CREATE INDEX child_pair ON scratch.child (second, parent_id, kind);
         CREATE INDEX child_some ON scratch.child (parent_id) WHERE parent_id IS NOT NULL;",
    )
    .await
    .unwrap();
    assert_eq!(
        rules::foreign_keys_without_index(db, "scratch")
            .await
            .unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::times_without_zone(db, "scratch").await.unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::unvalidated_constraints(db, "scratch").await.unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::invalid_indexes(db, "scratch").await.unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::tables_without_primary_key(db, "scratch")
            .await
            .unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::duplicate_indexes(db, "scratch").await.unwrap(),
        NOTHING
    );
    assert_eq!(
        rules::value_set_differences(db, "scratch", "child", "kind", &["a", "b"])
            .await
            .unwrap(),
        NOTHING
    );
}

#[tokio::test]
async fn an_index_that_failed_to_build_is_reported() {
    let database = database().await;
    let db = database.conn();
    db.execute_unprepared("CREATE SCHEMA scratch; CREATE TABLE scratch.twice (id int); INSERT INTO scratch.twice VALUES (1), (1);")
        .await
        .unwrap();
    // It fails on the duplicates and leaves the index behind.
    db.execute_unprepared("CREATE UNIQUE INDEX CONCURRENTLY twice_id_key ON scratch.twice (id)")
        .await
        .unwrap_err();
    assert_eq!(
        rules::invalid_indexes(db, "scratch").await.unwrap(),
        ["twice: index twice_id_key is not valid"]
    );
}

/// A table that breaks every rule but one.
async fn bad_tables(database: &TestDatabase) {
    database
        .conn()
        .execute_unprepared(
            "CREATE SCHEMA scratch;
             CREATE TABLE scratch.parent (id uuid PRIMARY KEY);
             CREATE TABLE scratch.child (
                 parent_id uuid CONSTRAINT child_parent_fkey REFERENCES scratch.parent,
                 other_id uuid CONSTRAINT child_other_fkey REFERENCES scratch.parent,
                 kind text,
                 made_at text,
                 seen timestamp);
             CREATE INDEX child_behind ON scratch.child (kind, parent_id);
             CREATE INDEX child_partial ON scratch.child (other_id) WHERE kind = 'a';
             CREATE INDEX child_kind_1 ON scratch.child (kind);
             CREATE INDEX child_kind_2 ON scratch.child (kind);
             ALTER TABLE scratch.child ADD CONSTRAINT child_kind_check CHECK (kind IN ('a', 'b')) NOT VALID;",
        )
        .await
        .unwrap();
}

/// A column whose entity field has the type of a word set.
#[derive(Debug)]
struct WordColumn {
    table: String,
    column: String,
    words: &'static [&'static str],
}

/// Every such column, read from the entities' sources: a new one is found without anyone listing it.
fn word_columns() -> Vec<WordColumn> {
    let sets = word_sets();
    let mut columns = Vec::new();
    for area in fs::read_dir(entities())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("values"))
    {
        for file in fs::read_dir(area)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let source = fs::read_to_string(&file).unwrap();
            let Some(table) = source
                .split_once("table_name = \"")
                .and_then(|(_, rest)| rest.split('"').next())
            else {
                continue;
            };
            if source.starts_with("//! View") {
                continue; // A view: its tables have the CHECKs.
            }
            for line in source.lines().map(str::trim) {
                let Some((column, kind)) = line
                    .strip_prefix("pub ")
                    .and_then(|field| field.split_once(": "))
                else {
                    continue;
                };
                let kind = kind
                    .trim_end_matches(',')
                    .trim_start_matches("Option<")
                    .trim_end_matches('>');
                if let Some(words) = sets.get(kind) {
                    columns.push(WordColumn {
                        table: table.to_owned(),
                        column: column.to_owned(),
                        words,
                    });
                }
            }
        }
    }
    columns
}

fn entities() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../entity/src")
}

fn word_sets() -> BTreeMap<&'static str, &'static [&'static str]> {
    macro_rules! sets {
        ($($name:ident),* $(,)?) => { BTreeMap::from([$((stringify!($name), values::$name::WORDS)),*]) };
    }
    sets!(
        AlgorithmMode,
        AlgorithmName,
        Decision,
        DetectedOperation,
        EdgeSource,
        EdgeType,
        ErrorCategory,
        ErrorType,
        EventType,
        ExtractionResult,
        HealthStatus,
        HookStatus,
        PatternSource,
        PermissionSet,
        Routing,
        Severity,
        TargetType,
        ToolKind,
        TraceStatus,
        UsageOutcome,
        UserRole,
        Visibility,
    )
}

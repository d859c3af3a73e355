//! Drift gate: the database that the steps build, the entities and the checked-in snapshot are one and the same schema.
//!
//! Entities declare columns, types, nullability and foreign keys; what they cannot declare (defaults, CHECKs, indexes, views, functions, triggers,
//! policies) stands in `snapshots/drift__schema.snap`. After a new step, accept what it changed with
//! `INSTA_UPDATE=always cargo test -p pml-testkit --test drift` and read the diff before you commit it. The snapshot is the same on PostgreSQL 16 and on
//! the embedded 17.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pml_entity::{ForeignKeyInfo, Registry, TableInfo, TableKind};
use pml_migration::catalog::{self, Catalog, Column, ForeignKey, Index, RowSecurity, Table};
use pml_testkit::{database, empty_database};
use sea_orm::ConnectionTrait;

/// Views that keep an old name readable. Nothing in this project reads them, so they have no entity.
const COMPATIBILITY_VIEWS: [&str; 2] = ["adaptive_config", "workflow_execution"];

#[tokio::test]
async fn the_migrated_database_is_the_one_the_entities_declare() {
    let database = database().await;
    let actual = catalog::read(database.conn()).await.unwrap();
    assert_eq!(differences(&Registry::all(), &actual), Vec::<String>::new());
}

#[tokio::test]
async fn what_entities_cannot_declare_is_as_recorded() {
    let database = database().await;
    let actual = catalog::read(database.conn()).await.unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => true }, {
        insta::assert_snapshot!("schema", print(&actual));
    });
}

#[tokio::test]
async fn one_step_after_the_other_leads_to_the_template() {
    let (template, fresh) = (database().await, empty_database().await);
    fresh.db().migrate(None).await.unwrap();
    let (expected, actual) = (
        catalog::read(template.conn()).await.unwrap(),
        catalog::read(fresh.conn()).await.unwrap(),
    );
    assert_eq!(print(&expected), print(&actual));
}

#[tokio::test]
async fn a_table_without_an_entity_is_reported() {
    let database = database().await;
    database
        .conn()
        .execute_unprepared(
            "CREATE TABLE stray (id int); CREATE VIEW stray_view AS SELECT 1 AS one",
        )
        .await
        .unwrap();
    let actual = catalog::read(database.conn()).await.unwrap();
    assert_eq!(
        differences(&Registry::all(), &actual),
        [
            "table stray has no entity",
            "view stray_view has no entity (compatibility views are listed in this test)"
        ]
    );
}

#[tokio::test]
async fn an_entity_without_a_table_is_reported() {
    let database = database().await;
    database
        .conn()
        .execute_unprepared("DROP TABLE config; DROP VIEW capability")
        .await
        .unwrap();
    let actual = catalog::read(database.conn()).await.unwrap();
    assert_eq!(
        differences(&Registry::all(), &actual),
        [
            "view capability does not exist",
            "table config does not exist"
        ]
    );
}

#[tokio::test]
async fn a_changed_column_or_key_is_reported() {
    let database = database().await;
    database
        .conn()
        .execute_unprepared(
            "ALTER TABLE users ALTER COLUMN role DROP NOT NULL, ADD COLUMN stray int, ALTER COLUMN email TYPE varchar(80);
             ALTER TABLE tool_embedding DROP CONSTRAINT tool_embedding_tool_id_fkey;
             ALTER TABLE tool_embedding ADD FOREIGN KEY (tool_id) REFERENCES tool_schema ON DELETE RESTRICT",
        )
        .await
        .unwrap();
    let actual = catalog::read(database.conn()).await.unwrap();
    assert_eq!(
        differences(&Registry::all(), &actual),
        [
            "users.email: the entity says text, the database character varying(80)",
            "users.role: the entity says not null, the database nullable",
            "users.stray: not in the entity",
            "tool_embedding: the entity has no foreign key (tool_id) -> tool_schema (tool_id) ON DELETE RESTRICT",
            "tool_embedding: the database has no foreign key (tool_id) -> tool_schema (tool_id) ON DELETE CASCADE",
        ]
    );
}

/// What the entities and a database disagree about, one line each.
fn differences(entities: &[TableInfo], actual: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    for entity in entities {
        match (
            entity.kind,
            actual.tables.get(entity.name),
            actual.views.get(entity.name),
        ) {
            (TableKind::Table, Some(table), _) => {
                compare_columns(entity, &table.columns, &mut found);
                compare_key(entity, table, &mut found);
                compare_foreign_keys(entity, table.foreign_keys.values(), &mut found);
            }
            (TableKind::View, _, Some(view)) => compare_columns(entity, &view.columns, &mut found),
            (TableKind::Table, None, _) => {
                found.push(format!("table {} does not exist", entity.name));
            }
            (TableKind::View, _, None) => {
                found.push(format!("view {} does not exist", entity.name));
            }
        }
    }
    let declared = |name: &str, kind: TableKind| {
        entities
            .iter()
            .any(|entity| entity.name == name && entity.kind == kind)
    };
    for name in actual
        .tables
        .keys()
        .filter(|name| !declared(name, TableKind::Table))
    {
        found.push(format!("table {name} has no entity"));
    }
    for name in actual
        .views
        .keys()
        .filter(|name| !declared(name, TableKind::View))
    {
        if !COMPATIBILITY_VIEWS.contains(&name.as_str()) {
            found.push(format!(
                "view {name} has no entity (compatibility views are listed in this test)"
            ));
        }
    }
    found
}

/// Columns by name: their order is the history's, and no statement of this project depends on it.
fn compare_columns(entity: &TableInfo, actual: &[Column], found: &mut Vec<String>) {
    let table = entity.name;
    for column in &entity.columns {
        let Some(real) = actual.iter().find(|real| real.name == column.name) else {
            found.push(format!("{table}.{}: not in the database", column.name));
            continue;
        };
        if real.type_name != column.sql_type {
            found.push(format!(
                "{table}.{}: the entity says {}, the database {}",
                column.name, column.sql_type, real.type_name
            ));
        }
        // Every column of a view is nullable to PostgreSQL.
        if entity.kind == TableKind::Table && real.nullable != column.nullable {
            let say = |nullable| if nullable { "nullable" } else { "not null" };
            found.push(format!(
                "{table}.{}: the entity says {}, the database {}",
                column.name,
                say(column.nullable),
                say(real.nullable)
            ));
        }
    }
    for real in actual
        .iter()
        .filter(|real| entity.column(&real.name).is_none())
    {
        found.push(format!("{table}.{}: not in the entity", real.name));
    }
}

fn compare_key(entity: &TableInfo, actual: &Table, found: &mut Vec<String>) {
    let key = actual
        .primary_key
        .as_ref()
        .map(|key| key.columns.clone())
        .unwrap_or_default();
    if key != entity.primary_key {
        found.push(format!(
            "{}: the entity's primary key is {:?}, the database's {key:?}",
            entity.name, entity.primary_key
        ));
    }
}

fn compare_foreign_keys<'a>(
    entity: &TableInfo,
    actual: impl Iterator<Item = &'a ForeignKey>,
    found: &mut Vec<String>,
) {
    let real: BTreeSet<String> = actual.map(print_database_key).collect();
    let declared: BTreeSet<String> = entity.foreign_keys.iter().map(print_entity_key).collect();
    for key in real.difference(&declared) {
        found.push(format!(
            "{}: the entity has no foreign key {key}",
            entity.name
        ));
    }
    for key in declared.difference(&real) {
        found.push(format!(
            "{}: the database has no foreign key {key}",
            entity.name
        ));
    }
}

fn print_entity_key(key: &ForeignKeyInfo) -> String {
    print_key(
        &key.columns,
        &key.target_table,
        &key.target_columns,
        key.on_delete,
    )
}

fn print_database_key(key: &ForeignKey) -> String {
    print_key(
        &key.columns,
        &key.references,
        &key.ref_columns,
        &key.on_delete,
    )
}

fn print_key(
    columns: &[String],
    target: &str,
    target_columns: &[String],
    on_delete: &str,
) -> String {
    format!(
        "({}) -> {target} ({}) ON DELETE {on_delete}",
        columns.join(", "),
        target_columns.join(", ")
    )
}

/// The catalogue as text: one object per line, in an order that does not depend on the history.
fn print(catalog: &Catalog) -> String {
    let mut text = String::new();
    for (name, table) in &catalog.tables {
        print_table(&mut text, name, table);
    }
    for (name, view) in &catalog.views {
        let _ = writeln!(text, "\nview {name} with {:?}", view.with);
        for column in &view.columns {
            let _ = writeln!(text, "  column {} {}", column.name, column.type_name);
        }
        let _ = writeln!(text, "{}", indent(&view.definition));
    }
    for (signature, definition) in &catalog.functions {
        let _ = writeln!(text, "\nfunction {signature}\n{}", indent(definition));
    }
    text
}

fn print_table(text: &mut String, name: &str, table: &Table) {
    let security = match table.row_security {
        RowSecurity::Off => "",
        RowSecurity::Enabled => " row security enabled",
        RowSecurity::Forced => " row security forced",
    };
    let _ = writeln!(text, "\ntable {name}{security}");
    let mut columns: Vec<&Column> = table.columns.iter().collect();
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    for column in columns {
        let _ = writeln!(text, "  column {}", print_column(column));
    }
    if let Some(key) = &table.primary_key {
        let _ = writeln!(
            text,
            "  primary key {} ({})",
            key.name,
            key.columns.join(", ")
        );
    }
    for (name, key) in &table.foreign_keys {
        let _ = writeln!(
            text,
            "  foreign key {name} {} ON UPDATE {}",
            print_database_key(key),
            key.on_update
        );
    }
    for (name, columns) in &table.unique {
        let _ = writeln!(text, "  unique {name} ({})", columns.join(", "));
    }
    for (name, check) in &table.checks {
        let _ = writeln!(text, "  check {name}: {check}");
    }
    for (name, index) in &table.indexes {
        let _ = writeln!(text, "  index {name}: {}", print_index(index));
    }
    for (name, definition) in &table.triggers {
        let _ = writeln!(text, "  trigger {name}: {definition}");
    }
    for (name, definition) in &table.policies {
        let _ = writeln!(text, "  policy {name}: {definition}");
    }
}

fn print_column(column: &Column) -> String {
    let mut line = format!("{} {}", column.name, column.type_name);
    if !column.nullable {
        line.push_str(" NOT NULL");
    }
    for (word, value) in [
        ("DEFAULT", &column.default),
        ("GENERATED AS", &column.generated),
        ("IDENTITY", &column.identity),
        ("STORAGE", &column.storage),
    ] {
        if let Some(value) = value {
            let _ = write!(line, " {word} {value}");
        }
    }
    line
}

fn print_index(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| {
            let parts = [
                Some(&key.key),
                Some(&key.opclass),
                key.order.as_ref(),
                key.nulls.as_ref(),
            ];
            parts
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let mut line = format!(
        "{}{} ({})",
        if index.unique { "unique " } else { "" },
        index.method,
        keys.join(", ")
    );
    if !index.include.is_empty() {
        let _ = write!(line, " INCLUDE ({})", index.include.join(", "));
    }
    if index.nulls_not_distinct {
        line.push_str(" NULLS NOT DISTINCT");
    }
    if !index.with.is_empty() {
        let _ = write!(line, " WITH ({})", index.with.join(", "));
    }
    if let Some(predicate) = &index.predicate {
        let _ = write!(line, " WHERE {predicate}");
    }
    if index.invalid {
        line.push_str(" INVALID");
    }
    line
}

fn indent(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("    {}", line.trim_end()))
        .collect::<Vec<_>>()
        .join("\n")
}

//! Every entity of the schema, described without a database.
//!
//! The list at the end of this file is the only one: what stands in it is compared with the real catalogue by the drift gate,
//! and a test fails when an entity file is missing from it.

use std::fmt;

use sea_orm::sea_query::backend::TableBuilder;
use sea_orm::sea_query::{ForeignKeyAction, PostgresQueryBuilder, TableRef};
use sea_orm::{
    ColumnTrait, EntityTrait, IdenStatic, Identity, Iterable, PrimaryKeyToColumn, RelationDef,
    RelationTrait,
};

/// A part of the schema that belongs together. Entities, services, routes, tests and docs are divided alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Area {
    /// Who owns what.
    Identity,
    /// Which tools exist and how they are found.
    Tools,
    /// What was learned, under which name, and what it may touch.
    Capabilities,
    /// What ran.
    Execution,
    /// How candidates were scored and what was learned from it.
    Learning,
    /// What was measured and what went wrong.
    Telemetry,
    /// What became of a prompt, from routing to outcome, and what worked.
    Traceability,
}

impl Area {
    /// Its folder and module name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Tools => "tools",
            Self::Capabilities => "capabilities",
            Self::Execution => "execution",
            Self::Learning => "learning",
            Self::Telemetry => "telemetry",
            Self::Traceability => "traceability",
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What stands behind an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// A table.
    Table,
    /// A view, which is only read.
    View,
}

/// A column as its entity declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: &'static str,
    /// Its type, spelt as `format_type` of PostgreSQL prints it: `bigint`, `vector(1024)`, `text[]`.
    pub sql_type: String,
    /// Whether it may be null. For a view: whether a row may lack it. PostgreSQL itself calls every column of a view nullable.
    pub nullable: bool,
}

/// A foreign key as the relation of an entity declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeyInfo {
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub target_table: String,
    /// Its columns, in the order of `columns`.
    pub target_columns: Vec<String>,
    /// What happens to a row when the one it refers to is deleted, as SQL spells it: `CASCADE`, `SET NULL`, `RESTRICT`,
    /// `SET DEFAULT`, `NO ACTION`.
    pub on_delete: &'static str,
}

/// A table or view as its entity declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name.
    pub name: &'static str,
    /// Table or view.
    pub kind: TableKind,
    /// Where it belongs.
    pub area: Area,
    /// Its columns, in physical order.
    pub columns: Vec<ColumnInfo>,
    /// The columns of its primary key. For a view: those that tell its rows apart.
    pub primary_key: Vec<&'static str>,
    /// Its foreign keys; none for a view.
    pub foreign_keys: Vec<ForeignKeyInfo>,
}

impl TableInfo {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The list of all entities.
#[derive(Clone, Copy, Debug)]
pub struct Registry;

/// Describes one entity.
fn describe<E: EntityTrait + Default>(area: Area, kind: TableKind) -> TableInfo {
    TableInfo {
        name: IdenStatic::as_str(&E::default()),
        kind,
        area,
        columns: E::Column::iter()
            .map(|column| describe_column(&column))
            .collect(),
        primary_key: E::PrimaryKey::iter()
            .map(|key| key.into_column().as_str())
            .collect(),
        foreign_keys: E::Relation::iter()
            .filter_map(|relation| foreign_key(&relation.def()))
            .collect(),
    }
}

fn describe_column<C: ColumnTrait>(column: &C) -> ColumnInfo {
    let definition = column.def();
    let mut sql_type = String::new();
    PostgresQueryBuilder.prepare_column_type(definition.get_column_type(), &mut sql_type);
    ColumnInfo {
        name: column.as_str(),
        sql_type: as_format_type(&sql_type),
        nullable: definition.is_null(),
    }
}

/// Replaces the aliases that the query builder writes by the names that PostgreSQL prints.
fn as_format_type(sql_type: &str) -> String {
    let (element, array) = sql_type
        .strip_suffix("[]")
        .map_or((sql_type, ""), |element| (element, "[]"));
    let (name, length) = element
        .find('(')
        .map_or((element, ""), |at| element.split_at(at));
    let length = length.replace(' ', "");
    let printed = match name {
        "bool" => "boolean",
        "varchar" => "character varying",
        "char" => "character",
        "decimal" => "numeric",
        other => other,
    };
    format!("{printed}{length}{array}")
}

/// The foreign key behind a relation. `None` for the far end of one, and for a relation that no constraint backs.
fn foreign_key(relation: &RelationDef) -> Option<ForeignKeyInfo> {
    if relation.is_owner || relation.skip_fk {
        return None;
    }
    let TableRef::Table(target, _) = &relation.to_tbl else {
        return None;
    };
    Some(ForeignKeyInfo {
        columns: names(&relation.from_col),
        target_table: target.1.to_string(),
        target_columns: names(&relation.to_col),
        on_delete: match relation.on_delete {
            Some(ForeignKeyAction::Cascade) => "CASCADE",
            Some(ForeignKeyAction::SetNull) => "SET NULL",
            Some(ForeignKeyAction::SetDefault) => "SET DEFAULT",
            Some(ForeignKeyAction::Restrict) => "RESTRICT",
            // Nothing declared means NO ACTION; the enum is open, but SQL knows no further action.
            _ => "NO ACTION",
        },
    })
}

fn names(columns: &Identity) -> Vec<String> {
    columns.iter().map(ToString::to_string).collect()
}

/// Turns the list of entities into [`Registry::all`].
macro_rules! registry {
    ($( $area:ident in $module:ident { $( $kind:ident $entity:ident ),+ $(,)? } )+) => {
        impl Registry {
            /// Every table and view, by area.
            pub fn all() -> Vec<TableInfo> {
                vec![$($(
                    describe::<crate::$module::$entity::Entity>(Area::$area, TableKind::$kind),
                )+)+]
            }

            /// The description of one table or view.
            pub fn find(name: &str) -> Option<TableInfo> {
                Self::all().into_iter().find(|table| table.name == name)
            }
        }
    };
}

registry! {
    Identity in identity { Table users }
    Tools in tools { Table tool_schema, Table tool_embedding, Table tool_dependency }
    Capabilities in capabilities {
        Table workflow_pattern,
        Table capability_records,
        Table capability_dependency,
        Table capability_name_history,
        Table permission_audit_log,
        View capability,
    }
    Execution in execution { Table execution_trace, Table workflow_checkpoint, Table episodic_events }
    Learning in learning {
        Table algorithm_traces,
        Table adaptive_thresholds,
        Table default_thresholds,
        Table entropy_history,
        Table shgat_params,
    }
    Telemetry in telemetry { Table metrics, Table error_log, Table config }
    Traceability in traceability {
        Table execution_traces,
        Table execution_traces_archive,
        Table agent_routing_decisions,
        Table hook_executions,
        Table endpoint_calls,
        Table success_patterns,
        Table pattern_usage_log,
        Table agent_chaining_patterns,
        Table error_patterns,
        Table trace_extractions,
        Table embedding_models,
        View pattern_effectiveness,
        View trace_summary,
        View agent_performance,
        View error_analysis,
        View dashboard_summary,
        View agent_performance_snapshot,
        View dashboard_summary_snapshot,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every `area/table` of a source file that declares an entity.
    fn declared_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                declared_in(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            // The file of this test names the derive, but declares no entity.
            if path.ends_with("registry.rs") || !source.contains("DeriveEntityModel)]") {
                continue;
            }
            let area = folder.file_name().unwrap().to_str().unwrap();
            let (_, rest) = source.split_once("table_name = \"").unwrap();
            let (table, _) = rest.split_once('"').unwrap();
            assert_eq!(
                path.file_stem().unwrap().to_str().unwrap(),
                table,
                "file and table must bear one name"
            );
            found.insert(format!("{area}/{table}"));
        }
    }

    #[test]
    fn every_entity_file_is_listed() {
        let mut declared = BTreeSet::new();
        declared_in(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut declared,
        );
        let listed: BTreeSet<String> = Registry::all()
            .iter()
            .map(|table| format!("{}/{}", table.area, table.name))
            .collect();
        assert_eq!(listed, declared);
        assert_eq!(
            Registry::all().len(),
            listed.len(),
            "an entity is listed twice"
        );
    }

    #[test]
    fn types_are_spelt_as_postgres_prints_them() {
        let spelt = |table: &str, column: &str| {
            let table = Registry::find(table).unwrap();
            table.column(column).unwrap().sql_type.clone()
        };
        assert_eq!(spelt("tool_embedding", "embedding"), "vector(1024)");
        assert_eq!(spelt("tool_embedding", "tool_id"), "text");
        assert_eq!(spelt("tool_embedding", "metadata"), "jsonb");
        assert_eq!(
            spelt("tool_embedding", "created_at"),
            "timestamp with time zone"
        );
        assert_eq!(spelt("tool_schema", "input_schema"), "jsonb");
        assert_eq!(
            spelt("tool_dependency", "confidence_score"),
            "double precision"
        );
        assert_eq!(spelt("metrics", "id"), "bigint");
        assert_eq!(spelt("capability_records", "tags"), "text[]");
        assert_eq!(spelt("capability_records", "version"), "integer");
        assert_eq!(spelt("users", "role"), "text");
        assert_eq!(spelt("users", "id"), "uuid");
        assert_eq!(spelt("users", "api_key_hash"), "text");
        assert_eq!(spelt("permission_audit_log", "approved"), "boolean");
    }

    #[test]
    fn aliases_are_replaced_also_inside_arrays_and_before_lengths() {
        assert_eq!(as_format_type("bool"), "boolean");
        assert_eq!(as_format_type("varchar(50)[]"), "character varying(50)[]");
        assert_eq!(as_format_type("vector(1024)"), "vector(1024)");
    }

    /// PostgreSQL types outside this list mean that a column fell back to a default of the ORM, such as `varchar`.
    #[test]
    fn only_the_types_of_the_schema_occur() {
        let allowed = [
            "uuid",
            "text",
            "text[]",
            "uuid[]",
            "jsonb",
            "bigint",
            "integer",
            "boolean",
            "double precision",
            "timestamp with time zone",
            "vector(1024)",
            "vector(1536)",
            "numeric(5,4)",
            "numeric(5,2)",
        ];
        for table in Registry::all() {
            for column in &table.columns {
                assert!(
                    allowed.contains(&column.sql_type.as_str()),
                    "{}.{column:?}",
                    table.name
                );
            }
        }
    }

    #[test]
    fn foreign_keys_refer_to_primary_keys_and_agree_with_nullability() {
        let tables = Registry::all();
        let mut count = 0;
        for table in &tables {
            assert!(
                table.kind == TableKind::Table || table.foreign_keys.is_empty(),
                "{}",
                table.name
            );
            for key in &table.foreign_keys {
                count += 1;
                let target = tables
                    .iter()
                    .find(|target| target.name == key.target_table)
                    .unwrap();
                // The usage log refers to the public id of a pattern, which is unique as well.
                if table.name != "pattern_usage_log" || key.target_table != "success_patterns" {
                    assert_eq!(
                        target.primary_key, key.target_columns,
                        "{} {key:?}",
                        table.name
                    );
                }
                for column in &key.columns {
                    let nullable = table.column(column).unwrap().nullable;
                    assert_eq!(
                        nullable,
                        key.on_delete == "SET NULL",
                        "{}.{column}",
                        table.name
                    );
                }
            }
        }
        assert_eq!(count, 24);
    }
}

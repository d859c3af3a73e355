//! What a schema *is*: tables, constraints, indexes, views, functions, triggers and policies, as `pg_catalog` tells them.
//!
//! [`read`] takes the catalogue of a live database, [`recorded`] that of a version of the older system, [`differences`]
//! says how two differ. The history is tested with it, adoption verifies with it, and the drift gate compares with it.
//! Everything is kept the way the server prints it (`format_type`, `pg_get_expr` …), so two databases compare as text.

mod differences;
mod legacy;
mod read;
mod recorded;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use differences::differences;
pub use legacy::legacy_differences;
pub use read::read;
pub use recorded::{recorded, recorded_variants};

/// Tables that belong to a migrator (the older system's, sea-orm's, ours), never part of a [`Catalog`].
pub const BOOKKEEPING: [&str; 3] = [
    "migrations_history",
    "seaql_migrations",
    "pml_migration_ledger",
];

/// Everything in one schema, except what an extension owns and the [`BOOKKEEPING`] tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// By name.
    pub tables: BTreeMap<String, Table>,
    /// Plain and materialised views by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub views: BTreeMap<String, View>,
    /// Functions and procedures: signature, as `name(argument types)`, to definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, String>,
}

/// A table with everything that hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// In physical order; [`differences`] compares them by name.
    pub columns: Vec<Column>,
    /// The primary key, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Key>,
    /// By constraint name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign_keys: BTreeMap<String, ForeignKey>,
    /// UNIQUE constraints by name; unique indexes without a constraint stand in `indexes` only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unique: BTreeMap<String, Vec<String>>,
    /// CHECK constraints: name to expression, as `pg_get_expr` prints it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, String>,
    /// By name, those of constraints included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, Index>,
    /// Trigger name to its definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, String>,
    /// Policy name to its command, roles and expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, String>,
    /// Row-level security: off, enabled, or forced on the owner too.
    #[serde(default, skip_serializing_if = "RowSecurity::is_off")]
    pub row_security: RowSecurity,
    /// Whether it has a comment. Not compared: comments explain, they do not bind.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_comment: bool,
}

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// As `format_type` prints it: `character varying(50)`, `vector(1024)`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether NULL is allowed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// The default expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The expression of a stored generated column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// `ALWAYS` or `BY DEFAULT` for an identity column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// `PLAIN`, `EXTERNAL`, `EXTENDED` or `MAIN` where it is not the type's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Whether it has a comment. Not compared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_comment: bool,
}

/// A primary key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Constraint name.
    pub name: String,
    /// Columns in key order.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Columns of the table that refers.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references: String,
    /// Its columns, in the order of `columns`.
    pub ref_columns: Vec<String>,
    /// `NO ACTION`, `RESTRICT`, `CASCADE`, `SET NULL` or `SET DEFAULT`.
    pub on_delete: String,
    /// The same for updates.
    pub on_update: String,
    /// DEFERRABLE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deferrable: bool,
    /// INITIALLY DEFERRED.
    #[serde(default, skip_serializing_if = "is_false")]
    pub initially_deferred: bool,
    /// NOT VALID: rows from before were never checked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_valid: bool,
}

/// An index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// `btree`, `gin`, `hnsw` …
    pub method: String,
    /// Whether it enforces uniqueness.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// What it is ordered or looked up by.
    pub keys: Vec<IndexKey>,
    /// INCLUDE columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// The condition of a partial index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Storage parameters (`m=16`), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// NULLS NOT DISTINCT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nulls_not_distinct: bool,
    /// Left behind by a failed `CREATE INDEX CONCURRENTLY`: it exists and serves nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub invalid: bool,
}

/// One key of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    /// A column, quoted where SQL needs it, or an expression.
    pub key: String,
    /// Operator class.
    pub opclass: String,
    /// `ASC` or `DESC`; none where the method has no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// `FIRST` or `LAST` where it is not the order's own (ASC: last, DESC: first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<String>,
}

/// A view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// The query, as `pg_get_viewdef` prints it.
    pub definition: String,
    /// `security_invoker=true` and the like, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// Whether it stores its rows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub materialized: bool,
}

/// Whether policies apply to a table, and to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowSecurity {
    /// Policies do not apply.
    #[default]
    Off,
    /// They apply to everyone but the owner.
    Enabled,
    /// They apply to the owner too.
    Forced,
}

impl RowSecurity {
    // The signature serde asks for.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

// The signature serde asks for.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

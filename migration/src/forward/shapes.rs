//! Shapes that recur in the forward steps. Frozen with them: what these render is part of every step's checksum.

use sea_orm_migration::prelude::*;

/// A nullable `user_id`-like reference to `users`: the row outlives its owner.
pub(super) fn owner_key(name: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, "user_id")
        .to("users", "id")
        .on_delete(ForeignKeyAction::SetNull)
        .take()
}

/// A plain b-tree index.
pub(super) fn btree<const N: usize>(
    name: &'static str,
    table: &'static str,
    columns: [&'static str; N],
) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).take();
    for column in columns {
        index.col(column);
    }
    index
}

/// A b-tree index, newest first.
pub(super) fn btree_desc(
    name: &'static str,
    table: &'static str,
    column: &'static str,
) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table(table)
        .col((column, IndexOrder::Desc))
        .take()
}

/// Drops an index.
pub(super) fn drop_index(name: &'static str) -> IndexDropStatement {
    Index::drop().name(name).to_owned()
}

/// `CHECK (column IN (…))` under the usual name; `NULL` passes.
pub(super) fn one_of(table: &str, column: &str, words: &[&str]) -> String {
    format!(
        "ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_check CHECK ({column} IN ({}))",
        quoted(words)
    )
}

/// Drops the CHECK that [`one_of`] adds.
pub(super) fn drop_check(table: &str, column: &str) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check")
}

/// `'a', 'b', …`
pub(super) fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

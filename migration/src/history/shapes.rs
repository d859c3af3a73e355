//! Shapes that recur all over the recorded schema: columns with a server default, and the index forms in use.
//!
//! Frozen with the steps: what these render is part of every step's checksum.

use sea_orm_migration::prelude::*;

/// `column … DEFAULT expression`, the expression as written.
pub(crate) fn defaulted(mut column: ColumnDef, expression: &'static str) -> ColumnDef {
    column.default(Expr::cust(expression)).take()
}

/// `column serial PRIMARY KEY`. The builder would render an identity column, which is not what the record has.
pub(crate) fn serial_key(column: &'static str) -> ColumnDef {
    ColumnDef::new(column)
        .custom("serial")
        .not_null()
        .primary_key()
        .take()
}

/// `column uuid PRIMARY KEY DEFAULT gen_random_uuid()`.
pub(crate) fn random_uuid_key(column: &'static str) -> ColumnDef {
    ColumnDef::new(column)
        .uuid()
        .not_null()
        .primary_key()
        .default(Expr::cust("gen_random_uuid()"))
        .take()
}

/// `column text PRIMARY KEY`.
pub(crate) fn text_key(column: &'static str) -> ColumnDef {
    ColumnDef::new(column)
        .text()
        .not_null()
        .primary_key()
        .take()
}

/// The primary key over several columns, with the default name (`<table>_pkey`).
pub(crate) fn composite_key<const N: usize>(columns: [&'static str; N]) -> IndexCreateStatement {
    let mut key = Index::create().primary().take();
    for column in columns {
        key.col(column);
    }
    key
}

/// A foreign key of one column.
pub(crate) fn reference(
    name: &'static str,
    (table, column): (&'static str, &'static str),
    (target, target_column): (&'static str, &'static str),
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, column)
        .to(target, target_column)
        .on_delete(on_delete)
        .take()
}

/// An ascending b-tree index.
pub(crate) fn btree<const N: usize>(
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

/// A b-tree index that ends with the newest or greatest `last` first.
pub(crate) fn btree_desc<const N: usize>(
    name: &'static str,
    table: &'static str,
    leading: [&'static str; N],
    last: &'static str,
) -> IndexCreateStatement {
    btree(name, table, leading)
        .col((last, IndexOrder::Desc))
        .take()
}

/// A b-tree index over the rows that have a value in `column`.
pub(crate) fn btree_present(
    name: &'static str,
    table: &'static str,
    column: &'static str,
) -> IndexCreateStatement {
    btree(name, table, [column])
        .and_where(Expr::col(column).is_not_null())
        .take()
}

/// A GIN index with the default operator class.
pub(crate) fn gin(
    name: &'static str,
    table: &'static str,
    column: &'static str,
) -> IndexCreateStatement {
    btree(name, table, [column]).full_text().take()
}

/// An HNSW index for cosine distance. Text, because the builder has no `WITH (…)`.
pub(crate) fn hnsw(name: &str, table: &str, column: &str) -> String {
    format!(
        r#"CREATE INDEX "{name}" ON "{table}" USING hnsw ("{column}" vector_cosine_ops) WITH (m = 16, ef_construction = 64)"#
    )
}

/// `DROP TABLE table`.
pub(crate) fn drop_table(table: &'static str) -> TableDropStatement {
    Table::drop().table(table).take()
}

/// `ALTER TABLE table DROP COLUMN …`, with every index and foreign key that needs the columns.
pub(crate) fn drop_columns<const N: usize>(
    table: &'static str,
    columns: [&'static str; N],
) -> TableAlterStatement {
    let mut alter = Table::alter().table(table).take();
    for column in columns {
        alter.drop_column(column);
    }
    alter
}

//! Columns that recur in the eight tables. Frozen with the steps.

use sea_orm_migration::{prelude::*, schema::*};

use crate::history::shapes::defaulted;

/// `column numeric(5,4)`, a share of one; the table checks the range with [`share`].
pub(super) fn score(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).decimal_len(5, 4).not_null().take()
}

/// The same, nullable.
pub(super) fn score_null(column: &'static str) -> ColumnDef {
    ColumnDef::new(column).decimal_len(5, 4).null().take()
}

/// `created_at` and `updated_at`, as every table ends.
pub(super) fn stamped(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table
        .col(defaulted(timestamp_with_time_zone("created_at"), "now()"))
        .col(defaulted(timestamp_with_time_zone("updated_at"), "now()"))
}

/// A named CHECK.
pub(super) fn check(name: &'static str, condition: &'static str) -> (&'static str, Expr) {
    (name, Expr::cust(condition))
}

//! What a migration step is: a name and the SQL it stands for.
//!
//! Steps are *pure*: they list statements and never talk to a database. That is why the checksum of a step needs no
//! database, why the whole history can be printed for a DBA, and why one engine ([`crate::Engine`]) can apply it under
//! `sea-orm-cli`, `pml migrate` and at start-up alike.

use sea_orm_migration::prelude::{
    ForeignKeyCreateStatement, ForeignKeyDropStatement, IndexCreateStatement, IndexDropStatement,
    PostgresQueryBuilder, TableAlterStatement, TableCreateStatement, TableDropStatement,
    TableRenameStatement,
};
use sha2::{Digest, Sha256};

/// One step of the history. A published step never changes: its checksum is recorded in every database it ran on.
pub trait Step: Send + Sync {
    /// The recorded name, `m<date>_<number>_<title>`: the name of the file that holds the step.
    fn name(&self) -> &'static str;

    /// The statements that reach this step's schema from the previous one, in order. Data steps included.
    fn up(&self) -> Vec<String>;

    /// The statements that restore the previous schema, in order.
    fn down(&self) -> Vec<String>;

    /// Whether the step runs in one transaction together with its bookkeeping rows.
    ///
    /// Only statements PostgreSQL refuses in a transaction (`CREATE INDEX CONCURRENTLY`) may answer `false`. Such a step
    /// is marked `running` in the ledger first and runs again from its start after a crash, so it must be re-runnable.
    fn in_transaction(&self) -> bool {
        true
    }
}

/// The readable part of a step's name: `m20251218_000001_initial_schema` → `initial schema`.
pub fn title(name: &str) -> String {
    name.splitn(3, '_').nth(2).unwrap_or(name).replace('_', " ")
}

/// SHA-256 (64 lower-case hex digits) over every statement of `up`, then of `down`, each ended by a NUL so that moving
/// text from one statement to the next changes the sum.
pub fn checksum(step: &dyn Step) -> String {
    use std::fmt::Write as _;

    let mut hash = Sha256::new();
    for (direction, statements) in [("up", step.up()), ("down", step.down())] {
        hash.update(direction);
        for statement in statements {
            hash.update(&statement);
            hash.update([0]);
        }
    }
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// Last segment of a module path: the file a step lives in.
#[doc(hidden)]
pub const fn module_name(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut start = bytes.len();
    while start > 0 && bytes[start - 1] != b':' {
        start -= 1;
    }
    path.split_at(start).1
}

/// Anything that renders to one SQL statement: text, or a builder of the schema crate.
pub trait IntoStatement {
    /// The statement in PostgreSQL's dialect, without a trailing semicolon for builders.
    fn into_statement(self) -> String;
}

impl IntoStatement for String {
    fn into_statement(self) -> String {
        self
    }
}

impl IntoStatement for &str {
    fn into_statement(self) -> String {
        self.trim().to_owned()
    }
}

macro_rules! renders {
    ($($builder:ty),+ $(,)?) => {$(
        impl IntoStatement for $builder {
            fn into_statement(self) -> String {
                self.to_string(PostgresQueryBuilder)
            }
        }
        impl IntoStatement for &$builder {
            fn into_statement(self) -> String {
                self.to_string(PostgresQueryBuilder)
            }
        }
        // Builder chains end in `&mut Self`.
        impl IntoStatement for &mut $builder {
            fn into_statement(self) -> String {
                self.to_string(PostgresQueryBuilder)
            }
        }
    )+};
}

renders!(
    TableCreateStatement,
    TableAlterStatement,
    TableDropStatement,
    TableRenameStatement,
    IndexCreateStatement,
    IndexDropStatement,
    ForeignKeyCreateStatement,
    ForeignKeyDropStatement,
);

/// Inside `impl Step`: derives [`Step::name`] from the file the step is written in.
macro_rules! step {
    () => {
        fn name(&self) -> &'static str {
            $crate::step::module_name(module_path!())
        }
    };
}

/// A list of statements from builders and SQL text, mixed: `statements![Table::create()…, "ALTER …", include_str!(…)]`.
///
/// SQL text may hold several statements separated by `;` (functions and data steps kept in a `.sql` file beside the step).
macro_rules! statements {
    ($($statement:expr),* $(,)?) => {
        vec![$($crate::step::IntoStatement::into_statement($statement)),*]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(&'static str, &'static str);

    impl Step for Two {
        step!();
        fn up(&self) -> Vec<String> {
            statements![self.0, self.1]
        }
        fn down(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn a_step_is_named_after_its_module() {
        assert_eq!(Two("", "").name(), "tests");
        assert_eq!(title("m20251218_000001_initial_schema"), "initial schema");
    }

    #[test]
    fn the_checksum_sees_text_that_moves_between_statements() {
        assert_ne!(checksum(&Two("a", "bc")), checksum(&Two("ab", "c")));
        assert_eq!(checksum(&Two("a", "b")), checksum(&Two("a", "b")));
        assert_eq!(checksum(&Two("a", "b")).len(), 64);
    }
}

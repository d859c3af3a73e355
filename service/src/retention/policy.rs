//! What a policy says.

use serde::Serialize;

/// Which rows of a table go, and where to. All of it is text of this program, never of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, unique among all policies.
    pub name: &'static str,
    /// The area it belongs to.
    pub area: &'static str,
    /// The table.
    pub table: &'static str,
    /// The primary key of the table: one column.
    pub key: &'static str,
    /// The type of the key, as SQL: `uuid`, `bigint`, `text`.
    pub key_type: &'static str,
    /// Which rows are due.
    pub what: What,
    /// What else must hold of a row, as SQL. Unknown counts as no.
    pub condition: Option<&'static str>,
    /// What happens to them.
    pub action: Action,
    /// Most rows of one transaction.
    pub batch: u32,
}

/// Which rows are due. A row whose time is NULL never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Those whose time is more than so many days ago. A row exactly at the limit stays.
    Age {
        /// A `timestamptz` column that leads an index.
        column: &'static str,
        /// How many days rows stay, by the server's clock.
        days: u32,
    },
    /// All but the newest rows, counted among those that the condition allows.
    Count {
        /// A `timestamptz` column that leads an index; newest is greatest, and among equals the one with the greater key.
        column: &'static str,
        /// How many stay.
        keep: u64,
    },
}

/// What happens to a due row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is deleted, and with it what its foreign keys take along.
    Delete,
    /// It is moved into a table with the same columns in the same order. One that a unique key of that table does not admit stays and is
    /// counted as skipped.
    Archive {
        /// The table.
        into: &'static str,
    },
}

impl Policy {
    /// Which rows it is about, for people.
    pub fn rule(&self) -> String {
        let rule = match self.what {
            What::Age { column, days } => format!("{column} more than {days} days ago"),
            What::Count { column, keep } => format!("all but the newest {keep} by {column}"),
        };
        match self.condition {
            Some(condition) => format!("{rule} and {condition}"),
            None => rule,
        }
    }

    pub(super) const fn column(&self) -> &'static str {
        match self.what {
            What::Age { column, .. } | What::Count { column, .. } => column,
        }
    }

    /// The condition as a conjunct.
    pub(super) fn and_condition(&self) -> String {
        self.condition
            .map(|condition| format!(" AND ({condition})"))
            .unwrap_or_default()
    }
}

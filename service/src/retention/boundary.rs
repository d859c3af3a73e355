//! Where the due rows of a policy end. Asked once per run, so that a run has an end while time goes on.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{Policy, What};
use crate::Error;
use crate::sql::statement;

/// The limit of a policy at one moment.
#[derive(Clone, Debug)]
pub(super) enum Boundary {
    /// Rows from before this time are due.
    Before(DateTime<Utc>),
    /// This row and those before it are due.
    UpTo(DateTime<Utc>, String),
    /// Nothing is due: there are not more rows than stay.
    Nothing,
}

#[derive(FromQueryResult)]
struct Row {
    at: DateTime<Utc>,
    key: String,
}

impl Boundary {
    pub async fn of<C: ConnectionTrait>(db: &C, policy: &Policy) -> Result<Self, Error> {
        match policy.what {
            What::Age { days, .. } => {
                let sql = "SELECT now() - make_interval(days => $1) AS at, '' AS key";
                let days = i32::try_from(days).unwrap_or(i32::MAX).min(36_500);
                let row = first(db, sql, [days.into()]).await?;
                Ok(row.map_or(Self::Nothing, |row| Self::Before(row.at)))
            }
            What::Count { column, keep } => {
                let (table, key) = (policy.table, policy.key);
                let sql = format!(
                    "SELECT {column} AS at, {key}::text AS key FROM {table} WHERE {column} IS NOT NULL{} \
                     ORDER BY {column} DESC, {key}::text DESC OFFSET $1 LIMIT 1",
                    policy.and_condition()
                );
                let keep = i64::try_from(keep).unwrap_or(i64::MAX);
                let row = first(db, &sql, [keep.into()]).await?;
                Ok(row.map_or(Self::Nothing, |row| Self::UpTo(row.at, row.key)))
            }
        }
    }

    /// The time of the limit.
    pub const fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Before(at) | Self::UpTo(at, _) => Some(*at),
            Self::Nothing => None,
        }
    }

    /// The condition for a due row, its values appended to `values`.
    pub fn predicate(&self, policy: &Policy, values: &mut Vec<Value>) -> String {
        let (column, key) = (policy.column(), policy.key);
        let due = match self {
            Self::Before(at) => {
                values.push((*at).into());
                format!("{column} < ${}", values.len())
            }
            Self::UpTo(at, last) => {
                values.push((*at).into());
                values.push(last.as_str().into());
                let (time, name) = (values.len() - 1, values.len());
                format!("{column} <= ${time} AND ({column}, {key}::text) <= (${time}, ${name})")
            }
            Self::Nothing => "false".to_owned(),
        };
        format!("{due}{}", policy.and_condition())
    }
}

async fn first<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: [Value; 1],
) -> Result<Option<Row>, Error> {
    let row = db.query_one_raw(statement(sql, values)).await?;
    Ok(row
        .map(|row| Row::from_query_result(&row, ""))
        .transpose()?)
}

//! What a run would do.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::boundary::Boundary;
use super::{Action, Policy};
use crate::Error;
use crate::sql::statement;

/// What is due under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The policy.
    pub policy: &'static str,
    /// Its area.
    pub area: &'static str,
    /// Its table.
    pub table: &'static str,
    /// What would happen to the rows.
    pub action: Action,
    /// Which rows it is about, in words.
    pub rule: String,
    /// The limit, in time. `None` when there are no more rows than stay.
    pub limit: Option<DateTime<Utc>>,
    /// Rows that are due.
    pub due: u64,
    /// The time of the oldest of them.
    pub oldest: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct Counted {
    due: i64,
    oldest: Option<DateTime<Utc>>,
}

/// Counts what is due under each policy and changes nothing.
///
/// # Errors
/// What reading can meet; [`Error::Timeout`] where counting takes longer than the pool allows.
pub async fn plan<C: ConnectionTrait>(db: &C, policies: &[Policy]) -> Result<Vec<Due>, Error> {
    let mut plan = Vec::with_capacity(policies.len());
    for policy in policies {
        let boundary = Boundary::of(db, policy).await?;
        plan.push(count(db, policy, &boundary).await?);
    }
    Ok(plan)
}

pub(super) async fn count<C: ConnectionTrait>(
    db: &C,
    policy: &Policy,
    boundary: &Boundary,
) -> Result<Due, Error> {
    let mut values = Vec::new();
    let due = boundary.predicate(policy, &mut values);
    let (table, column) = (policy.table, policy.column());
    let sql = format!("SELECT count(*) AS due, min({column}) AS oldest FROM {table} WHERE {due}");
    let row = db.query_one_raw(statement(sql, values)).await?;
    let counted = row
        .map(|row| Counted::from_query_result(&row, ""))
        .transpose()?;
    let Counted { due, oldest } = counted.unwrap_or(Counted {
        due: 0,
        oldest: None,
    });
    Ok(Due {
        policy: policy.name,
        area: policy.area,
        table,
        action: policy.action,
        rule: policy.rule(),
        limit: boundary.time(),
        due: u64::try_from(due).unwrap_or_default(),
        oldest,
    })
}

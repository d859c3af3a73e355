//! How success patterns do.

use pml_entity::traceability::pattern_effectiveness;
use pml_entity::values::{Score, SuccessPatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{comparable, invalid};
use crate::sql::statement;
use crate::{Error, Page, PageRequest};

/// Which patterns a list shows. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatternFilter {
    /// Only those that succeed at least this often, 0–1.
    pub min_success_rate: Option<f64>,
    /// Only those that were replayed at least this often, from 1.
    pub min_usage_count: Option<i32>,
    /// Only those of this domain (`context.domain`).
    pub domain: Option<String>,
    /// Only those whose prompt wanted this.
    pub intent: Option<String>,
    /// Only those in which this agent takes part.
    pub agent: Option<String>,
}

/// The patterns that match, by success rate, then by number of replays, both descending, then by id. One statement.
///
/// The usage log is read for the rows of the page only.
///
/// # Errors
/// [`Error::InvalidCursor`] for a cursor of another list or of other conditions,
/// [`InvalidField`](crate::traceability::TraceabilityError::InvalidField) for a condition out of range.
pub async fn patterns<C: ConnectionTrait>(
    db: &C,
    filter: &PatternFilter,
    page: PageRequest,
) -> Result<Page<pattern_effectiveness::Model>, Error> {
    let list = format!("patterns {filter:?}");
    let (mut conditions, mut values) = matching(filter)?;
    if let Some(cursor) = &page.cursor {
        let (rate, count, id): (Score, i32, SuccessPatternId) = cursor.key(&list)?;
        let at = values.len();
        conditions.push(format!(
            "(p.success_rate, p.total_usage_count, p.pattern_id) < (${}, ${}, ${})",
            at + 1,
            at + 2,
            at + 3
        ));
        values.extend([rate.into(), count.into(), id.into()]);
    }
    values.push((i64::from(page.limit.get()) + 1).into());
    let sql = format!(
        "WITH page AS MATERIALIZED ( \
             SELECT p.id FROM success_patterns p WHERE {conditions} \
             ORDER BY p.success_rate DESC, p.total_usage_count DESC, p.pattern_id DESC LIMIT ${limit} \
         ) SELECT e.* FROM page JOIN pattern_effectiveness e ON e.id = page.id \
         ORDER BY e.success_rate DESC, e.total_usage_count DESC, e.pattern_id DESC",
        conditions = conditions.join(" AND "),
        limit = values.len(),
    );
    let rows = pattern_effectiveness::Model::find_by_statement(statement(sql, values))
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, &list, |row| {
        (
            row.success_rate.unwrap_or_default(),
            row.total_usage_count,
            row.pattern_id,
        )
    }))
}

fn matching(filter: &PatternFilter) -> Result<(Vec<String>, Vec<Value>), Error> {
    let mut conditions = vec!["p.success_rate IS NOT NULL".to_owned()];
    let mut values = Vec::new();
    let mut add = |before: &str, value: Value, after: &str| {
        values.push(value);
        conditions.push(format!("{before}${}{after}", values.len()));
    };
    if let Some(rate) = filter.min_success_rate {
        let rate = Score::new(rate)
            .map_err(|_| invalid("min_success_rate", "must be a number from 0 to 1"))?;
        add("p.success_rate >= ", rate.into(), "");
    }
    if let Some(count) = filter.min_usage_count {
        if count < 1 {
            return Err(invalid("min_usage_count", "must be 1 or more"));
        }
        add("p.total_usage_count >= ", count.into(), "");
    }
    if let Some(domain) = comparable("domain", filter.domain.as_ref())? {
        add(
            "p.context @> jsonb_build_object('domain', ",
            domain.into(),
            "::text)",
        );
    }
    if let Some(intent) = comparable("intent", filter.intent.as_ref())? {
        add("p.intent_classification = ", intent.into(), "");
    }
    if let Some(agent) = comparable("agent", filter.agent.as_ref())? {
        add("p.agent_sequence @> ARRAY[", agent.into(), "]::text[]");
    }
    Ok((conditions, values))
}

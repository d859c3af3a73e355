//! Finding capabilities by the tools at hand.

use std::collections::BTreeSet;

use pml_entity::values::{CapabilityId, JsonSchema, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::DEFAULT_LIMIT;
use super::matching::share;
use super::reliability::success_rate_sql;
use super::statements::{NAME, record_sql};
use crate::capabilities::{access, tool_id};
use crate::sql::statement;
use crate::{Error, Limit, Principal};

/// Tools of a context that are looked at.
const MAX_TOOLS: usize = 100;
/// Longest tool id that is looked at, in characters.
const MAX_TOOL_CHARS: usize = 256;

/// What a capability must share with the context. The defaults are those of the spec of capabilities, SEARCH-4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContextOptions {
    /// Lowest overlap, 0–1, inclusive. One shared tool is needed in any case.
    pub min_overlap: f64,
    /// Most results, 1–500. `None`: 5.
    pub limit: Option<i64>,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            min_overlap: 0.3,
            limit: None,
        }
    }
}

/// A capability that can do with the tools at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextHit {
    /// Its registry entry, chosen as for a [`Hit`](super::Hit).
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash` of that entry.
    pub fqdn: String,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// Part of its distinct tools that are at hand, 0–1.
    pub overlap: f64,
    /// Share of its uses that succeeded, 0–1; 0 without uses.
    pub success_rate: f64,
    /// How often it was used.
    pub usage_count: i64,
    /// The tools it uses, as `server:action`, each once, sorted.
    pub tools: Vec<String>,
    /// JSON Schema of its arguments.
    pub parameters_schema: Option<serde_json::Value>,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    id: CapabilityId,
    pattern_id: PatternId,
    fqdn: String,
    display_name: String,
    description: Option<String>,
    overlap: f64,
    success_rate: f64,
    usage_count: i64,
    tools: Vec<String>,
    parameters_schema: Option<JsonSchema>,
}

/// Finds the capabilities whose tools are at hand, among those that the principal sees: the largest overlap first, then the most used (spec of
/// capabilities, SEARCH-4).
///
/// The overlap is the number of a capability's tools that are in the context, divided by the number of its tools; both sides are compared as
/// `server:action`, each tool once. Tools that are empty or longer than 256 characters, and all after the first 100 others, are left out. No tools find
/// nothing, and a capability without tools is never found. One statement.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`](crate::capabilities::CapabilityError::InvalidFilter) for a `min_overlap` outside 0–1, [`Error::InvalidLimit`].
pub async fn by_context<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    tools: &[String],
    options: &ContextOptions,
) -> Result<Vec<ContextHit>, Error> {
    share("min_overlap", options.min_overlap)?;
    let limit = Limit::or(options.limit, DEFAULT_LIMIT)?;
    let tools = at_hand(tools);
    if tools.is_empty() {
        return Ok(Vec::new());
    }
    let visible = access::visible(who, "r", 4);
    let sql = format!(
        "WITH fitting AS ( \
             SELECT p.pattern_id, p.usage_count, shared.overlap FROM workflow_pattern p \
             CROSS JOIN LATERAL (SELECT count(*)::float8 / cardinality(p.tool_ids) AS overlap FROM unnest(p.tool_ids) AS tool WHERE tool = ANY($1)) shared \
             WHERE p.code_hash IS NOT NULL AND p.tool_ids && $1 AND shared.overlap >= $2::float8 \
               AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id AND {visible}) \
             ORDER BY shared.overlap DESC, p.usage_count DESC, p.pattern_id LIMIT $3 \
         ) \
         SELECT r.id, p.pattern_id, {NAME}, p.description, fitting.overlap, {rate} AS success_rate, p.usage_count, p.tool_ids AS tools, p.parameters_schema \
         FROM fitting JOIN workflow_pattern p USING (pattern_id) CROSS JOIN LATERAL ({record}) r \
         ORDER BY fitting.overlap DESC, fitting.usage_count DESC, p.pattern_id",
        visible = visible.sql,
        rate = success_rate_sql("p"),
        record = record_sql(who, "p.pattern_id", 4)
    );
    let mut values: Vec<Value> = vec![
        tools.into(),
        options.min_overlap.into(),
        i64::from(limit.get()).into(),
    ];
    values.extend(visible.values);
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    rows.iter()
        .map(|row| {
            let row = Row::from_query_result(row, "")?;
            Ok(ContextHit {
                id: row.id,
                pattern_id: row.pattern_id,
                fqdn: row.fqdn,
                display_name: row.display_name,
                description: row.description,
                overlap: row.overlap,
                success_rate: row.success_rate,
                usage_count: row.usage_count,
                tools: row.tools,
                parameters_schema: row.parameters_schema.map(JsonSchema::into_value),
            })
        })
        .collect()
}

/// The tools of a context as they are compared: `server:action`, each once. PostgreSQL text holds no null character, so no stored tool has one.
fn at_hand(tools: &[String]) -> Vec<String> {
    tools
        .iter()
        .filter(|tool| !tool.is_empty() && tool.chars().count() <= MAX_TOOL_CHARS)
        .take(MAX_TOOLS)
        .map(|tool| tool_id::normalize(tool))
        .filter(|tool| !tool.is_empty() && !tool.contains('\0'))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_keeps_the_first_hundred_usable_tools_each_once() {
        let mut tools = vec![
            String::new(),
            "x".repeat(257),
            "mcp.std.psql_query".to_owned(),
            "pml.mcp.std.psql_query.db48".to_owned(),
        ];
        tools.extend((0..200).map(|number| format!("s:t{number}")));
        let kept = at_hand(&tools);
        assert_eq!(kept.len(), 99);
        assert!(kept.contains(&"std:psql_query".to_owned()));
        assert!(at_hand(&["a\0b".to_owned()]).is_empty());
    }
}

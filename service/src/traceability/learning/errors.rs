//! Counting errors that keep coming back.
//!
//! Two failures show the same error when class, message pattern, kind of hook and endpoint are the same. The agent is not part of it: one error
//! meets many agents, and `affected_agents` lists them. Severity, fix and prevention are left to people.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use pml_entity::values::CorrelationId;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::lesson::ErrorSighting;
use crate::Error;
use crate::sql::statement;

/// Executions that an error keeps as examples: the latest.
pub const MAX_SAMPLES: usize = 20;
/// Agents that an error lists.
const MAX_AGENTS: i64 = 100;

/// Adds to the oldest row that fits, for people may have written some; else writes one.
const RECORD: &str = "\
        WITH new AS MATERIALIZED ( \
            SELECT n.*, (SELECT e.id FROM error_patterns e \
                WHERE e.error_type = n.error_type AND e.error_message_pattern = n.message \
                  AND e.hook_type IS NOT DISTINCT FROM n.hook_type AND e.endpoint_path IS NOT DISTINCT FROM n.endpoint_path \
                ORDER BY e.created_at, e.id LIMIT 1) AS known \
            FROM jsonb_to_recordset($1::jsonb) AS n (error_type text, category text, message text, agent text, hook_type text, endpoint_path text, \
                agents text[], count integer, samples uuid[], first_at timestamptz, last_at timestamptz) \
        ), seen_again AS ( \
            UPDATE error_patterns e SET \
                occurrence_count = e.occurrence_count + n.count, \
                first_seen_at = least(e.first_seen_at, n.first_at), \
                last_occurrence_at = greatest(e.last_occurrence_at, n.last_at), \
                sample_correlation_ids = (e.sample_correlation_ids || n.samples) \
                    [greatest(1, cardinality(e.sample_correlation_ids || n.samples) - $2 + 1):], \
                affected_agents = ARRAY(SELECT DISTINCT a FROM unnest(e.affected_agents || n.agents) AS a ORDER BY a LIMIT $3) \
            FROM new n WHERE e.id = n.known \
        ) \
        INSERT INTO error_patterns (error_type, error_category, error_message_pattern, agent, hook_type, endpoint_path, affected_agents, \
            occurrence_count, first_seen_at, last_occurrence_at, sample_correlation_ids) \
        SELECT error_type, category, message, agent, hook_type, endpoint_path, agents, count, first_at, last_at, samples \
        FROM new WHERE known IS NULL";

#[derive(Debug)]
struct Group<'a> {
    first: &'a ErrorSighting,
    count: i64,
    agents: BTreeSet<&'a str>,
    samples: Vec<CorrelationId>,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

/// Adds the sightings to what is known; one statement. The callers take turns.
pub(super) async fn record<C: ConnectionTrait>(
    tx: &C,
    sightings: &[&ErrorSighting],
) -> Result<(), Error> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for sighting in sightings {
        let key = (
            &sighting.error_type,
            &sighting.message_pattern,
            &sighting.hook_type,
            &sighting.endpoint_path,
        );
        let group = groups.entry(key).or_insert_with(|| Group {
            first: sighting,
            count: 0,
            agents: BTreeSet::new(),
            samples: Vec::new(),
            first_at: sighting.occurred_at,
            last_at: sighting.occurred_at,
        });
        group.count += 1;
        group
            .agents
            .extend(sighting.agents.iter().map(String::as_str));
        group.samples.push(sighting.correlation_id);
        group.first_at = group.first_at.min(sighting.occurred_at);
        group.last_at = group.last_at.max(sighting.occurred_at);
    }
    if groups.is_empty() {
        return Ok(());
    }
    let document: serde_json::Value = groups
        .into_values()
        .map(|mut group| {
            let surplus = group.samples.len().saturating_sub(MAX_SAMPLES);
            group.samples.drain(..surplus);
            json!({
                "error_type": group.first.error_type, "category": group.first.category.map(|it| it.to_string()), "message": group.first.message_pattern,
                "agent": group.first.agents.first(), "hook_type": group.first.hook_type, "endpoint_path": group.first.endpoint_path,
                "agents": group.agents, "count": group.count, "samples": group.samples, "first_at": group.first_at, "last_at": group.last_at,
            })
        })
        .collect();
    let samples = i32::try_from(MAX_SAMPLES).unwrap_or(i32::MAX);
    tx.execute_raw(statement(
        RECORD,
        [document.into(), samples.into(), MAX_AGENTS.into()],
    ))
    .await?;
    Ok(())
}

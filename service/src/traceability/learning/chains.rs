//! Learning how agents hand work on to each other (section 2.7).
//!
//! A chain is read off an execution that nobody delegated and that delegated itself, whether it worked or not: its agent, then those below it
//! from the top down and from left to right. Two are the same when agents, order and trigger are the same. The trigger is the intent of the prompt, or
//! where it has none `general`: a word, since chains are shared by all users.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pml_entity::values::CorrelationId;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::keywords::intent;
use super::observation::{Delegation, Observation};
use crate::Error;
use crate::sql::statement;

/// Executions that a chain keeps as examples: the latest.
const MAX_SOURCES: usize = 20;
/// Agents of a chain that are kept; the rest of a longer one is left out.
const MAX_LENGTH: usize = 64;

/// One occurrence of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainSighting {
    /// The first agent.
    pub primary_agent: String,
    /// The agents after it, in their order.
    pub delegated_agents: Vec<String>,
    /// Levels of delegation.
    pub depth: u32,
    /// What set it off.
    pub trigger: String,
    /// Whether it worked.
    pub success: bool,
    /// How long it took, in milliseconds.
    pub total_ms: i32,
    /// The part of that in which no delegated execution ran, in milliseconds.
    pub overhead_ms: i32,
    /// The execution.
    pub source: CorrelationId,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
}

/// The chain that an execution shows, if it shows one.
pub fn chain(observation: &Observation) -> Option<ChainSighting> {
    if observation.delegated || observation.cancelled {
        return None;
    }
    let primary_agent = observation.agent.clone()?;
    let delegated_agents: Vec<String> = observation
        .delegations
        .iter()
        .filter_map(|step| step.agent.clone())
        .take(MAX_LENGTH)
        .collect();
    if delegated_agents.is_empty() {
        return None;
    }
    let total_ms = observation.duration_ms.unwrap_or_default().max(0);
    let busy = i32::try_from(busy_ms(&observation.delegations)).unwrap_or(i32::MAX);
    Some(ChainSighting {
        primary_agent,
        delegated_agents,
        depth: observation
            .delegations
            .iter()
            .map(|step| step.depth)
            .max()
            .unwrap_or_default(),
        trigger: observation
            .prompt
            .as_deref()
            .and_then(intent)
            .unwrap_or("general")
            .to_owned(),
        success: observation.success?,
        total_ms,
        overhead_ms: total_ms.saturating_sub(busy).max(0),
        source: observation.correlation_id?,
        ended_at: observation.completed_at?,
    })
}

/// Milliseconds in which at least one of the direct children ran: two that run at once count once.
fn busy_ms(delegations: &[Delegation]) -> i64 {
    let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> = delegations
        .iter()
        .filter(|step| step.depth == 1)
        .filter_map(|step| Some((step.started_at?, step.completed_at?)))
        .filter(|(from, to)| from < to)
        .collect();
    spans.sort_unstable();
    let mut total = 0;
    let mut reached: Option<DateTime<Utc>> = None;
    for (from, to) in spans {
        let from = reached.map_or(from, |reached| from.max(reached));
        if to > from {
            total += (to - from).num_milliseconds();
            reached = Some(to);
        }
    }
    total
}

/// Adds to the oldest row that fits, for people may have written some; else writes one.
const RECORD: &str = "\
        WITH new AS MATERIALIZED ( \
            SELECT n.*, (SELECT c.id FROM agent_chaining_patterns c \
                WHERE c.primary_agent = n.primary_agent AND c.delegated_agents = n.delegated AND c.trigger_context = n.trigger \
                ORDER BY c.created_at, c.id LIMIT 1) AS known \
            FROM jsonb_to_recordset($1::jsonb) AS n (primary_agent text, delegated text[], depth integer, trigger text, count integer, \
                successes integer, total_ms bigint, overhead_ms bigint, sources uuid[], last_at timestamptz) \
        ), seen_again AS ( \
            UPDATE agent_chaining_patterns c SET \
                usage_count = c.usage_count + n.count, \
                success_rate = round((c.success_rate * c.usage_count + n.successes) / (c.usage_count + n.count), 4), \
                avg_total_duration_ms = round((c.avg_total_duration_ms::numeric * c.usage_count + n.total_ms) / (c.usage_count + n.count))::integer, \
                avg_coordination_overhead_ms = \
                    round((c.avg_coordination_overhead_ms::numeric * c.usage_count + n.overhead_ms) / (c.usage_count + n.count))::integer, \
                delegation_depth = greatest(c.delegation_depth, n.depth), \
                source_traces = (c.source_traces || n.sources)[greatest(1, cardinality(c.source_traces || n.sources) - $2 + 1):], \
                last_used_at = greatest(c.last_used_at, n.last_at) \
            FROM new n WHERE c.id = n.known \
        ) \
        INSERT INTO agent_chaining_patterns (primary_agent, delegated_agents, delegation_depth, trigger_context, success_rate, usage_count, \
            avg_total_duration_ms, avg_coordination_overhead_ms, source_traces, last_used_at) \
        SELECT primary_agent, delegated, depth, trigger, round(successes::numeric / count, 4), count, round(total_ms::numeric / count)::integer, \
            round(overhead_ms::numeric / count)::integer, sources, last_at \
        FROM new WHERE known IS NULL";

#[derive(Debug)]
struct Group<'a> {
    first: &'a ChainSighting,
    count: i64,
    successes: i64,
    total_ms: i64,
    overhead_ms: i64,
    sources: Vec<CorrelationId>,
    last_at: DateTime<Utc>,
}

/// Adds the sightings to what is known; one statement. The callers take turns.
pub(super) async fn record<C: ConnectionTrait>(
    tx: &C,
    sightings: &[ChainSighting],
) -> Result<(), Error> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for sighting in sightings {
        let key = (
            &sighting.primary_agent,
            &sighting.delegated_agents,
            &sighting.trigger,
        );
        let group = groups.entry(key).or_insert_with(|| Group {
            first: sighting,
            count: 0,
            successes: 0,
            total_ms: 0,
            overhead_ms: 0,
            sources: Vec::new(),
            last_at: sighting.ended_at,
        });
        group.count += 1;
        group.successes += i64::from(sighting.success);
        group.total_ms += i64::from(sighting.total_ms);
        group.overhead_ms += i64::from(sighting.overhead_ms);
        group.sources.push(sighting.source);
        group.last_at = group.last_at.max(sighting.ended_at);
    }
    if groups.is_empty() {
        return Ok(());
    }
    let document: serde_json::Value = groups
        .into_values()
        .map(|mut group| {
            let surplus = group.sources.len().saturating_sub(MAX_SOURCES);
            group.sources.drain(..surplus);
            json!({
                "primary_agent": group.first.primary_agent, "delegated": group.first.delegated_agents, "depth": group.first.depth,
                "trigger": group.first.trigger, "count": group.count, "successes": group.successes, "total_ms": group.total_ms,
                "overhead_ms": group.overhead_ms, "sources": group.sources, "last_at": group.last_at,
            })
        })
        .collect();
    let sources = i32::try_from(MAX_SOURCES).unwrap_or(i32::MAX);
    tx.execute_raw(statement(RECORD, [document.into(), sources.into()]))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::TimeDelta;

    use super::*;

    fn step(depth: u32, agent: &str, from: i64, to: i64) -> Delegation {
        let zero = DateTime::<Utc>::UNIX_EPOCH;
        Delegation {
            depth,
            agent: Some(agent.to_owned()),
            started_at: Some(zero + TimeDelta::milliseconds(from)),
            completed_at: Some(zero + TimeDelta::milliseconds(to)),
        }
    }

    fn delegating() -> Observation {
        Observation {
            correlation_id: Some(CorrelationId::generate()),
            prompt: Some("Fix the failing build".to_owned()),
            completed_at: Some(Utc::now()),
            success: Some(true),
            duration_ms: Some(1_000),
            agent: Some("lead".to_owned()),
            delegations: vec![
                step(1, "coder", 100, 500),
                step(2, "tester", 200, 300),
                step(1, "writer", 400, 800),
            ],
            ..Observation::default()
        }
    }

    #[test]
    fn a_chain_lists_the_agents_in_order_and_counts_parallel_work_once() {
        let chain = chain(&delegating()).unwrap();
        assert_eq!(
            (
                chain.primary_agent.as_str(),
                chain.depth,
                chain.trigger.as_str()
            ),
            ("lead", 2, "debugging")
        );
        assert_eq!(chain.delegated_agents, ["coder", "tester", "writer"]);
        assert_eq!((chain.total_ms, chain.overhead_ms), (1_000, 300));
    }

    #[test]
    fn part_of_a_chain_is_no_chain_and_neither_is_one_agent() {
        let mut part = delegating();
        part.delegated = true;
        assert_eq!(chain(&part), None);
        let mut alone = delegating();
        alone.delegations.clear();
        assert_eq!(chain(&alone), None);
    }
}

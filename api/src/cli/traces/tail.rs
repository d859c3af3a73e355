//! `pml traces tail`: executions as they begin and end.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::prelude::Uuid;

use super::{
    super::{
        backend::Backend,
        exit::{Exit, Failure},
        output,
    },
    Filter, duration, outcome,
};
use crate::wire::traceability::{TraceListQuery, TraceSummary};

/// How far back each look goes: an execution that was written late, or ends after a while, is still seen.
const LOOK_BACK: TimeDelta = TimeDelta::minutes(10);
/// Most executions of one look. More than that in ten minutes cannot be followed by eye.
const MOST: &str = "500";

/// What to follow.
#[derive(Debug, clap::Args)]
pub struct TailArgs {
    #[command(flatten)]
    filter: Filter,
    /// Print the latest so many first
    #[arg(long, short = 'n', default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=500))]
    lines: u16,
    /// Seconds between looks
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// Stop after this many seconds instead of at Ctrl-C
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    limit: Option<f64>,
    /// Print a JSON object per line
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "give a number of seconds".to_owned())?;
    if (0.05..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("give 0.05 to 86400 seconds".to_owned())
    }
}

/// Follows until the time is up or the process is interrupted.
///
/// # Errors
/// [`Failure`] for a filter that is not valid, or when the database cannot be had.
pub async fn run(backend: &Backend, args: TailArgs) -> Result<(), Failure> {
    let mut seen = Seen::default();
    let first = TraceListQuery {
        limit: Some(args.lines.max(1).to_string()),
        ..args.filter.clone().query()
    };
    let mut latest = backend.list_traces(first).await?.items;
    latest.truncate(args.lines.into());
    for trace in latest.iter().rev() {
        seen.is_news(trace);
        print(trace, args.json)?;
    }
    let started = Utc::now();
    let follow = async {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(args.interval));
        loop {
            ticks.tick().await;
            for trace in look(backend, &args.filter, started).await?.iter().rev() {
                if seen.is_news(trace) {
                    print(trace, args.json)?;
                }
            }
            seen.forget(Utc::now() - LOOK_BACK * 2);
        }
    };
    let until = async {
        match args.limit {
            Some(limit) => tokio::time::sleep(Duration::from_secs_f64(limit)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = follow => ended,
        () = until => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// The executions of the last minutes, newest first; none from before this command, unless they end while it runs.
async fn look(
    backend: &Backend,
    filter: &Filter,
    started: DateTime<Utc>,
) -> Result<Vec<TraceSummary>, Failure> {
    let query = TraceListQuery {
        since: Some((Utc::now() - LOOK_BACK).to_rfc3339()),
        limit: Some(MOST.to_owned()),
        ..filter.clone().query()
    };
    let mut traces = backend.list_traces(query).await?.items;
    traces.retain(|trace| {
        trace
            .started_at
            .max(trace.completed_at.unwrap_or(trace.started_at))
            >= started - TimeDelta::seconds(1)
    });
    Ok(traces)
}

/// What was printed of which execution.
#[derive(Debug, Default)]
struct Seen(HashMap<Uuid, (DateTime<Utc>, String)>);

impl Seen {
    /// Whether the execution is new or has another outcome than before. Remembers it.
    fn is_news(&mut self, trace: &TraceSummary) -> bool {
        let now = outcome(&trace.status, trace.success, trace.error_type.as_deref());
        let known = self
            .0
            .insert(trace.correlation_id, (trace.started_at, now.clone()));
        known.is_none_or(|(_, before)| before != now)
    }

    /// Forgets executions that began before this: no look reaches them any more.
    fn forget(&mut self, before: DateTime<Utc>) {
        self.0.retain(|_, (started_at, _)| *started_at >= before);
    }
}

fn print(trace: &TraceSummary, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(trace)
            .map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
        output::line(&text);
        return Ok(());
    }
    output::line(&format!(
        "{}  {}  {:<16} {:>9}  {:<20} {}",
        trace.started_at.format("%H:%M:%S%.3f"),
        trace.correlation_id,
        outcome(&trace.status, trace.success, trace.error_type.as_deref()),
        duration(trace.duration_ms),
        trace.agent_selected.as_deref().unwrap_or("-"),
        output::short(trace.prompt_text.as_deref().unwrap_or_default()),
    ));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_look_needs_a_sensible_number_of_seconds() {
        assert!(
            seconds("0.5").is_ok()
                && seconds("0").is_err()
                && seconds("-1").is_err()
                && seconds("x").is_err()
        );
        assert!(seconds("NaN").is_err());
    }
}

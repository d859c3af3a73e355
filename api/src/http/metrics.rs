//! Prometheus metrics of one server: requests, database statements and the connection pool.
//!
//! The recorder belongs to the [`Metrics`] value and not to the process, so two servers in one process (as in tests) count apart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use pml_service::recorder::RecorderStats;

/// Upper bounds of the duration buckets, in seconds: from a point read to the request time limit.
const BUCKETS_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Counts and durations of one server, shared by its routes and its database handle.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// An empty set of metrics.
    pub fn new() -> Self {
        let suffix = Matcher::Suffix("_duration_seconds".to_owned());
        let builder = PrometheusBuilder::new();
        // The only error is an empty list of buckets; without them durations are rendered as summaries.
        let builder = builder
            .set_buckets_for_metric(suffix, BUCKETS_SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = Arc::new(builder.build_recorder());
        let handle = recorder.handle();
        with_local_recorder(&*recorder, describe);
        Self { recorder, handle }
    }

    /// One finished request. `route` is the pattern, never the path, so that ids do not become labels.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        with_local_recorder(&*self.recorder, || {
            counter!("pml_http_requests_total", &labels).increment(1);
            histogram!("pml_http_request_duration_seconds", &labels).record(took);
        });
    }

    /// One finished database statement.
    pub fn statement(&self, took: Duration, failed: bool) {
        with_local_recorder(&*self.recorder, || {
            counter!("pml_database_statements_total").increment(1);
            counter!("pml_database_statements_failed_total").increment(u64::from(failed));
            histogram!("pml_database_statement_duration_seconds").record(took);
        });
    }

    /// The state of the connection pool at this moment.
    pub fn pool(&self, open: u32, idle: u32, max: u32) {
        with_local_recorder(&*self.recorder, || {
            gauge!("pml_database_pool_connections", "state" => "idle").set(f64::from(idle));
            gauge!("pml_database_pool_connections", "state" => "used")
                .set(f64::from(open.saturating_sub(idle)));
            gauge!("pml_database_pool_connections_max").set(f64::from(max));
        });
    }

    /// What became of the executions that were recorded behind the caller's back.
    pub fn recorder(&self, stats: RecorderStats) {
        with_local_recorder(&*self.recorder, || {
            let outcomes = [
                ("written", stats.written),
                ("dropped", stats.dropped),
                ("poisoned", stats.poisoned),
                ("unwritten", stats.unwritten),
            ];
            for (outcome, rows) in outcomes {
                counter!("pml_recorder_rows_total", "outcome" => outcome).absolute(rows);
            }
            // A queue of more rows than a float counts exactly does not fit into memory.
            #[allow(clippy::cast_precision_loss)]
            gauge!("pml_recorder_queued_rows").set(stats.queued as f64);
        });
    }

    /// The text that `/metrics` answers.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// Moves recorded durations into their buckets. Without a regular call a server that nobody scrapes would grow.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn describe() {
    describe_counter!("pml_http_requests_total", "HTTP requests answered.");
    describe_histogram!(
        "pml_http_request_duration_seconds",
        "Time from the request to the head of its answer."
    );
    describe_counter!(
        "pml_database_statements_total",
        "Statements sent to the database."
    );
    describe_counter!(
        "pml_database_statements_failed_total",
        "Statements the database refused or lost."
    );
    describe_histogram!(
        "pml_database_statement_duration_seconds",
        "Time a statement took."
    );
    describe_gauge!(
        "pml_database_pool_connections",
        "Open connections of the pool by state."
    );
    describe_gauge!(
        "pml_database_pool_connections_max",
        "The most connections the pool may open."
    );
    describe_counter!(
        "pml_recorder_rows_total",
        "Recorded rows by what became of them: written, dropped because the queue was full, poisoned and put into error_log, \
         unwritten because the database stayed away."
    );
    describe_gauge!(
        "pml_recorder_queued_rows",
        "Recorded rows that wait to be written."
    );
    // A counter appears with its first event; a rate over it needs the zero before.
    counter!("pml_database_statements_total").increment(0);
    counter!("pml_database_statements_failed_total").increment(0);
}

/// Counts and times every request, those that match no route included.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    metrics.request(route, method, response.status().as_u16(), started.elapsed());
    response
}

/// The method as a label. A client may invent methods; they share one label, so that it cannot grow the number of series.
fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

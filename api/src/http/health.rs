//! Whether the server lives, whether it can work, and its numbers.

use axum::{Json, extract::State, http::header, response::IntoResponse};

use super::{problem::Problem, state::AppState};
use crate::wire::{
    health::{Alive, Database, Ready},
    problem::ProblemDocument,
};

/// Tells that the process runs.
///
/// Does not ask the database: a supervisor must not restart a server because its database is away.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It runs", body = Alive)))]
pub(super) async fn healthz() -> Json<Alive> {
    Json(Alive {
        status: "ok".to_owned(),
        version: version(),
    })
}

/// Tells whether requests can be answered: the database is there and fully migrated.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "It can work", body = Ready),
        (status = 503, description = "`database_unavailable` or `migrations_pending`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 504, description = "`timeout`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<Json<Ready>, Problem> {
    let health = state.db.health().await?;
    let pending = state.db.pending_migrations().await?;
    if !pending.is_empty() {
        let detail = format!(
            "{} migrations are not applied, the first is {}. Run `pml migrate up` or start without --no-migrate.",
            pending.len(),
            pending[0]
        );
        return Err(Problem::new("migrations_pending", detail));
    }
    Ok(Json(Ready {
        status: "ready".to_owned(),
        version: version(),
        database: Database {
            kind: if state.db.is_embedded() {
                "embedded"
            } else {
                "remote"
            }
            .to_owned(),
            server_version: health.server_version,
            vector_version: health.vector_version,
        },
        embedding_model: state.embedder.model_id().to_owned(),
    }))
}

/// Metrics in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let pool = state.db.get_postgres_connection_pool();
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    state
        .metrics
        .pool(pool.size(), idle, pool.options().get_max_connections());
    state.metrics.recorder(state.recorder.stats());
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        state.metrics.render(),
    )
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

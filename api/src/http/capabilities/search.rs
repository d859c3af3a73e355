//! Finding by meaning.

use axum::{Json, extract::State};
use pml_service::capabilities;

use super::super::{
    extract::{Caller, JsonBody},
    input::capabilities as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    capabilities::{
        CapabilitySearchAnswer, CapabilitySearchBody, EmbeddingsAnswer, EmbeddingsBody,
    },
    problem::ProblemDocument,
};

/// Find capabilities by what they should do.
///
/// Semantic search over what each was learned for, or with a vector of your own; weighed by how reliably each has worked. Only what the
/// caller may see is searched.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/search",
    tag = "capabilities",
    request_body = CapabilitySearchBody,
    responses(
        (status = 200, description = "The capabilities, best first; empty when none matches", body = CapabilitySearchAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`mixed_embedding_models`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_query`, `invalid_embedding`, `invalid_limit`, `invalid_min_score`, `invalid_body`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn search_capabilities(
    State(state): State<AppState>,
    Caller(who): Caller,
    JsonBody(body): JsonBody<CapabilitySearchBody>,
) -> Result<Json<CapabilitySearchAnswer>, Problem> {
    let request = input::search_request(body)?;
    let response = capabilities::search(&state.db, &*state.embedder, &who, &request).await?;
    Ok(Json(response.into()))
}

/// Fetch the vectors of capabilities.
///
/// Of up to 1,000 at once. Ids that name no capability the caller may see are listed in `missing`.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/embeddings",
    tag = "capabilities",
    request_body = EmbeddingsBody,
    responses(
        (status = 200, description = "The vectors", body = EmbeddingsAnswer),
        (status = 400, description = "`invalid_filter` for more than 1,000 ids, `malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_reference`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn capability_embeddings(
    State(state): State<AppState>,
    Caller(who): Caller,
    JsonBody(body): JsonBody<EmbeddingsBody>,
) -> Result<Json<EmbeddingsAnswer>, Problem> {
    let ids = input::embedding_ids(&body)?;
    let embeddings = capabilities::embeddings_of(&state.db, &who, &ids).await?;
    Ok(Json(embeddings.into()))
}

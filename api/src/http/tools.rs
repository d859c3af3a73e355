//! Routes of the tools area.

use axum::{Json, extract::State, http::StatusCode};
use pml_entity::values::ToolId;
use pml_service::tools::{self, SyncOptions};

use super::{
    extract::{JsonBody, QueryParams, Segment},
    input::{
        flag,
        tools::{list_request, search_request},
    },
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    problem::ProblemDocument,
    tools::{ListQuery, SearchAnswer, SearchBody, StoredTool, SyncAnswer, SyncQuery, SyncRequest},
};

/// Store the tools of a server.
///
/// Replaces the list of this server: new and changed tools are stored and embedded, unchanged ones are not touched, missing ones are
/// marked as removed. A bad tool is reported in `rejected` and the others are stored. Sending the same list again changes nothing.
#[utoipa::path(
    put,
    path = "/api/v1/tools/{id}",
    tag = "tools",
    params(("id" = String, Path, description = "The id of the server: 1 to 256 letters, digits, `_`, `-` or `.`", example = "filesystem"), SyncQuery),
    request_body = SyncRequest,
    responses(
        (status = 200, description = "What was changed. A reason in `rejected` starts with `invalid_tool_name`, `invalid_schema`, `invalid_description`, `duplicate` or `reserved`", body = SyncAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`mixed_embedding_models`, `conflict` or `refused`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_server_id`, `invalid_parameter`, `invalid_body`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 502, description = "`embedder_failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sync_server(
    State(state): State<AppState>,
    Segment(server_id): Segment,
    QueryParams(query): QueryParams<SyncQuery>,
    JsonBody(body): JsonBody<SyncRequest>,
) -> Result<Json<SyncAnswer>, Problem> {
    let offered = body.tools.into_iter().map(Into::into).collect();
    let options = SyncOptions {
        reembed: flag("reembed", query.reembed.as_deref())?,
        ..SyncOptions::default()
    };
    let report =
        tools::sync_server(&state.db, &*state.embedder, &server_id, offered, options).await?;
    Ok(Json(report.into()))
}

/// [`sync_server`] at the address that the search shares with a server of that name.
pub(super) async fn sync_server_named_search(
    state: State<AppState>,
    query: QueryParams<SyncQuery>,
    body: JsonBody<SyncRequest>,
) -> Result<Json<SyncAnswer>, Problem> {
    sync_server(state, Segment("search".to_owned()), query, body).await
}

/// Find tools by what they should do.
///
/// Semantic search over name and description, or over a vector of your own. When no embedding of the text can be made, tools
/// whose name or description contains it are answered with a score of 0.5.
#[utoipa::path(
    post,
    path = "/api/v1/tools/search",
    tag = "tools",
    request_body = SearchBody,
    responses(
        (status = 200, description = "The tools, best first; empty when none matches", body = SearchAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_query`, `invalid_embedding`, `invalid_limit`, `invalid_min_score`, `invalid_server_id`, `invalid_body`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn search_tools(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<Json<SearchAnswer>, Problem> {
    let request = search_request(body)?;
    let response = tools::search(&state.db, &*state.embedder, &request).await?;
    Ok(Json(response.into()))
}

/// List the stored tools by their id.
#[utoipa::path(
    get,
    path = "/api/v1/tools",
    tag = "tools",
    params(ListQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<StoredTool>),
        (status = 422, description = "`invalid_limit`, `invalid_cursor`, `invalid_server_id`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list_tools(
    State(state): State<AppState>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<List<StoredTool>>, Problem> {
    let (filter, page) = list_request(query)?;
    Ok(Json(tools::list(&state.db, &filter, page).await?.into()))
}

/// Show one tool.
#[utoipa::path(
    get,
    path = "/api/v1/tools/{id}",
    tag = "tools",
    params(("id" = String, Path, description = "The id of the tool: `server_id:name`", example = "filesystem:read_file")),
    responses(
        (status = 200, description = "The tool, also when it is removed", body = StoredTool),
        (status = 404, description = "`not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get_tool(
    State(state): State<AppState>,
    Segment(tool_id): Segment,
) -> Result<Json<StoredTool>, Problem> {
    Ok(Json(
        tools::get(&state.db, &ToolId::from_stored(tool_id))
            .await?
            .into(),
    ))
}

/// Remove one tool.
///
/// It is no longer found or listed. Removing it again changes nothing and is answered the same.
#[utoipa::path(
    delete,
    path = "/api/v1/tools/{id}",
    tag = "tools",
    params(("id" = String, Path, description = "The id of the tool: `server_id:name`", example = "filesystem:read_file")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 404, description = "`not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove_tool(
    State(state): State<AppState>,
    Segment(tool_id): Segment,
) -> Result<StatusCode, Problem> {
    tools::remove(&state.db, &ToolId::from_stored(tool_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

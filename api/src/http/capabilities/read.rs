//! Reading and listing.

use axum::{Json, extract::State};
use pml_service::capabilities;

use super::super::{
    extract::{Caller, QueryParams, Segment},
    input::{capabilities as input, flag},
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    capabilities::{CapabilityDetails, CapabilityListQuery, CapabilityQuery, CapabilitySummary},
    problem::ProblemDocument,
};

/// List the capabilities that the caller may see.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities",
    tag = "capabilities",
    params(CapabilityListQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<CapabilitySummary>),
        (status = 400, description = "`invalid_filter`, `invalid_offset`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_pattern`, `invalid_limit`, `invalid_cursor`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_capabilities(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<CapabilityListQuery>,
) -> Result<Json<List<CapabilitySummary>>, Problem> {
    let (filter, page) = input::list_request(query)?;
    let page = capabilities::list(&state.db, &who, &filter, page).await?;
    Ok(Json(page.into()))
}

/// Show one capability.
///
/// A reference is a UUID, `org.project.namespace.action[.hash]`, `namespace:action`, or an action that only one namespace has. A name
/// that it had before is found too, with a warning in the answer.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/{reference}",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json"), CapabilityQuery),
    responses(
        (status = 200, description = "The capability", body = CapabilityDetails),
        (status = 404, description = "`not_found`, also for what the caller may not see", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ambiguous_reference`; `candidates` lists the full names", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_reference`, `invalid_fqdn`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn get_capability(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    QueryParams(query): QueryParams<CapabilityQuery>,
) -> Result<Json<CapabilityDetails>, Problem> {
    let reference = input::reference(&reference)?;
    let details = if flag("cached", query.cached.as_deref())? {
        let details = state.capabilities.get(&who, &reference).await?;
        details.as_ref().clone()
    } else {
        capabilities::get(&state.db, &who, &reference).await?
    };
    Ok(Json(details.into()))
}

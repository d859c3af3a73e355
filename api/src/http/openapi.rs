//! The OpenAPI document: built from the handlers, completed with what all of them share.

use utoipa::{
    OpenApi as _,
    openapi::{OpenApi, RefOr, content::ContentBuilder, response::ResponseBuilder, schema::Ref},
};

use super::{problem::MEDIA_TYPE, router::documented};
use crate::wire::problem::ProblemDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "PML",
        description = "The data layer of an AI-agent platform: which tools exist, and how to find the right one.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`. Lists answer `items` and `next_cursor`; pass the \
            cursor back unchanged, it is opaque. Times are RFC 3339 in UTC. Bodies may have at most 1 MiB, requests may take at most \
            30 s. Every answer has an `x-request-id`; send your own to find it in the log.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "tools", description = "The tools of MCP servers: stored, embedded and searched"),
        (name = "operation", description = "For whoever runs the server"),
    ),
    components(schemas(ProblemDocument))
)]
struct Frame;

/// Title, tags and shared schemas; the paths come from the handlers.
pub(super) fn frame() -> OpenApi {
    Frame::openapi()
}

/// The complete document, as `/openapi.json` answers it.
pub fn document() -> OpenApi {
    let mut document = documented().into_openapi();
    for path in document
        .paths
        .paths
        .iter_mut()
        .filter(|(path, _)| path.starts_with("/api/"))
    {
        let item = path.1;
        for operation in [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ]
        .into_iter()
        .flatten()
        {
            for (status, codes) in [
                ("500", "`internal`"),
                ("503", "`database_unavailable`"),
                ("504", "`timeout`"),
            ] {
                operation
                    .responses
                    .responses
                    .entry(status.to_owned())
                    .or_insert_with(|| problem_response(codes));
            }
        }
    }
    document
}

fn problem_response(codes: &str) -> RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(codes)
        .content(MEDIA_TYPE, content)
        .build()
        .into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::http::problem::CODES;

    #[test]
    fn every_code_is_documented_at_some_route() {
        let text = document().to_json().unwrap();
        // Those two never come from a documented route.
        let elsewhere = ["unknown_route", "method_not_allowed"];
        for (code, ..) in CODES.iter().filter(|(code, ..)| !elsewhere.contains(code)) {
            assert!(
                text.contains(&format!("`{code}`")),
                "{code} is not documented"
            );
        }
    }
}

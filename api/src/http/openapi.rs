//! The OpenAPI document: built from the handlers, completed with what all of them share.

use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, RefOr, Response, content::ContentBuilder, response::ResponseBuilder, schema::Ref,
    },
};

use super::{
    problem::{MEDIA_TYPE, Problem},
    router::documented,
};
use crate::wire::problem::ProblemDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "PML",
        description = "The data layer of an AI-agent platform: which tools and which learned code exist, how to find the right \
            one, and what became of prompts.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`. Lists answer `items` and `next_cursor`; pass the \
            cursor back unchanged, it is opaque. Times are RFC 3339 in UTC. Bodies may have at most 1 MiB, requests may take at most \
            30 s. Every answer has an `x-request-id`; send your own to find it in the log.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "tools", description = "The tools of MCP servers: stored, embedded and searched"),
        (name = "capabilities", description = "Learned code: saved, found by intent or by name, merged, linked, and what it may touch"),
        (name = "traces", description = "What became of a prompt: routing, hooks, calls, outcome"),
        (name = "patterns", description = "What worked, found again for a similar prompt and replayed"),
        (name = "analytics", description = "What the executions add up to"),
        (name = "operation", description = "For whoever runs the server"),
    ),
    servers((url = "/", description = "This server")),
    components(schemas(ProblemDocument))
)]
struct Frame;

/// Title, tags and shared schemas; the paths come from the handlers.
pub(super) fn frame() -> OpenApi {
    Frame::openapi()
}

/// The complete document, as `/openapi.json` answers it.
///
/// What every route can answer is added here, and each problem gets an example of its own: the first code that its text names.
pub fn document() -> OpenApi {
    let mut document = documented().into_openapi();
    for (path, item) in &mut document.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            if path.starts_with("/api/") {
                for (status, codes) in EVERYWHERE {
                    responses
                        .entry(status.to_owned())
                        .or_insert_with(|| problem_response(codes));
                }
            }
            for response in responses.values_mut() {
                if let RefOr::T(response) = response {
                    exemplify(response, path);
                }
            }
        }
    }
    document
}

/// What any route of the API can answer: status and codes.
const EVERYWHERE: [(&str, &str); 3] = [
    ("500", "`internal`"),
    ("503", "`database_unavailable`"),
    ("504", "`timeout`"),
];

fn problem_response(codes: &str) -> RefOr<Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(codes)
        .content(MEDIA_TYPE, content)
        .build()
        .into()
}

fn exemplify(response: &mut Response, path: &str) {
    let code = response
        .description
        .split('`')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    if let Some(RefOr::T(content)) = response.content.get_mut(MEDIA_TYPE) {
        let problem = Problem::example(&code).at(path);
        content.example = serde_json::to_value(problem.document()).ok();
    }
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

    #[test]
    fn every_problem_has_an_example_of_its_own_status() {
        let document: serde_json::Value =
            serde_json::from_str(&document().to_json().unwrap()).unwrap();
        let mut seen = 0;
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    assert!(
                        response["description"]
                            .as_str()
                            .is_some_and(|text| !text.is_empty())
                    );
                    let example = &response["content"][MEDIA_TYPE]["example"];
                    if !example.is_null() {
                        assert_eq!(example["status"].to_string(), *status, "{example}");
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 20);
    }
}

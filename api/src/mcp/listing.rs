//! `tools/list` with all its pages, read leniently: one malformed tool must not cost the others.

use std::{collections::HashSet, time::Duration};

use pml_service::tools::ToolDefinition;
use rmcp::{
    model::{ClientRequest, ListToolsRequest, PaginatedRequestParams, ServerResult},
    service::ServiceError,
};
use serde_json::Value;

use super::{Client, Error, timed_out};
use crate::{causes::with_causes, wire::tools::Rejected};

const STEP: &str = "`tools/list`";
/// The most pages that are read: a server that always promises another one must not keep us forever.
const MAX_PAGES: usize = 1_000;

/// The complete list of a server.
#[derive(Debug)]
pub struct Listing {
    /// Name and version the server gave itself.
    pub server: String,
    /// The tools, in its order.
    pub tools: Vec<ToolDefinition>,
    /// Entries that are not tool definitions at all.
    pub rejected: Vec<Rejected>,
    /// How many pages the list had.
    pub pages: usize,
}

/// Reads page after page until the server says there is no more.
pub(super) async fn all_pages(
    client: &Client,
    limit: Duration,
    on_page: impl Fn(usize),
) -> Result<Listing, Error> {
    let server = client
        .peer_info()
        .map_or_else(String::new, |info| server_name(&info));
    let mut listing = Listing {
        server,
        tools: Vec::new(),
        rejected: Vec::new(),
        pages: 0,
    };
    let (mut cursor, mut seen) = (None, HashSet::new());
    loop {
        let (entries, next) = page(client, cursor.take(), limit).await?;
        listing.pages += 1;
        for entry in entries {
            match definition(entry) {
                Ok(tool) => listing.tools.push(tool),
                Err(rejected) => listing.rejected.push(rejected),
            }
        }
        on_page(listing.tools.len());
        let Some(next) = next else { return Ok(listing) };
        if listing.pages == MAX_PAGES || !seen.insert(next.clone()) {
            return Err(nonsense(format!(
                "its pages do not end (page {} points back to one before)",
                listing.pages
            )));
        }
        cursor = Some(next);
    }
}

async fn page(
    client: &Client,
    cursor: Option<String>,
    limit: Duration,
) -> Result<(Vec<Value>, Option<String>), Error> {
    let params = PaginatedRequestParams::default().with_cursor(cursor);
    let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
    let answer = tokio::time::timeout(limit, client.send_request(request))
        .await
        .map_err(|_| timed_out(STEP, limit))?
        .map_err(|error| match error {
            ServiceError::TransportClosed
            | ServiceError::TransportSend(_)
            | ServiceError::Cancelled { .. } => Error::Broken {
                step: STEP,
                detail: with_causes(&error),
            },
            _ => nonsense(with_causes(&error)),
        })?;
    // The typed form when every tool is well formed, the raw one otherwise.
    let raw = match answer {
        ServerResult::CustomResult(raw) => raw.0,
        other => serde_json::to_value(other).map_err(|error| nonsense(error.to_string()))?,
    };
    read_page(raw)
}

fn read_page(mut raw: Value) -> Result<(Vec<Value>, Option<String>), Error> {
    let Some(Value::Array(tools)) = raw.get_mut("tools").map(Value::take) else {
        return Err(nonsense("there is no list `tools` in it".to_owned()));
    };
    match raw.get_mut("nextCursor").map(Value::take) {
        None | Some(Value::Null) => Ok((tools, None)),
        Some(Value::String(next)) => Ok((tools, Some(next))),
        Some(other) => Err(nonsense(format!("`nextCursor` is {other}, not text"))),
    }
}

fn definition(mut entry: Value) -> Result<ToolDefinition, Rejected> {
    let mut take = |key: &str| {
        entry
            .get_mut(key)
            .map(Value::take)
            .filter(|value| !value.is_null())
    };
    let Some(Value::String(name)) = take("name") else {
        let name = String::new();
        return Err(Rejected {
            name,
            reason: "invalid_tool_name: the entry has no name".to_owned(),
        });
    };
    let description = take("description").and_then(|value| value.as_str().map(str::to_owned));
    // What is not an object here is refused by the rule of the service, like on every other path.
    let input_schema = take("inputSchema").unwrap_or(Value::Null);
    let output_schema = take("outputSchema");
    Ok(ToolDefinition {
        name,
        description,
        input_schema,
        output_schema,
    })
}

fn nonsense(detail: String) -> Error {
    Error::Answer { step: STEP, detail }
}

fn server_name(info: &rmcp::model::ServerPeerInfo) -> String {
    info.server_info
        .as_ref()
        .map_or_else(String::new, |server| {
            format!("{} {}", server.name, server.version)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_without_tools_is_nonsense() {
        assert!(read_page(json!({"tool": []})).is_err());
        assert!(read_page(json!({"tools": [], "nextCursor": 3})).is_err());
        assert_eq!(
            read_page(json!({"tools": [], "nextCursor": null})).unwrap(),
            (vec![], None)
        );
    }

    #[test]
    fn an_entry_without_a_name_is_rejected_alone() {
        assert!(definition(json!({"description": "x"})).is_err());
        assert!(definition(json!({"name": 3})).is_err());
        let tool =
            definition(json!({"name": "a", "description": 3, "inputSchema": {"type": "object"}}))
                .unwrap();
        assert_eq!((tool.name.as_str(), tool.description), ("a", None));
    }
}

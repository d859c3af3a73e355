//! Requests of the tools area.

use pml_service::{
    PageRequest,
    tools::{ListFilter, SearchRequest, SearchTarget},
};

use super::{
    super::problem::Problem, flag, lowest_score, page_request, search_limit, text_or_vector,
};
use crate::wire::tools::{ListQuery, SearchBody};

/// Reads a search: exactly one of text and vector, and numbers in range.
///
/// # Errors
/// A problem with the code of the first bad field.
pub fn search_request(body: SearchBody) -> Result<SearchRequest, Problem> {
    let SearchBody {
        query,
        embedding,
        limit,
        min_score,
        server_ids,
    } = body;
    Ok(SearchRequest {
        target: text_or_vector(
            query,
            embedding,
            SearchTarget::Query,
            SearchTarget::Embedding,
        )?,
        limit: search_limit(limit)?,
        min_score: lowest_score(min_score)?,
        server_ids: server_ids.unwrap_or_default(),
    })
}

/// Reads which tools to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter.
pub fn list_request(query: ListQuery) -> Result<(ListFilter, PageRequest), Problem> {
    let ListQuery {
        server_id,
        kind,
        include_removed,
        limit,
        cursor,
    } = query;
    let include_removed = flag("include_removed", include_removed.as_deref())?;
    let kind = kind.map(|kind| kind.parse()).transpose().map_err(|_| {
        Problem::new(
            "invalid_parameter",
            "kind must be mcp, operation or unresolved",
        )
    })?;
    let filter = ListFilter {
        server_ids: server_id.into_iter().collect(),
        include_removed,
        kind,
    };
    Ok((filter, page_request(limit.as_deref(), cursor)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn code(body: &str) -> String {
        search_request(serde_json::from_str(body).unwrap()).map_or_else(
            |problem| problem.document().code.clone(),
            |_| "ok".to_owned(),
        )
    }

    #[test]
    fn a_search_takes_exactly_one_of_text_and_vector() {
        assert_eq!(code(r#"{"query": "x"}"#), "ok");
        assert_eq!(code(r#"{"query": "x", "embedding": null}"#), "ok");
        assert_eq!(code("{}"), "invalid_query");
        assert_eq!(
            code(r#"{"query": "x", "embedding": [1]}"#),
            "invalid_embedding"
        );
    }

    #[test]
    fn each_bad_value_has_the_code_of_its_field() {
        assert_eq!(code(r#"{"query": "x", "limit": 2.5}"#), "invalid_limit");
        assert_eq!(code(r#"{"query": "x", "limit": "ten"}"#), "invalid_limit");
        assert_eq!(
            code(r#"{"query": "x", "limit": 99999999999999999999}"#),
            "invalid_limit"
        );
        assert_eq!(
            code(r#"{"query": "x", "min_score": "high"}"#),
            "invalid_min_score"
        );
        assert_eq!(code(r#"{"embedding": "x"}"#), "invalid_embedding");
        assert_eq!(code(r#"{"embedding": [1e999]}"#), "invalid_embedding");
        assert_eq!(code(r#"{"embedding": [null]}"#), "invalid_embedding");
    }
}

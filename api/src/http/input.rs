//! From what a client wrote to what the service takes. Whatever is wrong gets the code of the field it is in.

use pml_entity::values::Embedding;
use pml_service::{
    Cursor, Limit, PageRequest,
    tools::{ListFilter, SearchRequest, SearchTarget},
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::problem::Problem;
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
    let embedding = embedding
        .filter(|raw| raw.get() != "null")
        .map(|raw| read_embedding(&raw))
        .transpose()?;
    let target = match (query, embedding) {
        (Some(query), None) => SearchTarget::Query(query),
        (None, Some(embedding)) => SearchTarget::Embedding(embedding),
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "invalid_query",
                "give either query or embedding, not both",
            ));
        }
        (None, None) => {
            return Err(Problem::new(
                "invalid_query",
                "give a query or an embedding",
            ));
        }
    };
    Ok(SearchRequest {
        target,
        limit: number(
            limit,
            "invalid_limit",
            "limit must be a whole number from 1 to 500",
        )?,
        min_score: number(
            min_score,
            "invalid_min_score",
            "min_score must be a number from 0 to 1",
        )?,
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
    let limit = limit
        .map(|text| text.trim().parse::<i64>())
        .transpose()
        .map_err(|_| {
            Problem::new(
                "invalid_limit",
                "limit must be a whole number from 1 to 500",
            )
        })?;
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
    let page = PageRequest {
        limit: Limit::new(limit)?,
        cursor: cursor.map(Cursor::from),
    };
    Ok((filter, page))
}

/// Reads a parameter that is `true` or `false`; missing is `false`.
///
/// # Errors
/// `invalid_parameter` for anything else.
pub fn flag(name: &str, value: Option<&str>) -> Result<bool, Problem> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Problem::new(
            "invalid_parameter",
            format!("{name} must be true or false, not {other:?}"),
        )),
    }
}

/// A number as it was written, so that `-1`, `1e9` and `"ten"` are told apart from a body of another shape.
fn number<T: DeserializeOwned>(
    raw: Option<Box<RawValue>>,
    code: &str,
    rule: &str,
) -> Result<Option<T>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    serde_json::from_str(raw.get()).map_err(|_| {
        let shown: String = raw.get().chars().take(40).collect();
        Problem::new(code, format!("{rule}, not {shown}"))
    })
}

fn read_embedding(raw: &RawValue) -> Result<Embedding, Problem> {
    let invalid = |detail: String| Problem::new("invalid_embedding", detail);
    let elements: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| invalid("the embedding must be a list of numbers".to_owned()))?;
    let mut numbers = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        // A double first: a number too large for it is out of range, one too large for a float becomes infinite and is found below.
        let number: f64 = serde_json::from_str(element.get()).map_err(|_| {
            let shown: String = element.get().chars().take(40).collect();
            invalid(format!("element {index} is not a finite number: {shown}"))
        })?;
        // Embeddings are stored with single precision; the loss is wanted.
        #[allow(clippy::cast_possible_truncation)]
        numbers.push(number as f32);
    }
    Embedding::new(numbers).map_err(|error| invalid(error.to_string()))
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

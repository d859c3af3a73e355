//! From what a client wrote to what the service takes. Whatever is wrong gets the code of the field it is in.

pub mod capabilities;
pub mod patterns;
pub mod tools;
pub mod traces;
pub mod traces_record;

use std::str::FromStr;

use pml_entity::values::{Embedding, UnknownWord};
use pml_service::{Cursor, Limit, PageRequest};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::problem::Problem;

/// Reads a parameter that is `true` or `false`; missing is `false`.
///
/// # Errors
/// `invalid_parameter` for anything else.
pub fn flag(name: &str, value: Option<&str>) -> Result<bool, Problem> {
    Ok(switch("invalid_parameter", name, value)?.unwrap_or(false))
}

/// Reads a parameter that is `true` or `false`, or missing.
fn switch(code: &str, name: &str, value: Option<&str>) -> Result<Option<bool>, Problem> {
    match value {
        None => Ok(None),
        Some("false") => Ok(Some(false)),
        Some("true") => Ok(Some(true)),
        Some(other) => Err(Problem::new(
            code,
            format!("{name} must be true or false, not {:?}", start(other)),
        )),
    }
}

/// Reads which part of a list is wanted.
fn page_request(limit: Option<&str>, cursor: Option<String>) -> Result<PageRequest, Problem> {
    let limit = limit
        .map(|text| text.trim().parse::<i64>())
        .transpose()
        .map_err(|_| {
            Problem::new(
                "invalid_limit",
                "limit must be a whole number from 1 to 500",
            )
        })?;
    Ok(PageRequest {
        limit: Limit::new(limit)?,
        cursor: cursor.map(Cursor::from),
    })
}

/// Reads a word of a closed set.
fn word<T>(code: &str, name: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr<Err = UnknownWord>,
{
    text.parse().map_err(|unknown: UnknownWord| {
        let expected = unknown.expected.join(", ");
        Problem::new(
            code,
            format!("{name} must be one of {expected}, not {:?}", start(text)),
        )
    })
}

/// A number as it was written, so that `-1`, `1e9` and `"ten"` are told apart from a body of another shape.
fn number<T: DeserializeOwned>(
    raw: Option<Box<RawValue>>,
    code: &str,
    rule: &str,
) -> Result<Option<T>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    serde_json::from_str(raw.get())
        .map_err(|_| Problem::new(code, format!("{rule}, not {}", start(raw.get()))))
}

/// Reads a vector that may be missing or null.
fn embedding(raw: Option<Box<RawValue>>) -> Result<Option<Embedding>, Problem> {
    raw.filter(|raw| raw.get() != "null")
        .map(|raw| read_embedding(&raw))
        .transpose()
}

fn read_embedding(raw: &RawValue) -> Result<Embedding, Problem> {
    let invalid = |detail: String| Problem::new("invalid_embedding", detail);
    let elements: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| invalid("the embedding must be a list of numbers".to_owned()))?;
    let mut numbers = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        // A double first: a number too large for it is out of range, one too large for a float becomes infinite and is found below.
        let number: f64 = serde_json::from_str(element.get()).map_err(|_| {
            let shown = start(element.get());
            invalid(format!("element {index} is not a finite number: {shown}"))
        })?;
        // Embeddings are stored with single precision; the loss is wanted.
        #[allow(clippy::cast_possible_truncation)]
        numbers.push(number as f32);
    }
    Embedding::new(numbers).map_err(|error| invalid(error.to_string()))
}

/// What a search compares with: exactly one of text and vector.
fn text_or_vector<T>(
    query: Option<String>,
    vector: Option<Box<RawValue>>,
    as_text: impl FnOnce(String) -> T,
    as_vector: impl FnOnce(Embedding) -> T,
) -> Result<T, Problem> {
    match (query, embedding(vector)?) {
        (Some(query), None) => Ok(as_text(query)),
        (None, Some(embedding)) => Ok(as_vector(embedding)),
        (Some(_), Some(_)) => Err(Problem::new(
            "invalid_query",
            "give either query or embedding, not both",
        )),
        (None, None) => Err(Problem::new(
            "invalid_query",
            "give a query or an embedding",
        )),
    }
}

/// Reads the most results of a search.
fn search_limit(raw: Option<Box<RawValue>>) -> Result<Option<i64>, Problem> {
    let rule = "limit must be a whole number from 1 to 500";
    number(raw, "invalid_limit", rule)
}

/// Reads the lowest score of a search.
fn lowest_score(raw: Option<Box<RawValue>>) -> Result<Option<f64>, Problem> {
    let rule = "min_score must be a number from 0 to 1";
    number(raw, "invalid_min_score", rule)
}

/// As much of a bad value as an error text repeats.
fn start(text: &str) -> String {
    text.chars().take(40).collect()
}

//! What a field may hold, checked before anything reaches SQL.

use std::io;

use chrono::{DateTime, Datelike, Utc};
use pml_entity::values::Score;
use sea_orm::prelude::Json;

use super::super::rules::to_micros;
use super::super::{Sanitizer, TraceabilityError};

/// Longest name (agent, hook, service, source, error type, user id …) in bytes. These columns are indexed.
pub const MAX_NAME_BYTES: usize = 256;
/// Longest path in bytes. An index entry holds 2,704.
pub const MAX_PATH_BYTES: usize = 2_048;
/// Longest free text (prompt, message, stack …) in bytes.
pub const MAX_TEXT_BYTES: usize = 256 << 10;
/// Largest document or body, as JSON in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// Deepest document: what JSON parsers take.
pub const MAX_DOCUMENT_DEPTH: usize = 128;
/// Most labels, intelligence functions or quality gates of one row.
pub const MAX_LABELS: usize = 100;

type Checked<T> = Result<T, TraceabilityError>;

fn invalid<T>(field: &'static str, problem: impl Into<String>) -> Checked<T> {
    Err(TraceabilityError::InvalidField {
        field,
        problem: problem.into(),
    })
}

fn bounded(field: &'static str, value: &str, limit: usize) -> Checked<()> {
    if value.len() > limit {
        let length = value.len();
        return invalid(
            field,
            format!("has {length} bytes; at most {limit} are kept"),
        );
    }
    if value.contains('\0') {
        return invalid(field, "contains a null character");
    }
    Ok(())
}

/// A name that must be there.
pub(super) fn name(field: &'static str, value: &str) -> Checked<()> {
    if value.trim().is_empty() {
        return invalid(field, "must not be blank");
    }
    bounded(field, value, MAX_NAME_BYTES)
}

/// A name that may be missing, but not blank.
pub(super) fn optional_name(field: &'static str, value: Option<&str>) -> Checked<()> {
    value.map_or(Ok(()), |value| name(field, value))
}

/// A path that must be there.
pub(super) fn path(field: &'static str, value: &str) -> Checked<()> {
    if value.trim().is_empty() {
        return invalid(field, "must not be blank");
    }
    bounded(field, value, MAX_PATH_BYTES)
}

/// A free text.
pub(super) fn text(field: &'static str, value: Option<&str>) -> Checked<()> {
    value.map_or(Ok(()), |value| bounded(field, value, MAX_TEXT_BYTES))
}

/// A list of names.
pub(super) fn labels(field: &'static str, values: Option<&[String]>) -> Checked<()> {
    let values = values.unwrap_or_default();
    if values.len() > MAX_LABELS {
        let count = values.len();
        return invalid(
            field,
            format!("has {count} entries; at most {MAX_LABELS} are kept"),
        );
    }
    values.iter().try_for_each(|value| name(field, value))
}

/// A share of one.
pub(super) fn score(field: &'static str, value: f64) -> Checked<Score> {
    Score::new(value).or_else(|error| invalid(field, error.to_string()))
}

/// A share of one that may be missing.
pub(super) fn optional_score(field: &'static str, value: Option<f64>) -> Checked<Option<Score>> {
    value.map(|value| score(field, value)).transpose()
}

/// A whole number within bounds that may be missing.
pub(super) fn number(field: &'static str, value: Option<i32>, low: i32, high: i32) -> Checked<()> {
    match value {
        Some(value) if !(low..=high).contains(&value) => invalid(
            field,
            if high == i32::MAX {
                format!("must be {low} or more")
            } else {
                format!("must be {low} to {high}")
            },
        ),
        _ => Ok(()),
    }
}

/// A moment that the database can hold, to the microsecond.
pub(super) fn moment(
    field: &'static str,
    value: Option<DateTime<Utc>>,
) -> Checked<Option<DateTime<Utc>>> {
    match value {
        Some(value) if !(1..=9_999).contains(&value.year()) => {
            invalid(field, "must be in the years 1 to 9999")
        }
        value => Ok(value.map(to_micros)),
    }
}

/// A document: bounded in size and depth, without null characters. Its secrets are replaced in place; `null` counts as none.
///
/// The size comes first and is counted without making the text, so a huge body costs one pass and no copy.
pub(super) fn document(
    field: &'static str,
    value: &mut Option<Json>,
    sanitizer: Sanitizer,
) -> Checked<()> {
    let Some(content) = value.as_mut().filter(|content| !content.is_null()) else {
        *value = None;
        return Ok(());
    };
    // The depth first of all: everything else, the count included, walks it recursively.
    plain(field, content, MAX_DOCUMENT_DEPTH)?;
    let bytes = json_bytes(content);
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(TraceabilityError::BodyTooLarge {
            field,
            bytes,
            limit: MAX_DOCUMENT_BYTES,
        });
    }
    sanitizer.clean(content);
    Ok(())
}

fn plain(field: &'static str, value: &Json, depth: usize) -> Checked<()> {
    let nested = |depth: usize| match depth.checked_sub(1) {
        Some(depth) => Ok(depth),
        None => invalid(field, format!("is nested deeper than {MAX_DOCUMENT_DEPTH}")),
    };
    let clean = |text: &str| {
        if text.contains('\0') {
            return invalid(field, "contains a null character");
        }
        Ok(())
    };
    match value {
        Json::String(text) => clean(text),
        Json::Array(items) => {
            let depth = nested(depth)?;
            items.iter().try_for_each(|item| plain(field, item, depth))
        }
        Json::Object(object) => {
            let depth = nested(depth)?;
            object.iter().try_for_each(|(name, value)| {
                clean(name)?;
                plain(field, value, depth)
            })
        }
        _ => Ok(()),
    }
}

/// The size of a document as JSON, without making it.
pub(crate) fn json_bytes(value: &Json) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail, and a value has only texts as keys.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::super::REDACTED;
    use super::*;

    fn code(result: Checked<()>) -> &'static str {
        result.unwrap_err().code()
    }

    #[test]
    fn names_are_there_and_short_and_plain() {
        assert!(name("source", "user_prompt").is_ok());
        for bad in ["", " \t", "a\0b", &"x".repeat(257)] {
            assert_eq!(code(name("source", bad)), "invalid_field");
        }
        assert!(path("endpoint_path", &"x".repeat(2_048)).is_ok());
        assert!(path("endpoint_path", &"x".repeat(2_049)).is_err());
        assert!(text("prompt_text", Some("")).is_ok());
        assert!(labels("tags", Some(&vec!["x".to_owned(); 101])).is_err());
    }

    #[test]
    fn a_body_of_five_mebibytes_is_refused_with_its_size() {
        let mut body = Some(json!({"text": "x".repeat(5 << 20)}));
        let error = document("request_body", &mut body, Sanitizer::hardened()).unwrap_err();
        assert_eq!(
            error,
            TraceabilityError::BodyTooLarge {
                field: "request_body",
                bytes: (5 << 20) + 11,
                limit: 1 << 20
            }
        );
    }

    #[test]
    fn a_body_is_neither_too_deep_nor_holds_a_null_character() {
        let mut deep = json!(1);
        for _ in 0..128 {
            deep = json!([deep]);
        }
        assert!(document("context", &mut Some(deep.clone()), Sanitizer::hardened()).is_ok());
        let deeper = &mut Some(json!([deep]));
        assert_eq!(
            code(document("context", deeper, Sanitizer::hardened())),
            "invalid_field"
        );
        for bad in [json!({"a\0": 1}), json!([["\0"]])] {
            let bad = &mut Some(bad);
            assert_eq!(
                code(document("context", bad, Sanitizer::hardened())),
                "invalid_field"
            );
        }
    }

    #[test]
    fn secrets_are_replaced_and_null_is_none() {
        let mut body = Some(json!({"a": [[{"password": "x"}]]}));
        document("request_body", &mut body, Sanitizer::documented()).unwrap();
        assert_eq!(body, Some(json!({"a": [[{"password": REDACTED}]]})));
        let mut null = Some(json!(null));
        document("request_body", &mut null, Sanitizer::hardened()).unwrap();
        assert_eq!(null, None);
    }
}

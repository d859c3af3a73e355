//! The shape of a JSON body: which keys it has, and no value of any of them.

use serde_json::{Map, Value};

/// Levels that are followed; deeper ones are left out.
const MAX_DEPTH: usize = 8;
/// Keys of one object that are kept, in their order.
const MAX_KEYS: usize = 100;

/// What such a request is built from: objects keep their keys, lists keep the shape of their first entry, everything else is null.
pub fn request_template(body: Option<&Value>) -> Value {
    shape(body.unwrap_or(&Value::Null), MAX_DEPTH, &|_| Value::Null)
}

/// What such a response looks like: as [`request_template`], with the name of its JSON type in the place of each value.
pub fn response_schema(body: Option<&Value>) -> Value {
    match body {
        None => Value::Null,
        Some(body) => shape(body, MAX_DEPTH, &|value| Value::from(type_name(value))),
    }
}

fn shape(value: &Value, depth: usize, leaf: &dyn Fn(&Value) -> Value) -> Value {
    match value {
        _ if depth == 0 => leaf(value),
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, value) in fields.iter().filter(|(key, _)| is_name(key)).take(MAX_KEYS) {
                kept.insert(key.clone(), shape(value, depth - 1, leaf));
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(
            items
                .first()
                .map(|item| shape(item, depth - 1, leaf))
                .into_iter()
                .collect(),
        ),
        value => leaf(value),
    }
}

/// Maps from data to data have keys that are values themselves: an address, an id, a sentence. What does not look like a name goes.
fn is_name(key: &str) -> bool {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    key.len() <= 64
        && digits <= 4
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
}

const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_and_structure_stay_and_values_go() {
        let body = json!({"query": "salary of Ann", "filters": [{"team": "x", "year": 2024}, {"team": "y"}], "deep": {"on": true, "none": null}});
        assert_eq!(
            request_template(Some(&body)),
            json!({"query": null, "filters": [{"team": null, "year": null}], "deep": {"on": null, "none": null}})
        );
        assert_eq!(
            response_schema(Some(&body)),
            json!({"query": "string", "filters": [{"team": "string", "year": "number"}], "deep": {"on": "boolean", "none": "null"}})
        );
    }

    #[test]
    fn a_body_that_is_no_object_has_a_shape_as_well() {
        assert_eq!(request_template(Some(&json!("secret"))), Value::Null);
        assert_eq!(response_schema(Some(&json!("secret"))), json!("string"));
        assert_eq!(response_schema(Some(&json!([]))), json!([]));
        assert_eq!(
            (request_template(None), response_schema(None)),
            (Value::Null, Value::Null)
        );
    }

    #[test]
    fn keys_that_are_values_go_too() {
        let body = json!({"by_user": {"ann@example.org": 1, "a9f1c2d3e4f5": 2, "the whole story": 3, "total": 4}});
        assert_eq!(
            request_template(Some(&body)),
            json!({"by_user": {"total": null}})
        );
    }

    fn body() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!("VALUE-text")),
            (1_000_000_i64..9_999_999).prop_map(Value::from),
            Just(json!(true)),
        ];
        leaf.prop_recursive(12, 64, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,8}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_survives(body in body()) {
            for text in [request_template(Some(&body)).to_string(), response_schema(Some(&body)).to_string()] {
                prop_assert!(!text.contains("VALUE") && !text.contains("true") && !text.contains(|c: char| c.is_ascii_digit()), "{}", text);
            }
        }
    }
}

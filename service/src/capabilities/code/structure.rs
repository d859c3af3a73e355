//! The hash of what code does, whatever its variables are called: its static structure as a graph of nodes and edges.

use std::cmp::Ordering;
use std::fmt::Write;

use pml_entity::values::CodeHash;
use serde_json::{Map, Number, Value};

/// Members of an edge that count, in the order of the canonical text.
const EDGE_MEMBERS: [&str; 5] = ["from", "to", "type", "outcome", "coverage"];
/// Members of a node that say where it stands or what it is called, not what it does.
const NOT_MEANT: [&str; 7] = [
    "variableName",
    "variable",
    "line",
    "column",
    "position",
    "label",
    "comment",
];
/// The largest whole number of which a JSON number keeps every digit: 2^53.
const EXACT_UP_TO: f64 = 9_007_199_254_740_992.0;

/// The hash of a static structure `{nodes, edges}` (spec of capabilities, HASH-3, with the corrections of D20). `None` without a node.
///
/// Every node counts with its id, its type, what its type needs (tool and arguments, condition, capability) and all further members
/// but names of variables, places and comments; then the return expression of the whole, where there is one. Neither the order of nodes
/// and edges nor the order of the keys of an object matters, nor whether a whole number is written `1` or `1.0`; missing members and
/// null ones are the same.
pub fn structural_hash(structure: &Value) -> Option<CodeHash> {
    canonical_structure(structure).map(|text| CodeHash::of(&text))
}

fn canonical_structure(structure: &Value) -> Option<String> {
    let nodes = structure.get("nodes")?.as_array()?;
    if nodes.is_empty() {
        return None;
    }
    let edges = structure.get("edges").and_then(Value::as_array);
    let mut text = format!(
        "nodes:{}||edges:{}",
        sorted(nodes, node_text),
        sorted(edges.map_or(&[][..], Vec::as_slice), edge_text)
    );
    if let Some(returned) = present(structure.get("returnExpression")) {
        text.push_str("||return:");
        write_value(returned, &mut text);
    }
    Some(text)
}

fn sorted(items: &[Value], canonical: fn(&Value) -> String) -> String {
    let mut texts: Vec<String> = items.iter().map(canonical).collect();
    texts.sort_unstable_by(|left, right| by_code_unit(left, right));
    texts.join("|")
}

fn node_text(node: &Value) -> String {
    let Value::Object(members) = node else {
        return value_text(node);
    };
    let own: &[&str] = match members.get("type").and_then(Value::as_str) {
        Some("task") => &["id", "type", "tool", "arguments"],
        Some("decision") => &["id", "type", "condition"],
        Some("capability") => &["id", "type", "capabilityId"],
        _ => &["id", "type"],
    };
    let mut further: Vec<&str> = members
        .keys()
        .map(String::as_str)
        .filter(|key| !own.contains(key) && !NOT_MEANT.contains(key))
        .collect();
    further.sort_unstable_by(|left, right| by_code_unit(left, right));
    object_text(members, own.iter().copied().chain(further))
}

fn edge_text(edge: &Value) -> String {
    match edge {
        Value::Object(members) => object_text(members, EDGE_MEMBERS),
        other => value_text(other),
    }
}

/// These members as compact JSON, in this order; missing and null ones are left out.
fn object_text<'a>(
    members: &Map<String, Value>,
    keys: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut text = String::from("{");
    let values = keys
        .into_iter()
        .filter_map(|key| Some((key, present(members.get(key))?)));
    for (index, (key, value)) in values.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(key, &mut text);
        text.push(':');
        write_value(value, &mut text);
    }
    text.push('}');
    text
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn value_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

/// Compact JSON with sorted keys; `type` goes first, as every writer puts it in a binding.
fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable_by(|left, right| {
                (left.as_str() != "type")
                    .cmp(&(right.as_str() != "type"))
                    .then_with(|| by_code_unit(left, right))
            });
            text.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write_value(&members[key], text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::String(string) => write_string(string, text),
        Value::Number(number) => write_number(number, text),
        Value::Bool(_) | Value::Null => text.push_str(&value.to_string()),
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}

fn write_number(number: &Number, text: &mut String) {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < EXACT_UP_TO => {
            // No sign for minus zero.
            let _ = write!(text, "{:.0}", if value == 0.0 { 0.0 } else { value });
        }
        _ => text.push_str(&number.to_string()),
    }
}

/// Order by UTF-16 code unit, which differs from the order of Rust's strings outside the basic plane.
fn by_code_unit(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn hash(structure: &Value) -> String {
        structural_hash(structure).unwrap().into_string()
    }

    fn one(node: &Value) -> String {
        hash(&json!({"nodes": [node], "edges": []}))
    }

    fn query(parameter: &str) -> Value {
        json!({
            "id": "n1",
            "type": "task",
            "tool": "std:psql_query",
            "arguments": {"query": {"type": "parameter", "parameterName": parameter}},
        })
    }

    /// The structural rows of the vectors of section 3.
    #[test]
    fn the_published_vectors_hold() {
        let with_arguments = json!({"nodes": [query("query")], "edges": []});
        assert!(
            canonical_structure(&with_arguments)
                .unwrap()
                .ends_with("||edges:")
        );
        assert_eq!(
            hash(&with_arguments),
            "fe776249cc0803d3ee06e921b0d2a1e192abaeb3777cd3b85bb73637dd428bf9"
        );
        assert_eq!(
            one(&json!({"id": "n1", "type": "task", "tool": "std:psql_query"})),
            "338b62c7f2a27e04cc20b2e7dd8d21db64fa4e0686244a676a69a25f28ced70e"
        );
        let two = json!({
            "nodes": [
                {"id": "n2", "type": "task", "tool": "b:y"},
                {"id": "n1", "type": "task", "tool": "a:x"},
            ],
            "edges": [{"from": "n1", "to": "n2", "type": "sequence"}],
        });
        assert_eq!(
            hash(&two),
            "a7c78f476db91e5458248209f57fcf39429ef97602a3861f2e04fdb87c3b5939"
        );
    }

    /// AT-21.
    #[test]
    fn another_argument_is_another_capability() {
        assert_ne!(one(&query("query")), one(&query("sql")));
    }

    #[test]
    fn without_a_node_there_is_no_structural_hash() {
        for structure in [
            json!({}),
            json!({"nodes": []}),
            json!({"nodes": [], "edges": [{"from": "a", "to": "b"}]}),
            json!({"nodes": "n1"}),
            json!(null),
            json!([1]),
        ] {
            assert_eq!(structural_hash(&structure), None, "{structure}");
        }
        assert_eq!(
            hash(&json!({"nodes": [{}]})),
            hash(&json!({"nodes": [{}], "edges": []}))
        );
    }

    /// D20.
    #[test]
    fn all_that_a_node_does_counts() {
        let base = json!({"id": "n1", "type": "loop"});
        let mut seen = vec![one(&base)];
        for (key, value) in [
            ("condition", json!("i < 3")),
            ("condition", json!("i < 4")),
            ("kind", json!("while")),
            ("body", json!(["n2"])),
            ("code", json!("x => x + 1")),
            ("returnExpression", json!("total")),
            ("capabilityId", json!("c1")),
        ] {
            let mut node = base.clone();
            node[key] = value;
            seen.push(one(&node));
        }
        let mut returned = json!({"nodes": [base], "edges": []});
        returned["returnExpression"] = json!("total");
        seen.push(hash(&returned));
        returned["returnExpression"] = json!("sum");
        seen.push(hash(&returned));
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len());
    }

    #[test]
    fn names_of_variables_places_and_comments_do_not_count() {
        let base = json!({"id": "n1", "type": "task", "tool": "a:x"});
        for key in NOT_MEANT {
            let mut node = base.clone();
            node[key] = json!("anything");
            assert_eq!(one(&node), one(&base), "{key}");
        }
        let whole = json!({"nodes": [base], "edges": [], "variableBindings": {"result": "n1"}});
        assert_eq!(hash(&whole), one(&base));
    }

    #[test]
    fn missing_and_null_members_are_the_same_and_so_are_one_and_one_point_zero() {
        assert_eq!(
            one(&json!({"id": "n1", "type": "decision", "condition": null})),
            one(&json!({"id": "n1", "type": "decision"}))
        );
        let argument = |value: Value| {
            one(&json!({"id": "n1", "type": "task", "tool": "a:x", "arguments": {"v": value}}))
        };
        assert_eq!(argument(json!(1)), argument(json!(1.0)));
        assert_eq!(argument(json!(0)), argument(json!(-0.0)));
        assert_ne!(argument(json!(1)), argument(json!(1.5)));
        assert_ne!(argument(json!(1)), argument(json!("1")));
        assert_ne!(argument(json!(null)), argument(json!({})));
        assert_ne!(argument(json!([1, 2])), argument(json!([2, 1])));
    }

    #[test]
    fn texts_are_sorted_as_the_older_system_sorts_them() {
        // U+FF5E comes after U+1F600 by UTF-16 code unit and before it by code point.
        assert_eq!(by_code_unit("\u{ff5e}", "\u{1f600}"), Ordering::Greater);
    }

    proptest! {
        #[test]
        fn the_order_of_nodes_edges_and_keys_does_not_count(
            ids in prop::collection::btree_set("[a-z]{1,3}", 1..8).prop_map(|ids| ids.into_iter().collect::<Vec<_>>()),
            seed in any::<prop::sample::Index>(),
        ) {
            let node = |id: &str, flip: bool| {
                let (one, two) = (format!("\"p\":{{\"type\":\"t\",\"z\":1,\"a\":\"{id}\"}}"), "\"q\":2".to_owned());
                let (one, two) = if flip { (two, one) } else { (one, two) };
                let text = format!(r#"{{"arguments":{{{one},{two}}},"id":"{id}","type":"task","tool":"s:{id}"}}"#);
                serde_json::from_str::<Value>(&text).unwrap()
            };
            let edge = |id: &String| json!({"from": ids[0], "to": id, "type": "sequence"});
            let first = json!({
                "nodes": ids.iter().map(|id| node(id, false)).collect::<Vec<_>>(),
                "edges": ids.iter().map(edge).collect::<Vec<_>>(),
            });
            let mut turned = ids.clone();
            turned.rotate_left(seed.index(ids.len()));
            let second = json!({
                "edges": turned.iter().rev().map(edge).collect::<Vec<_>>(),
                "nodes": turned.iter().map(|id| node(id, true)).collect::<Vec<_>>(),
            });
            prop_assert_eq!(hash(&first), hash(&second));
        }
    }
}

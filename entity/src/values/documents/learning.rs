//! The context that thresholds and episodes belong to, and entropy per order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Extra;
use crate::values::text_value::text_value;

/// A text that cannot name a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a context hash must have 1 to {} characters, none of them a control character",
    MAX_CONTEXT_CHARS
)]
pub struct InvalidContextHash;

/// Longest context hash, in characters: three values of a few words each, with room.
const MAX_CONTEXT_CHARS: usize = 1024;

fn check_context(text: &str) -> Result<(), InvalidContextHash> {
    let valid = !text.is_empty()
        && text.chars().count() <= MAX_CONTEXT_CHARS
        && !text.chars().any(char::is_control);
    if valid {
        Ok(())
    } else {
        Err(InvalidContextHash)
    }
}

text_value! {
    /// The name of a context: `workflowType:…|domain:…|complexity:…`. Readable text in spite of its name.
    ///
    /// Made by [`ContextKeys::context_hash`]; the literal `default` stands for no context.
    ContextHash, InvalidContextHash, check_context
}

/// `adaptive_thresholds.context_keys`: the three properties of a run that thresholds are learned for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContextKeys {
    /// What runs, for example `dag-execution`.
    #[serde(
        rename = "workflowType",
        alias = "workflow_type",
        skip_serializing_if = "Option::is_none"
    )]
    pub workflow_type: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How big it is: `low` up to 5 tasks, `medium` up to 10, `high` above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complexity: Option<String>,
    /// Every other key. None of them enters the hash.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ContextKeys {
    /// The keys of a run of `tasks` tasks.
    pub fn for_tasks(
        workflow_type: impl Into<String>,
        domain: impl Into<String>,
        tasks: usize,
    ) -> Self {
        let complexity = match tasks {
            0..=5 => "low",
            6..=10 => "medium",
            _ => "high",
        };
        Self {
            workflow_type: Some(workflow_type.into()),
            domain: Some(domain.into()),
            complexity: Some(complexity.to_owned()),
            extra: Extra::new(),
        }
    }

    /// The name of this context. A missing value reads `default`; `%`, `:` and `|` inside a value are percent-encoded, so
    /// that different contexts never share a name.
    pub fn context_hash(&self) -> ContextHash {
        let value = |value: &Option<String>| {
            value
                .as_deref()
                .map_or_else(|| "default".to_owned(), escape)
        };
        ContextHash(format!(
            "workflowType:{}|domain:{}|complexity:{}",
            value(&self.workflow_type),
            value(&self.domain),
            value(&self.complexity)
        ))
    }
}

impl ContextHash {
    /// The context of runs about which nothing is known.
    pub fn unspecified() -> Self {
        Self("default".to_owned())
    }
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '%' => escaped.push_str("%25"),
            ':' => escaped.push_str("%3A"),
            '|' => escaped.push_str("%7C"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// `entropy_history.entropy_by_order`: entropy per order of hyperedge; order 2 is the plain graph.
///
/// Keys that are no number and values that are none are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntropyByOrder(BTreeMap<String, Value>);

impl EntropyByOrder {
    /// Entropy of the hyperedges of this order.
    pub fn get(&self, order: u32) -> Option<f64> {
        self.0.get(&order.to_string()).and_then(Value::as_f64)
    }

    /// Every order with its entropy, ascending by order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> {
        let numbers = |(order, entropy): (&String, &Value)| {
            Some((order.parse::<u32>().ok()?, entropy.as_f64()?))
        };
        self.0
            .iter()
            .filter_map(numbers)
            .collect::<BTreeMap<u32, f64>>()
            .into_iter()
    }
}

impl FromIterator<(u32, f64)> for EntropyByOrder {
    fn from_iter<I: IntoIterator<Item = (u32, f64)>>(entropies: I) -> Self {
        Self(
            entropies
                .into_iter()
                .map(|(order, entropy)| (order.to_string(), entropy.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_context_name_is_built() {
        assert_eq!(
            ContextKeys::for_tasks("dag-execution", "pml", 6)
                .context_hash()
                .as_str(),
            "workflowType:dag-execution|domain:pml|complexity:medium"
        );
        assert_eq!(
            ContextKeys::default().context_hash().as_str(),
            "workflowType:default|domain:default|complexity:default"
        );
    }

    #[test]
    fn empty_keys_of_older_rows_read() {
        let read: ContextKeys =
            serde_json::from_value(json!({"workflowType": null, "note": 1})).unwrap();
        assert_eq!(read.workflow_type, None);
        assert_eq!(read.extra["note"], 1);
    }

    #[test]
    fn orders_are_numbers_and_odd_entries_survive() {
        let stored = json!({"2": 0.5, "10": 0.25, "3": null, "note": "x"});
        let read: EntropyByOrder = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [(2, 0.5), (10, 0.25)]);
        assert_eq!(read.get(2), Some(0.5));
        assert_eq!(serde_json::to_value(read).unwrap(), stored);
        assert_eq!(EntropyByOrder::from_iter([(2, 0.5)]).get(2), Some(0.5));
    }

    proptest! {
        #[test]
        fn different_contexts_never_share_a_name(
            a in prop::array::uniform3("[a-b%:|]{0,6}"), b in prop::array::uniform3("[a-b%:|]{0,6}")
        ) {
            let keys = |[workflow_type, domain, complexity]: [String; 3]| ContextKeys {
                workflow_type: Some(workflow_type),
                domain: Some(domain),
                complexity: Some(complexity),
                extra: Extra::new(),
            };
            prop_assert_eq!(a == b, keys(a.clone()).context_hash() == keys(b.clone()).context_hash());
        }
    }
}

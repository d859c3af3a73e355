//! What is stored with a capability beside its code.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Extra, InvalidDocument, null_as_default};

/// `workflow_pattern.dag_structure`: how a capability runs and which tools it uses.
///
/// The list of tools is the authority for merges and for routing; it is written when the capability is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DagStructure {
    /// How it runs: [`DagStructure::CODE_EXECUTION`] for learned code, `dag` for a task graph.
    #[serde(rename = "type")]
    pub kind: String,
    /// Ids of the tools it calls, as older systems may have spelt them.
    #[serde(deserialize_with = "null_as_default")]
    pub tools_used: Vec<String>,
    /// The intent that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent_text: Option<String>,
    /// Its calls in detail, if they were recorded.
    #[serde(deserialize_with = "null_as_default")]
    pub tool_invocations: Vec<Value>,
    /// What static analysis of the code found: nodes, edges, branches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_structure: Option<Value>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DagStructure {
    /// Type of a capability that is a piece of code.
    pub const CODE_EXECUTION: &'static str = "code_execution";

    /// The structure of a piece of code that answers an intent with these tools.
    ///
    /// # Errors
    /// [`InvalidDocument`] if a tool is blank.
    pub fn code_execution(
        intent_text: impl Into<String>,
        tools_used: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, InvalidDocument> {
        let structure = Self {
            tools_used: tools_used.into_iter().map(Into::into).collect(),
            intent_text: Some(intent_text.into()),
            ..Self::default()
        };
        structure.validate()?;
        Ok(structure)
    }

    /// Checks what must hold of a structure that is written.
    ///
    /// # Errors
    /// [`InvalidDocument`] if the type or a tool is blank.
    pub fn validate(&self) -> Result<(), InvalidDocument> {
        if self.kind.trim().is_empty() {
            return Err(InvalidDocument::new("DagStructure", "type is blank"));
        }
        if self.tools_used.iter().any(|tool| tool.trim().is_empty()) {
            return Err(InvalidDocument::new(
                "DagStructure",
                "tools_used contains a blank tool",
            ));
        }
        Ok(())
    }
}

impl Default for DagStructure {
    fn default() -> Self {
        Self {
            kind: Self::CODE_EXECUTION.to_owned(),
            tools_used: Vec::new(),
            intent_text: None,
            tool_invocations: Vec::new(),
            static_structure: None,
            extra: Extra::new(),
        }
    }
}

/// `workflow_pattern.cache_config`: how long a capability's results may be reused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheConfig {
    /// Lifetime of a cached result in milliseconds.
    pub ttl_ms: i64,
    /// Whether results may be cached at all.
    pub cacheable: bool,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CacheConfig {
    /// Lifetime when none is given: one hour.
    pub const DEFAULT_TTL_MS: i64 = 3_600_000;

    /// Results may be reused for this long.
    ///
    /// # Errors
    /// [`InvalidDocument`] if the lifetime is negative.
    pub fn cacheable_for(ttl_ms: i64) -> Result<Self, InvalidDocument> {
        let config = Self {
            ttl_ms,
            ..Self::default()
        };
        config.validate()?;
        Ok(config)
    }

    /// Results must not be reused.
    pub fn not_cacheable() -> Self {
        Self {
            ttl_ms: 0,
            cacheable: false,
            extra: Extra::new(),
        }
    }

    /// Checks what must hold of a configuration that is written.
    ///
    /// # Errors
    /// [`InvalidDocument`] if the lifetime is negative.
    pub fn validate(&self) -> Result<(), InvalidDocument> {
        if self.ttl_ms < 0 {
            return Err(InvalidDocument::new("CacheConfig", "ttl_ms is negative"));
        }
        Ok(())
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            ttl_ms: Self::DEFAULT_TTL_MS,
            cacheable: true,
            extra: Extra::new(),
        }
    }
}

/// By hand, because a missing key means one hour and cacheable, and `null` means the same.
impl<'de> Deserialize<'de> for CacheConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Stored {
            ttl_ms: Option<i64>,
            cacheable: Option<bool>,
            #[serde(flatten)]
            extra: Extra,
        }

        let stored = Stored::deserialize(deserializer)?;
        Ok(Self {
            ttl_ms: stored.ttl_ms.unwrap_or(Self::DEFAULT_TTL_MS),
            cacheable: stored.cacheable.unwrap_or(true),
            extra: stored.extra,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_structure_round_trips() {
        let stored = json!({
            "type": "code_execution",
            "tools_used": ["filesystem:fast_read_file", "std:cap_list"],
            "intent_text": "Read deno.json and list all task names",
            "tool_invocations": []
        });
        let read: DagStructure = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.tools_used.len(), 2);
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        let built = DagStructure::code_execution(
            read.intent_text.clone().unwrap(),
            read.tools_used.clone(),
        )
        .unwrap();
        assert_eq!(built, read);
    }

    #[test]
    fn a_structure_of_an_older_system_loses_nothing() {
        let read: DagStructure = serde_json::from_value(
            json!({"tasks": [{"id": "t1"}], "tools_used": null, "type": "dag"}),
        )
        .unwrap();
        assert!(read.tools_used.is_empty());
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written["tasks"][0]["id"], "t1");
        assert_eq!(written["type"], "dag");
    }

    #[test]
    fn blank_tools_are_refused() {
        assert!(DagStructure::code_execution("x", [" "]).is_err());
        assert!(
            DagStructure {
                kind: String::new(),
                ..DagStructure::default()
            }
            .validate()
            .is_err()
        );
    }

    #[test]
    fn a_missing_or_null_lifetime_is_one_hour() {
        for stored in [json!({}), json!({"ttl_ms": null, "cacheable": null})] {
            let read: CacheConfig = serde_json::from_value(stored).unwrap();
            assert_eq!(read, CacheConfig::default());
        }
        assert_eq!(
            serde_json::to_value(CacheConfig::default()).unwrap(),
            json!({"ttl_ms": 3_600_000, "cacheable": true})
        );
        assert!(CacheConfig::cacheable_for(-1).is_err());
        assert!(!CacheConfig::not_cacheable().cacheable);
    }
}

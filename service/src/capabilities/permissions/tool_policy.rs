//! Which tools run without asking a person.

use serde::{Deserialize, Serialize};

use super::super::{routing, tool_id};

/// Lists of rules: a tool id, or `prefix:*`, which also matches the bare prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolPolicy {
    /// Run without asking.
    pub allow: Vec<String>,
    /// Run after a person agreed.
    pub ask: Vec<String>,
    /// Never run.
    pub deny: Vec<String>,
}

/// What becomes of a call of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// It runs.
    Allowed,
    /// A person is asked.
    Ask,
    /// It is blocked, and nobody is asked.
    Denied,
}

impl Default for ToolPolicy {
    /// Allows what only computes, asks before what reaches out, denies nothing.
    fn default() -> Self {
        let all_of = |servers: &[&str]| servers.iter().map(|name| format!("{name}:*")).collect();
        Self {
            allow: all_of(&[
                "json",
                "math",
                "datetime",
                "crypto",
                "collections",
                "validation",
                "format",
                "transform",
                "string",
                "path",
            ]),
            ask: all_of(&[
                "process",
                "ssh",
                "database",
                "cloud",
                "packages",
                "kubernetes",
                "docker",
            ]),
            deny: Vec::new(),
        }
    }
}

/// Whether a tool may run (spec of capabilities, PERM-4): `deny` goes before `ask`, `ask` before `allow`, and a tool in no list asks.
pub fn needs_approval(tool: &str, policy: &ToolPolicy) -> Approval {
    let tool = tool_id::normalize(tool);
    let listed = |rules: &[String]| rules.iter().any(|rule| matches(rule, &tool));
    if listed(&policy.deny) {
        Approval::Denied
    } else if listed(&policy.ask) || !listed(&policy.allow) {
        Approval::Ask
    } else {
        Approval::Allowed
    }
}

fn matches(rule: &str, tool: &str) -> bool {
    match rule.strip_suffix(":*") {
        Some(prefix) => routing::has_prefix(tool, prefix),
        None => tool_id::normalize(rule) == tool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str], ask: &[&str], deny: &[&str]) -> ToolPolicy {
        let owned = |rules: &[&str]| rules.iter().map(|&rule| rule.to_owned()).collect();
        ToolPolicy {
            allow: owned(allow),
            ask: owned(ask),
            deny: owned(deny),
        }
    }

    /// AT-85.
    #[test]
    fn by_default_what_computes_runs_and_the_rest_asks() {
        let policy = ToolPolicy::default();
        for (tool, approval) in [
            ("json:parse", Approval::Allowed),
            ("json", Approval::Allowed),
            ("mcp__math__add", Approval::Allowed),
            ("docker:run", Approval::Ask),
            ("new_tool:x", Approval::Ask),
            ("jsonx:parse", Approval::Ask),
            ("", Approval::Ask),
        ] {
            assert_eq!(needs_approval(tool, &policy), approval, "{tool}");
        }
    }

    #[test]
    fn deny_goes_before_ask_and_ask_before_allow() {
        let everywhere = policy(&["a:*"], &["a:b"], &["a:b"]);
        assert_eq!(needs_approval("a:b", &everywhere), Approval::Denied);
        assert_eq!(needs_approval("a:c", &everywhere), Approval::Allowed);
        let asked = policy(&["a:b"], &["a:*"], &[]);
        assert_eq!(needs_approval("a:b", &asked), Approval::Ask);
        let denied = policy(&[], &[], &["pml.mcp.a.b.db48"]);
        assert_eq!(needs_approval("mcp.a.b", &denied), Approval::Denied);
    }
}

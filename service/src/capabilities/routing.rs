//! Where a capability runs: on the caller's machine or on the platform.

use pml_entity::values::Routing;
use serde::{Deserialize, Serialize};

use super::tool_id;

/// Added to the length of an exact rule, so that it beats every prefix.
const EXACT_BONUS: usize = 1000;

/// Which tools run where. A rule is a tool id, a server, or `prefix:*`, which also matches the bare prefix.
///
/// Both lists are empty unless configured; then every tool runs on the caller's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingRules {
    /// Tools that need the caller's machine.
    pub client: Vec<String>,
    /// Tools that the platform can run.
    pub server: Vec<String>,
}

impl RoutingRules {
    /// Where one tool runs (spec of capabilities, RTE-3).
    ///
    /// Its id and its server are both looked up. The longest matching rule wins, an exact one before any prefix; on a tie, and
    /// without a match, the caller's machine.
    pub fn tool(&self, tool: &str) -> Routing {
        let tool = tool_id::normalize(tool);
        if specificity(&self.server, &tool) > specificity(&self.client, &tool) {
            Routing::Cloud
        } else {
            Routing::Local
        }
    }

    /// Where a capability with these tools runs (spec of capabilities, RTE-2).
    ///
    /// `chosen` is what its author asked for, and wins. Code without a tool can run anywhere, hence on the platform; otherwise every
    /// tool must be able to. Missing and blank ids do not count.
    pub fn resolve<'a>(
        &self,
        tools: impl IntoIterator<Item = Option<&'a str>>,
        chosen: Option<Routing>,
    ) -> Routing {
        chosen.unwrap_or_else(|| {
            let mut tools = tools
                .into_iter()
                .flatten()
                .filter(|tool| !tool.trim().is_empty());
            if tools.all(|tool| self.tool(tool) == Routing::Cloud) {
                Routing::Cloud
            } else {
                Routing::Local
            }
        })
    }
}

/// How closely the best of these rules fits the tool; `None`, less than any other answer, when none does.
fn specificity(rules: &[String], tool: &str) -> Option<usize> {
    let server = tool_id::server_part(tool);
    rules
        .iter()
        .filter_map(|rule| fit(rule, tool).max(fit(rule, server)))
        .max()
}

fn fit(rule: &str, id: &str) -> Option<usize> {
    match rule.strip_suffix(":*") {
        Some(prefix) => has_prefix(id, prefix).then(|| prefix.chars().count()),
        None => (tool_id::normalize(rule) == id).then(|| rule.chars().count() + EXACT_BONUS),
    }
}

/// Whether the id is the prefix itself, or the prefix, a colon and more.
pub(super) fn has_prefix(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(client: &[&str], server: &[&str]) -> RoutingRules {
        let owned = |rules: &[&str]| rules.iter().map(|&rule| rule.to_owned()).collect();
        RoutingRules {
            client: owned(client),
            server: owned(server),
        }
    }

    /// AT-89.
    #[test]
    fn without_rules_only_code_without_a_tool_runs_on_the_platform() {
        let rules = RoutingRules::default();
        let tool = [Some("filesystem:read")];
        assert_eq!(rules.resolve([], None), Routing::Cloud);
        assert_eq!(rules.resolve(tool, None), Routing::Local);
        assert_eq!(rules.resolve(tool, Some(Routing::Cloud)), Routing::Cloud);
        assert_eq!(rules.resolve([None, Some("")], None), Routing::Cloud);
        assert_eq!(rules.resolve([], Some(Routing::Local)), Routing::Local);
    }

    #[test]
    fn one_tool_of_the_callers_machine_keeps_a_capability_there() {
        let rules = rules(&[], &["github:*"]);
        let both = [Some("github:issues"), Some("mcp.github.pulls")];
        assert_eq!(rules.resolve(both, None), Routing::Cloud);
        let mixed = [Some("github:issues"), None, Some("fs:read")];
        assert_eq!(rules.resolve(mixed, None), Routing::Local);
    }

    #[test]
    fn the_longest_rule_wins_an_exact_one_first_and_a_tie_stays_local() {
        for (client, server, tool, expected) in [
            (&[][..], &["github:*"][..], "github:issues", Routing::Cloud),
            (&[], &["github:*"], "github", Routing::Cloud),
            (&[], &["github"], "github:issues", Routing::Cloud),
            (&[], &["git:*"], "github:issues", Routing::Local),
            (
                &["github:*"],
                &["github:*"],
                "github:issues",
                Routing::Local,
            ),
            (
                &["github:*"],
                &["github:issues"],
                "github:issues",
                Routing::Cloud,
            ),
            (
                &["github:issues"],
                &["github:*"],
                "github:issues",
                Routing::Local,
            ),
            (&["a:*"], &["a:b:*"], "a:b:c", Routing::Cloud),
            (&["a:b:c"], &["a"], "a:b:c", Routing::Local),
            (
                &[],
                &["mcp__std__query"],
                "pml.mcp.std.query.db48",
                Routing::Cloud,
            ),
            (&[], &["*"], "a:b", Routing::Local),
        ] {
            assert_eq!(
                rules(client, server).tool(tool),
                expected,
                "{client:?} {server:?} {tool}"
            );
        }
    }
}

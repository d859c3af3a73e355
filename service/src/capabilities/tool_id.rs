//! Tool ids in any spelling, brought to one.
//!
//! A tool is written `server:action`, as a full name (`pml.mcp.std.psql_query.db48`), as code calls it (`mcp.std.psql_query`), or as an
//! MCP client names it (`mcp__std__psql_query`). Stored rows hold all four; whoever compares two ids compares their normal forms.
//! The column `workflow_pattern.tool_ids` holds normal forms, made by the database with the same rule.

use std::collections::BTreeSet;

/// The normal form `server:action` of a tool id (spec of capabilities, FQDN-8).
///
/// An id with a colon has it already and stays as it is. Of the others, in this order: four or more parts between dots that do not
/// start with `mcp.` give the third and the fourth; `mcp.s.a.b` gives `s:a_b`; `mcp.s` gives `s`; `mcp__s__a` gives `s:a`, split at
/// the first `__` with something on both sides. Everything else stays. Normalising twice changes nothing more.
pub fn normalize(tool: &str) -> String {
    if tool.contains(':') {
        return tool.to_owned();
    }
    if let Some(path) = tool.strip_prefix("mcp.") {
        return match path.split_once('.') {
            Some((server, action)) => format!("{server}:{}", action.replace('.', "_")),
            None => from_client_name(path).unwrap_or_else(|| path.to_owned()),
        };
    }
    let mut parts = tool.split('.').skip(2);
    if let (Some(server), Some(action)) = (parts.next(), parts.next()) {
        return format!("{server}:{action}");
    }
    from_client_name(tool).unwrap_or_else(|| tool.to_owned())
}

/// `s:a` for `mcp__s__a`.
fn from_client_name(tool: &str) -> Option<String> {
    let (server, action) = tool.strip_prefix("mcp__")?.split_once("__")?;
    let whole = !server.is_empty() && !action.is_empty();
    whole.then(|| format!("{server}:{action}"))
}

/// The server of a tool id in normal form: what stands before the first colon, or the whole id where that is nothing.
pub fn server_part(tool: &str) -> &str {
    match tool.split_once(':') {
        Some((server, _)) if !server.is_empty() => server,
        _ => tool,
    }
}

/// The normal forms of some ids: distinct, sorted, without empty ones.
pub fn normalize_set<I, S>(tools: I) -> BTreeSet<String>
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    tools
        .into_iter()
        .map(|tool| normalize(tool.as_ref()))
        .filter(|tool| !tool.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// AT-27.
    #[test]
    fn every_spelling_has_one_normal_form() {
        for spelling in [
            "pml.mcp.std.psql_query.db48",
            "pml.mcp.std.psql_query",
            "mcp.std.psql_query",
            "mcp__std__psql_query",
            "std:psql_query",
        ] {
            assert_eq!(normalize(spelling), "std:psql_query");
        }
        assert_eq!(normalize("a.b.c"), "a.b.c");
    }

    #[test]
    fn every_other_id_has_the_form_its_parts_give() {
        for (tool, normal) in [
            ("", ""),
            ("mcp.s.a.b", "s:a_b"),
            ("mcp.s", "s"),
            ("mcp.mcp__s__a", "s:a"),
            ("mcp", "mcp"),
            ("mcp__s", "mcp__s"),
            ("mcp____a", "mcp____a"),
            ("mcp__s__", "mcp__s__"),
            ("mcp__s__a__b", "s:a__b"),
            ("files:read.v1.2.3", "files:read.v1.2.3"),
            ("code:add", "code:add"),
            (
                "$cap:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f",
                "$cap:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f",
            ),
            ("read_file", "read_file"),
        ] {
            assert_eq!(normalize(tool), normal);
        }
    }

    #[test]
    fn the_server_is_what_stands_before_the_first_colon() {
        for (tool, server) in [
            ("std:psql_query", "std"),
            ("a:b:c", "a"),
            (":b", ":b"),
            ("read_file", "read_file"),
            ("", ""),
        ] {
            assert_eq!(server_part(tool), server);
        }
    }

    #[test]
    fn a_set_of_ids_is_distinct_sorted_and_without_empty_ones() {
        let tools = ["std:b", "mcp.std.a", "", "pml.mcp.std.b.db48", "std:a"];
        let set: Vec<String> = normalize_set(tools).into_iter().collect();
        assert_eq!(set, ["std:a", "std:b"]);
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing_more(tool in "((mcp|pml|a|__|_|:|\\.|\\$)){0,12}|\\PC{0,30}") {
            let once = normalize(&tool);
            prop_assert_eq!(normalize(&once), once);
        }
    }
}

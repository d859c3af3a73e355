//! From code to the permission set it seems to need.
//!
//! Only code counts: what a string or a comment says does not. This is a first guess that spares an escalation; the sandbox decides.

mod members;

use std::collections::{BTreeMap, BTreeSet};

use pml_entity::values::PermissionSet;

use super::super::code::{
    is_reference,
    scan::{Kind, Token, scan},
};
use super::super::tool_id;
use members::{Member, Members};

/// What code seems to need.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The smallest set that allows it; never `trusted`.
    pub set: PermissionSet,
    /// How sure that is: 0 to 1. 0 where the code cannot be read.
    pub confidence: f64,
    /// What says so, distinct and sorted: `fetch`, `Deno.readFile`, `process.env`, `mcp.<server>`, or `mcp.*` where the server is
    /// computed.
    pub patterns: Vec<String>,
}

/// What a pattern needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    ReadFiles,
    WriteFiles,
    Network,
    Environment,
    Unknown,
}

/// The kinds of need that one set other than `mcp-standard` can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Category {
    Files,
    Network,
    Environment,
}

const NETWORK_SERVERS: [&str; 4] = ["api", "github", "slack", "tavily"];
const FILE_SERVERS: [&str; 2] = ["filesystem", "fs"];
/// Tools of the runtime itself, which are in lists of tools but belong to no server.
const PSEUDO_SERVERS: [&str; 2] = ["code", "loop"];
/// Operations that only read, in lower case and without underscores.
const READING: [&str; 7] = [
    "lstat",
    "read",
    "readdir",
    "readfile",
    "readtextfile",
    "realpath",
    "stat",
];
/// Further file functions of `Deno`, in lower case and without the ending of their blocking twins.
const DENO_WRITING: [&str; 16] = [
    "chmod",
    "chown",
    "copyfile",
    "create",
    "link",
    "maketempdir",
    "maketempfile",
    "mkdir",
    "open",
    "remove",
    "rename",
    "symlink",
    "truncate",
    "utime",
    "writefile",
    "writetextfile",
];
const DENO_NETWORK: [&str; 5] = ["connect", "connecttls", "listen", "listentls", "resolvedns"];
/// Other names of the global object.
const GLOBAL_OBJECTS: [&str; 3] = ["globalThis", "self", "window"];

/// The permission set that code and the tools of its run seem to need (spec of capabilities, PERM-2 and K15).
///
/// Understood are `fetch`, `Deno.*`, `process.env`, and calls of tools as `mcp.server.op(…)`, `mcp["server:op"]` or
/// `mcp["server"]["op"]`; `tools` are ids in any spelling. A call of another capability (`$cap:`) needs nothing of its own, nor do the
/// runtime's own `code:*` and `loop:*`. Code with an unbalanced bracket or an unterminated literal cannot be read: `minimal`, 0.
pub fn infer(code: &str, tools: &[String]) -> Inferred {
    let scan = scan(code);
    if !scan.well_formed {
        return Inferred {
            set: PermissionSet::Minimal,
            confidence: 0.0,
            patterns: Vec::new(),
        };
    }
    let tokens: Vec<Token<'_>> = scan
        .tokens
        .into_iter()
        .filter(Token::is_significant)
        .collect();
    let mut needs = Needs::default();
    for index in 0..tokens.len() {
        in_code(&tokens, index, &mut needs);
    }
    for tool in tools {
        let tool = tool_id::normalize(tool);
        let server = tool_id::server_part(&tool);
        if !tool.is_empty() && !PSEUDO_SERVERS.contains(&server) {
            of_tool(&tool, None, &mut needs);
        }
    }
    needs.conclude()
}

/// Patterns with the worst that each needs.
#[derive(Debug, Default)]
struct Needs(BTreeMap<String, Need>);

impl Needs {
    fn add(&mut self, pattern: impl Into<String>, need: Need) {
        let worst = self.0.entry(pattern.into()).or_insert(need);
        *worst = need.max(*worst);
    }

    /// The table of PERM-2.
    fn conclude(self) -> Inferred {
        let categories: BTreeSet<Option<Category>> =
            self.0.values().copied().map(category).collect();
        let writes = self.0.values().any(|&need| need == Need::WriteFiles);
        let of_one_kind = if self.0.len() > 1 { 0.95 } else { 0.90 };
        let mut kinds = categories.iter();
        let (set, confidence) = match (kinds.next(), kinds.next()) {
            (None, _) => (PermissionSet::Minimal, 0.95),
            (Some(None), _) => (PermissionSet::McpStandard, 0.50),
            (Some(_), Some(_)) => (PermissionSet::McpStandard, 0.70),
            (Some(Some(Category::Network)), None) => (PermissionSet::NetworkApi, of_one_kind),
            (Some(Some(Category::Files)), None) if writes => {
                (PermissionSet::Filesystem, of_one_kind)
            }
            (Some(Some(Category::Files)), None) => (PermissionSet::Readonly, of_one_kind),
            (Some(Some(Category::Environment)), None) => (PermissionSet::McpStandard, 0.80),
        };
        Inferred {
            set,
            confidence,
            patterns: self.0.into_keys().collect(),
        }
    }
}

/// `None`, which sorts first, for what is unknown.
const fn category(need: Need) -> Option<Category> {
    match need {
        Need::ReadFiles | Need::WriteFiles => Some(Category::Files),
        Need::Network => Some(Category::Network),
        Need::Environment => Some(Category::Environment),
        Need::Unknown => None,
    }
}

/// Adds what the name at this place needs, if it is one of those that reach out of the sandbox.
fn in_code(tokens: &[Token<'_>], index: usize, needs: &mut Needs) {
    let previous = index.checked_sub(1).map(|before| &tokens[before]);
    let is_member = previous.is_some_and(|token| token.is(".") || token.is("?."));
    if tokens[index].kind != Kind::Word || is_member {
        return;
    }
    let mut members = Members {
        tokens,
        at: index + 1,
    };
    let root = if GLOBAL_OBJECTS.contains(&tokens[index].text) {
        match members.next() {
            Some(Member::Named(name)) => name,
            _ => return,
        }
    } else {
        tokens[index].text
    };
    match root {
        "fetch" if !is_declared(previous, tokens.get(index + 1)) => {
            needs.add("fetch", Need::Network);
        }
        "Deno" => of_deno(members.next(), needs),
        "process" => match members.next() {
            Some(Member::Named("env")) => needs.add("process.env", Need::Environment),
            Some(Member::Computed) => needs.add("process.*", Need::Unknown),
            _ => {}
        },
        "mcp" => match members.next() {
            Some(Member::Named(name)) => of_tool(name, members.next(), needs),
            Some(Member::Computed) => needs.add("mcp.*", Need::Unknown),
            None => {}
        },
        _ => {}
    }
}

/// Whether a name is given to something here, as in `{fetch: f}` or `function fetch`.
fn is_declared(previous: Option<&Token<'_>>, next: Option<&Token<'_>>) -> bool {
    let is_key = previous.is_some_and(|token| token.is("{") || token.is(","))
        && next.is_some_and(|token| token.is(":"));
    is_key || previous.is_some_and(|token| token.kind == Kind::Word && token.text == "function")
}

fn of_deno(member: Option<Member<'_>>, needs: &mut Needs) {
    let name = match member {
        Some(Member::Named(name)) => name,
        Some(Member::Computed) => return needs.add("Deno.*", Need::Unknown),
        None => return,
    };
    let plain = plain(name);
    let plain = plain.strip_suffix("sync").unwrap_or(&plain);
    let need = if plain == "env" {
        Need::Environment
    } else if READING.contains(&plain) {
        Need::ReadFiles
    } else if DENO_WRITING.contains(&plain) {
        Need::WriteFiles
    } else if DENO_NETWORK.contains(&plain) {
        Need::Network
    } else {
        return;
    };
    needs.add(format!("Deno.{name}"), need);
}

/// Adds what a tool needs: a whole id, or a server and the member of it that is called.
fn of_tool(name: &str, member: Option<Member<'_>>, needs: &mut Needs) {
    if is_reference(name) {
        return;
    }
    let id = tool_id::normalize(name);
    let server = tool_id::server_part(&id);
    let operation = match (id.split_once(':'), member) {
        (Some((_, operation)), _) | (None, Some(Member::Named(operation))) => operation,
        (None, _) => "",
    };
    let is_one_of = |servers: &[&str]| {
        servers
            .iter()
            .any(|known| known.eq_ignore_ascii_case(server))
    };
    let need = if is_one_of(&NETWORK_SERVERS) {
        Need::Network
    } else if !is_one_of(&FILE_SERVERS) {
        Need::Unknown
    } else if READING.contains(&plain(operation).as_str()) {
        Need::ReadFiles
    } else {
        Need::WriteFiles
    };
    needs.add(format!("mcp.{server}"), need);
}

/// A name without case and underscores.
fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly};

    use super::*;

    #[track_caller]
    fn infers(code: &str, tools: &[&str], set: PermissionSet, confidence: f64, patterns: &[&str]) {
        let tools: Vec<String> = tools.iter().map(|&tool| tool.to_owned()).collect();
        let inferred = infer(code, &tools);
        assert_eq!(
            (
                inferred.set,
                inferred.confidence,
                inferred.patterns.as_slice()
            ),
            (
                set,
                confidence,
                patterns
                    .iter()
                    .map(|&p| p.to_owned())
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            "{code} {tools:?}"
        );
    }

    /// The rows of PERM-2.
    #[test]
    fn every_row_of_the_table_holds() {
        infers("const a = 1 + 2; return a;", &[], Minimal, 0.95, &[]);
        infers("", &[], Minimal, 0.95, &[]);
        infers(
            "await mcp.unknownTool.do()",
            &[],
            McpStandard,
            0.50,
            &["mcp.unknownTool"],
        );
        infers(
            "mcp.docker.run(); fetch(u)",
            &[],
            McpStandard,
            0.50,
            &["fetch", "mcp.docker"],
        );
        infers(
            "mcp.kubernetes.list()",
            &[],
            McpStandard,
            0.50,
            &["mcp.kubernetes"],
        );
        infers(
            "mcp.fs.read(p); fetch(u)",
            &[],
            McpStandard,
            0.70,
            &["fetch", "mcp.fs"],
        );
        infers(
            "process.env.A; fetch(u)",
            &[],
            McpStandard,
            0.70,
            &["fetch", "process.env"],
        );
        infers("await fetch(u)", &[], NetworkApi, 0.90, &["fetch"]);
        infers("fetch(u); fetch(v)", &[], NetworkApi, 0.90, &["fetch"]);
        infers(
            "fetch(u); Deno.connect(c)",
            &[],
            NetworkApi,
            0.95,
            &["Deno.connect", "fetch"],
        );
        infers(
            "mcp.filesystem.read(p)",
            &[],
            Readonly,
            0.90,
            &["mcp.filesystem"],
        );
        infers(
            "Deno.readFile(p); mcp.fs.stat(p)",
            &[],
            Readonly,
            0.95,
            &["Deno.readFile", "mcp.fs"],
        );
        infers(
            "mcp.filesystem.write(p)",
            &[],
            Filesystem,
            0.90,
            &["mcp.filesystem"],
        );
        infers(
            "Deno.writeFile(p)",
            &[],
            Filesystem,
            0.90,
            &["Deno.writeFile"],
        );
        infers(
            "Deno.readFile(p); mcp.fs.move(p)",
            &[],
            Filesystem,
            0.95,
            &["Deno.readFile", "mcp.fs"],
        );
        infers("Deno.env.get('A')", &[], McpStandard, 0.80, &["Deno.env"]);
        infers(
            "process.env.A; Deno.env",
            &[],
            McpStandard,
            0.80,
            &["Deno.env", "process.env"],
        );
        for server in ["github", "slack", "tavily", "api"] {
            infers(
                "",
                &[&format!("{server}:x")],
                NetworkApi,
                0.90,
                &[&format!("mcp.{server}")],
            );
        }
    }

    #[test]
    fn what_cannot_be_read_gets_nothing() {
        for code in [
            "fetch(u",
            "fetch(u))",
            "fetch('u)",
            "fetch(`u${)",
            "fetch(u) /* x",
            "this is completely invalid typescript code!!!\n@#$%^&*()",
        ] {
            infers(code, &["github:x"], Minimal, 0.0, &[]);
        }
    }

    #[test]
    fn strings_and_comments_say_nothing_and_code_in_template_literals_does() {
        let code =
            "// fetch(u)\n/* Deno.env */ const a = 'mcp.fs.read()' + `fetch(u)` + /fetch/.source;";
        infers(code, &[], Minimal, 0.95, &[]);
        infers(
            "`a ${ `b ${ await fetch(u) }` }`",
            &[],
            NetworkApi,
            0.90,
            &["fetch"],
        );
    }

    #[test]
    fn a_tool_is_found_however_it_is_called() {
        for call in [
            "mcp.filesystem.read_file(p)",
            "mcp?.filesystem?.read_file?.(p)",
            "mcp\n  .filesystem\n  .read_file(p)",
            "mcp[\"filesystem:read_file\"](p)",
            "mcp['pml.mcp.filesystem.read_file.db48'](p)",
            "mcp[`filesystem`]?.['readFile'](p)",
            "mcp!.filesystem[\"READ_FILE\"](p)",
            "globalThis.mcp.filesystem.readFile(p)",
            "globalThis['mcp'].filesystem.readFile(p)",
        ] {
            infers(call, &[], Readonly, 0.90, &["mcp.filesystem"]);
        }
        infers(
            "const fs = mcp.filesystem;",
            &[],
            Filesystem,
            0.90,
            &["mcp.filesystem"],
        );
        infers(
            "mcp.filesystem[op](p)",
            &[],
            Filesystem,
            0.90,
            &["mcp.filesystem"],
        );
        infers("mcp[server].read(p)", &[], McpStandard, 0.50, &["mcp.*"]);
        infers(
            "mcp[`${server}`].read(p)",
            &[],
            McpStandard,
            0.50,
            &["mcp.*"],
        );
        infers("Deno[name]()", &[], McpStandard, 0.50, &["Deno.*"]);
    }

    #[test]
    fn only_the_global_names_count() {
        for code in [
            "client.fetch(u)",
            "a.mcp.fs.read(p)",
            "a?.process.env",
            "({fetch: f, mcp: m})",
            "function fetch() {}",
            "const mcpx = fetcher(mcp)",
            "Deno.cwd()",
            "process.exit()",
        ] {
            infers(code, &[], Minimal, 0.95, &[]);
        }
        infers("list.map(fetch)", &[], NetworkApi, 0.90, &["fetch"]);
        infers("globalThis.fetch(u)", &[], NetworkApi, 0.90, &["fetch"]);
        infers(
            "Deno.readTextFileSync(p)",
            &[],
            Readonly,
            0.90,
            &["Deno.readTextFileSync"],
        );
        infers("Deno['env']", &[], McpStandard, 0.80, &["Deno.env"]);
    }

    #[test]
    fn tools_of_the_run_count_once_with_those_in_the_code() {
        let code = "await mcp.filesystem.read_file(p)";
        infers(
            code,
            &["pml.mcp.filesystem.read_file.db48"],
            Readonly,
            0.90,
            &["mcp.filesystem"],
        );
        infers(
            code,
            &["mcp__filesystem__write_file"],
            Filesystem,
            0.90,
            &["mcp.filesystem"],
        );
        infers("f()", &["fs:stat", "fs:read"], Readonly, 0.90, &["mcp.fs"]);
        infers("f()", &["std:psql_query"], McpStandard, 0.50, &["mcp.std"]);
    }

    #[test]
    fn calls_of_capabilities_and_the_runtimes_own_tools_need_nothing() {
        let reference = "$cap:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f";
        infers(&format!("mcp[\"{reference}\"](a)"), &[], Minimal, 0.95, &[]);
        infers(
            "1 + 1",
            &["code:add", "loop:forEach", "", reference],
            Minimal,
            0.95,
            &[],
        );
    }
}

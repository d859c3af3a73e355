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
mod tests;

//! A request that passed the checks, in the form that the statements bind.

use std::collections::BTreeSet;

use pml_entity::values::{
    CodeHash, DagStructure, Embedding, Fqdn, Routing, ShortHash, TraceId, UserId, Visibility,
};
use serde_json::Value;

use super::request::{
    MAX_CODE_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTENT_BYTES, MAX_INVOCATIONS, MAX_TOOL_CHARS,
    MAX_TOOLS, SaveRequest,
};
use crate::capabilities::error::CapabilityError;
use crate::capabilities::routing::RoutingRules;
use crate::capabilities::usage::whole_ms;
use crate::capabilities::{code, tool_id, validate_name, validate_tags};
use crate::{Error, Principal};

/// Namespace of code whose first tool gives none.
const DEFAULT_NAMESPACE: &str = "code";
/// Digits of a hash in a name that is made up.
const NAME_DIGITS: usize = 8;

/// A run that can be stored.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) owner: Option<UserId>,
    pub(super) org: String,
    pub(super) project: String,
    pub(super) code: String,
    pub(super) code_hash: CodeHash,
    pub(super) pattern_hash: String,
    /// Without blanks at its ends.
    pub(super) intent: String,
    /// The intent where none was given.
    pub(super) description: String,
    pub(super) duration_ms: i64,
    pub(super) success: bool,
    /// The tools as they were given, repeats included.
    pub(super) path: Vec<String>,
    pub(super) dag: DagStructure,
    pub(super) parameters_schema: Option<Value>,
    pub(super) embedding: Option<Embedding>,
    pub(super) name: Name,
    pub(super) tags: Vec<String>,
    pub(super) visibility: Visibility,
    pub(super) routing: Routing,
    pub(super) trace_id: TraceId,
}

/// What the registry entry is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// As the caller says.
    Given { namespace: String, action: String },
    /// Made up; the second action is for when somebody else's code has the first.
    MadeUp {
        namespace: String,
        actions: [String; 2],
    },
}

impl Checked {
    /// Checks everything that can be checked without the database.
    pub(super) fn new(who: &Principal, request: SaveRequest) -> Result<Self, Error> {
        let (org, project) = who.scope().ok_or(CapabilityError::SignInRequired)?;
        let (org, project, owner) = (org.to_owned(), project.to_owned(), who.user_id());
        check_code(&request.code)?;
        let intent = check_intent(&request.intent)?;
        let description = check_description(request.description, &intent)?;
        let duration_ms = whole_ms(request.duration_ms)?;
        check_tools(&request.tools_used)?;
        check_invocations(&request.tool_invocations)?;
        check_object("static_structure", request.static_structure.as_ref())?;
        check_object("parameters_schema", request.parameters_schema.as_ref())?;

        let code_hash = code::code_hash(&request.code, request.static_structure.as_ref());
        let pattern_hash = code::pattern_hash(&code_hash, owner.as_ref());
        let name = name(
            request.namespace,
            request.action,
            &request.tools_used,
            &code_hash,
            &pattern_hash,
        )?;
        let routing = RoutingRules::default().resolve(
            request.tools_used.iter().map(|tool| Some(tool.as_str())),
            request.routing,
        );
        let dag = DagStructure {
            tools_used: distinct(&request.tools_used),
            intent_text: Some(intent.clone()),
            tool_invocations: recorded(request.tool_invocations),
            static_structure: request.static_structure.filter(has_content),
            ..DagStructure::default()
        };
        Ok(Self {
            owner,
            org,
            project,
            code: request.code,
            code_hash,
            pattern_hash,
            intent,
            description,
            duration_ms,
            success: request.success,
            path: request.tools_used,
            dag,
            parameters_schema: request.parameters_schema,
            embedding: request.embedding,
            name,
            tags: validate_tags(&request.tags)?,
            visibility: request.visibility.unwrap_or(Visibility::Private),
            routing,
            trace_id: request.trace_id.unwrap_or_else(TraceId::generate),
        })
    }

    /// What the full name ends with.
    pub(super) fn short_hash(&self) -> ShortHash {
        self.code_hash.short()
    }

    /// Who made the rows, in words.
    pub(super) fn created_by(&self) -> String {
        self.owner
            .map_or_else(|| "local".to_owned(), |owner| owner.to_string())
    }
}

fn check_code(code: &str) -> Result<(), CapabilityError> {
    let (bytes, max) = (code.len(), MAX_CODE_BYTES);
    if bytes > max {
        return Err(CapabilityError::CodeTooLarge { bytes, max });
    }
    if code.contains('\0') {
        return Err(CapabilityError::InvalidCode("it holds a null character"));
    }
    if code::canonical_text(code).is_empty() {
        return Err(CapabilityError::EmptyCode);
    }
    Ok(())
}

fn check_intent(intent: &str) -> Result<String, CapabilityError> {
    let intent = intent.trim();
    if intent.is_empty() {
        return Err(CapabilityError::InvalidIntent("it must not be blank"));
    }
    if intent.len() > MAX_INTENT_BYTES {
        return Err(CapabilityError::InvalidIntent(
            "it may have at most 8192 bytes",
        ));
    }
    if intent.contains('\0') {
        return Err(CapabilityError::InvalidIntent("it holds a null character"));
    }
    Ok(intent.to_owned())
}

fn check_description(given: Option<String>, intent: &str) -> Result<String, CapabilityError> {
    let description = given.unwrap_or_default();
    if description.len() > MAX_DESCRIPTION_BYTES {
        return Err(invalid("description may have at most 16384 bytes"));
    }
    if description.contains('\0') {
        return Err(invalid("description holds a null character"));
    }
    Ok(if description.trim().is_empty() {
        intent.to_owned()
    } else {
        description
    })
}

fn check_tools(tools: &[String]) -> Result<(), CapabilityError> {
    if tools.len() > MAX_TOOLS {
        return Err(invalid("tools_used may have at most 1000 entries"));
    }
    for tool in tools {
        let problem = if tool.trim().is_empty() {
            "is blank"
        } else if tool.trim() != tool {
            "has blanks at its ends"
        } else if tool.chars().count() > MAX_TOOL_CHARS {
            "has more than 512 characters"
        } else if tool.contains('\0') {
            "holds a null character"
        } else {
            continue;
        };
        let start: String = tool.chars().take(64).collect();
        return Err(CapabilityError::InvalidTool(format!("{start:?} {problem}")));
    }
    Ok(())
}

fn check_invocations(invocations: &[Value]) -> Result<(), CapabilityError> {
    if invocations.len() > MAX_INVOCATIONS {
        return Err(invalid("tool_invocations may have at most 10000 entries"));
    }
    if !invocations.iter().all(Value::is_object) {
        return Err(invalid("tool_invocations must be a list of objects"));
    }
    if invocations.iter().any(holds_null_character) {
        return Err(invalid("tool_invocations holds a null character"));
    }
    Ok(())
}

/// The members of an invocation that are kept (spec of capabilities, SAVE-6): what was called and when, not with what.
const INVOCATION_MEMBERS: [&str; 5] = ["id", "tool", "ts", "durationMs", "sequenceIndex"];

fn recorded(mut invocations: Vec<Value>) -> Vec<Value> {
    for members in invocations.iter_mut().filter_map(Value::as_object_mut) {
        members.retain(|member, _| INVOCATION_MEMBERS.contains(&member.as_str()));
    }
    invocations
}

fn check_object(name: &str, document: Option<&Value>) -> Result<(), CapabilityError> {
    let Some(document) = document else {
        return Ok(());
    };
    if !document.is_object() {
        return Err(invalid(format!("{name} must be an object")));
    }
    if holds_null_character(document) {
        return Err(invalid(format!("{name} holds a null character")));
    }
    Ok(())
}

fn invalid(problem: impl Into<String>) -> CapabilityError {
    CapabilityError::InvalidDocument(problem.into())
}

/// Whether a text or a key of the document holds the one character that PostgreSQL cannot store.
fn holds_null_character(document: &Value) -> bool {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.contains('\0') => return true,
            Value::Array(items) => open.extend(items),
            Value::Object(map) if map.keys().any(|key| key.contains('\0')) => return true,
            Value::Object(map) => open.extend(map.values()),
            _ => {}
        }
    }
    false
}

/// Whether a static structure says anything.
fn has_content(structure: &Value) -> bool {
    ["nodes", "edges"].iter().any(|part| {
        structure
            .get(part)
            .and_then(Value::as_array)
            .is_some_and(|items| !items.is_empty())
    })
}

/// Each tool once, as it was spelt at its first use; two spellings of one tool are one.
fn distinct(tools: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    tools
        .iter()
        .filter(|tool| seen.insert(tool_id::normalize(tool)))
        .cloned()
        .collect()
}

/// The given name, or one made of the first tool's server and the hash (spec of capabilities, SAVE-8 with K14).
fn name(
    namespace: Option<String>,
    action: Option<String>,
    tools: &[String],
    code_hash: &CodeHash,
    pattern_hash: &str,
) -> Result<Name, CapabilityError> {
    match (namespace, action) {
        (Some(namespace), Some(action)) => {
            validate_name(&namespace, &action)?;
            Ok(Name::Given { namespace, action })
        }
        (Some(_), None) => Err(CapabilityError::InvalidAction(
            "a namespace needs an action: give both, or neither".to_owned(),
        )),
        (None, Some(_)) => Err(CapabilityError::InvalidNamespace(
            "an action needs a namespace: give both, or neither".to_owned(),
        )),
        (None, None) => {
            let digits = |hash: &str| hash.chars().take(NAME_DIGITS).collect::<String>();
            let action = format!("exec_{}", digits(code_hash.as_str()));
            let second = format!("{action}_{}", digits(pattern_hash));
            Ok(Name::MadeUp {
                namespace: first_server(tools).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
                actions: [action, second],
            })
        }
    }
}

/// The server of the first tool, where that may stand in a name.
fn first_server(tools: &[String]) -> Option<String> {
    let first = tool_id::normalize(tools.first()?);
    let (server, _) = first.split_once(':')?;
    Fqdn::is_component(server).then(|| server.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn made_up(tools: &[&str]) -> String {
        let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
        let hash = CodeHash::of("x");
        match name(None, None, &tools, &hash, hash.as_str()).unwrap() {
            Name::MadeUp { namespace, .. } => namespace,
            Name::Given { .. } => unreachable!(),
        }
    }

    #[test]
    fn a_made_up_namespace_is_the_server_of_the_first_tool() {
        assert_eq!(made_up(&["fs:read", "std:x"]), "fs");
        assert_eq!(made_up(&["pml.mcp.std.psql_query.db48"]), "std");
        assert_eq!(made_up(&["mcp__github__search"]), "github");
        for without in [&[][..], &["plain"], &["1st:x"], &["$cap:x"], &[":x"]] {
            assert_eq!(made_up(without), "code", "{without:?}");
        }
    }

    #[test]
    fn two_spellings_of_a_tool_are_one_in_order_of_first_use() {
        let tools = ["b:y", "pml.mcp.std.q.db48", "b:y", "std:q", "a:x"].map(str::to_owned);
        assert_eq!(distinct(&tools), ["b:y", "pml.mcp.std.q.db48", "a:x"]);
    }

    #[test]
    fn a_null_character_is_found_at_any_depth() {
        assert!(holds_null_character(&json!({"a": [{"b": "x\0"}]})));
        assert!(holds_null_character(&json!({"a": {"b\0": 1}})));
        assert!(!holds_null_character(
            &json!({"a": [{"b": "x"}], "c": null})
        ));
    }

    #[test]
    fn a_structure_without_node_and_edge_is_left_out() {
        assert!(!has_content(&json!({"nodes": [], "edges": []})));
        assert!(!has_content(&json!({"nodes": {}})));
        assert!(has_content(&json!({"nodes": [{"id": "n1"}]})));
        assert!(has_content(&json!({"edges": [{}]})));
    }
}

//! An execution as a tree that a person can read.

use std::fmt::Write as _;

use super::{duration, outcome};
use crate::{
    cli::output,
    wire::traceability::{AssembledTrace, EndpointCall, HookExecution, RoutingDecision},
};

/// Draws the execution and everything below it.
pub fn render(trace: &AssembledTrace) -> String {
    let mut text = head(trace);
    branches(&mut text, "", trace);
    if trace.truncated {
        text.push_str("\n(more was left out: the tree is larger than what is shown at once)");
    }
    text
}

fn head(assembled: &AssembledTrace) -> String {
    let trace = &assembled.trace;
    let mut line = format!(
        "{}  {}  {}",
        outcome(&trace.status, trace.success, trace.error_type.as_deref()),
        trace.correlation_id,
        trace.source
    );
    if let Some(took) = Some(duration(trace.duration_ms)).filter(|took| !took.is_empty()) {
        let _ = write!(line, "  {took}");
    }
    if let Some(user) = &trace.user_id {
        let _ = write!(line, "  of {user}");
    }
    line
}

/// Everything of one execution, in the order of a life: prompt, routing, hooks, calls, what it delegated, why it failed.
fn branches(text: &mut String, indent: &str, assembled: &AssembledTrace) {
    let trace = &assembled.trace;
    let mut lines = Vec::new();
    if let Some(prompt) = &trace.prompt_text {
        lines.push(format!("\u{201c}{}\u{201d}", output::short(prompt)));
    }
    lines.push(format!("began {}", output::time(trace.started_at)));
    lines.extend(assembled.routing_decision.as_ref().map(routing));
    lines.extend(assembled.hook_executions.iter().map(hook));
    lines.extend(assembled.endpoint_calls.iter().map(call));
    if let Some(error) = &trace.error_message {
        lines.push(format!("error: {}", output::short(error)));
    }
    let total = lines.len() + assembled.child_traces.len();
    for (index, line) in lines.iter().enumerate() {
        let _ = write!(text, "\n{indent}{}{line}", elbow(index + 1 == total));
    }
    for (index, child) in assembled.child_traces.iter().enumerate() {
        let last = lines.len() + index + 1 == total;
        let _ = write!(text, "\n{indent}{}{}", elbow(last), head(child));
        let deeper = format!("{indent}{}", if last { "   " } else { "│  " });
        branches(text, &deeper, child);
    }
}

const fn elbow(last: bool) -> &'static str {
    if last { "└─ " } else { "├─ " }
}

fn routing(decision: &RoutingDecision) -> String {
    let mut line = format!(
        "→ {} ({}, confidence {:.2})",
        decision.agent_selected, decision.routing_strategy, decision.confidence_score
    );
    if let Some(reason) = &decision.selection_reason {
        let _ = write!(line, ": {}", output::short(reason));
    }
    line
}

fn hook(hook: &HookExecution) -> String {
    let mark = match (hook.status.as_str(), &hook.error_message) {
        ("completed", None) => "✓",
        ("in_progress", _) => "…",
        _ => "✗",
    };
    let mut line = format!("{mark} hook {} {}", hook.hook_type, hook.hook_name);
    if let Some(tool) = &hook.tool_name {
        let _ = write!(line, " on {tool}");
    }
    if let Some(file) = &hook.file_path {
        let _ = write!(line, " {}", output::short(file));
    }
    note(&mut line, hook.duration_ms, hook.error_message.as_deref());
    line
}

fn call(call: &EndpointCall) -> String {
    let mark = if call.success { "✓" } else { "✗" };
    let status = call
        .response_status
        .map_or("no answer".to_owned(), |status| status.to_string());
    let mut line = format!(
        "{mark} {} {} {} → {status}",
        call.http_method, call.service_name, call.endpoint_path
    );
    note(&mut line, call.duration_ms, call.error_message.as_deref());
    line
}

fn note(line: &mut String, duration_ms: Option<i32>, error: Option<&str>) {
    if duration_ms.is_some() {
        let _ = write!(line, "  {}", duration(duration_ms));
    }
    if let Some(error) = error {
        let _ = write!(line, ": {}", output::short(error));
    }
}

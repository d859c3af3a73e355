//! What a save is given, and the limits of it.

use pml_entity::values::{Embedding, Routing, TraceId, Visibility};
use serde_json::Value;

/// Most bytes of code that are kept: 512 KiB.
pub const MAX_CODE_BYTES: usize = 512 * 1024;
/// Most bytes of an intent, without blanks at its ends: 8 KiB.
pub const MAX_INTENT_BYTES: usize = 8 * 1024;
/// Most bytes of a description: 16 KiB.
pub const MAX_DESCRIPTION_BYTES: usize = 16 * 1024;
/// Most tools of one run.
pub const MAX_TOOLS: usize = 1_000;
/// Most characters of a tool id.
pub const MAX_TOOL_CHARS: usize = 512;
/// Most calls of one run.
pub const MAX_INVOCATIONS: usize = 10_000;

/// A run to learn from: its code, what it was for, and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct SaveRequest {
    /// The code as it ran, 1 byte to 512 KiB, more than blanks and comments.
    pub code: String,
    /// What it was for, 1 byte to 8 KiB without blanks at its ends.
    pub intent: String,
    /// How long the run took in milliseconds: finite, 0 to 9,007,199,254,740,991. Rounded to a whole number, halves upward.
    pub duration_ms: f64,
    /// Whether the run succeeded.
    pub success: bool,
    /// What the code does, for people, at most 16 KiB. Blank or `None`: the intent. Kept from the first save.
    pub description: Option<String>,
    /// Ids of the tools it called, in any spelling, at most 1,000 of 1 to 512 characters. Repeats are dropped.
    pub tools_used: Vec<String>,
    /// Its calls in detail, at most 10,000 objects. Their `id`, `tool`, `ts`, `durationMs` and `sequenceIndex` are kept; whatever else they
    /// hold, arguments above all, is not stored.
    pub tool_invocations: Vec<Value>,
    /// What static analysis found in the code: an object with `nodes` and `edges`. With a node it decides the code's hash.
    pub static_structure: Option<Value>,
    /// JSON Schema of its arguments, an object. `None` keeps the stored one.
    pub parameters_schema: Option<Value>,
    /// Vector of the intent. `None`: the embedder makes it, if the code is new.
    pub embedding: Option<Embedding>,
    /// Namespace of its name; with `action`, or neither: then the name is made up.
    pub namespace: Option<String>,
    /// Action of its name.
    pub action: Option<String>,
    /// Who may see it. `None`: private. Only looked at when the registry entry is new.
    pub visibility: Option<Visibility>,
    /// Labels. Only looked at when the registry entry is new.
    pub tags: Vec<String>,
    /// Where it runs. `None`: as its tools allow. Only looked at when the registry entry is new.
    pub routing: Option<Routing>,
    /// Id of the run. Saving a run again changes nothing. `None`: a fresh one.
    pub trace_id: Option<TraceId>,
}

impl SaveRequest {
    /// A successful run of no duration that called no tool.
    pub fn new(code: impl Into<String>, intent: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            intent: intent.into(),
            duration_ms: 0.0,
            success: true,
            description: None,
            tools_used: Vec::new(),
            tool_invocations: Vec::new(),
            static_structure: None,
            parameters_schema: None,
            embedding: None,
            namespace: None,
            action: None,
            visibility: None,
            tags: Vec::new(),
            routing: None,
            trace_id: None,
        }
    }
}

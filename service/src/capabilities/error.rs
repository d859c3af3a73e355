//! What can be wrong with a call of this area.

use pml_entity::values::{EdgeType, InvalidFqdn, PermissionSet};

/// Why a call of this area was refused. The text says what the caller can change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CapabilityError {
    /// Nothing but blanks and comments.
    #[error("code must not be empty")]
    EmptyCode,
    /// More code than is kept.
    #[error("code may have at most {max} bytes, not {bytes}")]
    CodeTooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest size in bytes.
        max: usize,
    },
    /// Code that cannot be stored.
    #[error("invalid code: {0}")]
    InvalidCode(&'static str),
    /// A blank intent, or one that is no intent any more.
    #[error("invalid intent: {0}")]
    InvalidIntent(&'static str),
    /// A duration that is negative, not a number, or longer than any run.
    #[error("duration_ms must be a number of milliseconds, 0 or more")]
    InvalidDuration,
    /// A full name that breaks the rule.
    #[error("invalid FQDN: {0}")]
    InvalidFqdn(#[from] InvalidFqdn),
    /// A text that can name no capability.
    #[error(
        "{0:?} names no capability: give a UUID, org.project.namespace.action[.hash], namespace:action, or an action"
    )]
    InvalidReference(String),
    /// An action that several namespaces have.
    #[error("{reference:?} is ambiguous; give one of: {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        reference: String,
        /// The full names it may stand for.
        candidates: Vec<String>,
    },
    /// A namespace that breaks the rule.
    #[error("Invalid namespace: {0}")]
    InvalidNamespace(String),
    /// An action that breaks the rule.
    #[error("Invalid action: {0}")]
    InvalidAction(String),
    /// Another capability of the project has that name.
    #[error(
        "{name} already exists in this project: choose another name, or merge the two capabilities"
    )]
    NameTaken {
        /// `namespace:action`.
        name: String,
    },
    /// A glob that cannot be read.
    #[error("invalid pattern: {0}")]
    InvalidPattern(&'static str),
    /// Both names of a merge stand for one capability.
    #[error("cannot merge a capability into itself")]
    SelfMerge,
    /// The two capabilities of a merge do not use the same tools.
    #[error(
        "cannot merge: tools_used differ: source has [{}], target has [{}]",
        source_tools.join(", "),
        target_tools.join(", ")
    )]
    ToolsMismatch {
        /// Tools of the one that would go.
        source_tools: Vec<String>,
        /// Tools of the one that would stay.
        target_tools: Vec<String>,
    },
    /// An edge that would close a circle of a kind that must have none.
    #[error(
        "a {edge_type} edge here would close a cycle; {}",
        match edge_type {
            EdgeType::Dependency => "use `provides` where two capabilities feed each other",
            _ => "a capability cannot contain itself",
        }
    )]
    Cycle {
        /// The kind of edge.
        edge_type: EdgeType,
    },
    /// An edge from a capability to itself.
    #[error("a capability cannot depend on itself")]
    SelfDependency,
    /// A step between permission sets that is not allowed.
    #[error("Invalid permission escalation: {from} -> {to}")]
    IllegalEscalation {
        /// The set that stands.
        from: PermissionSet,
        /// The set that was asked for.
        to: PermissionSet,
    },
    /// Nothing escalates to `trusted`.
    #[error("no escalation leads to `trusted`: it is given by hand only")]
    TrustedRefused,
    /// Somebody else changed the set in the meantime.
    #[error("the permission set is {stored}, not {expected}: read it again and decide anew")]
    PermissionChanged {
        /// What the caller took for granted.
        expected: PermissionSet,
        /// What is stored.
        stored: PermissionSet,
    },
    /// A tool id that cannot be stored.
    #[error("invalid tool id: {0}")]
    InvalidTool(String),
    /// A tag that cannot be stored.
    #[error("invalid tag: {0}")]
    InvalidTag(&'static str),
    /// A key that is not 32 bytes in base64.
    #[error("public_key must be an Ed25519 public key: 32 bytes in base64")]
    InvalidPublicKey,
    /// A signature that is not one, or not of this capability by this key.
    #[error(
        "the signature does not verify: it must be the Ed25519 signature of `message` by that key, 64 bytes in base64"
    )]
    InvalidSignature,
    /// A filter of a list outside its range.
    #[error("{field} {rule}")]
    InvalidFilter {
        /// Which one.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A direction of edges that there is not.
    #[error("direction must be from, to or both, not {0:?}")]
    InvalidDirection(String),
    /// The caller is nobody, and this needs an owner.
    #[error("sign in first")]
    SignInRequired,
    /// A registry entry whose code was deleted.
    #[error("{key} has no code any more")]
    NoCode {
        /// The reference as given.
        key: String,
    },
    /// A JSON document that cannot be stored.
    #[error("invalid document: {0}")]
    InvalidDocument(String),
}

impl CapabilityError {
    /// The stable word for this kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyCode | Self::InvalidCode(_) => "invalid_code",
            Self::CodeTooLarge { .. } => "code_too_large",
            Self::InvalidIntent(_) => "invalid_intent",
            Self::InvalidDuration => "invalid_duration",
            Self::InvalidFqdn(_) => "invalid_fqdn",
            Self::InvalidReference(_) => "invalid_reference",
            Self::Ambiguous { .. } => "ambiguous_reference",
            Self::InvalidNamespace(_) => "invalid_namespace",
            Self::InvalidAction(_) => "invalid_action",
            Self::NameTaken { .. } => "name_taken",
            Self::InvalidPattern(_) => "invalid_pattern",
            Self::SelfMerge => "self_merge",
            Self::ToolsMismatch { .. } => "tools_mismatch",
            Self::Cycle { .. } => "dependency_cycle",
            Self::SelfDependency => "self_dependency",
            Self::IllegalEscalation { .. } => "illegal_escalation",
            Self::TrustedRefused => "trusted_refused",
            Self::PermissionChanged { .. } => "permission_changed",
            Self::InvalidTool(_) => "invalid_tool_id",
            Self::InvalidTag(_) => "invalid_tag",
            Self::InvalidPublicKey => "invalid_public_key",
            Self::InvalidSignature => "invalid_signature",
            Self::InvalidFilter { .. } => "invalid_filter",
            Self::InvalidDirection(_) => "invalid_direction",
            Self::SignInRequired => "sign_in_required",
            Self::NoCode { .. } => "no_code",
            Self::InvalidDocument(_) => "invalid_document",
        }
    }
}

impl From<CapabilityError> for crate::Error {
    fn from(error: CapabilityError) -> Self {
        Self::Capability(Box::new(error))
    }
}

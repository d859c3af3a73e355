//! What can be wrong with a call of this area.

use pml_entity::values::{CorrelationId, SuccessPatternId};

/// Why a call of this area was refused. The text says what the caller can change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceabilityError {
    /// No execution has this id, or none that the caller may see. Also what a hook or call gets that comes before its execution.
    #[error("no execution has the correlation id {0}: start it first")]
    UnknownCorrelation(CorrelationId),
    /// A delegated execution whose parent was never started.
    #[error("the parent execution {0} is not known: start it first, or give root_id as well")]
    UnknownParent(CorrelationId),
    /// An execution with this id was started before, and not like this.
    #[error("the correlation id {0} belongs to another execution: leave it out to get a new one")]
    CorrelationTaken(CorrelationId),
    /// The execution ended before, and not like this.
    #[error("the execution {0} is completed already, with another outcome")]
    AlreadyCompleted(CorrelationId),
    /// Something ends before it begins.
    #[error(
        "completed_at ({completed_at}) is before started_at ({started_at}): are the clocks in step?"
    )]
    ClockSkew {
        /// When it began, RFC 3339.
        started_at: String,
        /// When it is said to have ended, RFC 3339.
        completed_at: String,
    },
    /// A field that breaks a rule.
    #[error("{field} {problem}")]
    InvalidField {
        /// The field, as the column is called.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A body or a document that is larger than what is kept.
    #[error("{field} has {bytes} bytes; at most {limit} are kept: shorten it, or leave it out")]
    BodyTooLarge {
        /// The field.
        field: &'static str,
        /// Its size as JSON, in bytes.
        bytes: usize,
        /// The largest size, in bytes.
        limit: usize,
    },
    /// An id that the caller gave and that another row has.
    #[error("the id {id} belongs to another {entity}")]
    IdTaken {
        /// What kind of row has it.
        entity: &'static str,
        /// The id.
        id: String,
    },
    /// No pattern has this id.
    #[error("no pattern has the id {0}")]
    UnknownPattern(SuccessPatternId),
}

impl TraceabilityError {
    /// The stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownCorrelation(_) => "unknown_correlation",
            Self::UnknownParent(_) => "unknown_parent",
            Self::CorrelationTaken(_) => "correlation_taken",
            Self::AlreadyCompleted(_) => "already_completed",
            Self::ClockSkew { .. } => "clock_skew",
            Self::InvalidField { .. } => "invalid_field",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::IdTaken { .. } => "id_taken",
            Self::UnknownPattern(_) => "unknown_pattern",
        }
    }
}

impl From<TraceabilityError> for crate::Error {
    fn from(error: TraceabilityError) -> Self {
        Self::Traceability(Box::new(error))
    }
}

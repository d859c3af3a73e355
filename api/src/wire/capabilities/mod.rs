//! Bodies of the routes under `/api/v1/capabilities`.
//!
//! Numbers and vectors of a request are kept as they were written and are read by the handler, so that each bad value gets its own
//! code. Words, such as a visibility, are text for the same reason.

mod change;
mod dependencies;
mod permissions;
mod read;
mod save;
mod search;

pub use self::{
    change::{MergeAnswer, MergeBody, RenameAnswer, RenameBody, VerifyAnswer, VerifyBody},
    dependencies::{DependenciesQuery, Dependency, DependencyBody, RemoveDependencyQuery},
    permissions::{AuditEntry, AuditQuery, PermissionAnswer, PermissionBody, PermissionState},
    read::{CapabilityDetails, CapabilityListQuery, CapabilityQuery, CapabilitySummary},
    save::{SaveAnswer, SaveBody},
    search::{
        CapabilityHit, CapabilitySearchAnswer, CapabilitySearchBody, CapabilityVector,
        EmbeddingsAnswer, EmbeddingsBody,
    },
};

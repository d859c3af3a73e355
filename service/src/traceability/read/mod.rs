//! Reading executions: lists, the whole story of one, its timeline, and who delegated to whom.
//!
//! There is no principal among the parameters: the policies of the database decide. Run these inside `Db::as_principal`, and an
//! execution that the caller may not see does not exist, nor do its parts.

mod assemble;
mod hierarchy;
mod list;
mod parts;
mod timeline;
mod tree;

pub use assemble::{AssembledTrace, get};
pub use hierarchy::{Hierarchy, HierarchyNode, hierarchy};
pub use list::{TraceFilter, list};
pub use parts::{MAX_PARTS, RoutingDecision};
pub use timeline::{Event, TimelineEvent, timeline};
pub use tree::{MAX_DEPTH, MAX_TRACES};

use pml_entity::values::CorrelationId;

use crate::Error;

fn not_found(correlation: CorrelationId) -> Error {
    Error::NotFound {
        entity: "trace",
        key: correlation.to_string(),
    }
}

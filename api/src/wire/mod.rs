//! What goes over the wire: request and answer bodies, shared by the routes, the OpenAPI document and the command line when it
//! talks to a running server.

pub mod capabilities;
mod convert;
pub mod health;
pub mod problem;
pub mod tools;
pub mod traceability;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One part of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next part. Null: this was the last one.
    pub next_cursor: Option<String>,
}

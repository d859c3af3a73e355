//! Reading executions: assembly, timeline, hierarchy and lists, for the service and for somebody who sees only a part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod assembling;
mod given;
mod listing;
mod plans;
mod timeline;
mod visibility;

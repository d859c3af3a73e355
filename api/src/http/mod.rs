//! The HTTP API: routes, error answers, metrics, and the loop that serves them.

mod capabilities;
mod extract;
mod health;
pub(crate) mod input;
pub mod metrics;
mod openapi;
pub mod problem;
mod router;
mod server;
mod state;
mod tools;
mod traceability;

pub use self::{
    extract::BODY_LIMIT_BYTES,
    openapi::document,
    router::{REQUEST_TIME_LIMIT, router},
    server::{serve, shutdown_signal},
    state::AppState,
};

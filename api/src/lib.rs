#![doc = include_str!("../README.md")]

mod causes;
pub mod cli;
pub mod client;
pub mod http;
pub mod mcp;
pub mod wire;

pub use http::{AppState, router, serve};

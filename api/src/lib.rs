#![doc = include_str!("../README.md")]

pub mod cli;
pub mod client;
pub mod http;
pub mod mcp;
pub mod wire;

pub use http::{AppState, router, serve};

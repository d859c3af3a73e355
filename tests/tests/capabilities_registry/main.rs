//! The registry of capabilities: finding one by any of its names, reading, listing, renaming, registering, deleting, signing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod delete;
mod fixture;
mod get;
mod history;
mod list;
mod list_filters;
mod pages;
mod reembed;
mod register;
mod rename;
mod rename_together;
mod rename_vector;
mod resolve;
mod resolve_many;
mod signature;

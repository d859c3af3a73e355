#![doc = include_str!("../README.md")]

mod database;
mod embedded;
mod error;
mod folders;
pub mod rules;
mod runtime;
mod server;
mod template;

pub use database::{TestDatabase, database, empty_database};
pub use error::TestkitError;
pub use server::{REAL_SERVER_ENV, real_server};

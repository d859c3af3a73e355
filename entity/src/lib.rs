#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod capabilities;
pub mod execution;
pub mod identity;
pub mod learning;
mod registry;
pub mod telemetry;
pub mod tools;
pub mod traceability;
pub mod values;

pub use registry::{Area, ColumnInfo, ForeignKeyInfo, Registry, TableInfo, TableKind};
/// The ORM, in the version these entities are built with.
pub use sea_orm;

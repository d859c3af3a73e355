#![doc = include_str!("../README.md")]

pub mod capabilities;
mod db;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod embedding;
mod error;
mod page;
mod principal;
pub mod recorder;
pub mod retention;
pub mod settings;
mod sql;
pub mod tools;
pub mod traceability;

pub use db::{Db, Health, Snapshot, StatementHook, StatementInfo, StatementStats, retry};
pub use error::Error;
pub use page::{Cursor, Limit, Page, PageRequest};
pub use principal::Principal;
pub use settings::{PoolSettings, SettingValue, Settings, SettingsError};

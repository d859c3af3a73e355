//! Bodies of the routes under `/api/v1/traces`, `/api/v1/patterns` and `/api/v1/analytics`.

pub mod analytics;
pub mod patterns;
pub mod queries;
pub mod read;
pub mod record;
mod row;

pub use analytics::*;
pub use patterns::*;
pub use queries::*;
pub use read::*;
pub use record::*;

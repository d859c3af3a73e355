//! Area `tools`: which tools exist, how they are found, and how they follow each other.

pub mod tool_dependency;
pub mod tool_embedding;
pub mod tool_schema;

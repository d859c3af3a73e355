//! Bodies of `/healthz` and `/readyz`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The process runs. Says nothing about the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"status": "ok", "version": "0.1.0"}))]
pub struct Alive {
    /// Always `ok`.
    pub status: String,
    /// The version of the server.
    pub version: String,
}

/// The server can answer requests: its database is there and fully migrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "status": "ready",
    "version": "0.1.0",
    "database": {"kind": "embedded", "server_version": "17.5", "vector_version": "0.8.2"},
    "embedding_model": "pml-hashing-v1"
}))]
pub struct Ready {
    /// Always `ready`; anything else is a problem document.
    pub status: String,
    /// The version of the server.
    pub version: String,
    /// The database behind it.
    pub database: Database,
    /// The model whose embeddings are stored and searched.
    pub embedding_model: String,
}

/// A reachable database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Database {
    /// `embedded` or `remote`.
    pub kind: String,
    /// Version of PostgreSQL.
    pub server_version: String,
    /// Version of the extension `vector`; null where it is not installed.
    pub vector_version: Option<String>,
}

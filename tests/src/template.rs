//! Which template a test database is copied from.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Raised when templates made by an earlier harness must not be used any more. Names the embedded engine, because a cluster of one
/// version of it need not open with another.
const FORMAT: &str = "1 pglite-oxide=0.5.1";

/// What a template holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// No step applied.
    Empty,
    /// Every step applied.
    Migrated,
}

/// Names the schema that the steps of this build make: changes whenever a step does, so a stale template is never found.
pub(crate) fn key() -> String {
    let mut hash = Sha256::new();
    hash.update(FORMAT);
    for (name, checksum) in pml_migration::checksums() {
        hash.update(format!("\n{name} {checksum}"));
    }
    hash.finalize()
        .iter()
        .take(8)
        .fold(String::with_capacity(16), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        })
}

//! Text that must not be printed.

use sea_orm::DeriveValueType;

/// A stored Argon2id hash of an API key.
///
/// Not the key itself, yet nothing that belongs in a log or an answer: `Debug` hides it and there is no serde.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
#[sea_orm(column_type = "Text")]
pub struct ApiKeyHash(String);

impl ApiKeyHash {
    /// Wraps a hash in PHC string form.
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The hash, for verifying a key against it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeyHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_hash() {
        assert_eq!(
            format!("{:?}", ApiKeyHash::new("$argon2id$secret")),
            "ApiKeyHash(redacted)"
        );
    }
}

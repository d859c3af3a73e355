//! Hashes as lower-case hexadecimal text. Upper case is refused, so that equal hashes are equal texts.

use sha2::{Digest, Sha256};

use super::text_value::text_value;

/// A text that is not a hash of the expected length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: expected {expected} lower-case hexadecimal digits")]
pub struct InvalidHash {
    /// How many digits the hash has.
    pub expected: usize,
}

/// Length of a SHA-256 in hexadecimal digits.
const SHA256_DIGITS: usize = 64;
/// Length of the part of a code hash that an FQDN carries.
const SHORT_DIGITS: usize = 4;

fn check_digits(text: &str, expected: usize) -> Result<(), InvalidHash> {
    let valid =
        text.len() == expected && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if valid {
        Ok(())
    } else {
        Err(InvalidHash { expected })
    }
}

fn check_sha256(text: &str) -> Result<(), InvalidHash> {
    check_digits(text, SHA256_DIGITS)
}

fn check_short(text: &str) -> Result<(), InvalidHash> {
    check_digits(text, SHORT_DIGITS)
}

/// SHA-256 of the bytes in lower-case hexadecimal.
fn sha256_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = String::with_capacity(SHA256_DIGITS);
    for byte in Sha256::digest(bytes) {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
    hex
}

text_value! {
    /// SHA-256 of canonical code, as 64 lower-case hexadecimal digits.
    CodeHash, InvalidHash, check_sha256
}

text_value! {
    /// The first four digits of a [`CodeHash`]: the last part of an [`Fqdn`](super::Fqdn).
    ShortHash, InvalidHash, check_short
}

text_value! {
    /// SHA-256 of a definition, as 64 lower-case hexadecimal digits. Tells a changed definition from an unchanged one.
    ///
    /// Rows of older systems carry none; see [`ContentHash::unknown`].
    ContentHash, InvalidHash, check_sha256
}

impl CodeHash {
    /// Hashes code that is already in canonical form.
    pub fn of(canonical_code: &str) -> Self {
        Self(sha256_hex(canonical_code.as_bytes()))
    }

    /// The part that an FQDN carries. A stored hash that is shorter than it should be gives what it has.
    pub fn short(&self) -> ShortHash {
        ShortHash(self.0.chars().take(SHORT_DIGITS).collect())
    }
}

impl ContentHash {
    /// Hashes the bytes of a definition.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha256_hex(bytes.as_ref()))
    }

    /// What a NOT NULL column holds when nobody computed the hash: the empty text. It equals no real hash.
    pub const fn unknown() -> Self {
        Self(String::new())
    }

    /// Whether this is a real hash and not [`ContentHash::unknown`].
    pub fn is_known(&self) -> bool {
        check_sha256(&self.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_are_sha256_in_lower_case() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(CodeHash::of("").as_str(), empty);
        assert_eq!(ContentHash::of("").as_str(), empty);
        assert_eq!(CodeHash::of("").short().as_str(), "e3b0");
    }

    #[test]
    fn wrong_length_or_case_is_refused() {
        assert_eq!(ShortHash::new("A7F3"), Err(InvalidHash { expected: 4 }));
        assert_eq!(ShortHash::new("a7f"), Err(InvalidHash { expected: 4 }));
        assert_eq!(ShortHash::new("a7f33"), Err(InvalidHash { expected: 4 }));
        assert_eq!(
            CodeHash::new("g".repeat(64)),
            Err(InvalidHash { expected: 64 })
        );
        assert!(serde_json::from_str::<CodeHash>("\"abc\"").is_err());
        // Four characters, but not four bytes.
        assert!(ShortHash::new("é00").is_err());
    }

    #[test]
    fn the_unknown_hash_equals_no_real_one() {
        assert!(!ContentHash::unknown().is_known());
        assert!(ContentHash::of("x").is_known());
    }

    proptest! {
        #[test]
        fn every_hash_passes_its_own_rule(code in ".{0,60}") {
            let hash = CodeHash::of(&code);
            prop_assert_eq!(&hash.as_str().parse::<CodeHash>().unwrap(), &hash);
            prop_assert_eq!(&hash.short().as_str().parse::<ShortHash>().unwrap(), &hash.short());
            let json = serde_json::to_string(&hash).unwrap();
            prop_assert_eq!(serde_json::from_str::<CodeHash>(&json).unwrap(), hash);
        }
    }
}

//! One way to declare a closed set of words that a text column holds.
//!
//! The database keeps plain `text` with a CHECK, because adding a word then costs one constraint and no type migration.
//! The macro here is the Rust half of that CHECK: an unknown word cannot be built, and a row that holds one cannot be read.

/// A word that does not belong to the closed set it was offered to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {kind}: expected one of {}", .expected.join(", "))]
pub struct UnknownWord {
    /// Name of the set, as the Rust type spells it.
    pub kind: &'static str,
    /// What was offered.
    pub word: String,
    /// Every word of the set, in declaration order; aliases are not listed.
    pub expected: &'static [&'static str],
}

/// Declares an enum whose variants are stored as the given words.
///
/// `Variant = "word"` is the stored form; further words after `|` are accepted as input and never written.
/// The enum gets `ALL`, `WORDS`, `as_str`, `Display`, `FromStr`, serde in both directions and everything a column needs.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal $(| $alias:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        #[sea_orm(value_type = "String", column_type = "Text")]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every stored word, in the order of [`Self::ALL`]: the list of the column's CHECK.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word as the database stores it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::values::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $( $word $(| $alias)* => Ok(Self::$variant), )+
                    _ => Err($crate::values::UnknownWord {
                        kind: stringify!($name),
                        word: word.to_owned(),
                        expected: Self::WORDS,
                    }),
                }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(test)]
        impl $crate::values::text_enum::Words for $name {
            fn words() -> Vec<(Self, &'static str)> {
                Self::ALL.iter().map(|value| (*value, value.as_str())).collect()
            }
        }
    };
}

pub(crate) use text_enum;

/// What the tests of every word set share.
#[cfg(test)]
pub(crate) trait Words: Sized {
    /// Each variant with its stored word.
    fn words() -> Vec<(Self, &'static str)>;
}

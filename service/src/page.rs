//! Pages of a list: how many rows, and where to go on.
//!
//! A cursor carries the sort key of the last row (keyset pagination): a page costs the same at any depth, and rows that come and go
//! in between shift nothing. It is opaque, tagged with the list it belongs to, and checksummed: it is no secret and no permission, but
//! a mangled one, or one of another list, is refused instead of giving a wrong page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::Error;

/// Format of the text inside a cursor.
const VERSION: u8 = 1;
/// Bytes of the hash that stand in front.
const CHECKSUM_BYTES: usize = 8;
/// No cursor of ours is longer; whatever is longer is not decoded.
const MAX_CURSOR_CHARS: usize = 4_096;

/// How many rows a page has: 1–500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u32);

impl Limit {
    /// Smallest limit.
    pub const MIN: u32 = 1;
    /// Largest limit of any list.
    pub const MAX: u32 = 500;
    /// Limit of a list when none is asked for.
    pub const DEFAULT: u32 = 50;

    /// Checks a limit; `None` means [`DEFAULT`](Self::DEFAULT).
    ///
    /// # Errors
    /// [`Error::InvalidLimit`] outside 1–500.
    pub fn new(limit: Option<i64>) -> Result<Self, Error> {
        Self::or(limit, Self::DEFAULT)
    }

    /// Checks a limit; `None` means `default`.
    ///
    /// # Errors
    /// [`Error::InvalidLimit`] outside 1–500.
    pub fn or(limit: Option<i64>, default: u32) -> Result<Self, Error> {
        let Some(given) = limit else {
            return Ok(Self(default.clamp(Self::MIN, Self::MAX)));
        };
        match u32::try_from(given) {
            Ok(limit) if (Self::MIN..=Self::MAX).contains(&limit) => Ok(Self(limit)),
            _ => Err(Error::InvalidLimit {
                given,
                min: Self::MIN,
                max: Self::MAX,
            }),
        }
    }

    /// The number of rows.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

/// Where a list goes on, as a client hands it back. It is checked by the list that gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Cursor {
    /// Makes the cursor after the row with this sort key, in the list called `list`.
    pub(crate) fn after(list: &str, key: &impl Serialize) -> Option<String> {
        let key = serde_json::to_vec(key).ok()?;
        let mut bytes = checksum(list, &key).to_vec();
        bytes.push(VERSION);
        bytes.extend(key);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The sort key inside, if this cursor was made for the list called `list`.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`], always the same whatever is wrong.
    pub(crate) fn key<K: DeserializeOwned>(&self, list: &str) -> Result<K, Error> {
        if self.0.len() > MAX_CURSOR_CHARS {
            return Err(Error::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(&self.0)
            .map_err(|_| Error::InvalidCursor)?;
        let (sum, rest) = bytes
            .split_at_checked(CHECKSUM_BYTES)
            .ok_or(Error::InvalidCursor)?;
        let (version, key) = rest.split_first().ok_or(Error::InvalidCursor)?;
        if *version != VERSION || sum != checksum(list, key) {
            return Err(Error::InvalidCursor);
        }
        serde_json::from_slice(key).map_err(|_| Error::InvalidCursor)
    }
}

fn checksum(list: &str, key: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha256::new();
    hash.update([VERSION]);
    hash.update(list.as_bytes());
    hash.update([0]);
    hash.update(key);
    let mut sum = [0; CHECKSUM_BYTES];
    for (target, source) in sum.iter_mut().zip(hash.finalize()) {
        *target = source;
    }
    sum
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows.
    pub limit: Limit,
    /// Where to go on; `None` from the start.
    pub cursor: Option<Cursor>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub items: Vec<T>,
    /// Where the list goes on; `None` when this is its end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` rows out of `rows`, which holds one more when the list goes on.
    pub(crate) fn cut<K: Serialize>(
        mut rows: Vec<T>,
        limit: Limit,
        list: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let size = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .and_then(|last| Cursor::after(list, &key(last)));
        Self {
            items: rows,
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cursor(list: &str, key: &str) -> Cursor {
        Cursor::from(Cursor::after(list, &key).unwrap())
    }

    #[test]
    fn limits_outside_the_range_are_refused() {
        assert_eq!(Limit::new(None).unwrap().get(), 50);
        assert_eq!(Limit::new(Some(500)).unwrap().get(), 500);
        for bad in [0, -1, 501, i64::MAX, i64::MIN] {
            assert_eq!(Limit::new(Some(bad)).unwrap_err().code(), "invalid_limit");
        }
    }

    #[test]
    fn a_cursor_gives_its_key_back_to_its_own_list_only() {
        let made = cursor("tools", "files:read");
        assert_eq!(made.key::<String>("tools").unwrap(), "files:read");
        assert!(matches!(
            made.key::<String>("traces"),
            Err(Error::InvalidCursor)
        ));
        assert!(matches!(
            made.key::<u32>("tools"),
            Err(Error::InvalidCursor)
        ));
    }

    #[test]
    fn every_change_of_a_cursor_is_noticed() {
        let text = Cursor::after("tools", &"files:read").unwrap();
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let forged = Cursor::from(String::from_utf8(bytes).unwrap());
            assert!(
                matches!(forged.key::<String>("tools"), Err(Error::InvalidCursor)),
                "{position}"
            );
        }
        for bad in ["", "A", "!!!!", "AAAAAAAAAAAAAAAA", &"A".repeat(100_000)] {
            assert!(matches!(
                Cursor::from(bad).key::<String>("tools"),
                Err(Error::InvalidCursor)
            ));
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let limit = Limit::new(Some(2)).unwrap();
        let page = Page::cut(vec!["a", "b", "c"], limit, "letters", |row| {
            (*row).to_owned()
        });
        assert_eq!(page.items, ["a", "b"]);
        assert_eq!(
            Cursor::from(page.next_cursor.unwrap())
                .key::<String>("letters")
                .unwrap(),
            "b"
        );
        assert_eq!(
            Page::cut(vec!["a", "b"], limit, "letters", |row| (*row).to_owned()).next_cursor,
            None
        );
    }
}

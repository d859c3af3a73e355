//! Keeping secrets out of what is stored.
//!
//! A value is a secret by the name it stands under. Names are compared without regard to case; the value goes, whatever its type, and
//! the name stays. Source: specification of traceability, section 9.

use std::borrow::Cow;

use http::HeaderMap;
use sea_orm::prelude::Json;
use serde_json::Map;

/// What stands in place of a secret.
pub const REDACTED: &str = "[REDACTED]";

/// The documented names.
const NAMES: [&str; 7] = [
    "password",
    "token",
    "api_key",
    "secret",
    "authorization",
    "credentials",
    "private_key",
];
/// What the hardened rule adds: names of headers that hold credentials …
const MORE_NAMES: [&str; 3] = ["cookie", "set_cookie", "proxy_authorization"];
/// … and endings of names.
const SUFFIXES: [&str; 5] = ["_token", "_secret", "_password", "_api_key", "_private_key"];

/// Replaces secrets in documents and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sanitizer {
    hardened: bool,
}

impl Default for Sanitizer {
    fn default() -> Self {
        Self::hardened()
    }
}

impl Sanitizer {
    /// The documented rule: seven names, compared as a whole. `access_token` and `x-api-key` pass; a body that is no object stays as it is.
    pub const fn documented() -> Self {
        Self { hardened: false }
    }

    /// The rule that this service uses: `-` counts as `_`, `accessToken` as `access_token`, names that end in `_token`, `_secret`,
    /// `_password`, `_api_key` or `_private_key` are secrets, so are cookies, and a body that is an array is walked as well.
    pub const fn hardened() -> Self {
        Self { hardened: true }
    }

    /// Whether what stands under this name is a secret.
    pub fn is_secret(self, name: &str) -> bool {
        if !self.hardened {
            return if name.is_ascii() {
                NAMES.iter().any(|secret| secret.eq_ignore_ascii_case(name))
            } else {
                NAMES.contains(&name.to_lowercase().as_str())
            };
        }
        let name = snake_case(name);
        NAMES.contains(&name.as_ref())
            || MORE_NAMES.contains(&name.as_ref())
            || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    }

    /// Replaces the secrets of a body or document in place; nothing is copied. Arrays in arrays are walked.
    pub fn clean(self, document: &mut Json) {
        match document {
            Json::Object(object) => self.clean_object(object),
            Json::Array(items) if self.hardened => self.clean_array(items),
            _ => {}
        }
    }

    fn clean_object(self, object: &mut Map<String, Json>) {
        for (name, value) in object.iter_mut() {
            if self.is_secret(name) {
                *value = Json::String(REDACTED.to_owned());
            } else {
                self.clean_inner(value);
            }
        }
    }

    fn clean_array(self, items: &mut [Json]) {
        for item in items {
            self.clean_inner(item);
        }
    }

    fn clean_inner(self, value: &mut Json) {
        match value {
            Json::Object(object) => self.clean_object(object),
            Json::Array(items) => self.clean_array(items),
            _ => {}
        }
    }

    /// Headers as a document without secrets: a text per name, or a list of texts where a name comes more than once.
    ///
    /// A value that its sender marked as sensitive is a secret under any name. Null characters and bytes that are no text are replaced.
    pub fn headers(self, headers: &HeaderMap) -> Json {
        let mut document = Map::with_capacity(headers.keys_len());
        for name in headers.keys() {
            let secret = self.is_secret(name.as_str());
            let mut values: Vec<Json> = headers
                .get_all(name)
                .iter()
                .map(|value| {
                    if secret || value.is_sensitive() {
                        return Json::String(REDACTED.to_owned());
                    }
                    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    Json::String(text)
                })
                .collect();
            let value = match values.len() {
                1 => values.pop().unwrap_or_default(),
                _ => Json::Array(values),
            };
            document.insert(name.as_str().to_owned(), value);
        }
        Json::Object(document)
    }
}

/// `X-Api-Key`, `xApiKey` and `x_api_key` as the last one. Borrows where nothing has to change.
fn snake_case(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.bytes().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for character in name.chars() {
        let separates = matches!(character, '-' | ' ' | '.');
        if character.is_uppercase() && after_small {
            snake.push('_');
        }
        after_small = character.is_lowercase() || character.is_ascii_digit();
        if separates {
            snake.push('_');
        } else {
            snake.extend(character.to_lowercase());
        }
    }
    Cow::Owned(snake)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderValue;
    use http::header::{AUTHORIZATION, COOKIE, HeaderName};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cleaned(sanitizer: Sanitizer, mut document: Json) -> Json {
        sanitizer.clean(&mut document);
        document
    }

    #[test]
    fn the_seven_names_are_secrets_whatever_their_case_and_type() {
        for name in NAMES {
            for name in [name.to_owned(), name.to_uppercase()] {
                for value in [json!("x"), json!(7), json!(null), json!({"a": [1]})] {
                    for sanitizer in [Sanitizer::documented(), Sanitizer::hardened()] {
                        let document = cleaned(sanitizer, json!({&name: value, "kept": 1}));
                        assert_eq!(document, json!({&name: REDACTED, "kept": 1}));
                    }
                }
            }
        }
    }

    #[test]
    fn the_documented_rule_takes_whole_names_only() {
        let document =
            json!({"access_token": "a", "x-api-key": "b", "passwords": "c", "api-key": "d"});
        assert_eq!(cleaned(Sanitizer::documented(), document.clone()), document);
        assert_eq!(
            cleaned(Sanitizer::hardened(), document),
            json!({"access_token": REDACTED, "x-api-key": REDACTED, "passwords": "c", "api-key": REDACTED})
        );
    }

    #[test]
    fn the_hardened_rule_knows_other_spellings() {
        let hardened = Sanitizer::hardened();
        for name in [
            "accessToken",
            "clientSecret",
            "Proxy-Authorization",
            "Set-Cookie",
            "DB_PASSWORD",
            "apiKey",
            "API-Key",
        ] {
            assert!(hardened.is_secret(name), "{name}");
        }
        for name in ["max_tokens", "tokenizer", "secretary", "author", "", "key"] {
            assert!(!hardened.is_secret(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_found_in_arrays_of_arrays() {
        let document = json!({"a": [[[{"token": "x", "list": [[{"secret": 1}]]}], 5], "text"]});
        let expected =
            json!({"a": [[[{"token": REDACTED, "list": [[{"secret": REDACTED}]]}], 5], "text"]});
        for sanitizer in [Sanitizer::documented(), Sanitizer::hardened()] {
            assert_eq!(cleaned(sanitizer, document.clone()), expected);
        }
    }

    #[test]
    fn a_body_that_is_no_object_stays_as_it_is_by_the_documented_rule() {
        for body in [
            json!(null),
            json!("password"),
            json!(1),
            json!([{"token": "x"}]),
        ] {
            assert_eq!(cleaned(Sanitizer::documented(), body.clone()), body);
        }
        assert_eq!(
            cleaned(Sanitizer::hardened(), json!([{"token": "x"}])),
            json!([{"token": REDACTED}])
        );
    }

    #[test]
    fn headers_keep_their_names_and_lose_their_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        headers.insert(COOKIE, HeaderValue::from_static("session=x"));
        headers.append("accept", HeaderValue::from_static("a/b"));
        headers.append("accept", HeaderValue::from_static("c/d"));
        let mut marked = HeaderValue::from_static("x");
        marked.set_sensitive(true);
        headers.insert(HeaderName::from_static("x-quiet"), marked);
        assert_eq!(
            Sanitizer::hardened().headers(&headers),
            json!({"authorization": REDACTED, "cookie": REDACTED, "accept": ["a/b", "c/d"], "x-quiet": REDACTED})
        );
    }

    fn documents() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![Just(json!("hush")), Just(json!(1)), Just(json!(null))];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                prop::collection::btree_map("(token|Secret|name|a_password)", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    fn holds_a_secret(value: &Json) -> bool {
        match value {
            Json::Object(object) => object.iter().any(|(name, value)| {
                Sanitizer::hardened().is_secret(name) && value != REDACTED || holds_a_secret(value)
            }),
            Json::Array(items) => items.iter().any(holds_a_secret),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_left_and_cleaning_twice_changes_nothing(document in documents()) {
            let once = cleaned(Sanitizer::hardened(), document);
            prop_assert!(!holds_a_secret(&once));
            prop_assert_eq!(cleaned(Sanitizer::hardened(), once.clone()), once);
        }
    }
}

//! Where values come from: the environment by a fixed list of names, flags without their gaps, and the memory of which was which.

use std::collections::BTreeMap;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider, error::Kind};
use serde::Serialize;

use super::SettingsError;

/// Environment variable and key of every setting, in the order they are shown.
pub(super) const VARIABLES: [(&str, &str); 20] = [
    ("DATABASE_URL", "database_url"),
    ("PML_DATA_DIR", "data_dir"),
    ("PML_LISTEN", "listen"),
    ("PML_URL", "url"),
    ("EMBEDDING_URL", "embedding_url"),
    ("EMBEDDING_MODEL", "embedding_model"),
    ("TRACE_EMBEDDING_MODEL", "trace_embedding_model"),
    ("EMBEDDING_API_KEY", "embedding_api_key"),
    ("PML_APPLICATION_NAME", "application_name"),
    ("PML_POOL__MAX_CONNECTIONS", "pool.max_connections"),
    ("PML_POOL__ACQUIRE_TIMEOUT_MS", "pool.acquire_timeout_ms"),
    (
        "PML_POOL__STATEMENT_TIMEOUT_MS",
        "pool.statement_timeout_ms",
    ),
    ("PML_POOL__LOCK_TIMEOUT_MS", "pool.lock_timeout_ms"),
    (
        "PML_POOL__IDLE_IN_TRANSACTION_TIMEOUT_MS",
        "pool.idle_in_transaction_timeout_ms",
    ),
    ("PML_POOL__TEST_IDLE_MS", "pool.test_idle_ms"),
    ("PML_RETENTION__ENABLED", "retention.enabled"),
    (
        "PML_RETENTION__INTERVAL_MINUTES",
        "retention.interval_minutes",
    ),
    ("PML_RETENTION__TRACE_DAYS", "retention.trace_days"),
    ("PML_RETENTION__USAGE_DAYS", "retention.usage_days"),
    ("PML_RETENTION__IDLE_DAYS", "retention.idle_days"),
];

const ENVIRONMENT: &str = "environment";
const FLAG: &str = "flag";

/// The variables that are set and not blank.
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.trim().is_empty())
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A value of a nested table: they are all numbers and switches. What is neither stays text, for the error that it makes.
fn plain(text: &str) -> Value {
    let text = text.trim();
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Value::from(true),
        "false" | "no" | "off" => Value::from(false),
        _ => Value::from(text),
    }
}

/// A number or a switch where one is meant, text everywhere else: a key of digits stays a key.
impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut top = Dict::new();
        let mut tables: BTreeMap<&str, Dict> = BTreeMap::new();
        for (name, key) in VARIABLES {
            let Some(text) = self.get(name) else { continue };
            match key.split_once('.') {
                Some((table, key)) => {
                    let table = tables.entry(table).or_default();
                    table.insert(key.to_owned(), plain(text));
                }
                None => {
                    top.insert(key.to_owned(), Value::from(text));
                }
            }
        }
        top.extend(
            tables
                .into_iter()
                .map(|(name, table)| (name.to_owned(), Value::from(table))),
        );
        Ok(Profile::Default.collect(top))
    }
}

/// Flags of a command line: what was not given does not hide what the environment says.
pub(super) struct Flags<'a, T>(pub(super) &'a T);

impl<T: Serialize> Provider for Flags<'_, T> {
    fn metadata(&self) -> Metadata {
        Metadata::named(FLAG)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let given = match Value::serialize(self.0)? {
            Value::Dict(_, dict) => without_gaps(dict),
            _ => Dict::new(),
        };
        Ok(Profile::Default.collect(given))
    }
}

fn without_gaps(dict: Dict) -> Dict {
    dict.into_iter()
        .filter_map(|(key, value)| match value {
            Value::Empty(..) => None,
            Value::Dict(tag, dict) => Some((key, Value::Dict(tag, without_gaps(dict)))),
            value => Some((key, value)),
        })
        .collect()
}

/// Which source each key came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<&'static str, String>);

impl Origins {
    pub(super) fn of(figment: &Figment, file: &Path) -> Self {
        let origin = |(variable, key): (&'static str, &'static str)| {
            let metadata = figment.find_metadata(key)?;
            Some((key, name_of(metadata, variable, file)?))
        };
        Self(VARIABLES.into_iter().filter_map(origin).collect())
    }

    /// `flag`, the name of an environment variable, the name of the file, or `default`.
    pub fn of_key(&self, key: &str) -> &str {
        self.0.get(key).map_or("default", String::as_str)
    }
}

/// `None` for a default.
fn name_of(metadata: &Metadata, variable: &str, file: &Path) -> Option<String> {
    match metadata.name.as_ref() {
        ENVIRONMENT => Some(variable.to_owned()),
        FLAG => Some(FLAG.to_owned()),
        _ if metadata
            .source
            .as_ref()
            .is_some_and(|source| source.file_path().is_some()) =>
        {
            Some(file_name(file))
        }
        _ => None,
    }
}

fn file_name(file: &Path) -> String {
    file.file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Says what figment found wrong without its wording, which shows profiles and values.
pub(super) fn explain(error: &Error, file: &Path) -> SettingsError {
    let path = error.path.join(".");
    let variable = VARIABLES
        .iter()
        .find(|(_, key)| *key == path)
        .map_or("", |(variable, _)| variable);
    let origin = error
        .metadata
        .as_ref()
        .and_then(|metadata| name_of(metadata, variable, file))
        .unwrap_or_else(|| file_name(file));
    let (key, problem) = match &error.kind {
        Kind::UnknownField(key, known) => {
            let key = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            (key, format!("unknown key; known are {}", known.join(", ")))
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            (path, format!("must be {expected}"))
        }
        Kind::Message(message) => (
            path,
            message.lines().map(str::trim).collect::<Vec<_>>().join(" "),
        ),
        _ => (path, "cannot be used".to_owned()),
    };
    let key = if key.is_empty() {
        "configuration".to_owned()
    } else {
        key
    };
    SettingsError::Invalid {
        key,
        origin,
        problem,
    }
}

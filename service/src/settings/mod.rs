//! What can be configured, and from where: flags over environment over `pml.toml` over defaults.
//!
//! | key | environment | default |
//! |---|---|---|
//! | `database_url` | `DATABASE_URL` | none: the embedded database |
//! | `data_dir` | `PML_DATA_DIR` | `.pml` |
//! | `listen` | `PML_LISTEN` | `127.0.0.1:8080` |
//! | `url` | `PML_URL` | none |
//! | `embedding_url` | `EMBEDDING_URL` | none: the built-in [`HashingEmbedder`](crate::embedding::HashingEmbedder) |
//! | `embedding_model` | `EMBEDDING_MODEL` | `bge-m3` |
//! | `trace_embedding_model` | `TRACE_EMBEDDING_MODEL` | `text-embedding-3-small` |
//! | `embedding_api_key` | `EMBEDDING_API_KEY` | none |
//! | `application_name` | `PML_APPLICATION_NAME` | `pml` |
//! | `pool.max_connections` | `PML_POOL__MAX_CONNECTIONS` | 10 |
//! | `pool.acquire_timeout_ms` | `PML_POOL__ACQUIRE_TIMEOUT_MS` | 5,000 |
//! | `pool.statement_timeout_ms` | `PML_POOL__STATEMENT_TIMEOUT_MS` | 30,000 |
//! | `pool.lock_timeout_ms` | `PML_POOL__LOCK_TIMEOUT_MS` | 10,000 |
//! | `pool.idle_in_transaction_timeout_ms` | `PML_POOL__IDLE_IN_TRANSACTION_TIMEOUT_MS` | 60,000 |
//! | `pool.test_idle_ms` | `PML_POOL__TEST_IDLE_MS` | 30,000 |
//! | `retention.enabled` | `PML_RETENTION__ENABLED` | true |
//! | `retention.interval_minutes` | `PML_RETENTION__INTERVAL_MINUTES` | 60 |
//! | `retention.trace_days` | `PML_RETENTION__TRACE_DAYS` | 90 |
//! | `retention.usage_days` | `PML_RETENTION__USAGE_DAYS` | 180 |
//! | `retention.idle_days` | `PML_RETENTION__IDLE_DAYS` | 30 |
//!
//! `PML_CONFIG` names another file than `pml.toml`. An empty variable counts as unset.

mod describe;
mod retention;
mod sources;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use describe::SettingValue;
pub use retention::RetentionSettings;
pub use sources::Origins;
use sources::{Environment, Flags};

/// The configuration file that is read when `PML_CONFIG` names no other. It may be missing.
pub const DEFAULT_FILE: &str = "pml.toml";

/// Most connections a pool may have: beyond this it is surely a slip.
const MAX_POOL: u32 = 1_000;

/// Everything that can be configured. [`Settings::load`] fills it; a service that brings its own configuration fills it by hand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// PostgreSQL to use. `None`: the embedded one in [`data_dir`](Self::data_dir).
    pub database_url: Option<SecretString>,
    /// Folder of the embedded database.
    pub data_dir: PathBuf,
    /// Where `pml serve` listens.
    pub listen: SocketAddr,
    /// Base URL of a running `pml serve` that commands go through instead of opening the database.
    pub url: Option<String>,
    /// Base URL of an OpenAI-compatible embedding service (`/v1/embeddings` is appended unless it is there).
    pub embedding_url: Option<String>,
    /// Model to ask that service for. It must give 1,024 dimensions.
    pub embedding_model: String,
    /// Model to ask that service for where prompts are compared. It must give 1,536 dimensions.
    pub trace_embedding_model: String,
    /// Sent to that service as a bearer token.
    pub embedding_api_key: Option<SecretString>,
    /// What this client is called in `pg_stat_activity`.
    pub application_name: String,
    /// The connection pool of a remote database.
    pub pool: PoolSettings,
    /// How long rows are kept, and when `pml serve` looks.
    pub retention: RetentionSettings,
    /// Where each value came from. Filled by [`Settings::load`].
    #[serde(skip)]
    pub origins: Origins,
}

/// The connection pool and the limits that every connection of it gets. Times in milliseconds; 0 means no limit, except for `acquire_timeout_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSettings {
    /// Most connections, 1–1,000. The embedded database always has one.
    pub max_connections: u32,
    /// How long a call waits for a free connection.
    pub acquire_timeout_ms: u64,
    /// Longest run of one statement. Migrations and index builds lift it for themselves.
    pub statement_timeout_ms: u64,
    /// Longest wait for a lock.
    pub lock_timeout_ms: u64,
    /// How long a transaction may do nothing before the server ends it.
    pub idle_in_transaction_timeout_ms: u64,
    /// A connection that was idle for this long is tested before it is used.
    pub test_idle_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: None,
            data_dir: PathBuf::from(".pml"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            url: None,
            embedding_url: None,
            embedding_model: "bge-m3".to_owned(),
            trace_embedding_model: "text-embedding-3-small".to_owned(),
            embedding_api_key: None,
            application_name: "pml".to_owned(),
            pool: PoolSettings::default(),
            retention: RetentionSettings::default(),
            origins: Origins::default(),
        }
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            lock_timeout_ms: 10_000,
            idle_in_transaction_timeout_ms: 60_000,
            test_idle_ms: 30_000,
        }
    }
}

/// Why a configuration cannot be used. The text names the key and where it came from, never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file that `PML_CONFIG` names is not there.
    #[error("PML_CONFIG names {}, which does not exist", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// A value of the wrong kind, or a key that does not exist.
    #[error("{key} ({origin}): {problem}")]
    Invalid {
        /// The key, or the part of the configuration.
        key: String,
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Settings {
    /// Reads the configuration of this process: `flags` over its environment over `pml.toml` over defaults.
    ///
    /// `flags` is any struct or map with (some of) the keys of the table above; its `None`s are skipped.
    ///
    /// # Errors
    /// [`SettingsError`] for a missing file, an unknown key or a value that cannot be used.
    pub fn load(flags: &impl Serialize) -> Result<Self, SettingsError> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::load_from(flags, environment, Path::new("."))
    }

    /// The same with another environment and with relative file names below `folder`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(
        flags: &impl Serialize,
        environment: impl IntoIterator<Item = (String, String)>,
        folder: &Path,
    ) -> Result<Self, SettingsError> {
        let environment = Environment::new(environment);
        let file = match environment.get("PML_CONFIG") {
            Some(name) if !folder.join(name).is_file() => {
                return Err(SettingsError::NoFile { path: name.into() });
            }
            Some(name) => folder.join(name),
            None => folder.join(DEFAULT_FILE),
        };
        let mut figment = Figment::from(Serialized::defaults(NestedDefaults {
            pool: PoolSettings::default(),
            retention: RetentionSettings::default(),
        }));
        if file.is_file() {
            figment = figment.merge(Toml::file_exact(&file));
        }
        let figment = figment.merge(environment).merge(Flags(flags));
        let mut settings: Self = figment
            .extract()
            .map_err(|error| sources::explain(&error, &file))?;
        settings.origins = Origins::of(&figment, &file);
        settings.validate()?;
        Ok(settings)
    }

    /// Checks what no type can: ranges, URLs, names.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] for the first value that cannot be used.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if let Some(url) = &self.database_url {
            let url = url.expose_secret();
            let scheme = url.split_once("://").map(|(scheme, _)| scheme);
            if !matches!(scheme, Some("postgres" | "postgresql")) {
                return Err(self.invalid(
                    "database_url",
                    "must start with postgres:// or postgresql://",
                ));
            }
            if url.parse::<sqlx::postgres::PgConnectOptions>().is_err() {
                return Err(self.invalid("database_url", "is not a PostgreSQL connection URL"));
            }
        }
        for (key, url) in [("url", &self.url), ("embedding_url", &self.embedding_url)] {
            let usable = |url: &str| {
                reqwest::Url::parse(url)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            };
            if url.as_deref().is_some_and(|url| !usable(url)) {
                return Err(self.invalid(key, "must be an http:// or https:// URL"));
            }
        }
        if self.data_dir.as_os_str().is_empty() {
            return Err(self.invalid("data_dir", "must not be empty"));
        }
        for (key, model) in [
            ("embedding_model", &self.embedding_model),
            ("trace_embedding_model", &self.trace_embedding_model),
        ] {
            if model.trim().is_empty() {
                return Err(self.invalid(key, "must not be empty"));
            }
        }
        if self.application_name.is_empty() || self.application_name.len() > 63 {
            return Err(self.invalid("application_name", "must have 1 to 63 bytes"));
        }
        if !(1..=MAX_POOL).contains(&self.pool.max_connections) {
            return Err(self.invalid("pool.max_connections", "must be between 1 and 1000"));
        }
        if self.pool.acquire_timeout_ms == 0 {
            return Err(self.invalid("pool.acquire_timeout_ms", "must be at least 1"));
        }
        let times = [
            self.pool.statement_timeout_ms,
            self.pool.lock_timeout_ms,
            self.pool.idle_in_transaction_timeout_ms,
        ];
        if times.iter().any(|ms| i32::try_from(*ms).is_err()) {
            return Err(self.invalid("pool", "a timeout must be below 2147483648 ms"));
        }
        if let Some((key, problem)) = self.retention.problem() {
            return Err(self.invalid(key, problem));
        }
        Ok(())
    }

    fn invalid(&self, key: &str, problem: &str) -> SettingsError {
        SettingsError::Invalid {
            key: key.to_owned(),
            origin: self.origins.of_key(key).to_owned(),
            problem: problem.to_owned(),
        }
    }
}

/// Gives figment the nested tables, so that one key of them can be set alone.
#[derive(Serialize)]
struct NestedDefaults {
    pool: PoolSettings,
    retention: RetentionSettings,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers write the value in place"
    )]
    fn load(
        flags: serde_json::Value,
        environment: &[(&str, &str)],
        file: Option<&str>,
    ) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(file) = file {
            std::fs::write(folder.path().join(DEFAULT_FILE), file).unwrap();
        }
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load_from(&flags, environment, folder.path())
    }

    fn message(result: Result<Settings, SettingsError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn nothing_configured_means_the_embedded_database() {
        let settings = load(json!({}), &[], None).unwrap();
        assert!(settings.database_url.is_none());
        assert_eq!(settings.data_dir, Path::new(".pml"));
        assert_eq!(settings.pool, PoolSettings::default());
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = "listen = \"127.0.0.1:1\"\napplication_name = \"file\"\nembedding_model = \"file\"\n[pool]\nmax_connections = 3\nlock_timeout_ms = 7\n";
        let environment = [
            ("PML_LISTEN", "127.0.0.1:2"),
            ("PML_APPLICATION_NAME", "env"),
            ("PML_POOL__MAX_CONNECTIONS", "4"),
        ];
        let settings = load(
            json!({"listen": "127.0.0.1:3", "data_dir": null}),
            &environment,
            Some(file),
        )
        .unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.application_name, "env");
        assert_eq!(settings.embedding_model, "file");
        assert_eq!(
            (settings.pool.max_connections, settings.pool.lock_timeout_ms),
            (4, 7)
        );
        assert_eq!(settings.pool.statement_timeout_ms, 30_000);
        let origin = |key| settings.origins.of_key(key).to_owned();
        assert_eq!(origin("listen"), "flag");
        assert_eq!(origin("application_name"), "PML_APPLICATION_NAME");
        assert_eq!(origin("pool.max_connections"), "PML_POOL__MAX_CONNECTIONS");
        assert_eq!(origin("embedding_model"), "pml.toml");
        assert_eq!(origin("data_dir"), "default");
    }

    #[test]
    fn an_unknown_key_of_the_file_is_refused_by_name() {
        let text = message(load(json!({}), &[], Some("databse_url = \"x\"")));
        assert!(
            text.contains("databse_url") && text.contains("pml.toml"),
            "{text}"
        );
        let text = message(load(json!({}), &[], Some("[pool]\nmax_conections = 1")));
        assert!(
            text.contains("max_conections") && text.contains("pml.toml"),
            "{text}"
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_origin() {
        let text = message(load(json!({}), &[("PML_LISTEN", "everywhere")], None));
        assert!(
            text.contains("listen") && text.contains("PML_LISTEN"),
            "{text}"
        );
        let text = message(load(
            json!({}),
            &[("PML_POOL__MAX_CONNECTIONS", "many")],
            None,
        ));
        assert!(
            text.contains("pool.max_connections") && text.contains("PML_POOL__MAX_CONNECTIONS"),
            "{text}"
        );
        let text = message(load(json!({}), &[("PML_POOL__MAX_CONNECTIONS", "0")], None));
        assert!(text.contains("between 1 and 1000"), "{text}");
        let text = message(load(json!({}), &[], Some("listen = ")));
        assert!(text.contains("pml.toml"), "{text}");
    }

    #[test]
    fn retention_is_set_like_the_pool() {
        let file = "[retention]\nenabled = false\ntrace_days = 7\n";
        let environment = [
            ("PML_RETENTION__TRACE_DAYS", "8"),
            ("PML_RETENTION__INTERVAL_MINUTES", "5"),
        ];
        let settings = load(json!({}), &environment, Some(file)).unwrap();
        let retention = &settings.retention;
        assert!(!retention.enabled);
        assert_eq!((retention.trace_days, retention.interval_minutes), (8, 5));
        assert_eq!(retention.usage_days, 180);
        assert_eq!(settings.origins.of_key("retention.enabled"), "pml.toml");
        let enabled = load(json!({}), &[("PML_RETENTION__ENABLED", "True")], Some(file)).unwrap();
        assert!(enabled.retention.enabled);
        let shown = enabled.describe();
        let row = shown.iter().find(|row| row.key == "retention.enabled");
        let row = row.unwrap();
        assert_eq!(
            (row.value.as_str(), row.source.as_str()),
            ("true", "PML_RETENTION__ENABLED")
        );
    }

    #[test]
    fn retention_that_cannot_be_meant_is_refused() {
        for (name, value) in [
            ("PML_RETENTION__ENABLED", "perhaps"),
            ("PML_RETENTION__INTERVAL_MINUTES", "0"),
            ("PML_RETENTION__TRACE_DAYS", "0"),
            ("PML_RETENTION__USAGE_DAYS", "36501"),
            ("PML_RETENTION__IDLE_DAYS", "-1"),
        ] {
            let text = message(load(json!({}), &[(name, value)], None));
            assert!(text.contains(name), "{name}={value}: {text}");
        }
    }

    #[test]
    fn a_url_of_another_scheme_is_refused_without_showing_it() {
        let text = message(load(
            json!({}),
            &[("DATABASE_URL", "mysql://root:secret@h/d")],
            None,
        ));
        assert!(
            text.contains("DATABASE_URL") && !text.contains("secret"),
            "{text}"
        );
        assert!(
            message(load(json!({}), &[("EMBEDDING_URL", "ftp://x")], None))
                .contains("EMBEDDING_URL")
        );
        assert!(
            message(load(json!({}), &[("PML_URL", "localhost:8080")], None)).contains("PML_URL")
        );
    }

    #[test]
    fn a_digits_only_secret_stays_text_and_an_empty_variable_is_unset() {
        let settings = load(
            json!({}),
            &[
                ("EMBEDDING_API_KEY", "12345"),
                ("DATABASE_URL", ""),
                ("EMBEDDING_MODEL", " "),
            ],
            None,
        );
        let settings = settings.unwrap();
        assert_eq!(settings.embedding_api_key.unwrap().expose_secret(), "12345");
        assert!(settings.database_url.is_none());
        assert_eq!(settings.embedding_model, "bge-m3");
    }

    #[test]
    fn a_file_that_was_asked_for_must_exist() {
        assert!(matches!(
            load(json!({}), &[("PML_CONFIG", "no.toml")], None),
            Err(SettingsError::NoFile { .. })
        ));
    }

    #[test]
    fn secrets_are_never_shown() {
        let environment = [
            (
                "DATABASE_URL",
                "postgresql://app:hunter2@db.example:5433/pml?password=hunter2",
            ),
            ("EMBEDDING_API_KEY", "hunter2"),
            (
                "EMBEDDING_URL",
                "https://u:hunter2@embed.example/v1?key=hunter2",
            ),
        ];
        let settings = load(json!({}), &environment, None).unwrap();
        assert!(
            !format!("{settings:?}")
                .replace("embed.example", "")
                .contains("app:hunter2")
        );
        let shown = settings.describe();
        assert!(
            shown.iter().all(|row| !row.value.contains("hunter2")),
            "{shown:?}"
        );
        let value = |key: &str| {
            shown
                .iter()
                .find(|row| row.key == key)
                .unwrap()
                .value
                .clone()
        };
        assert_eq!(
            value("database_url"),
            "postgresql://app:***@db.example:5433/pml"
        );
        assert_eq!(value("embedding_api_key"), "***");
        assert_eq!(value("embedding_url"), "https://embed.example/v1");
        assert_eq!(shown.len(), 20);
    }
}

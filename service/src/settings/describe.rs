//! The configuration as a person may see it.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Settings;
use super::sources::VARIABLES;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// One row of `pml config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingValue {
    /// The key, with a dot before a nested one.
    pub key: String,
    /// The value in force; secrets are hidden, an unset one is empty.
    pub value: String,
    /// `flag`, the name of an environment variable, the name of the file, or `default`.
    pub source: String,
}

impl Settings {
    /// Every setting with the value in force and where it came from. Passwords, keys and query strings are left out.
    pub fn describe(&self) -> Vec<SettingValue> {
        VARIABLES
            .into_iter()
            .map(|(_, key)| SettingValue {
                key: key.to_owned(),
                value: self.show(key),
                source: self.origins.of_key(key).to_owned(),
            })
            .collect()
    }

    fn show(&self, key: &str) -> String {
        let (pool, retention) = (&self.pool, &self.retention);
        match key {
            "database_url" => self
                .database_url
                .as_ref()
                .map(database_url)
                .unwrap_or_default(),
            "data_dir" => self.data_dir.display().to_string(),
            "listen" => self.listen.to_string(),
            "url" => self.url.as_deref().map(web_url).unwrap_or_default(),
            "embedding_url" => self
                .embedding_url
                .as_deref()
                .map(web_url)
                .unwrap_or_default(),
            "embedding_model" => self.embedding_model.clone(),
            "trace_embedding_model" => self.trace_embedding_model.clone(),
            "embedding_api_key" => self
                .embedding_api_key
                .as_ref()
                .map(|_| HIDDEN.to_owned())
                .unwrap_or_default(),
            "application_name" => self.application_name.clone(),
            "pool.max_connections" => pool.max_connections.to_string(),
            "pool.acquire_timeout_ms" => pool.acquire_timeout_ms.to_string(),
            "pool.statement_timeout_ms" => pool.statement_timeout_ms.to_string(),
            "pool.lock_timeout_ms" => pool.lock_timeout_ms.to_string(),
            "pool.idle_in_transaction_timeout_ms" => {
                pool.idle_in_transaction_timeout_ms.to_string()
            }
            "pool.test_idle_ms" => pool.test_idle_ms.to_string(),
            "retention.enabled" => retention.enabled.to_string(),
            "retention.interval_minutes" => retention.interval_minutes.to_string(),
            "retention.trace_days" => retention.trace_days.to_string(),
            "retention.usage_days" => retention.usage_days.to_string(),
            "retention.idle_days" => retention.idle_days.to_string(),
            _ => String::new(),
        }
    }
}

/// Put together anew from its harmless parts, so that nothing unforeseen shows.
fn database_url(url: &SecretString) -> String {
    let Ok(options) = url
        .expose_secret()
        .parse::<sqlx::postgres::PgConnectOptions>()
    else {
        return HIDDEN.to_owned();
    };
    let database = options.get_database().unwrap_or_default();
    format!(
        "postgresql://{}:{HIDDEN}@{}:{}/{database}",
        options.get_username(),
        options.get_host(),
        options.get_port()
    )
}

fn web_url(url: &str) -> String {
    let Ok(url) = reqwest::Url::parse(url) else {
        return HIDDEN.to_owned();
    };
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

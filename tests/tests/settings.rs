//! Settings through the public door: files in a folder, an environment, flags, and what a person may see of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use pml_service::{Settings, SettingsError};
use proptest::prelude::*;
use serde::Serialize;
use tempfile::tempdir;

#[derive(Default, Serialize)]
struct Flags {
    listen: Option<String>,
    data_dir: Option<String>,
}

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load(folder: &Path, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::load_from(&Flags::default(), environment(variables), folder)
}

#[test]
fn flags_that_are_not_given_hide_nothing() {
    let folder = tempdir().unwrap();
    std::fs::write(
        folder.path().join("pml.toml"),
        "listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"\n",
    )
    .unwrap();
    let flags = Flags {
        listen: Some("127.0.0.1:2".to_owned()),
        data_dir: None,
    };
    let settings = Settings::load_from(
        &flags,
        environment(&[("PML_DATA_DIR", "from-environment")]),
        folder.path(),
    )
    .unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.data_dir, Path::new("from-environment"));
    let rows: Vec<_> = settings
        .describe()
        .into_iter()
        .map(|row| (row.key, row.source))
        .collect();
    assert!(rows.contains(&("listen".to_owned(), "flag".to_owned())));
    assert!(rows.contains(&("data_dir".to_owned(), "PML_DATA_DIR".to_owned())));
    assert!(rows.contains(&("pool.max_connections".to_owned(), "default".to_owned())));
}

#[test]
fn another_file_can_be_named_and_is_named_in_errors() {
    let folder = tempdir().unwrap();
    std::fs::write(
        folder.path().join("other.toml"),
        "[pool]\nmax_connections = 3\n",
    )
    .unwrap();
    let settings = load(folder.path(), &[("PML_CONFIG", "other.toml")]).unwrap();
    assert_eq!(settings.pool.max_connections, 3);
    std::fs::write(folder.path().join("other.toml"), "port = 3\n").unwrap();
    let text = load(folder.path(), &[("PML_CONFIG", "other.toml")])
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("port") && text.contains("other.toml"),
        "{text}"
    );
}

#[test]
fn errors_say_which_variable_is_meant() {
    let folder = tempdir().unwrap();
    for (name, value) in [
        ("DATABASE_URL", "localhost:5432/pml"),
        ("PML_LISTEN", "8080"),
        ("PML_URL", "here"),
        ("EMBEDDING_URL", "embed.example"),
        ("PML_POOL__MAX_CONNECTIONS", "-1"),
        ("PML_POOL__MAX_CONNECTIONS", "100000"),
        ("PML_POOL__ACQUIRE_TIMEOUT_MS", "0"),
    ] {
        let text = load(folder.path(), &[(name, value)])
            .unwrap_err()
            .to_string();
        assert!(text.contains(name), "{name}={value}: {text}");
    }
}

proptest! {
    #[test]
    fn no_password_is_ever_shown(password in "[a-zA-Z0-9]{12,24}") {
        let folder = tempdir().unwrap();
        let (url, key) = (format!("postgres://app:{password}@db.example/pml"), format!("sk-{password}"));
        let settings = load(folder.path(), &[("DATABASE_URL", &url), ("EMBEDDING_API_KEY", &key)]).unwrap();
        prop_assert!(settings.describe().iter().all(|row| !row.value.contains(&password)));
        let debug = format!("{settings:?}");
        prop_assert!(!debug.contains(&password));
    }

    #[test]
    fn no_text_in_the_environment_makes_it_panic(value in "\\PC{0,40}") {
        let folder = tempdir().unwrap();
        for name in ["DATABASE_URL", "PML_LISTEN", "PML_URL", "EMBEDDING_URL", "EMBEDDING_MODEL", "PML_POOL__TEST_IDLE_MS"] {
            let _ = load(folder.path(), &[(name, &value)]);
        }
    }
}

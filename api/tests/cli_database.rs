//! The commands that look after the database and the configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

#[allow(dead_code)]
mod program;

use std::{fs, os::unix::fs::PermissionsExt};

use program::{Home, Outcome};

#[tokio::test]
async fn the_schema_goes_down_and_up_again() {
    let home = Home::new().await;
    let states = || {
        let status = home.ok(&["migrate", "status", "--json"]).json();
        status
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = states();
    assert!(
        all.len() > 33 && all.iter().all(|state| state == "applied"),
        "{all:?}"
    );
    home.ok(&["migrate", "down", "--steps", "2", "--yes"]);
    assert_eq!(
        states().iter().filter(|state| *state == "pending").count(),
        2
    );
    let up = home.ok(&["migrate", "up", "--json"]).json();
    assert_eq!(up["steps"].as_array().unwrap().len(), 2);
    assert!(home.ok(&["migrate", "up"]).stdout.contains("nothing to do"));
}

#[tokio::test]
async fn nothing_is_destroyed_without_a_confirmation() {
    let home = Home::new().await;
    for command in [vec!["migrate", "down"], vec!["migrate", "fresh"]] {
        let outcome = home.run(&command);
        assert_eq!(outcome.code, 6, "{outcome:?}");
        assert!(outcome.stderr.contains("--yes"), "{}", outcome.stderr);
    }
    assert!(home.ok(&["migrate", "status"]).stdout.contains("applied"));
    home.ok(&["migrate", "fresh", "--yes"]);
}

#[tokio::test]
async fn a_database_of_no_older_system_is_not_adopted() {
    let home = Home::new().await;
    let outcome = home.run(&["migrate", "adopt"]);
    assert_eq!(outcome.code, 6, "{outcome:?}");
}

#[test]
fn the_first_command_makes_the_database_it_needs() {
    let home = Home::bare();
    let outcome = home.ok(&["tools", "list"]);
    assert!(
        outcome.stdout.contains("pml tools sync"),
        "{}",
        outcome.stdout
    );
    assert!(home.data_dir().is_dir());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let home = Home::bare();
    let read_only = home.folder.path().join("ro");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o555)).unwrap();
    let other_version = home.folder.path().join("other");
    fs::create_dir(&other_version).unwrap();
    fs::write(other_version.join("FORMAT"), "pml 9\npostgres 99\n").unwrap();
    let file = home.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for (path, word) in [
        (read_only, "cannot be written"),
        (other_version, "postgres 99"),
        (file, "cannot be used"),
    ] {
        let path = path.to_str().unwrap();
        for command in [
            vec!["serve", "--listen", "127.0.0.1:0"],
            vec!["tools", "list"],
            vec!["migrate", "up"],
        ] {
            let args: Vec<_> = command.into_iter().chain(["--data-dir", path]).collect();
            let outcome = home.run(&args);
            assert_eq!(outcome.code, 5, "{args:?}: {outcome:?}");
            assert!(
                outcome.stderr.contains(path) && outcome.stderr.contains(word),
                "{}",
                outcome.stderr
            );
        }
        assert_eq!(home.run(&["doctor", "--data-dir", path]).code, 7);
    }
}

#[test]
fn the_doctor_changes_nothing_and_sees_what_is_broken() {
    let home = Home::bare();
    home.ok(&["doctor"]);
    assert!(!home.data_dir().exists());
    let unreachable = home.run(&[
        "doctor",
        "--json",
        "--database-url",
        "postgresql://nobody@127.0.0.1:1/none",
    ]);
    assert_eq!(unreachable.code, 7, "{unreachable:?}");
    let checks = unreachable.json();
    assert!(
        checks
            .as_array()
            .unwrap()
            .iter()
            .any(|check| check["name"] == "database" && check["state"] == "broken"),
        "{checks}"
    );
    assert_eq!(
        home.run(&[
            "tools",
            "list",
            "--database-url",
            "postgresql://nobody@127.0.0.1:1/none"
        ])
        .code,
        5
    );

    let mut command = home.command(&["doctor"]);
    let outcome = Outcome::of(command.env("EMBEDDING_URL", "http://127.0.0.1:1"));
    assert_eq!(outcome.code, 7, "{outcome:?}");
}

#[tokio::test]
async fn pending_migrations_are_broken_for_the_doctor() {
    let home = Home::new().await;
    let healthy = home.ok(&["doctor", "--json"]).json();
    assert!(
        healthy
            .as_array()
            .unwrap()
            .iter()
            .any(|check| check["name"] == "pgvector" && check["state"] == "ok"),
        "{healthy}"
    );
    home.ok(&["migrate", "down", "--yes"]);
    let outcome = home.run(&["doctor"]);
    assert_eq!(outcome.code, 7, "{outcome:?}");
    assert!(outcome.stdout.contains("1 pending"), "{}", outcome.stdout);
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_its_secrets() {
    let home = Home::bare();
    fs::write(
        home.folder.path().join("pml.toml"),
        "listen = \"127.0.0.1:9\"\n",
    )
    .unwrap();
    let mut command = home.command(&["config", "--json", "--data-dir", "elsewhere"]);
    let config = Outcome::of(command.env("EMBEDDING_API_KEY", "very-secret")).json();
    let entry = |key: &str| {
        config
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["key"] == key)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (
            entry("listen")["value"].as_str(),
            entry("listen")["source"].as_str()
        ),
        (Some("127.0.0.1:9"), Some("pml.toml"))
    );
    assert_eq!(entry("data_dir")["source"], "flag");
    assert_eq!(entry("embedding_api_key")["source"], "EMBEDDING_API_KEY");
    assert!(!config.to_string().contains("very-secret"));
    fs::write(home.folder.path().join("pml.toml"), "listn = 1\n").unwrap();
    let outcome = home.run(&["config"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.stderr.contains("listn"), "{}", outcome.stderr);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let home = Home::bare();
    for args in [
        &["no-such-command"][..],
        &["tools", "sync", "--server", "x"],
        &["--listen", "127.0.0.1:0", "config"],
        &["tools", "show"],
    ] {
        assert_eq!(home.run(args).code, 2, "{args:?}");
    }
    assert!(
        home.ok(&["--version"])
            .stdout
            .contains(env!("CARGO_PKG_VERSION"))
    );
    assert!(home.ok(&["--help"]).stdout.contains("Exit codes"));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(home.ok(&["completions", shell]).stdout.contains("pml"));
    }
}

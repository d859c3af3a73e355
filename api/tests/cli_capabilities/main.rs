//! `pml capabilities` as a person types it, on a database of its own and through a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod deciding;
#[allow(dead_code)]
#[path = "../program/mod.rs"]
mod program;

use std::{fs, io::Write, process::Stdio};

use program::{Home, Outcome};
use serde_json::{Value, json};

/// Saves code under a name.
#[track_caller]
fn save(home: &Home, name: &str, code: &str, more: &[&str]) -> Value {
    fs::write(home.folder.path().join("code.ts"), code).unwrap();
    let intent = format!("do what {name} does");
    let args = [
        "caps", "save", "--file", "code.ts", "--json", "--name", name, "--intent", &intent,
    ];
    home.ok(&[&args, more].concat()).json()
}

#[track_caller]
fn refused(outcome: &Outcome, code: i32, text: &str) {
    assert_eq!(outcome.code, code, "{outcome:?}");
    assert!(outcome.stderr.contains(text), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "{outcome:?}");
}

#[tokio::test]
async fn what_was_saved_is_listed_shown_and_found() {
    let home = Home::new().await;
    let more = [
        "--duration-ms",
        "150",
        "--tool",
        "filesystem:read_file",
        "--tag",
        "files",
        "--description",
        "reads a JSON file",
    ];
    let saved = save(&home, "fs:read_json", "const x = 1;", &more);
    assert_eq!(saved["fqdn"], "local.default.fs.read_json.3f41");
    save(&home, "mail:send", "return send();", &["--failed"]);

    let list = home.ok(&["capabilities", "list"]).stdout;
    for part in [
        "fs:read_json",
        "mail:send",
        "100 %",
        "0 %",
        "150 ms",
        "reads a JSON file",
    ] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let part = home
        .ok(&["caps", "list", "--limit", "1", "--sort", "name", "--json"])
        .json();
    assert_eq!(part["items"][0]["display_name"], "fs:read_json");
    let cursor = part["next_cursor"].as_str().unwrap();
    let rest = home
        .ok(&[
            "caps", "list", "--sort", "name", "--cursor", cursor, "--json",
        ])
        .json();
    assert_eq!(rest["items"][0]["display_name"], "mail:send");
    assert_eq!(rest["next_cursor"], json!(null));
    let narrowed = home
        .ok(&["caps", "list", "fs:*", "--tag", "files", "--min-usage", "1"])
        .stdout;
    assert!(!narrowed.contains("mail:send"), "{narrowed}");
    let none = home.ok(&["caps", "list", "--verified"]).stdout;
    assert_eq!(none.trim(), "no capability matches");

    let card = home.ok(&["caps", "show", "read_json"]).stdout;
    for part in [
        "local.default.fs.read_json.3f41",
        saved["id"].as_str().unwrap(),
        "used once, 1 successful (100 %), 150 ms on average",
        "filesystem:read_file",
        "readonly",
        "const x = 1;",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    let json = home.ok(&["caps", "show", "fs:read_json", "--json"]).json();
    assert_eq!(json["id"], saved["id"]);
    assert_eq!(json["permissions"]["permission_set"], "readonly");
    assert_eq!(json["dependencies"], json!([]));

    let hits = home
        .ok(&[
            "caps",
            "search",
            "do what fs:read_json does",
            "--limit",
            "1",
            "--min-score",
            "0",
        ])
        .stdout;
    assert!(
        hits.contains("fs:read_json") && !hits.contains("mail:send"),
        "{hits}"
    );
}

#[tokio::test]
async fn long_code_is_cut_unless_it_is_asked_for() {
    let home = Home::new().await;
    let lines: Vec<_> = (1..=50).map(|line| format!("step({line});")).collect();
    save(&home, "long:code", &lines.join("\n"), &[]);
    let card = home.ok(&["caps", "show", "long:code"]).stdout;
    assert!(
        card.contains("step(40);") && !card.contains("step(41);"),
        "{card}"
    );
    assert!(card.contains("10 more lines"), "{card}");
    let whole = home.ok(&["caps", "show", "long:code", "--code"]).stdout;
    assert!(
        whole.contains("step(50);") && !whole.contains("more lines"),
        "{whole}"
    );
}

#[tokio::test]
async fn code_can_come_from_standard_input() {
    let home = Home::new().await;
    let mut process = home
        .command(&["caps", "save", "--file", "-", "--intent", "from a pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(b"const x = 1;").unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.starts_with("saved: code:exec_3f41cbb3"), "{text}");
}

#[tokio::test]
async fn an_old_name_shows_the_capability_and_warns() {
    let home = Home::new().await;
    save(&home, "fs:read", "return 1;", &[]);
    let renamed = home.ok(&[
        "caps",
        "rename",
        "fs:read",
        "files:scan",
        "--visibility",
        "project",
        "--tag",
        "a",
    ]);
    assert!(
        renamed.stdout.contains("it is files:scan now"),
        "{renamed:?}"
    );
    let old = home.ok(&["caps", "show", "fs:read"]);
    assert!(old.stdout.contains("files:scan"), "{old:?}");
    assert!(
        old.stderr.starts_with("note: ") && old.stderr.contains("files:scan"),
        "{old:?}"
    );
    let new = home.ok(&["caps", "show", "files:scan", "--json"]);
    assert_eq!(new.stderr, "");
    let new = new.json();
    assert_eq!(
        (&new["visibility"], &new["tags"]),
        (&json!("project"), &json!(["a"]))
    );
    let same = home.ok(&["caps", "rename", "files:scan", "scan"]).stdout;
    assert!(same.contains("files:scan is as it was"), "{same}");
    let untagged = home
        .ok(&["caps", "rename", "files:scan", "--no-tags", "--json"])
        .json();
    assert_eq!(untagged["changed"], true);
    assert_eq!(
        home.ok(&["caps", "show", "files:scan", "--json"]).json()["tags"],
        json!([])
    );
}

#[tokio::test]
async fn an_ambiguous_action_lists_the_names_one_per_line() {
    let home = Home::new().await;
    let fs = save(&home, "fs:read", "return 1;", &[]);
    let db = save(&home, "db:read", "return 2;", &[]);
    let outcome = home.run(&["caps", "show", "read"]);
    refused(&outcome, 2, "\"read\" is ambiguous");
    let lines: Vec<_> = outcome.stderr.lines().map(str::trim).collect();
    for saved in [fs, db] {
        let fqdn = saved["fqdn"].as_str().unwrap();
        assert!(lines.contains(&fqdn), "{fqdn}: {lines:?}");
    }
}

#[tokio::test]
async fn bad_input_is_wrong_usage() {
    let home = Home::new().await;
    fs::write(home.folder.path().join("empty.ts"), "// nothing").unwrap();
    for (args, text) in [
        (
            vec!["save", "--file", "empty.ts", "--intent", "x"],
            "code must not be empty",
        ),
        (
            vec!["save", "--file", "none.ts", "--intent", "x"],
            "none.ts",
        ),
        (vec!["show", "a.b.c"], "5 parts"),
        (vec!["list", "fs:\\"], "backslash"),
        (
            vec!["list", "--min-success-rate", "1.5"],
            "min_success_rate",
        ),
        (vec!["list", "--limit", "-1"], "limit"),
        (vec!["list", "--cursor", "x"], "cursor"),
        (vec!["list", "--sort", "pagerank"], "usage_count"),
        (vec!["search", "x", "--min-score", "2"], "min_score"),
    ] {
        refused(&home.run(&[vec!["caps"], args].concat()), 2, text);
    }
    save(&home, "fs:read", "return 1;", &[]);
    save(&home, "fs:scan", "return 2;", &[]);
    refused(
        &home.run(&["caps", "rename", "fs:read", "exec_1"]),
        2,
        "Invalid action",
    );
    refused(
        &home.run(&["caps", "rename", "fs:read", "scan"]),
        6,
        "already exists",
    );
    refused(&home.run(&["caps", "show", "fs:none"]), 3, "fs:none");
}

#[tokio::test]
async fn vectors_are_made_anew_only_in_a_database_of_ones_own() {
    let home = Home::new().await;
    save(&home, "fs:read", "return 1;", &[]);
    let none = home.ok(&["caps", "reembed"]).stdout;
    assert_eq!(none.trim(), "0 vectors are made anew");
}

/// Every command again, with the folder in the hands of a server.
#[tokio::test]
async fn all_of_it_works_through_a_server() {
    let home = Home::embedded();
    let server = home.serve();
    let saved = save(&home, "fs:read", "const x = 1;", &["--tool", "a:x"]);
    assert_eq!(saved["display_name"], "fs:read");
    save(&home, "fs:read_old", "return 2;", &["--tool", "a:x"]);
    save(&home, "db:read", "return 3;", &[]);
    let list = home.ok(&["caps", "list", "--json"]);
    assert!(list.stderr.contains("going through the server"), "{list:?}");
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 3);
    let hits = home
        .ok(&["caps", "search", "do what fs:read does", "--json"])
        .json();
    assert_eq!(hits["results"][0]["display_name"], "fs:read");

    let ambiguous = home.run(&["caps", "show", "read"]);
    assert_eq!(ambiguous.code, 2, "{ambiguous:?}");
    assert!(
        ambiguous.stderr.contains("\n  local.default.fs.read.3f41"),
        "{ambiguous:?}"
    );
    let rename = home.run(&["caps", "rename", "db:read", "fs:read"]);
    assert_eq!(rename.code, 6, "{rename:?}");
    home.ok(&["caps", "rename", "db:read", "db:query"]);
    let old = home.ok(&["caps", "show", "db:read"]);
    assert!(old.stderr.contains("db:query"), "{old:?}");

    home.ok(&["caps", "dependencies", "add", "fs:read", "db:query"]);
    home.ok(&["caps", "dependencies", "list", "fs:read"]);
    home.ok(&["caps", "dependencies", "remove", "fs:read", "db:query"]);
    home.ok(&["caps", "permissions", "allow", "db:query", "network-api"]);
    let audit = home
        .ok(&["caps", "permissions", "audit", "--approved", "--json"])
        .json();
    assert_eq!(audit["items"][0]["display_name"], "db:query");
    home.ok(&["caps", "permissions", "show", "db:query"]);
    home.ok(&["caps", "verify", "db:query"]);
    home.ok(&["caps", "merge", "fs:read_old", "fs:read", "--yes"]);
    assert_eq!(
        home.ok(&["caps", "show", "fs:read", "--json"]).json()["usage_count"],
        2
    );
    home.ok(&["caps", "delete", "db:query", "--yes"]);
    assert_eq!(home.run(&["caps", "show", "db:query"]).code, 3);
    let reembed = home.run(&["caps", "reembed"]);
    assert_eq!(reembed.code, 6, "{reembed:?}");
    server.stop();
}

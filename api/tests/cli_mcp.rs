//! `pml tools sync` with MCP servers that behave, and with those that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod mcp_server;
#[allow(dead_code)]
mod program;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use program::{Home, Outcome};

fn sync_sh(home: &Home, script: &str) -> Outcome {
    home.run(&[
        "tools", "sync", "--server", "srv", "--json", "--", "sh", "-c", script,
    ])
}

/// A server in shell: `pages` are the results of `tools/list`, one after the other.
fn shell_server(pages: &[&str]) -> String {
    let pages: Vec<_> = pages
        .iter()
        .enumerate()
        .map(|(number, page)| format!("{number}) result='{page}' ;;"))
        .collect();
    format!(
        r#"
page=0
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"initialize"'*) printf '{{"jsonrpc":"2.0","id":%s,"result":{{"protocolVersion":"2025-06-18","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"shell","version":"1"}}}}}}\n' "$id" ;;
    *'"tools/list"'*)
      case $page in {} *) exit 9 ;; esac
      page=$((page + 1))
      printf '{{"jsonrpc":"2.0","id":%s,"result":%s}}\n' "$id" "$result" ;;
  esac
done"#,
        pages.join(" ")
    )
}

const ONE: &str = r#"{"tools":[{"name":"one","description":"first","inputSchema":{"type":"object"}}],"nextCursor":"p2"}"#;
const TWO: &str = r#"{"tools":[{"name":"two","inputSchema":{"type":"object"}}]}"#;

#[tokio::test]
async fn all_pages_of_a_server_are_stored() {
    let home = Home::new().await;
    let outcome = sync_sh(&home, &shell_server(&[ONE, TWO]));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.json()["inserted"], 2);
    assert_eq!(home.tool_ids(), ["srv:one", "srv:two"]);
    let again = sync_sh(&home, &shell_server(&[ONE, TWO])).json();
    assert_eq!(
        (&again["inserted"], &again["unchanged"]),
        (&0.into(), &2.into())
    );
}

#[tokio::test]
async fn a_malformed_tool_does_not_cost_the_others() {
    let home = Home::new().await;
    let page = r#"{"tools":[{"name":"good","inputSchema":{"type":"object"}},{"name":"text","inputSchema":"text"},{"description":"no name"},{"name":"bad:name","inputSchema":{}}]}"#;
    let outcome = sync_sh(&home, &shell_server(&[page]));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let report = outcome.json();
    assert_eq!(report["inserted"], 1, "{report}");
    assert_eq!(report["rejected"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(home.tool_ids(), ["srv:good"]);
}

#[tokio::test]
async fn a_server_that_dies_is_reported_with_its_last_words() {
    let home = Home::new().await;
    let outcome = sync_sh(&home, "echo 'no licence found' >&2; exit 3");
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(
        outcome.stderr.contains("exit status: 3"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("no licence found"),
        "{}",
        outcome.stderr
    );
    assert!(home.tool_ids().is_empty());
}

#[tokio::test]
async fn a_server_that_dies_between_two_pages_changes_nothing() {
    let home = Home::new().await;
    assert_eq!(sync_sh(&home, &shell_server(&[ONE, TWO])).code, 0);
    let outcome = sync_sh(&home, &shell_server(&[ONE]));
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(
        outcome.stderr.contains("exit status: 9"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        home.tool_ids(),
        ["srv:one", "srv:two"],
        "half a list must not remove the other half"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_ended() {
    let home = Home::new().await;
    let started = Instant::now();
    // It even starts something that would outlive it.
    let outcome = sync_sh(&home, "sleep 987 & sleep 987");
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("10 s"), "{}", outcome.stderr);
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(25),
        "{took:?}"
    );
    let left = Command::new("sh")
        .args(["-c", "ps -eo args | grep -c '^sleep 987$'"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&left.stdout).trim(),
        "0",
        "its processes live on"
    );
}

#[test]
fn an_interrupted_sync_ends_the_server_and_all_it_started() {
    let home = Home::bare();
    let script = "sleep 986 & sleep 986";
    let args = ["tools", "sync", "--server", "srv", "--", "sh", "-c", script];
    let mut process = home
        .command(&args)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let running = || {
        let count = Command::new("sh")
            .args(["-c", "ps -eo args | grep -c '^sleep 986$'"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&count.stdout).trim().to_owned()
    };
    while running() != "2" {
        std::thread::sleep(Duration::from_millis(50));
    }
    Command::new("kill")
        .args(["-INT", &process.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert_eq!(running(), "0");
    assert!(!home.data_dir().exists());
}

#[tokio::test]
async fn a_server_that_hangs_in_the_middle_is_given_up() {
    let home = Home::new().await;
    let outcome = sync_sh(
        &home,
        &shell_server(&[]).replace("*) exit 9", "*) sleep 60"),
    );
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("tools/list"), "{}", outcome.stderr);
    assert!(home.tool_ids().is_empty());
}

#[tokio::test]
async fn a_server_that_answers_garbage_is_quoted() {
    let home = Home::new().await;
    let outcome = sync_sh(&home, "echo 'Welcome to Garbage 1.0'; sleep 60");
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(
        outcome.stderr.contains("Welcome to Garbage 1.0"),
        "{}",
        outcome.stderr
    );
    assert!(home.tool_ids().is_empty());
}

#[tokio::test]
async fn a_banner_before_the_protocol_is_forgiven() {
    let home = Home::new().await;
    let outcome = sync_sh(
        &home,
        &format!("echo 'Server running on stdio'\n{}", shell_server(&[TWO])),
    );
    assert_eq!(outcome.code, 0, "{outcome:?}");
}

#[tokio::test]
async fn answers_of_another_shape_are_refused() {
    let home = Home::new().await;
    for page in [
        r#"{"tool":[]}"#,
        r#"{"tools":{}}"#,
        r#"{"tools":[],"nextCursor":7}"#,
        "[]",
    ] {
        let outcome = sync_sh(&home, &shell_server(&[page]));
        assert_eq!(outcome.code, 4, "{page}: {outcome:?}");
        assert!(
            outcome.stderr.contains("tools/list"),
            "{page}: {}",
            outcome.stderr
        );
    }
}

#[tokio::test]
async fn pages_without_an_end_are_given_up() {
    let home = Home::new().await;
    let outcome = sync_sh(&home, &shell_server(&[ONE, ONE, ONE]));
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(outcome.stderr.contains("do not end"), "{}", outcome.stderr);
    assert!(home.tool_ids().is_empty());
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let outcome = Home::bare().run(&[
        "tools",
        "sync",
        "--server",
        "srv",
        "--",
        "no-such-program-here",
    ]);
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert!(
        outcome.stderr.contains("no-such-program-here"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_bad_server_name_is_refused_before_anything_starts() {
    let home = Home::bare();
    for name in ["a:b", "", &"x".repeat(300)] {
        let outcome = home.run(&[
            "tools",
            "sync",
            "--server",
            name,
            "--",
            "sh",
            "-c",
            "touch started",
        ]);
        assert_eq!(outcome.code, 2, "{outcome:?}");
    }
    assert!(!home.folder.path().join("started").exists());
}

#[tokio::test]
async fn a_server_over_http_is_stored_with_all_its_pages() {
    let home = Home::new().await;
    let server = mcp_server::start(25, 10).await;
    let url = server.url.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let outcome = home.run(&["tools", "sync", "--server", "web", "--url", &url, "--json"]);
        (outcome, home)
    });
    let (outcome, home) = outcome.await.unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.json()["inserted"], 25);
    assert_eq!(home.tool_ids().len(), 25);
    assert_eq!(server.pages(), 3);
}

#[tokio::test]
async fn an_address_without_an_mcp_server_is_named() {
    let home = Home::bare();
    let nobody = home.run(&[
        "tools",
        "sync",
        "--server",
        "web",
        "--url",
        "http://127.0.0.1:1/mcp",
    ]);
    assert_eq!(nobody.code, 4, "{nobody:?}");
    let other = mcp_server::not_mcp().await;
    let outcome = tokio::task::spawn_blocking(move || {
        home.run(&["tools", "sync", "--server", "web", "--url", &other])
    });
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome.code, 4, "{outcome:?}");
    assert_eq!(
        Home::bare()
            .run(&[
                "tools",
                "sync",
                "--server",
                "web",
                "--url",
                "not an address"
            ])
            .code,
        4
    );
}

/// The reference implementation from npm, which `scripts/node-servers` installs.
#[tokio::test]
async fn the_filesystem_server_from_npm_is_synced_and_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let script =
        root.join(".node/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    let node = Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !node || !script.exists() {
        assert!(
            std::env::var("CI").is_err(),
            "Node and `scripts/node-servers` are needed in CI"
        );
        println!("SKIPPED: needs Node and the MCP server that `scripts/node-servers` installs");
        return;
    }
    let home = Home::new().await;
    let (script, folder) = (
        script.to_str().unwrap(),
        home.folder.path().to_str().unwrap(),
    );
    let outcome = home.ok(&[
        "tools",
        "sync",
        "--server",
        "filesystem",
        "--",
        "node",
        script,
        folder,
    ]);
    assert!(outcome.stdout.contains("inserted"), "{}", outcome.stdout);
    let ids = home.tool_ids();
    assert!(
        ids.len() >= 10 && ids.contains(&"filesystem:write_file".to_owned()),
        "{ids:?}"
    );
    let found = home
        .ok(&[
            "tools",
            "search",
            "create a new directory",
            "--limit",
            "3",
            "--min-score",
            "0",
            "--json",
        ])
        .json();
    let best: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["tool_id"].as_str().unwrap())
        .collect();
    assert!(best.contains(&"filesystem:create_directory"), "{best:?}");
}

//! `pml serve` as a process: how it starts, who it keeps out, how it ends, and what survives when it is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

#[allow(dead_code)]
mod program;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pml_api::client::http_client;
use program::Home;
use serde_json::{Value, json};

async fn get(url: String) -> reqwest::Response {
    http_client(None).unwrap().get(url).send().await.unwrap()
}

fn tools(count: usize) -> Value {
    let tool = |number: usize| json!({"name": format!("t{number}"), "description": "does something", "input_schema": {"type": "object"}});
    json!({"tools": (0..count).map(tool).collect::<Vec<_>>()})
}

#[tokio::test]
async fn it_says_where_it_listens_and_where_its_documentation_is() {
    let home = Home::new().await;
    let server = home.serve();
    assert!(
        server.line.contains(&format!("{}/docs", server.url)),
        "{}",
        server.line
    );
    let ready = get(format!("{}/readyz", server.url)).await;
    assert_eq!(ready.status(), 200);
    server.stop();
}

#[tokio::test]
async fn serving_is_what_it_does_without_a_command() {
    let home = Home::embedded();
    let mut command = home.command(&["--listen", "127.0.0.1:0"]);
    let mut process = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(process.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_it_is_wanted() {
    let home = Home::bare();
    let outcome = home.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(
        outcome.stderr.contains("--insecure-listen"),
        "{}",
        outcome.stderr
    );
    assert!(
        !home.data_dir().exists(),
        "nothing must be started before the refusal"
    );
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = Home::bare().run(&["serve", "--listen", &address]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(&address), "{}", outcome.stderr);
}

#[tokio::test]
async fn commands_go_through_the_server_that_holds_the_folder() {
    let home = Home::embedded();
    let server = home.serve();
    let put = http_client(None)
        .unwrap()
        .put(format!("{}/api/v1/tools/srv", server.url))
        .json(&tools(3))
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 200);

    let list = home.ok(&["tools", "list", "--json"]);
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        list.stderr.lines().count(),
        1,
        "one line is enough: {}",
        list.stderr
    );
    assert!(list.stderr.contains(&server.url), "{}", list.stderr);

    let found = home
        .ok(&[
            "tools",
            "search",
            "does something",
            "--min-score",
            "0",
            "--json",
        ])
        .json();
    assert_eq!(found["results"].as_array().unwrap().len(), 3);
    assert_eq!(
        home.ok(&["tools", "show", "srv:t0", "--json"]).json()["name"],
        "t0"
    );
    home.ok(&["tools", "remove", "srv:t0"]);
    assert_eq!(home.run(&["tools", "show", "srv:none"]).code, 3);
    assert_eq!(home.run(&["tools", "list", "--limit=-1"]).code, 2);
    home.ok(&["doctor"]);

    let sync = home.ok(&[
        "tools",
        "sync",
        "--server",
        "srv2",
        "--json",
        "--",
        "sh",
        "-c",
        crate::SHELL_SERVER,
    ]);
    assert_eq!(sync.json()["inserted"], 1);
    server.stop();
}

/// The smallest MCP server there is.
const SHELL_SERVER: &str = r#"
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"1"}}}\n' "$id" ;;
    *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"one","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
  esac
done"#;

#[test]
fn migrations_and_a_second_server_are_kept_out_of_a_folder_in_use() {
    let home = Home::embedded();
    let server = home.serve();
    for command in [
        vec!["migrate", "up"],
        vec!["migrate", "status"],
        vec!["migrate", "fresh", "--yes"],
    ] {
        let outcome = home.run(&command);
        assert_eq!(outcome.code, 6, "{command:?}: {outcome:?}");
        assert!(outcome.stderr.contains("in use"), "{}", outcome.stderr);
    }
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains(&server.url), "{}", second.stderr);
    server.stop();
}

#[tokio::test]
async fn a_named_server_is_used_and_a_missing_one_is_named() {
    let home = Home::embedded();
    let server = home.serve();
    let elsewhere = Home::bare();
    let mut command = elsewhere.command(&["tools", "list", "--json"]);
    let outcome = program::Outcome::of(command.env("PML_URL", &server.url));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(!elsewhere.data_dir().exists());
    server.stop();

    let mut command = elsewhere.command(&["tools", "list"]);
    let outcome = program::Outcome::of(command.env("PML_URL", "http://127.0.0.1:1"));
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(
        outcome.stderr.contains("http://127.0.0.1:1"),
        "{}",
        outcome.stderr
    );
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_during_a_sync() {
    let home = Home::embedded();
    let mut server = home.serve();
    let acknowledged = Arc::new(Mutex::new(0));
    let (url, counted) = (server.url.clone(), Arc::clone(&acknowledged));
    let writer = tokio::spawn(async move {
        let client = http_client(None).unwrap();
        for number in 0.. {
            let request = client
                .put(format!("{url}/api/v1/tools/s{number}"))
                .json(&tools(40));
            match request.send().await {
                Ok(answer) if answer.status() == 200 => *counted.lock().unwrap() = number + 1,
                _ => return,
            }
        }
    });
    while *acknowledged.lock().unwrap() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.signal("KILL");
    assert_eq!(server.wait(Duration::from_secs(5)), None);
    writer.await.unwrap();
    let acknowledged = *acknowledged.lock().unwrap();
    assert!(acknowledged >= 3);

    let mut server = home.serve();
    for number in 0..acknowledged {
        let list = get(format!(
            "{}/api/v1/tools?server_id=s{number}&limit=500",
            server.url
        ))
        .await;
        let list: Value = list.json().await.unwrap();
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            40,
            "server s{number} of {acknowledged}"
        );
    }
    // The sync that was cut is there as a whole or not at all.
    let list = get(format!(
        "{}/api/v1/tools?server_id=s{acknowledged}&limit=500",
        server.url
    ))
    .await;
    let list: Value = list.json().await.unwrap();
    assert!([0, 40].contains(&list["items"].as_array().unwrap().len()));
    let search =
        json!({"query": "does something", "min_score": 0.0, "server_ids": ["s0"], "limit": 500});
    let found = http_client(None)
        .unwrap()
        .post(format!("{}/api/v1/tools/search", server.url))
        .json(&search)
        .send()
        .await
        .unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["results"].as_array().unwrap().len(), 40);
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(20)), Some(0));
    assert_eq!(server.rest(), "");
}

#[test]
fn a_stop_during_the_start_is_clean() {
    let home = Home::bare();
    let mut process = home
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    std::process::Command::new("kill")
        .arg(process.id().to_string())
        .status()
        .unwrap();
    process.wait().unwrap();
    home.serve().stop();
}

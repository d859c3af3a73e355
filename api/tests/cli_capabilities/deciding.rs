//! Merging, verifying, deleting, permissions, dependencies.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};

use super::*;

#[tokio::test]
async fn a_merge_needs_a_yes_and_adds_up() {
    let home = Home::new().await;
    save(&home, "fs:old", "return 1;", &["--tool", "a:x"]);
    save(&home, "fs:new", "return 2;", &["--tool", "a:x"]);
    save(&home, "fs:other", "return 3;", &[]);
    let unasked = home.run(&["caps", "merge", "fs:old", "fs:new"]);
    refused(&unasked, 6, "--yes");
    assert!(
        unasked.stderr.contains("fs:old") && unasked.stderr.contains("fs:new"),
        "{unasked:?}"
    );
    refused(
        &home.run(&["caps", "merge", "fs:old", "old", "--yes"]),
        6,
        "into itself",
    );
    refused(
        &home.run(&["caps", "merge", "fs:old", "fs:other", "--yes"]),
        6,
        "a:x",
    );
    refused(
        &home.run(&["caps", "merge", "fs:old", "fs:none", "--yes"]),
        3,
        "fs:none",
    );

    let merged = home
        .ok(&[
            "caps", "merge", "fs:old", "fs:new", "--code", "source", "--yes",
        ])
        .stdout;
    assert!(
        merged.contains("fs:old is part of fs:new now: used 2 times"),
        "{merged}"
    );
    let left = home.ok(&["caps", "show", "fs:new", "--json"]).json();
    assert_eq!(left["code_snippet"], "return 1;");
}

#[tokio::test]
async fn a_real_signature_verifies_and_a_wrong_one_does_not() {
    let home = Home::new().await;
    save(&home, "fs:read", "const x = 1;", &[]);
    let message = home.ok(&["caps", "verify", "fs:read", "--message"]).stdout;
    assert!(
        message.ends_with("local.default.fs.read.3f41"),
        "{message:?}"
    );
    let pair = || {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()
    };
    let (mine, foreign) = (pair(), pair());
    let key = |pair: &Ed25519KeyPair| STANDARD.encode(pair.public_key());
    let sign = |text: &str| STANDARD.encode(mine.sign(text.as_bytes()));
    let verify = |key: &str, more: &[&str]| {
        home.run(&[&["caps", "verify", "fs:read", "--public-key", key], more].concat())
    };

    let wrong = verify(&key(&mine), &["--signature", &sign("something else")]);
    refused(&wrong, 2, "does not verify");
    refused(&verify("abc", &[]), 2, "public_key");
    let good = verify(&key(&mine), &["--signature", &sign(&message), "--json"]);
    assert_eq!(good.code, 0, "{good:?}");
    let good = good.json();
    assert_eq!(
        (&good["valid"], &good["verified"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(verify(&key(&mine), &[]).code, 0);
    let other = verify(&key(&foreign), &[]);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(
        other.stderr.contains("is not one of this code"),
        "{other:?}"
    );
    let list = home.ok(&["caps", "list", "--verified"]).stdout;
    assert!(list.contains("fs:read ✓"), "{list}");
}

#[tokio::test]
async fn a_deleted_capability_is_gone() {
    let home = Home::new().await;
    let saved = save(&home, "fs:read", "return 1;", &[]);
    let id = saved["id"].as_str().unwrap();
    refused(&home.run(&["caps", "delete", id]), 6, "--yes");
    let deleted = home.ok(&["caps", "delete", id, "--yes"]).stdout;
    assert_eq!(deleted.trim(), "fs:read is deleted");
    refused(&home.run(&["caps", "show", id]), 3, id);
}

#[tokio::test]
async fn permissions_are_shown_decided_and_audited() {
    let home = Home::new().await;
    save(&home, "fs:read", "return 1;", &[]);
    let state = home.ok(&["caps", "permissions", "show", "fs:read"]).stdout;
    assert!(state.contains("minimal"), "{state}");
    let denied = home
        .ok(&[
            "caps",
            "permissions",
            "deny",
            "fs:read",
            "network-api",
            "--reason",
            "no need",
        ])
        .stdout;
    assert!(denied.contains("minimal stays"), "{denied}");
    let allowed = home
        .ok(&[
            "caps",
            "permissions",
            "allow",
            "fs:read",
            "readonly",
            "--from",
            "minimal",
            "--by",
            "alice",
        ])
        .stdout;
    assert_eq!(allowed.trim(), "minimal -> readonly");
    let late = home.run(&[
        "caps",
        "permissions",
        "allow",
        "fs:read",
        "filesystem",
        "--from",
        "minimal",
    ]);
    refused(&late, 6, "readonly");
    refused(
        &home.run(&["caps", "permissions", "allow", "fs:read", "trusted"]),
        6,
        "trusted",
    );
    refused(
        &home.run(&["caps", "permissions", "allow", "fs:read", "everything"]),
        2,
        "mcp-standard",
    );
    let audit = home.ok(&["caps", "permissions", "audit", "fs:read"]).stdout;
    for part in ["alice", "no need", "network-api", "readonly"] {
        assert!(audit.contains(part), "{part}: {audit}");
    }
    let denied = home
        .ok(&["caps", "permissions", "audit", "--denied", "--json"])
        .json();
    assert_eq!(denied["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn dependencies_are_added_listed_and_removed() {
    let home = Home::new().await;
    save(&home, "fs:read", "return 1;", &[]);
    save(&home, "json:parse", "return 2;", &[]);
    home.ok(&[
        "caps",
        "dependencies",
        "add",
        "fs:read",
        "json:parse",
        "--type",
        "provides",
    ]);
    home.ok(&["caps", "dependencies", "add", "json:parse", "fs:read"]);
    let list = home
        .ok(&[
            "caps",
            "dependencies",
            "list",
            "fs:read",
            "--direction",
            "from",
        ])
        .stdout;
    assert!(
        list.contains("provides") && !list.contains("dependency"),
        "{list}"
    );
    let card = home.ok(&["caps", "show", "fs:read"]).stdout;
    assert!(
        card.contains("json:parse") && card.contains("provides"),
        "{card}"
    );
    home.ok(&["caps", "dependencies", "remove", "fs:read", "json:parse"]);
    let cycle = home.run(&["caps", "dependencies", "add", "fs:read", "json:parse"]);
    refused(&cycle, 6, "cycle");
    refused(
        &home.run(&[
            "caps",
            "dependencies",
            "list",
            "fs:read",
            "--direction",
            "up",
        ]),
        2,
        "direction",
    );
}

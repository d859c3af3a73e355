//! The capabilities routes, through a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../api_server/mod.rs"]
mod api_server;
mod bad_input;
mod bad_questions;
mod changing;
mod finding;
mod relations;
mod saving;

use api_server::{Answer, ApiServer};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

const ROOT: &str = "/api/v1/capabilities";

/// Saves code under a name.
async fn save(api: &ApiServer, name: &str, code: &str) -> Value {
    save_with(api, name, code, json!({})).await
}

/// The same with further fields.
async fn save_with(api: &ApiServer, name: &str, code: &str, more: Value) -> Value {
    let (namespace, action) = name.split_once(':').unwrap();
    let mut body = json!({
        "code": code,
        "intent": format!("do what {name} does"),
        "namespace": namespace,
        "action": action,
        "duration_ms": 100,
    });
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    let answer = api.post(ROOT, &body).await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()
}

/// Reads one capability, what belongs to it, or (with `?`) the list.
async fn get(api: &ApiServer, reference: &str) -> Answer {
    let slash = if reference.starts_with('?') { "" } else { "/" };
    api.get(&format!("{ROOT}{slash}{reference}")).await
}

async fn patch(api: &ApiServer, reference: &str, body: Value) -> Answer {
    let path = format!("{ROOT}/{reference}");
    Answer::of(api.request(Method::PATCH, &path).json(&body)).await
}

async fn post(api: &ApiServer, path: &str, body: Value) -> Answer {
    api.post(&format!("{ROOT}/{path}"), &body).await
}

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["display_name"].as_str().unwrap())
        .collect()
}

/// Somebody who vouches for capabilities.
struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    /// The public key as the route takes it.
    fn key(&self) -> String {
        STANDARD.encode(self.0.public_key())
    }

    /// A signature as the route takes it.
    fn sign(&self, message: &str) -> String {
        STANDARD.encode(self.0.sign(message.as_bytes()))
    }
}

//! A served API on a private database, and a client that shows everything about an answer.
#![allow(dead_code)]

use std::sync::Arc;

use pml_api::{AppState, http::metrics::Metrics};
use pml_service::{Db, embedding::HashingEmbedder};
use pml_testkit::TestDatabase;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A server on a free port of this machine. Stops when it is dropped.
pub struct ApiServer {
    pub url: String,
    pub http: Client,
    database: Option<TestDatabase>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl ApiServer {
    /// Serves a fresh, migrated database.
    pub async fn start() -> Self {
        let database = pml_testkit::database().await;
        let db = database.db().clone();
        let mut server = Self::serve(db, Metrics::new()).await;
        server.database = Some(database);
        server
    }

    /// Serves this database.
    pub async fn serve(db: Db, metrics: Metrics) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let state = AppState::new(db, Arc::new(HashingEmbedder), metrics);
        let serving = tokio::spawn(pml_api::serve(listener, state, async {
            let _ = stopped.await;
        }));
        Self {
            url,
            http: pml_api::client::http_client(None).unwrap(),
            database: None,
            stop,
            serving,
        }
    }

    /// Stops it as a signal would, and waits until it has stopped.
    pub async fn stop(self) -> std::io::Result<()> {
        drop(self.stop);
        self.serving.await.unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Sends a body as it is, declared as JSON.
    pub async fn raw(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(
            self.request(method, path)
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Checks that this is a complete problem document with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        let problem = self.json();
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert!(self.headers.contains_key("x-request-id"));
        assert_eq!(problem["status"], json!(status));
        assert_eq!(problem["type"], json!(format!("urn:pml:problem:{code}")));
        for field in ["title", "detail", "instance"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} is missing: {problem}"
            );
        }
    }

    #[track_caller]
    pub fn assert_ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }
}

/// A tool definition with an object as schema.
pub fn tool(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description, "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}})
}

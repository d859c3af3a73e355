//! The client of an embedding service, against a local server that speaks its protocol, and misbehaves on request.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use pml_service::embedding::{self, Embedder, EmbedderError, HttpEmbedder, HttpEmbedderOptions};
use pml_service::{Error, Settings};
use serde_json::{Value, json};

type Behaviour = Arc<dyn Fn(usize, &Value) -> Response + Send + Sync>;

/// A service that counts its requests and answers as told.
struct Service {
    url: String,
    requests: Arc<AtomicUsize>,
    last: Arc<Mutex<(HeaderMap, Value)>>,
}

#[derive(Clone)]
struct Shared {
    behaviour: Behaviour,
    requests: Arc<AtomicUsize>,
    last: Arc<Mutex<(HeaderMap, Value)>>,
}

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let number = shared.requests.fetch_add(1, Ordering::SeqCst);
    *shared.last.lock().unwrap() = (headers, body.clone());
    if body["input"][0] == "sleep" {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    (shared.behaviour)(number, &body)
}

async fn serve(behaviour: impl Fn(usize, &Value) -> Response + Send + Sync + 'static) -> Service {
    let requests = Arc::new(AtomicUsize::new(0));
    let last = Arc::default();
    let shared = Shared {
        behaviour: Arc::new(behaviour),
        requests: requests.clone(),
        last: Arc::clone(&last),
    };
    let router = Router::new()
        .route("/v1/embeddings", post(answer))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Service {
        url,
        requests,
        last,
    }
}

fn vector(length: usize, value: f32) -> Value {
    json!(vec![value; length])
}

/// One good vector per text, the last first: the order is told by the index alone.
fn good(body: &Value) -> Response {
    let count = body["input"].as_array().unwrap().len();
    let data: Vec<_> = (0..count)
        .rev()
        .map(|index| {
            let mut components = vec![0.0_f32; 1024];
            components[index] = 1.0;
            json!({"object": "embedding", "index": index, "embedding": components})
        })
        .collect();
    Json(json!({"object": "list", "model": body["model"], "data": data})).into_response()
}

fn client(service: &Service) -> HttpEmbedder {
    let options = HttpEmbedderOptions {
        pause: Duration::from_millis(5),
        ..HttpEmbedderOptions::new(service.url.clone(), "bge-m3".to_owned())
    };
    HttpEmbedder::new(options).unwrap()
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

#[tokio::test]
async fn texts_are_sent_in_batches_and_come_back_in_order() {
    let service = serve(|_, body| good(body)).await;
    let options = HttpEmbedderOptions {
        api_key: Some("secret-key".into()),
        ..HttpEmbedderOptions::new(format!("{}/", service.url), "bge-m3".to_owned())
    };
    let embedder = HttpEmbedder::new(options).unwrap();
    let embeddings = embedder.embed(&texts(70)).await.unwrap();
    assert_eq!(embeddings.len(), 70);
    assert_eq!(service.requests.load(Ordering::SeqCst), 3);
    for (number, embedding) in embeddings.iter().enumerate() {
        assert!(embedding.as_slice()[number % 32] > 0.9, "{number}");
    }
    let (headers, body) = service.last.lock().unwrap().clone();
    assert_eq!(headers["authorization"], "Bearer secret-key");
    assert_eq!(body["model"], "bge-m3");
    assert_eq!(
        body["input"],
        json!([
            "text 64", "text 65", "text 66", "text 67", "text 68", "text 69"
        ])
    );
    assert!(!format!("{embedder:?}").contains("secret-key"));
    assert_eq!(embedder.embed(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_overloaded_or_broken_service_is_asked_again() {
    for status in [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::BAD_GATEWAY,
    ] {
        let service = serve(move |number, body| {
            if number < 2 {
                status.into_response()
            } else {
                good(body)
            }
        })
        .await;
        assert_eq!(client(&service).embed(&texts(1)).await.unwrap().len(), 1);
        assert_eq!(service.requests.load(Ordering::SeqCst), 3);
    }
    let service = serve(|_, _| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let error = client(&service).embed(&texts(1)).await.unwrap_err();
    assert!(matches!(error, EmbedderError::Status { status: 503 }));
    assert_eq!(service.requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_service_can_ask_for_a_pause() {
    let service = serve(|number, body| match number {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        _ => good(body),
    })
    .await;
    let started = Instant::now();
    client(&service).embed(&texts(1)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wrong_request_is_not_repeated_and_its_answer_is_not_shown() {
    let service =
        serve(|_, _| (StatusCode::UNAUTHORIZED, "your key sk-123 is wrong").into_response()).await;
    let error = client(&service).embed(&texts(1)).await.unwrap_err();
    assert!(matches!(error, EmbedderError::Status { status: 401 }));
    assert!(!error.to_string().contains("sk-123"));
    assert!(!error.is_retryable());
    assert_eq!(service.requests.load(Ordering::SeqCst), 1);
    let service =
        serve(|_, _| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response())
            .await;
    assert!(matches!(
        client(&service).embed(&texts(1)).await,
        Err(EmbedderError::Status { status: 302 })
    ));
}

#[tokio::test]
async fn unusable_answers_are_refused() {
    let one = |embedding: Value| json!({"data": [{"index": 0, "embedding": embedding}]});
    let mut with_null = vec![json!(0.5); 1024];
    with_null[7] = Value::Null;
    let mut too_large = vec![json!(0.5); 1024];
    too_large[7] = json!(1e300);
    let answers = [
        one(vector(1023, 0.5)),
        one(vector(1536, 0.5)),
        one(vector(1024, 0.0)),
        one(json!(with_null)),
        one(json!(too_large)),
        json!({"data": []}),
        json!({"data": [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": [0.5]}]}),
        json!({"data": [{"index": 1, "embedding": vec![0.5; 1024]}]}),
        json!({"error": "no"}),
        json!("text"),
    ];
    for answer in answers {
        let shown = answer.to_string().chars().take(60).collect::<String>();
        let service = serve(move |_, _| Json(answer.clone()).into_response()).await;
        let error = client(&service).embed(&texts(1)).await.unwrap_err();
        assert!(
            matches!(error, EmbedderError::Unusable(_)),
            "{shown}: {error:?}"
        );
    }
    let service = serve(|_, _| "<html>garbage".into_response()).await;
    assert!(matches!(
        client(&service).embed(&texts(1)).await,
        Err(EmbedderError::Unusable(_))
    ));
    let service = serve(|_, _| vec![b' '; 20 << 20].into_response()).await;
    assert!(matches!(
        client(&service).embed(&texts(1)).await,
        Err(EmbedderError::Unusable(_))
    ));
}

#[tokio::test]
async fn a_service_that_hangs_or_is_gone_is_a_retryable_failure() {
    let service = serve(|_, body| good(body)).await;
    let options = HttpEmbedderOptions {
        timeout: Duration::from_millis(200),
        attempts: 2,
        pause: Duration::from_millis(5),
        ..HttpEmbedderOptions::new(service.url.clone(), "m".to_owned())
    };
    let started = Instant::now();
    let error = HttpEmbedder::new(options)
        .unwrap()
        .embed(&["sleep".to_owned()])
        .await
        .unwrap_err();
    assert!(matches!(error, EmbedderError::Unreachable(_)) && error.is_retryable());
    assert!(started.elapsed() < Duration::from_secs(3));

    let gone = HttpEmbedderOptions {
        attempts: 1,
        ..HttpEmbedderOptions::new("http://127.0.0.1:9".to_owned(), "m".to_owned())
    };
    let error = HttpEmbedder::new(gone)
        .unwrap()
        .embed(&texts(1))
        .await
        .unwrap_err();
    assert!(matches!(error, EmbedderError::Unreachable(_)));
}

/// No certificate is at hand that a client would trust, so this shows that the TLS of the client is there and speaks: it refuses an answer that is none.
#[tokio::test]
async fn https_is_spoken() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let first_byte = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        stream.readable().await.unwrap();
        stream.try_read(&mut byte).unwrap();
        byte[0]
    });
    let options = HttpEmbedderOptions {
        attempts: 1,
        ..HttpEmbedderOptions::new(
            format!("https://localhost:{}", address.port()),
            "m".to_owned(),
        )
    };
    let error = HttpEmbedder::new(options)
        .unwrap()
        .embed(&texts(1))
        .await
        .unwrap_err();
    assert!(matches!(error, EmbedderError::Unreachable(_)), "{error:?}");
    assert_eq!(first_byte.await.unwrap(), 0x16, "a TLS handshake");
}

#[tokio::test]
async fn settings_choose_the_embedder() {
    let built_in = embedding::from_settings(&Settings::default()).unwrap();
    assert_eq!(built_in.model_id(), "pml-hashing-v1");
    let service = serve(|_, body| good(body)).await;
    let settings = Settings {
        embedding_url: Some(format!("{}/v1", service.url)),
        embedding_model: "my-model".to_owned(),
        ..Settings::default()
    };
    let remote = embedding::from_settings(&settings).unwrap();
    assert_eq!(remote.model_id(), "my-model");
    assert_eq!(remote.embed(&texts(2)).await.unwrap().len(), 2);
    let bad = Settings {
        embedding_api_key: Some("line\nbreak".into()),
        ..settings
    };
    assert!(matches!(
        embedding::from_settings(&bad),
        Err(Error::Embedder(EmbedderError::Setup(_)))
    ));
}

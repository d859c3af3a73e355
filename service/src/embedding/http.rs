//! The client of an embedding service that speaks the OpenAI protocol (`POST /v1/embeddings`).

use std::sync::Once;
use std::time::Duration;

use async_trait::async_trait;
use pml_entity::values::{DIMENSIONS, EmbeddingOf};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Embedder, EmbedderError, PROMPT_DIMENSIONS};

/// An answer beyond this is not read: 32 vectors as text take some 700 kB.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// The longest pause that a service can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Which service, and how patiently. [`new`](Self::new) gives the usual patience.
#[derive(Clone, Debug)]
pub struct HttpEmbedderOptions {
    /// Base URL; `/v1/embeddings` is appended unless the URL ends in `/embeddings`.
    pub url: String,
    /// Model to ask for.
    pub model: String,
    /// Bearer token.
    pub api_key: Option<SecretString>,
    /// Texts per request. Default 32.
    pub batch_size: usize,
    /// Longest wait for one answer. Default 30 s.
    pub timeout: Duration,
    /// Requests per batch, the first included, when the service is overloaded or broken (429, 5xx, no answer). Default 3.
    pub attempts: u32,
    /// Pause before the second request; doubled before each further one. A `Retry-After` of the service wins. Default 250 ms.
    pub pause: Duration,
}

impl HttpEmbedderOptions {
    /// The model of the service at `url`.
    pub fn new(url: String, model: String) -> Self {
        Self {
            url,
            model,
            api_key: None,
            batch_size: 32,
            timeout: Duration::from_secs(30),
            attempts: 3,
            pause: Duration::from_millis(250),
        }
    }
}

/// Asks a service over `http://` or `https://`. Every vector is checked: `N` (1,024) finite numbers, not all zero.
#[derive(Debug)]
pub struct HttpEmbedder<const N: usize = DIMENSIONS> {
    client: reqwest::Client,
    endpoint: Url,
    options: HttpEmbedderOptions,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl HttpEmbedder {
    /// Sets up the client; sends nothing.
    ///
    /// # Errors
    /// [`EmbedderError::Setup`] for a URL or an API key that cannot be sent.
    pub fn new(options: HttpEmbedderOptions) -> Result<Self, EmbedderError> {
        Self::set_up(options)
    }
}

impl HttpEmbedder<PROMPT_DIMENSIONS> {
    /// The same for prompts.
    ///
    /// # Errors
    /// As [`new`](HttpEmbedder::new).
    pub fn for_prompts(options: HttpEmbedderOptions) -> Result<Self, EmbedderError> {
        Self::set_up(options)
    }
}

impl<const N: usize> HttpEmbedder<N> {
    fn set_up(options: HttpEmbedderOptions) -> Result<Self, EmbedderError> {
        install_crypto();
        let setup = |problem: &str| EmbedderError::Setup(problem.to_owned());
        let base = options.url.trim_end_matches('/');
        let endpoint = if base.ends_with("/embeddings") {
            base.to_owned()
        } else if base.ends_with("/v1") {
            format!("{base}/embeddings")
        } else {
            format!("{base}/v1/embeddings")
        };
        let endpoint = Url::parse(&endpoint).map_err(|_| setup("the URL is not valid"))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &options.api_key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
                .map_err(|_| setup("the API key holds characters that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(options.timeout)
            .connect_timeout(options.timeout.min(Duration::from_secs(5)))
            // A redirect could carry texts and key to somewhere nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| EmbedderError::Setup(error.to_string()))?;
        Ok(Self {
            client,
            endpoint,
            options,
        })
    }

    async fn embed_batch(&self, texts: &[String]) -> Result<Vec<EmbeddingOf<N>>, EmbedderError> {
        let mut pause = self.options.pause;
        let mut attempt = 1;
        loop {
            let (error, asked_pause) = match self.request(texts).await {
                Ok(response) if response.status().is_success() => {
                    return read(response, texts.len()).await;
                }
                Ok(response) => (
                    EmbedderError::Status {
                        status: response.status().as_u16(),
                    },
                    retry_after(&response),
                ),
                Err(error) => (EmbedderError::Unreachable(error.without_url()), None),
            };
            if attempt >= self.options.attempts || !error.is_retryable() {
                return Err(error);
            }
            tracing::debug!(attempt, %error, "asking the embedding service again");
            tokio::time::sleep(asked_pause.unwrap_or(pause).min(MAX_PAUSE)).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn request(&self, texts: &[String]) -> Result<Response, reqwest::Error> {
        let request = Request {
            model: &self.options.model,
            input: texts,
            encoding_format: "float",
        };
        self.client
            .post(self.endpoint.clone())
            .json(&request)
            .send()
            .await
    }
}

#[async_trait]
impl<const N: usize> Embedder<N> for HttpEmbedder<N> {
    fn model_id(&self) -> &str {
        &self.options.model
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<EmbeddingOf<N>>, EmbedderError> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.options.batch_size.max(1)) {
            embeddings.extend(self.embed_batch(batch).await?);
        }
        Ok(embeddings)
    }
}

async fn read<const N: usize>(
    mut response: Response,
    expected: usize,
) -> Result<Vec<EmbeddingOf<N>>, EmbedderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| EmbedderError::Unreachable(error.without_url()))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(EmbedderError::Unusable(format!(
                "more than {MAX_ANSWER_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| EmbedderError::Unusable(format!("not the expected JSON ({error})")))?;
    if answer.data.len() != expected {
        return Err(EmbedderError::Unusable(format!(
            "{} vectors for {expected} texts",
            answer.data.len()
        )));
    }
    let mut slots: Vec<Option<EmbeddingOf<N>>> = vec![None; expected];
    for Item { index, embedding } in answer.data {
        let embedding = EmbeddingOf::new(embedding)
            .map_err(|error| EmbedderError::Unusable(error.to_string()))?;
        match slots.get_mut(index) {
            Some(slot @ None) => *slot = Some(embedding),
            _ => {
                return Err(EmbedderError::Unusable(format!(
                    "index {index} is out of place"
                )));
            }
        }
    }
    Ok(slots.into_iter().flatten().collect())
}

/// The pause that the service asks for, in seconds; a date is left aside.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// TLS needs one implementation of its algorithms per process. Whoever came first stays.
fn install_crypto() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

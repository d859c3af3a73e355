//! Reading requests: JSON bodies, query parameters and path segments, with a problem document for whatever is wrong.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use futures::StreamExt;
use pml_service::Principal;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest body that is read: 1 MiB.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// How much of a body that is too large is still read and thrown away. A client that is busy sending sees the answer only after
/// it has sent, so a connection that is closed at the limit would look like a network error to it.
const DRAIN_LIMIT_BYTES: usize = 16 * BODY_LIMIT_BYTES;

/// A JSON body of at most [`BODY_LIMIT_BYTES`].
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !declares_json(request.headers()) {
            return Err(Problem::new(
                "unsupported_media_type",
                "send the body with the header content-type: application/json",
            ));
        }
        let bytes = read_limited(request).await?;
        let parsed = serde_json::from_slice(&bytes).map_err(|error| json_problem(&error))?;
        // Serde also fills a struct from a list, by position; nobody documented that.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::new(
                "invalid_body",
                "the body must be a JSON object",
            ));
        }
        Ok(Self(parsed))
    }
}

/// The query string as a struct. An unknown, repeated or badly written parameter is refused.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(value)| Self(value))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let reason = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                Problem::new("invalid_parameter", reason)
            })
    }
}

/// On whose behalf a request is made. Nobody can log in yet, so it is the one person of a local installation.
pub struct Caller(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(Principal::Local))
    }
}

/// The header that makes a repeated request count once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Most characters of an idempotency key.
const MAX_KEY_CHARS: usize = 255;

/// What the client calls this request, if it says so: 1 to 255 visible ASCII characters.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = keys.next() else {
            return Ok(Self(None));
        };
        let key = key.as_bytes();
        let well_formed =
            (1..=MAX_KEY_CHARS).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        match str::from_utf8(key) {
            Ok(key) if well_formed && keys.next().is_none() => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::new(
                "invalid_idempotency_key",
                "Idempotency-Key must be given once, as 1 to 255 visible ASCII characters",
            )),
        }
    }
}

/// The one variable segment of a path, percent-decoded.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(segment) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new("invalid_parameter", "the path is not valid UTF-8"))?;
        if segment.contains('\0') {
            return Err(Problem::new(
                "invalid_parameter",
                "the path contains a null character",
            ));
        }
        Ok(Self(segment))
    }
}

fn declares_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read_limited(request: Request) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or_default();
    if declared > DRAIN_LIMIT_BYTES
        || (declared > BODY_LIMIT_BYTES && headers.contains_key(header::EXPECT))
    {
        return Err(too_large());
    }
    collect(request.into_body()).await
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let (mut read, mut buffer) = (0, Vec::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|_| Problem::new("malformed_json", "the body ended before it was complete"))?;
        read += chunk.len();
        if read > DRAIN_LIMIT_BYTES {
            break;
        }
        if read <= BODY_LIMIT_BYTES {
            buffer.extend_from_slice(&chunk);
        }
    }
    if read > BODY_LIMIT_BYTES {
        Err(too_large())
    } else {
        Ok(buffer.into())
    }
}

fn too_large() -> Problem {
    Problem::new(
        "body_too_large",
        format!("the body may have at most {BODY_LIMIT_BYTES} bytes"),
    )
}

fn json_problem(error: &serde_json::Error) -> Problem {
    let code = if error.is_data() {
        "invalid_body"
    } else {
        "malformed_json"
    };
    Problem::new(code, error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_may_be_declared_with_parameters_and_suffixes() {
        let declared = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            declares_json(&headers)
        };
        assert!(declared("application/json"));
        assert!(declared("Application/JSON; charset=utf-8"));
        assert!(declared("application/vnd.pml+json"));
        assert!(!declared("text/json"));
        assert!(!declares_json(&HeaderMap::new()));
    }
}

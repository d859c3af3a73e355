//! Saving, renaming, deleting, merging, verifying.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use pml_service::{
    Error,
    capabilities::{self, Verification},
};

use super::super::{
    extract::{Caller, IdempotencyKey, JsonBody, Segment},
    input::capabilities as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    capabilities::{
        MergeAnswer, MergeBody, RenameAnswer, RenameBody, SaveAnswer, SaveBody, VerifyAnswer,
        VerifyBody,
    },
    problem::ProblemDocument,
};

/// What stands in the way of a run whose id another run has. Only a key leads to such an id.
const RUN_EXISTS: &str = "execution_trace_pkey";

/// Save code that ran.
///
/// New code gets a capability and a name; known code is counted once more. Description, vector, owner and permission set stay as the
/// first save left them. With an `Idempotency-Key` a repeated request is counted once and answered with `replayed: true`.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities",
    tag = "capabilities",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this run: 1 to 255 visible ASCII characters", example = "run-4711")),
    request_body = SaveBody,
    responses(
        (status = 200, description = "The code was known: it is counted once more", body = SaveAnswer),
        (status = 201, description = "The code was new", body = SaveAnswer, headers(("location" = String, description = "Address of the capability"))),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`sign_in_required`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`name_taken`, `mixed_embedding_models`, `conflict` when others changed it at the same moment, `refused`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`code_too_large`, `body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_code`, `invalid_intent`, `invalid_duration`, `invalid_tool_id`, `invalid_document`, `invalid_embedding`, `invalid_namespace`, `invalid_action`, `invalid_tag`, `invalid_body`, `invalid_idempotency_key`, `idempotency_key_reused` for another run under a known key", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 502, description = "`embedder_failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn save_capability(
    State(state): State<AppState>,
    Caller(who): Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<SaveBody>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<SaveAnswer>), Problem> {
    let request = input::save_request(&who, key.as_deref(), body)?;
    let saved = state.capabilities.save(&who, request).await;
    let saved = saved.map_err(|error| match error {
        Error::Conflict { constraint, .. } if constraint == RUN_EXISTS => Problem::new(
            "idempotency_key_reused",
            "another run was saved under this Idempotency-Key: repeat a request unchanged, or choose a new key",
        ),
        error => error.into(),
    })?;
    let status = if saved.created && !saved.replayed {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let location = format!("/api/v1/capabilities/{}", saved.id);
    Ok((status, [(header::LOCATION, location)], Json(saved.into())))
}

/// Rename or redescribe a capability.
///
/// Its id stays, and its old name goes on to work, with a warning. Giving it what it has changes nothing.
#[utoipa::path(
    patch,
    path = "/api/v1/capabilities/{reference}",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json")),
    request_body = RenameBody,
    responses(
        (status = 200, description = "What it is called now", body = RenameAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`name_taken`, `ambiguous_reference`, `mixed_embedding_models`, `no_code` for a description without code, `conflict`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_namespace`, `invalid_action`, `invalid_tag`, `invalid_document`, `invalid_body`, `invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn rename_capability(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    JsonBody(body): JsonBody<RenameBody>,
) -> Result<Json<RenameAnswer>, Problem> {
    let reference = input::reference(&reference)?;
    let change = input::rename_request(body)?;
    let renamed = state.capabilities.rename(&who, &reference, change).await?;
    Ok(Json(renamed.into()))
}

/// Delete a capability.
///
/// Its code goes with it, unless another capability names the same code or the permission audit has entries about it.
#[utoipa::path(
    delete,
    path = "/api/v1/capabilities/{reference}",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ambiguous_reference`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn delete_capability(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
) -> Result<StatusCode, Problem> {
    let reference = input::reference(&reference)?;
    state.capabilities.delete(&who, &reference).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fold one capability into another.
///
/// The source goes; the target gets its counters, edges, runs and decisions. Both must use the same set of tools.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/merge",
    tag = "capabilities",
    request_body = MergeBody,
    responses(
        (status = 200, description = "What is left", body = MergeAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`self_merge`, `tools_mismatch` with `source_tools` and `target_tools`, `ambiguous_reference`, `dependency_cycle`, `no_code`, `refused` when the code of the target belongs to somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn merge_capabilities(
    State(state): State<AppState>,
    Caller(who): Caller,
    JsonBody(body): JsonBody<MergeBody>,
) -> Result<Json<MergeAnswer>, Problem> {
    let source = input::reference(&body.source)?;
    let target = input::reference(&body.target)?;
    let merged = state
        .capabilities
        .merge(&who, &source, &target, body.prefer_source_code)
        .await?;
    Ok(Json(merged.into()))
}

/// Verify a capability.
///
/// Answers the text that is to be signed. With a public key and a signature of that text the capability becomes verified; with a public key
/// alone the stored signature is checked. Other code or another name makes it unverified again.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/verify",
    tag = "capabilities",
    request_body = VerifyBody,
    responses(
        (status = 200, description = "What is signed, and whether it is", body = VerifyAnswer),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_code`, `ambiguous_reference`, `conflict` when name or code changed meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_signature`, `invalid_public_key`, `invalid_body`, `invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn verify_capability(
    State(state): State<AppState>,
    Caller(who): Caller,
    JsonBody(body): JsonBody<VerifyBody>,
) -> Result<Json<VerifyAnswer>, Problem> {
    let reference = input::reference(&body.reference)?;
    let verification = Verification {
        public_key: body.public_key,
        signature: body.signature,
    };
    let is_signed_now = verification.signature.is_some();
    let verified = capabilities::verify(&state.db, &who, &reference, verification).await?;
    // Without a signature nothing was written.
    if is_signed_now {
        state.capabilities.forget_all();
    }
    Ok(Json(verified.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use pml_service::{
        Principal,
        capabilities::{Reference, SaveRequest},
        embedding::HashingEmbedder,
    };
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::http::metrics::Metrics;

    /// Whether a row is read again shows in the number of statements.
    #[tokio::test]
    async fn asking_what_is_to_be_signed_forgets_nothing() {
        let test = pml_testkit::database().await;
        let state = AppState::new(test.db().clone(), Arc::new(HashingEmbedder), Metrics::new());
        let request = SaveRequest::new("return 1;", "return one");
        let saved = state.capabilities.save(&Principal::Local, request).await;
        let reference = Reference::Id(saved.unwrap().id);
        let get = async || {
            let before = test.db().statements().snapshot();
            let read = state.capabilities.get(&Principal::Local, &reference).await;
            (
                read.unwrap(),
                test.db().statements().since(&before).statements,
            )
        };
        assert_eq!(get().await.1, 1);
        let body = |key: Option<String>, signature: Option<String>| VerifyBody {
            reference: reference.to_string(),
            public_key: key,
            signature,
        };
        let verify = async |body: VerifyBody| {
            let answer = verify_capability(
                State(state.clone()),
                Caller(Principal::Local),
                JsonBody(body),
            );
            answer.await.map(|Json(answer)| answer)
        };
        let message = verify(body(None, None)).await.unwrap().message;
        assert_eq!(get().await.1, 0);

        let signer = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = STANDARD.encode(signer.public_key());
        let signature = STANDARD.encode(signer.sign(message.as_bytes()));
        verify(body(Some(key.clone()), Some(signature)))
            .await
            .unwrap();
        let (read, statements) = get().await;
        assert_eq!((read.verified, statements), (true, 1));
        assert_eq!(
            verify(body(Some(key), None)).await.unwrap().valid,
            Some(true)
        );
        assert_eq!(get().await.1, 0);
    }
}

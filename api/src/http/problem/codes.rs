//! Every code an answer can carry.

use axum::http::StatusCode;

/// Code, status and title of each kind of problem.
pub const CODES: &[(&str, StatusCode, &str)] = &[
    (
        "malformed_json",
        StatusCode::BAD_REQUEST,
        "The body is not JSON",
    ),
    (
        "invalid_filter",
        StatusCode::BAD_REQUEST,
        "A filter of the list is not valid",
    ),
    (
        "invalid_offset",
        StatusCode::BAD_REQUEST,
        "Lists have no offset",
    ),
    (
        "invalid_direction",
        StatusCode::BAD_REQUEST,
        "No such direction of edges",
    ),
    (
        "invalid_edge_type",
        StatusCode::BAD_REQUEST,
        "No such type of edge",
    ),
    (
        "sign_in_required",
        StatusCode::UNAUTHORIZED,
        "Sign in first",
    ),
    ("unknown_route", StatusCode::NOT_FOUND, "No such route"),
    ("not_found", StatusCode::NOT_FOUND, "Not found"),
    (
        "unknown_correlation",
        StatusCode::NOT_FOUND,
        "No such execution",
    ),
    ("unknown_pattern", StatusCode::NOT_FOUND, "No such pattern"),
    ("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
    (
        "unknown_parent",
        StatusCode::CONFLICT,
        "The parent execution is not known",
    ),
    (
        "correlation_taken",
        StatusCode::CONFLICT,
        "The correlation id is taken",
    ),
    (
        "already_completed",
        StatusCode::CONFLICT,
        "The execution is completed already",
    ),
    ("id_taken", StatusCode::CONFLICT, "The id is taken"),
    (
        "clock_skew",
        StatusCode::UNPROCESSABLE_ENTITY,
        "It ends before it begins",
    ),
    (
        "invalid_field",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A field is not valid",
    ),
    (
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
    ),
    (
        "conflict",
        StatusCode::CONFLICT,
        "Conflict with the current state",
    ),
    ("refused", StatusCode::CONFLICT, "Refused by a rule"),
    (
        "mixed_embedding_models",
        StatusCode::CONFLICT,
        "Embeddings of another model are stored",
    ),
    (
        "ambiguous_reference",
        StatusCode::CONFLICT,
        "The reference stands for several capabilities",
    ),
    ("name_taken", StatusCode::CONFLICT, "The name is taken"),
    (
        "self_merge",
        StatusCode::CONFLICT,
        "A capability cannot be merged into itself",
    ),
    (
        "tools_mismatch",
        StatusCode::CONFLICT,
        "The capabilities do not use the same tools",
    ),
    (
        "dependency_cycle",
        StatusCode::CONFLICT,
        "The edge would close a cycle",
    ),
    (
        "illegal_escalation",
        StatusCode::CONFLICT,
        "No such step between permission sets",
    ),
    (
        "trusted_refused",
        StatusCode::CONFLICT,
        "No escalation leads to trusted",
    ),
    (
        "permission_changed",
        StatusCode::CONFLICT,
        "The permission set is another one by now",
    ),
    (
        "no_code",
        StatusCode::CONFLICT,
        "The capability has no code any more",
    ),
    (
        "body_too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
    ),
    (
        "code_too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The code is too large",
    ),
    (
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is not declared as JSON",
    ),
    (
        "invalid_body",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The body does not have the documented shape",
    ),
    (
        "invalid_parameter",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A parameter is not valid",
    ),
    (
        "invalid_idempotency_key",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The idempotency key is not valid",
    ),
    (
        "idempotency_key_reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The idempotency key stands for another request",
    ),
    (
        "invalid_embedding",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The embedding is not valid",
    ),
    (
        "invalid_limit",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The limit is out of range",
    ),
    (
        "invalid_cursor",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The cursor does not belong to this list",
    ),
    (
        "invalid_tool_name",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The tool name is not valid",
    ),
    (
        "invalid_server_id",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The server id is not valid",
    ),
    (
        "invalid_schema",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The schema of a tool is not valid",
    ),
    (
        "invalid_min_score",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The lowest score is out of range",
    ),
    (
        "invalid_query",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The query is not valid",
    ),
    (
        "invalid_code",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The code is not valid",
    ),
    (
        "invalid_intent",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The intent is not valid",
    ),
    (
        "invalid_duration",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The duration is not valid",
    ),
    (
        "invalid_document",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A JSON document is not valid",
    ),
    (
        "invalid_reference",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The reference names no capability",
    ),
    (
        "invalid_fqdn",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The full name is not valid",
    ),
    (
        "invalid_namespace",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The namespace is not valid",
    ),
    (
        "invalid_action",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The action is not valid",
    ),
    (
        "invalid_pattern",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The pattern is not valid",
    ),
    (
        "invalid_tag",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The tag is not valid",
    ),
    (
        "invalid_tool_id",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The tool id is not valid",
    ),
    (
        "invalid_public_key",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The public key is not valid",
    ),
    (
        "invalid_signature",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The signature is not valid",
    ),
    (
        "self_dependency",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A capability cannot depend on itself",
    ),
    (
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
    ),
    (
        "embedder_failed",
        StatusCode::BAD_GATEWAY,
        "The embedding service failed",
    ),
    (
        "database_unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "The database cannot be reached",
    ),
    (
        "migrations_pending",
        StatusCode::SERVICE_UNAVAILABLE,
        "The database schema is not up to date",
    ),
    (
        "timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "The request took too long",
    ),
];

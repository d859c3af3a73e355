//! Requests of the capabilities area.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use pml_entity::values::{CapabilityId, EdgeSource, EdgeType, TraceId, UnknownWord};
use pml_service::{
    Error, PageRequest, Principal,
    capabilities::{
        ListFilter, Reference, Rename, SaveRequest, SearchRequest, Sort,
        dependencies::Direction,
        ids::GraphNode,
        permissions::{AuditFilter, PermissionChange},
    },
    tools::SearchTarget,
};
use sea_orm::prelude::Uuid;
use sha2::{Digest, Sha256};

use super::{
    super::problem::Problem, embedding, lowest_score, number, page_request, search_limit, start,
    switch, text_or_vector, word,
};
use crate::wire::capabilities::{
    AuditQuery, CapabilityListQuery, CapabilitySearchBody, DependenciesQuery, DependencyBody,
    EmbeddingsBody, PermissionBody, RenameBody, SaveBody,
};

/// Most vectors in one answer: some 12 MB.
pub const MAX_EMBEDDINGS: usize = 1_000;

/// Reads what stands for a capability.
///
/// # Errors
/// `invalid_reference`, or `invalid_fqdn` for a text with dots.
pub fn reference(text: &str) -> Result<Reference, Problem> {
    text.parse::<Reference>()
        .map_err(|error| Error::from(error).into())
}

/// Reads a run to save. `key` is the idempotency key, if there is one.
///
/// # Errors
/// A problem with the code of the first bad field.
pub fn save_request(
    who: &Principal,
    key: Option<&str>,
    body: SaveBody,
) -> Result<SaveRequest, Problem> {
    let rule = "duration_ms must be a number of milliseconds, 0 or more";
    Ok(SaveRequest {
        code: body.code,
        intent: body.intent,
        duration_ms: number(body.duration_ms, "invalid_duration", rule)?.unwrap_or_default(),
        success: body.success.unwrap_or(true),
        description: body.description,
        tools_used: body.tools_used.unwrap_or_default(),
        tool_invocations: body.tool_invocations.unwrap_or_default(),
        static_structure: body.static_structure,
        parameters_schema: body.parameters_schema,
        embedding: embedding(body.embedding)?,
        namespace: body.namespace,
        action: body.action,
        visibility: in_body("visibility", body.visibility.as_deref())?,
        tags: body.tags.unwrap_or_default(),
        routing: in_body("routing", body.routing.as_deref())?,
        trace_id: key.map(|key| trace_of(who, key)),
    })
}

/// Reads which capabilities to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter: `invalid_filter` for most of them.
pub fn list_request(query: CapabilityListQuery) -> Result<(ListFilter, PageRequest), Problem> {
    no_offset(query.offset.as_deref())?;
    let filter = ListFilter {
        pattern: query.pattern,
        namespace: query.namespace,
        org: query.org,
        project: query.project,
        tag: query.tag,
        visibility: as_filter("visibility", query.visibility.as_deref())?,
        routing: as_filter("routing", query.routing.as_deref())?,
        verified: switch(FILTER, "verified", query.verified.as_deref())?,
        community_id: parsed(
            "community_id must be a whole number",
            query.community_id.as_deref(),
        )?,
        min_success_rate: parsed(
            "min_success_rate must be a number from 0 to 1",
            query.min_success_rate.as_deref(),
        )?,
        min_usage: parsed(
            "min_usage must be a whole number, 0 or more",
            query.min_usage.as_deref(),
        )?,
        unnamed_only: switch(FILTER, "unnamed", query.unnamed.as_deref())?.unwrap_or(false),
        mine_only: switch(FILTER, "mine", query.mine.as_deref())?.unwrap_or(false),
        sort: query
            .sort
            .as_deref()
            .map(sort)
            .transpose()?
            .unwrap_or_default(),
        descending: query.order.as_deref().map(is_descending).transpose()?,
    };
    Ok((filter, page_request(query.limit.as_deref(), query.cursor)?))
}

/// Reads a search: exactly one of text and vector, and numbers in range.
///
/// # Errors
/// A problem with the code of the first bad field.
pub fn search_request(body: CapabilitySearchBody) -> Result<SearchRequest, Problem> {
    Ok(SearchRequest {
        target: text_or_vector(
            body.query,
            body.embedding,
            SearchTarget::Query,
            SearchTarget::Embedding,
        )?,
        limit: search_limit(body.limit)?,
        min_score: lowest_score(body.min_score)?,
    })
}

/// Reads whose vectors are wanted.
///
/// # Errors
/// `invalid_reference` for what is no id, `invalid_filter` for too many.
pub fn embedding_ids(body: &EmbeddingsBody) -> Result<Vec<CapabilityId>, Problem> {
    if body.ids.len() > MAX_EMBEDDINGS {
        let detail = format!(
            "ids may hold at most {MAX_EMBEDDINGS} ids, not {}",
            body.ids.len()
        );
        return Err(Problem::new(FILTER, detail));
    }
    body.ids.iter().map(|text| capability_id(text)).collect()
}

/// Reads a change of name or description.
///
/// # Errors
/// `invalid_body` for a visibility that there is not.
pub fn rename_request(body: RenameBody) -> Result<Rename, Problem> {
    Ok(Rename {
        namespace: body.namespace,
        action: body.action,
        description: body.description,
        tags: body.tags,
        visibility: in_body("visibility", body.visibility.as_deref())?,
        version_tag: body.version_tag,
    })
}

/// Reads which edges are wanted.
///
/// # Errors
/// `invalid_direction`.
pub fn direction(query: &DependenciesQuery) -> Result<Direction, Problem> {
    match query.direction.as_deref() {
        None => Ok(Direction::Both),
        Some(text) => text.parse().map_err(|error| Error::from(error).into()),
    }
}

/// Reads an edge: the other end, its type, and its source, `template` unless it is given.
///
/// # Errors
/// `invalid_edge_type`, or what [`reference`] says about the other end.
pub fn edge(body: &DependencyBody) -> Result<(Reference, EdgeType, EdgeSource), Problem> {
    let edge_type = word("invalid_edge_type", "edge_type", &body.edge_type)?;
    let source = in_body("edge_source", body.edge_source.as_deref())?;
    Ok((
        reference(&body.to)?,
        edge_type,
        source.unwrap_or(EdgeSource::Template),
    ))
}

/// Reads a decision about what a capability may touch.
///
/// # Errors
/// `invalid_body` for a set or an operation that there is not.
pub fn permission_change(body: PermissionBody) -> Result<PermissionChange, Problem> {
    Ok(PermissionChange {
        expected: in_body("from_set", body.from_set.as_deref())?,
        to: word("invalid_body", "to_set", &body.to_set)?,
        approved: body.approved.unwrap_or(true),
        approved_by: body.approved_by,
        reason: body.reason,
        operation: in_body("detected_operation", body.detected_operation.as_deref())?,
    })
}

/// Reads which decisions to list and which part of the list.
///
/// # Errors
/// A problem with the code of the first bad parameter: `invalid_filter` for most of them.
pub fn audit_request(query: AuditQuery) -> Result<(AuditFilter, PageRequest), Problem> {
    no_offset(query.offset.as_deref())?;
    let filter = AuditFilter {
        capability: query.capability.as_deref().map(reference).transpose()?,
        approved: switch(FILTER, "approved", query.approved.as_deref())?,
        from: time("from", query.from.as_deref())?,
        to: time("to", query.to.as_deref())?,
    };
    Ok((filter, page_request(query.limit.as_deref(), query.cursor)?))
}

const FILTER: &str = "invalid_filter";

/// The id of the run that an idempotency key stands for: a UUID of version 8 (RFC 9562) from the SHA-256 of the key, with the user in
/// front where there is one, so that two users may choose the same key.
fn trace_of(who: &Principal, key: &str) -> TraceId {
    let mut hash = Sha256::new();
    if let Some(user) = who.user_id() {
        hash.update(user.as_uuid().as_bytes());
    }
    hash.update(key);
    let mut bytes = [0; 16];
    for (target, source) in bytes.iter_mut().zip(hash.finalize()) {
        *target = source;
    }
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    TraceId::new(Uuid::from_bytes(bytes))
}

fn capability_id(text: &str) -> Result<CapabilityId, Problem> {
    let node = text.parse::<GraphNode>().ok().map(GraphNode::id);
    node.or_else(|| text.parse().ok()).ok_or_else(|| {
        let detail = format!("{:?} is no UUID of a capability", start(text));
        Problem::new("invalid_reference", detail)
    })
}

/// The older system had offsets. Ignoring one would answer the wrong part of the list.
fn no_offset(offset: Option<&str>) -> Result<(), Problem> {
    match offset {
        None => Ok(()),
        Some(_) => Err(Problem::new(
            "invalid_offset",
            "there is no offset: pass the next_cursor of the answer before as cursor",
        )),
    }
}

fn in_body<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr<Err = UnknownWord>,
{
    text.map(|text| word("invalid_body", name, text))
        .transpose()
}

fn as_filter<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr<Err = UnknownWord>,
{
    text.map(|text| word(FILTER, name, text)).transpose()
}

fn parsed<T: FromStr>(rule: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(|text| {
        text.parse()
            .map_err(|_| Problem::new(FILTER, format!("{rule}, not {:?}", start(text))))
    })
    .transpose()
}

fn time(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    parsed(
        &format!("{name} must be a time such as 2026-11-21T09:00:00Z"),
        text,
    )
}

fn sort(text: &str) -> Result<Sort, Problem> {
    match text {
        "usage_count" => Ok(Sort::UsageCount),
        "name" => Ok(Sort::Name),
        "success_rate" => Ok(Sort::SuccessRate),
        "last_used" => Ok(Sort::LastUsed),
        "created_at" => Ok(Sort::CreatedAt),
        other => Err(Problem::new(
            FILTER,
            format!(
                "sort must be one of usage_count, name, success_rate, last_used, created_at, not {:?}",
                start(other)
            ),
        )),
    }
}

fn is_descending(text: &str) -> Result<bool, Problem> {
    match text {
        "asc" => Ok(false),
        "desc" => Ok(true),
        other => Err(Problem::new(
            FILTER,
            format!("order must be asc or desc, not {:?}", start(other)),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Problem>) -> String {
        result.map_or_else(
            |problem| problem.document().code.clone(),
            |_| "ok".to_owned(),
        )
    }

    fn listed(field: &str, value: &str) -> String {
        let query = serde_json::json!({ field: value });
        code(list_request(serde_json::from_value(query).unwrap()))
    }

    #[test]
    fn a_key_stands_for_one_run_of_one_user() {
        let run = |who: &Principal, key: &str| trace_of(who, key).as_uuid();
        let user = |id: u128| Principal::User {
            id: Uuid::from_u128(id).into(),
            org: "acme".to_owned(),
            project: "web".to_owned(),
        };
        let local = run(&Principal::Local, "a");
        assert_eq!(local, run(&Principal::Local, "a"));
        assert_ne!(local, run(&Principal::Local, "b"));
        assert_ne!(local, run(&user(1), "a"));
        assert_ne!(run(&user(1), "a"), run(&user(2), "a"));
        assert_eq!(local.get_version_num(), 8);
    }

    #[test]
    fn a_filter_that_cannot_be_read_has_one_code_and_a_limit_its_own() {
        for (field, bad) in [
            ("visibility", "secret"),
            ("routing", "moon"),
            ("verified", "yes"),
            ("community_id", "1.5"),
            ("min_success_rate", "high"),
            ("min_usage", "many"),
            ("unnamed", "1"),
            ("mine", ""),
            ("sort", "pagerank"),
            ("order", "down"),
        ] {
            assert_eq!(listed(field, bad), "invalid_filter", "{field}");
        }
        assert_eq!(listed("limit", "1.5"), "invalid_limit");
        assert_eq!(listed("limit", "1000"), "invalid_limit");
        assert_eq!(listed("routing", "client"), "ok");
    }

    /// AT-95.
    #[test]
    fn an_offset_is_refused_whatever_it_is() {
        assert_eq!(listed("offset", "-1"), "invalid_offset");
        assert_eq!(listed("offset", "0"), "invalid_offset");
    }

    #[test]
    fn vectors_are_asked_for_by_id_or_by_node_and_not_by_name() {
        let id = Uuid::from_u128(7);
        let ids = |ids: Vec<String>| embedding_ids(&EmbeddingsBody { ids });
        let read = ids(vec![id.to_string(), format!("capability:{id}")]).unwrap();
        assert_eq!(read, [CapabilityId::new(id), CapabilityId::new(id)]);
        assert_eq!(code(ids(vec!["fs:read".to_owned()])), "invalid_reference");
        assert_eq!(code(ids(vec![id.to_string(); 1_001])), "invalid_filter");
    }
}

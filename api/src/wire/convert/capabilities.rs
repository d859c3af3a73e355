//! The capabilities area.

use pml_service::capabilities::{
    CapabilityEmbedding, CodeSource, Details, Embeddings, Hit, Merged, Renamed, Saved,
    SearchResponse, Summary, Verified, dependencies::Edge, permissions,
};
use serde_json::to_value;

use crate::wire::{
    List,
    capabilities::{
        AuditEntry, CapabilityDetails, CapabilityHit, CapabilitySearchAnswer, CapabilitySummary,
        CapabilityVector, Dependency, EmbeddingsAnswer, MergeAnswer, PermissionAnswer,
        PermissionState, RenameAnswer, SaveAnswer, VerifyAnswer,
    },
};

impl From<Saved> for SaveAnswer {
    fn from(saved: Saved) -> Self {
        Self {
            id: saved.id.into(),
            pattern_id: saved.pattern_id.into(),
            fqdn: saved.fqdn,
            display_name: saved.display_name,
            created: saved.created,
            usage_count: saved.usage_count,
            success_count: saved.success_count,
            success_rate: saved.success_rate,
            avg_duration_ms: saved.avg_duration_ms,
            hierarchy_level: saved.hierarchy_level,
            permission_set: saved.permission_set.to_string(),
            permission_confidence: saved.permission_confidence,
            trace_id: saved.trace_id.into(),
            replayed: saved.replayed,
            warnings: saved.warnings,
        }
    }
}

impl From<Summary> for CapabilitySummary {
    fn from(summary: Summary) -> Self {
        Self {
            id: summary.id.into(),
            pattern_id: summary.pattern_id.map(Into::into),
            fqdn: summary.fqdn,
            display_name: summary.display_name,
            namespace: summary.namespace,
            action: summary.action,
            description: summary.description,
            visibility: summary.visibility.to_string(),
            routing: summary.routing.to_string(),
            tags: summary.tags,
            tools: summary.tools,
            verified: summary.verified,
            version: summary.version,
            usage_count: summary.usage_count,
            success_count: summary.success_count,
            success_rate: summary.success_rate,
            avg_duration_ms: summary.avg_duration_ms,
            last_used: summary.last_used,
            created_at: summary.created_at,
        }
    }
}

impl From<Details> for CapabilityDetails {
    fn from(details: Details) -> Self {
        Self {
            id: details.id.into(),
            pattern_id: details.pattern_id.map(Into::into),
            org: details.org,
            project: details.project,
            namespace: details.namespace,
            action: details.action,
            hash: details.hash.to_string(),
            fqdn: details.fqdn,
            display_name: details.display_name,
            user_id: details.user_id.map(Into::into),
            created_by: details.created_by,
            visibility: details.visibility.to_string(),
            routing: details.routing.to_string(),
            tags: details.tags,
            tools: details.tools,
            version: details.version,
            version_tag: details.version_tag,
            verified: details.verified,
            signature: details.signature,
            created_at: details.created_at,
            updated_at: details.updated_at,
            description: details.description,
            code_hash: details.code_hash.map(|hash| hash.to_string()),
            code_snippet: details.code_snippet,
            parameters_schema: details.parameters_schema.map(Into::into),
            cache_config: details
                .cache_config
                .and_then(|config| to_value(config).ok()),
            dag_structure: details
                .dag_structure
                .and_then(|structure| to_value(structure).ok()),
            source: details.source.map(|source| source.to_string()),
            usage_count: details.usage_count,
            success_count: details.success_count,
            success_rate: details.success_rate,
            avg_duration_ms: details.avg_duration_ms,
            last_used: details.last_used,
            permission_set: details.permission_set.map(|set| set.to_string()),
            permission_confidence: details.permission_confidence,
            hierarchy_level: details.hierarchy_level,
            community_id: details.community_id,
            embedding_stale: details.embedding_stale,
            warnings: details.warning.into_iter().collect(),
        }
    }
}

impl From<SearchResponse> for CapabilitySearchAnswer {
    fn from(response: SearchResponse) -> Self {
        Self {
            results: response.results.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Hit> for CapabilityHit {
    fn from(hit: Hit) -> Self {
        Self {
            id: hit.id.into(),
            pattern_id: hit.pattern_id.into(),
            fqdn: hit.fqdn,
            display_name: hit.display_name,
            description: hit.description,
            score: hit.score,
            semantic_score: hit.semantic_score,
            reliability: hit.reliability,
            success_rate: hit.success_rate,
            usage_count: hit.usage_count,
            tools: hit.tools,
            parameters_schema: hit.parameters_schema,
        }
    }
}

impl From<Embeddings> for EmbeddingsAnswer {
    fn from(embeddings: Embeddings) -> Self {
        Self {
            items: embeddings.items.into_iter().map(Into::into).collect(),
            missing: embeddings.missing.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CapabilityEmbedding> for CapabilityVector {
    fn from(item: CapabilityEmbedding) -> Self {
        Self {
            id: item.id.into(),
            pattern_id: item.pattern_id.into(),
            embedding: item.embedding,
        }
    }
}

impl From<Renamed> for RenameAnswer {
    fn from(renamed: Renamed) -> Self {
        Self {
            id: renamed.id.into(),
            fqdn: renamed.fqdn,
            display_name: renamed.display_name,
            changed: renamed.changed,
            warnings: renamed.warnings,
        }
    }
}

impl From<Merged> for MergeAnswer {
    fn from(merged: Merged) -> Self {
        Self {
            target_id: merged.target_id.into(),
            target_fqdn: merged.target_fqdn,
            target_display_name: merged.target_display_name,
            target_pattern_id: merged.target_pattern_id.into(),
            deleted_source_id: merged.deleted_source_id.into(),
            deleted_source_name: merged.deleted_source_name,
            deleted_source_pattern_id: merged.deleted_source_pattern_id.map(Into::into),
            usage_count: merged.usage_count,
            success_count: merged.success_count,
            success_rate: merged.success_rate,
            avg_duration_ms: merged.avg_duration_ms,
            code_source: match merged.code_source {
                CodeSource::Source => "source".to_owned(),
                CodeSource::Target => "target".to_owned(),
            },
        }
    }
}

impl From<Verified> for VerifyAnswer {
    fn from(verified: Verified) -> Self {
        Self {
            id: verified.id.into(),
            fqdn: verified.fqdn,
            code_hash: verified.code_hash.to_string(),
            message: verified.message,
            signed: verified.signed,
            valid: verified.valid,
            verified: verified.verified,
            warnings: verified.warning.into_iter().collect(),
        }
    }
}

impl From<Edge> for Dependency {
    fn from(edge: Edge) -> Self {
        Self {
            from_id: edge.from.map(Into::into),
            from_display_name: edge.from_name,
            to_id: edge.to.map(Into::into),
            to_display_name: edge.to_name,
            from_pattern_id: edge.from_pattern.into(),
            to_pattern_id: edge.to_pattern.into(),
            edge_type: edge.edge_type.to_string(),
            edge_source: edge.edge_source.to_string(),
            observed_count: edge.observed_count,
            confidence_score: edge.confidence_score,
            created_at: edge.created_at,
            last_observed: edge.last_observed,
        }
    }
}

impl List<Dependency> {
    /// A list that comes in one part.
    pub(crate) fn complete(edges: Vec<Edge>) -> Self {
        Self {
            items: edges.into_iter().map(Into::into).collect(),
            next_cursor: None,
        }
    }
}

impl From<permissions::PermissionState> for PermissionState {
    fn from(state: permissions::PermissionState) -> Self {
        Self {
            id: state.id.into(),
            pattern_id: state.pattern_id.into(),
            permission_set: state.permission_set.to_string(),
            permission_confidence: state.permission_confidence,
            effective_set: state.effective_set.to_string(),
            source: state.source.to_string(),
            risk: state.risk.to_string(),
        }
    }
}

impl From<permissions::Changed> for PermissionAnswer {
    fn from(changed: permissions::Changed) -> Self {
        Self {
            audit_id: changed.audit_id.into(),
            from_set: changed.from.to_string(),
            to_set: changed.to.to_string(),
            approved: changed.approved,
            state: changed.state.into(),
        }
    }
}

impl From<permissions::AuditEntry> for AuditEntry {
    fn from(entry: permissions::AuditEntry) -> Self {
        Self {
            id: entry.id.into(),
            timestamp: entry.timestamp,
            pattern_id: entry.pattern_id.into(),
            capability: entry.capability.map(Into::into),
            display_name: entry.display_name,
            from_set: entry.from_set.to_string(),
            to_set: entry.to_set.to_string(),
            approved: entry.approved,
            approved_by: entry.approved_by,
            reason: entry.reason,
            detected_operation: entry
                .detected_operation
                .map(|operation| operation.to_string()),
        }
    }
}

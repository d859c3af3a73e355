//! The tools area.

use pml_entity::tools::tool_schema;
use pml_service::tools::{self as service, SearchResponse, SyncReport, ToolDefinition};

use crate::wire::tools::{Rejected, SearchAnswer, StoredTool, SyncAnswer, Tool, ToolHit};

impl From<Tool> for ToolDefinition {
    fn from(tool: Tool) -> Self {
        let Tool {
            name,
            description,
            input_schema,
            output_schema,
        } = tool;
        Self {
            name,
            description,
            input_schema,
            output_schema,
        }
    }
}

impl From<ToolDefinition> for Tool {
    fn from(tool: ToolDefinition) -> Self {
        let ToolDefinition {
            name,
            description,
            input_schema,
            output_schema,
        } = tool;
        Self {
            name,
            description,
            input_schema,
            output_schema,
        }
    }
}

impl From<SyncReport> for SyncAnswer {
    fn from(report: SyncReport) -> Self {
        Self {
            inserted: report.inserted,
            updated: report.updated,
            unchanged: report.unchanged,
            removed: report.removed,
            rejected: report.rejected.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<service::Rejected> for Rejected {
    fn from(rejected: service::Rejected) -> Self {
        Self {
            name: rejected.name,
            reason: rejected.reason,
        }
    }
}

impl From<SearchResponse> for SearchAnswer {
    fn from(response: SearchResponse) -> Self {
        Self {
            results: response.results.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<service::ToolHit> for ToolHit {
    fn from(hit: service::ToolHit) -> Self {
        Self {
            tool_id: hit.tool_id.to_string(),
            server_id: hit.server_id.to_string(),
            name: hit.name,
            description: hit.description,
            score: hit.score,
            input_schema: hit.input_schema,
        }
    }
}

impl From<tool_schema::Model> for StoredTool {
    fn from(tool: tool_schema::Model) -> Self {
        Self {
            tool_id: tool.tool_id.to_string(),
            server_id: tool.server_id.to_string(),
            name: tool.name,
            description: tool.description,
            input_schema: tool.input_schema.into(),
            output_schema: tool.output_schema.map(Into::into),
            kind: tool.kind.to_string(),
            cached_at: tool.cached_at,
            updated_at: tool.updated_at,
            removed_at: tool.removed_at,
        }
    }
}

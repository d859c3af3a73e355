//! The calls of the tools area.

use pml_entity::values::ToolId;
use pml_service::tools::{self as service, SyncOptions, ToolDefinition};

use super::{
    super::exit::{Exit, Failure},
    Backend,
};
use crate::{
    http::input::tools::{list_request, search_request},
    wire::{
        List,
        tools::{
            ListQuery, SearchAnswer, SearchBody, StoredTool, SyncAnswer, SyncQuery, SyncRequest,
        },
    },
};

impl Backend {
    /// Stores the tools of a server. Progress is only told by a database of this process.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn sync_tools(
        &self,
        server_id: &str,
        tools: Vec<ToolDefinition>,
        options: SyncOptions,
    ) -> Result<SyncAnswer, Failure> {
        match self {
            Self::Local(local) => {
                Ok(
                    service::sync_server(&local.db, &*local.embedder, server_id, tools, options)
                        .await?
                        .into(),
                )
            }
            Self::Remote(client) => {
                let tools = tools.into_iter().map(Into::into).collect();
                let query = SyncQuery {
                    reembed: options.reembed.then(|| "true".to_owned()),
                };
                Ok(client
                    .sync_tools(server_id, &query, &SyncRequest { tools })
                    .await?)
            }
        }
    }

    /// Finds tools. The body is the one of the HTTP route, so that both ways judge it alike.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn search_tools(&self, body: serde_json::Value) -> Result<SearchAnswer, Failure> {
        match self {
            Self::Local(local) => {
                // By way of text: raw numbers cannot be taken out of a parsed value.
                let body: SearchBody = serde_json::from_str(&body.to_string())
                    .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
                let request = search_request(body)?;
                Ok(service::search(&local.db, &*local.embedder, &request)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.search_tools(body).await?),
        }
    }

    /// Lists stored tools.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn list_tools(&self, query: ListQuery) -> Result<List<StoredTool>, Failure> {
        match self {
            Self::Local(local) => {
                let (filter, page) = list_request(query)?;
                Ok(service::list(&local.db, &filter, page).await?.into())
            }
            Self::Remote(client) => Ok(client.list_tools(&query).await?),
        }
    }

    /// Shows one tool.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn get_tool(&self, tool_id: &str) -> Result<StoredTool, Failure> {
        match self {
            Self::Local(local) => Ok(service::get(&local.db, &ToolId::from_stored(tool_id))
                .await?
                .into()),
            Self::Remote(client) => Ok(client.get_tool(tool_id).await?),
        }
    }

    /// Removes one tool.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn remove_tool(&self, tool_id: &str) -> Result<(), Failure> {
        match self {
            Self::Local(local) => Ok(service::remove(&local.db, &ToolId::from_stored(tool_id))
                .await
                .map(|_| ())?),
            Self::Remote(client) => Ok(client.remove_tool(tool_id).await?),
        }
    }
}

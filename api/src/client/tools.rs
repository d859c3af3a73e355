//! The calls of the tools area.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ApiClient, Error};
use crate::wire::{
    List,
    tools::{ListQuery, SearchAnswer, StoredTool, SyncAnswer, SyncQuery, SyncRequest},
};

impl ApiClient {
    /// Stores the tools of a server.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn sync_tools(
        &self,
        server_id: &str,
        query: &SyncQuery,
        request: &SyncRequest,
    ) -> Result<SyncAnswer, Error> {
        self.call(
            Method::PUT,
            &["api", "v1", "tools", server_id],
            query,
            Some(json!(request)),
        )
        .await
    }

    /// Finds tools; the body has the fields of [`SearchBody`](crate::wire::tools::SearchBody).
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn search_tools(&self, body: Value) -> Result<SearchAnswer, Error> {
        self.call(
            Method::POST,
            &["api", "v1", "tools", "search"],
            &(),
            Some(body),
        )
        .await
    }

    /// Lists stored tools.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn list_tools(&self, query: &ListQuery) -> Result<List<StoredTool>, Error> {
        self.call(Method::GET, &["api", "v1", "tools"], query, None)
            .await
    }

    /// Shows one tool.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn get_tool(&self, tool_id: &str) -> Result<StoredTool, Error> {
        self.call(Method::GET, &["api", "v1", "tools", tool_id], &(), None)
            .await
    }

    /// Removes one tool.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn remove_tool(&self, tool_id: &str) -> Result<(), Error> {
        self.call::<Option<()>>(Method::DELETE, &["api", "v1", "tools", tool_id], &(), None)
            .await
            .map(|_| ())
    }
}

//! The calls of the traceability area.

use reqwest::Method;

use super::{ApiClient, Error};
use crate::wire::{
    List,
    traceability::{AssembledTrace, Timeline, TraceListQuery, TraceSummary},
};

impl ApiClient {
    /// Lists executions.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn list_traces(&self, query: &TraceListQuery) -> Result<List<TraceSummary>, Error> {
        self.call(Method::GET, &["api", "v1", "traces"], query, None)
            .await
    }

    /// Shows an execution with everything below it.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn get_trace(&self, correlation_id: &str) -> Result<AssembledTrace, Error> {
        let path = ["api", "v1", "traces", correlation_id];
        self.call(Method::GET, &path, &(), None).await
    }

    /// Shows the events of an execution by time.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn trace_timeline(&self, correlation_id: &str) -> Result<Timeline, Error> {
        let path = ["api", "v1", "traces", correlation_id, "timeline"];
        self.call(Method::GET, &path, &(), None).await
    }
}

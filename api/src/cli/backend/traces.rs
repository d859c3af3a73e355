//! The calls of the traceability area.

use pml_entity::values::CorrelationId;
use pml_service::{Principal, traceability::read};

use super::{super::exit::Failure, Backend};
use crate::{
    http::input::traces::{id, list_request},
    wire::{
        List,
        traceability::{AssembledTrace, Timeline, TraceListQuery, TraceSummary},
    },
};

impl Backend {
    /// Lists executions.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn list_traces(&self, query: TraceListQuery) -> Result<List<TraceSummary>, Failure> {
        match self {
            Self::Local(local) => {
                let (filter, page) = list_request(query)?;
                let page = local
                    .db
                    .as_principal(&Principal::Local, async |tx| {
                        read::list(tx, &filter, page).await
                    })
                    .await?;
                Ok(page.into())
            }
            Self::Remote(client) => Ok(client.list_traces(&query).await?),
        }
    }

    /// Shows an execution with everything below it.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn get_trace(&self, correlation_id: &str) -> Result<AssembledTrace, Failure> {
        match self {
            Self::Local(local) => {
                let id: CorrelationId = id("correlation_id", correlation_id)?;
                let trace = local
                    .db
                    .as_principal(&Principal::Local, async |tx| read::get(tx, id).await)
                    .await?;
                Ok(trace.into())
            }
            Self::Remote(client) => Ok(client.get_trace(correlation_id).await?),
        }
    }

    /// Shows the events of an execution by time.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn trace_timeline(&self, correlation_id: &str) -> Result<Timeline, Failure> {
        match self {
            Self::Local(local) => {
                let id: CorrelationId = id("correlation_id", correlation_id)?;
                let events = local
                    .db
                    .as_principal(&Principal::Local, async |tx| read::timeline(tx, id).await)
                    .await?;
                Ok(Timeline {
                    correlation_id: id.as_uuid(),
                    events: events.into_iter().map(Into::into).collect(),
                })
            }
            Self::Remote(client) => Ok(client.trace_timeline(correlation_id).await?),
        }
    }
}

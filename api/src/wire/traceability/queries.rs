//! Query strings of the lists of patterns and of analytics. Everything is text here: the handler reads it, so that each bad value gets its
//! own code.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Which patterns to list, and which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PatternListQuery {
    /// Only those that succeed at least this often, 0 to 1.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 1)]
    pub min_success_rate: Option<String>,
    /// Only those that were replayed at least this often, from 1.
    #[param(value_type = Option<i32>, minimum = 1)]
    pub min_usage_count: Option<String>,
    /// Only those of this domain.
    pub domain: Option<String>,
    /// Only those whose prompt wanted this.
    #[param(example = "debugging")]
    pub intent: Option<String>,
    /// Only those in which this agent takes part.
    pub agent: Option<String>,
    /// The most items, 1 to 500.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Which errors to list, and which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ErrorListQuery {
    /// Only those seen in the last `24h` (the default), `7d` or `30d`.
    pub time_range: Option<String>,
    /// Only this class.
    pub error_type: Option<String>,
    /// The most items, 1 to 500.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Which events to show, and which part of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventListQuery {
    /// Only those of the last so many hours, 1 to 168.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 168, default = 24)]
    pub hours: Option<String>,
    /// Only `routing_decision`, `error` or `agent_action`.
    pub event_type: Option<String>,
    /// Only those of this agent.
    pub agent_name: Option<String>,
    /// Only those of this execution.
    #[param(value_type = Option<String>, format = Uuid)]
    pub correlation_id: Option<String>,
    /// The most items, 1 to 500.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 100)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most items, 1 to 500.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Over how many days the means are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// Days, 1 to 365.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 365, default = 30)]
    pub window_days: Option<String>,
}

//! Numbers about executions.

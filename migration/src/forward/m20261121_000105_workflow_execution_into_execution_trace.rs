//! 105: one table says what happened on a run. `workflow_execution` moves into `execution_trace` and goes; a view keeps the
//! old name readable.
//!
//! Data: a run becomes a trace under its own id, linked to the capability with the same code. Its graph and code, which a trace
//! has no column for, stand in `initial_context.workflow_execution`. Step 020, or the older system, may have copied a run
//! already (same id; or marked `migration` with the same time, duration and outcome): that trace is completed, not doubled,
//! and remembers the run's id as `initial_context.workflow_execution.execution_id`.
//! Down: runs go back and their traces go; completed copies stay. What a trace alone can hold (path, priority) is lost for the
//! ones that go.

use crate::step::Step;

const FILE: &str = include_str!("m20261121_000105_workflow_execution_into_execution_trace.up.sql");
const VIEW: &str =
    include_str!("m20261121_000105_workflow_execution_into_execution_trace.view.sql");
const BACK: &str =
    include_str!("m20261121_000105_workflow_execution_into_execution_trace.down.sql");

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![FILE, VIEW, VIEW_COMMENT]
    }

    fn down(&self) -> Vec<String> {
        statements![BACK]
    }
}

pub(super) const VIEW_COMMENT: &str = "COMMENT ON VIEW workflow_execution IS \
     'Runs recorded before execution_trace; read them there'";

/// The view as this step leaves it, for the step that has to replace it.
pub(super) fn view() -> [&'static str; 2] {
    [VIEW, VIEW_COMMENT]
}

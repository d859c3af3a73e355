//! Area `execution`: what ran, and how to go on after an interruption.

pub mod episodic_events;
pub mod execution_trace;
pub mod workflow_checkpoint;

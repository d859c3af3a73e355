//! What becomes of old rows: one list of policies, carried out in small batches.
//!
//! A [`Policy`] says which rows of a table are due, by age or by number, and whether they are deleted or moved to an archive.
//! [`policies`] is the list of all areas. An area adds a function that returns its own and a line there; plan, run, command line and
//! schedule follow from the list.
//!
//! A [`run`] works in batches, each a transaction of its own that takes the oldest due rows nobody else holds (`FOR UPDATE SKIP LOCKED`). Several instances
//! may run at once: they share the work, and each row is moved once. Nobody waits for more than one batch.
//!
//! ```no_run
//! use pml_service::retention::{self, RunOptions};
//! use pml_service::{Db, Error, settings::RetentionSettings};
//!
//! # async fn example(db: &Db) -> Result<(), Error> {
//! let policies = retention::policies(&RetentionSettings::default());
//! for due in retention::plan(db, &policies).await? {
//!     println!("{}: {} rows of {}, the oldest from {:?}", due.policy, due.due, due.table, due.oldest);
//! }
//! let done = retention::run(db, &policies, &RunOptions::default()).await?;
//! # let _ = done; Ok(())
//! # }
//! ```

mod boundary;
mod plan;
mod policy;
mod run;
mod schedule;

pub use plan::{Due, plan};
pub use policy::{Action, Policy, What};
pub use run::{Done, OnRetention, Progress, RunOptions, run};
pub use schedule::{Scheduler, spread};

use crate::settings::RetentionSettings;

/// The policies of every area, in the order they are carried out.
pub fn policies(settings: &RetentionSettings) -> Vec<Policy> {
    crate::traceability::retention_policies(&settings.into())
}

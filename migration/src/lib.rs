#![doc = include_str!("../README.md")]

#[macro_use]
pub mod step;

mod adopt;
pub mod catalog;
mod engine;
mod error;
pub mod forward;
mod fresh;
pub mod history;
mod ledger;
mod lock;
mod migrator;
mod options;
mod preflight;
mod published;
mod status;
pub mod traceability;

use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseConnection};

pub use adopt::Adopted;
pub use engine::Engine;
pub use error::{Direction, Error};
pub use ledger::{APPLIED_TABLE, LEDGER_TABLE};
pub use migrator::Migrator;
pub use options::{Done, OnStep, Options, Progress, Report};
pub use published::{published, script};
pub use status::{StepState, StepStatus};
pub use step::Step;

static ALL: LazyLock<Vec<&'static dyn Step>> =
    LazyLock::new(|| [traceability::STEPS, history::STEPS, forward::STEPS].concat());

/// The whole history, in order.
pub fn all() -> &'static [&'static dyn Step] {
    &ALL
}

/// Applies every pending step.
///
/// Each step is one transaction together with its bookkeeping. Several processes may call this at once: one works, the others
/// wait for it (at most [`Options::lock_timeout`]) and then find nothing to do. With [`Options::exclusive`] nobody waits and a
/// pool of one connection is enough.
///
/// # Errors
/// Before anything runs: [`Error::ServerTooOld`], [`Error::VectorMissing`], [`Error::VectorNotAllowed`],
/// [`Error::VectorTooOld`], [`Error::Locked`], [`Error::PoolTooSmall`], [`Error::ChecksumChanged`], [`Error::Unknown`],
/// [`Error::NotAdopted`]. While running: [`Error::StepFailed`] and [`Error::LockLost`], with the database at the step before.
pub async fn up(db: &DatabaseConnection, options: &Options) -> Result<Report, Error> {
    Engine::new(all()).up(db, None, options).await
}

/// Takes back the last `steps` applied steps, newest first. What a step's `down` cannot bring back, its module says.
///
/// # Errors
/// As [`up`].
pub async fn down(db: &DatabaseConnection, steps: u32, options: &Options) -> Result<Report, Error> {
    Engine::new(all()).down(db, Some(steps), options).await
}

/// Drops everything in the current schema (tables with their data, views, functions, types; not extensions), then applies
/// every step.
///
/// # Errors
/// As [`up`].
pub async fn fresh(db: &DatabaseConnection, options: &Options) -> Result<Report, Error> {
    Engine::new(all()).fresh(db, options).await
}

/// Where each step stands. Works on an empty database and needs no rights beyond SELECT.
///
/// # Errors
/// [`Error::Database`].
pub async fn status<C: ConnectionTrait>(db: &C) -> Result<Vec<StepStatus>, Error> {
    Ok(Engine::new(all()).status(db).await?)
}

/// Names of the steps that are not applied, in order. As cheap as [`status`]: for readiness probes.
///
/// # Errors
/// [`Error::Database`].
pub async fn pending<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, Error> {
    Ok(Engine::new(all()).pending(db).await?)
}

/// Takes over a database of the older system (table `migrations_history`, version 1 to 34) without running anything.
///
/// # Errors
/// [`Error::AlreadyManaged`], [`Error::NotLegacy`], [`Error::UnsupportedVersion`], [`Error::SchemaDiffers`] with every
/// difference; and what [`up`] checks before it runs.
pub async fn adopt(db: &DatabaseConnection, options: &Options) -> Result<Adopted, Error> {
    Engine::new(all()).adopt(db, options).await
}

/// Names of all steps, in order.
pub fn step_names() -> Vec<&'static str> {
    all().iter().map(|step| step.name()).collect()
}

/// Name and checksum of each step, in order.
pub fn checksums() -> Vec<(&'static str, String)> {
    all()
        .iter()
        .map(|step| (step.name(), step::checksum(*step)))
        .collect()
}

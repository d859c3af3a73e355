//! Applies a list of steps to a database: in order, one migrator at a time, each step whole or not at all.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr,
    TransactionTrait, sqlx,
};

use crate::error::{Direction, Error};
use crate::ledger::{self, Recorded};
use crate::lock::{self, Guard};
use crate::options::{Done, Options, Progress, Report};
use crate::step::{self, Step};
use crate::{adopt, fresh, preflight};

/// A history and what can be done with it. [`crate::up`] and its like run the history of this crate; a test can run its
/// own.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    steps: &'a [&'a dyn Step],
}

impl<'a> Engine<'a> {
    /// An engine for these steps, in this order.
    pub const fn new(steps: &'a [&'a dyn Step]) -> Self {
        Self { steps }
    }

    /// The steps, in order.
    pub const fn steps(&self) -> &'a [&'a dyn Step] {
        self.steps
    }

    /// Applies pending steps, all of them or the first `limit`.
    ///
    /// # Errors
    /// Every variant of [`Error`] except those of `adopt`. After [`Error::StepFailed`] the database is at the step before.
    pub async fn up(
        &self,
        db: &DatabaseConnection,
        limit: Option<u32>,
        options: &Options,
    ) -> Result<Report, Error> {
        let run = Run::start(db, options).await?;
        let result = self.apply(&run, limit, options).await;
        run.end(result).await
    }

    /// Takes back the last `count` applied steps, newest first; `None` takes back all.
    ///
    /// # Errors
    /// As [`Engine::up`].
    pub async fn down(
        &self,
        db: &DatabaseConnection,
        count: Option<u32>,
        options: &Options,
    ) -> Result<Report, Error> {
        let run = Run::start(db, options).await?;
        let result = self.revert(&run, count, options).await;
        run.end(result).await
    }

    /// Drops every table, view, function and type of the current schema (extensions stay), then applies all steps.
    ///
    /// # Errors
    /// As [`Engine::up`]. If a step fails, the data is gone all the same.
    pub async fn fresh(&self, db: &DatabaseConnection, options: &Options) -> Result<Report, Error> {
        let run = Run::start(db, options).await?;
        let result = match fresh::drop_everything(&run.executor, &run.settings).await {
            Ok(()) => self.apply(&run, None, options).await,
            Err(error) => Err(error.into()),
        };
        run.end(result).await
    }

    /// Takes everything back and applies it again.
    ///
    /// # Errors
    /// As [`Engine::up`].
    pub async fn refresh(
        &self,
        db: &DatabaseConnection,
        options: &Options,
    ) -> Result<Report, Error> {
        let run = Run::start(db, options).await?;
        let result = match self.revert(&run, None, options).await {
            Ok(down) => self.apply(&run, None, options).await.map(|up| Report {
                steps: down.steps.into_iter().chain(up.steps).collect(),
                elapsed: up.elapsed,
            }),
            Err(error) => Err(error),
        };
        run.end(result).await
    }

    /// Takes everything back and drops the bookkeeping.
    ///
    /// # Errors
    /// As [`Engine::up`].
    pub async fn reset(&self, db: &DatabaseConnection, options: &Options) -> Result<Report, Error> {
        let run = Run::start(db, options).await?;
        let result = match self.revert(&run, None, options).await {
            Ok(report) => ledger::uninstall(&run.executor)
                .await
                .map(|()| report)
                .map_err(Error::from),
            Err(error) => Err(error),
        };
        run.end(result).await
    }

    pub(crate) async fn apply(
        &self,
        run: &Run<'_>,
        limit: Option<u32>,
        options: &Options,
    ) -> Result<Report, Error> {
        let recorded = Recorded::read(&run.executor).await?;
        recorded.verify(self.steps)?;
        adopt::ensure_adopted(&run.executor, &recorded).await?;
        ledger::install(&run.executor).await?;
        let pending: Vec<&dyn Step> = self
            .steps
            .iter()
            .copied()
            .filter(|step| !recorded.applied.contains_key(step.name()))
            .take(limit.map_or(usize::MAX, |limit| limit as usize))
            .collect();
        run.all(&pending, Direction::Up, options).await
    }

    pub(crate) async fn revert(
        &self,
        run: &Run<'_>,
        count: Option<u32>,
        options: &Options,
    ) -> Result<Report, Error> {
        let recorded = Recorded::read(&run.executor).await?;
        recorded.verify(self.steps)?;
        let applied: Vec<&dyn Step> = self
            .steps
            .iter()
            .rev()
            .copied()
            .filter(|step| recorded.applied.contains_key(step.name()))
            .take(count.map_or(usize::MAX, |count| count as usize))
            .collect();
        run.all(&applied, Direction::Down, options).await
    }
}

/// One run of the migrator: where it runs, under which lock, since when.
pub(crate) struct Run<'c> {
    pub(crate) executor: DatabaseExecutor<'c>,
    /// Settings for the transaction of each step; empty inside a caller's own transaction, whose settings are its own.
    pub(crate) settings: String,
    guard: Option<Guard>,
    started: Instant,
}

impl<'c> Run<'c> {
    /// Checks the server, then waits for the lock unless the options exclude others already.
    pub(crate) async fn start(
        db: &'c DatabaseConnection,
        options: &Options,
    ) -> Result<Self, Error> {
        let started = Instant::now();
        let server_version = preflight::check(db).await?;
        let guard = if options.exclusive {
            None
        } else {
            Some(Guard::acquire(db, server_version, options.lock_timeout).await?)
        };
        Ok(Self {
            executor: DatabaseExecutor::Connection(db),
            settings: lock::step_settings(server_version),
            guard,
            started,
        })
    }

    /// Inside a transaction of the caller, who answers for the lock.
    pub(crate) async fn inside(executor: DatabaseExecutor<'c>) -> Result<Self, Error> {
        preflight::check(&executor).await?;
        Ok(Self {
            executor,
            settings: String::new(),
            guard: None,
            started: Instant::now(),
        })
    }

    /// Releases the lock and hands the result on.
    pub(crate) async fn end<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        if let Some(guard) = self.guard {
            guard.release().await;
        }
        result
    }

    async fn all(
        &self,
        steps: &[&dyn Step],
        direction: Direction,
        options: &Options,
    ) -> Result<Report, Error> {
        let mut done = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            if let Some(guard) = &self.guard {
                guard.check().await?;
            }
            let mut progress = Progress {
                name: step.name().to_owned(),
                title: step::title(step.name()),
                direction,
                number: index + 1,
                total: steps.len(),
                finished: None,
            };
            options.report(&progress);
            let elapsed = self.one(*step, direction).await?;
            tracing::debug!(step = step.name(), %direction, ?elapsed, "migration step done");
            progress.finished = Some(elapsed);
            options.report(&progress);
            done.push(Done {
                name: step.name().to_owned(),
                direction,
                elapsed,
            });
        }
        let elapsed = self.started.elapsed();
        if let Some(last) = done.last() {
            tracing::info!(steps = done.len(), last = last.name, %direction, ?elapsed, "migrated");
        }
        Ok(Report {
            steps: done,
            elapsed,
        })
    }

    async fn one(&self, step: &dyn Step, direction: Direction) -> Result<Duration, Error> {
        let started = Instant::now();
        if step.in_transaction() {
            self.transactional(step, direction).await?;
        } else {
            self.autocommit(step, direction).await?;
        }
        Ok(started.elapsed())
    }

    async fn transactional(&self, step: &dyn Step, direction: Direction) -> Result<(), Error> {
        let transaction = self.executor.begin().await?;
        if !self.settings.is_empty() {
            transaction.execute_unprepared(&self.settings).await?;
        }
        if let Err(error) = run_whole(&transaction, step, direction).await {
            // Not left to the drop: the rollback must have happened when the caller reads the error.
            if let Err(error) = transaction.rollback().await {
                tracing::warn!(%error, "rollback failed, the server undoes the step when the connection ends");
            }
            return Err(error);
        }
        transaction
            .commit()
            .await
            .map_err(|source| failed(step, direction, "commit", source))
    }

    /// Statement by statement on one connection, without a transaction; marked `running` meanwhile.
    async fn autocommit(&self, step: &dyn Step, direction: Direction) -> Result<(), Error> {
        let DatabaseExecutor::Connection(db) = &self.executor else {
            let source = DbErr::Migration("cannot run inside the caller's transaction".to_owned());
            return Err(failed(step, direction, "begin", source));
        };
        ledger::mark_running(*db, step).await?;
        let mut connection = db
            .get_postgres_connection_pool()
            .acquire()
            .await
            .map_err(database)?;
        sqlx::raw_sql("SET statement_timeout = 0")
            .execute(&mut *connection)
            .await
            .map_err(database)?;
        let mut result = Ok(());
        for statement in statements(step, direction) {
            let answer = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut *connection)
                .await;
            if let Err(error) = answer {
                result = Err(failed(step, direction, &statement, database(error)));
                break;
            }
        }
        let reset = sqlx::raw_sql("RESET statement_timeout")
            .execute(&mut *connection)
            .await;
        drop(connection);
        // The step's own failure first: a lost connection fails both, and only the first names the step.
        result?;
        reset.map_err(database)?;
        match direction {
            Direction::Up => ledger::mark_applied(*db, step, None).await?,
            Direction::Down => ledger::forget(*db, step).await?,
        }
        Ok(())
    }
}

/// The statements of a step, then its bookkeeping.
async fn run_whole(
    transaction: &DatabaseTransaction,
    step: &dyn Step,
    direction: Direction,
) -> Result<(), Error> {
    for statement in statements(step, direction) {
        transaction
            .execute_unprepared(&statement)
            .await
            .map_err(|source| failed(step, direction, &statement, source))?;
    }
    match direction {
        Direction::Up => ledger::mark_applied(transaction, step, None).await,
        Direction::Down => ledger::forget(transaction, step).await,
    }
    .map_err(|source| failed(step, direction, "bookkeeping", source))
}

fn statements(step: &dyn Step, direction: Direction) -> Vec<String> {
    match direction {
        Direction::Up => step.up(),
        Direction::Down => step.down(),
    }
}

fn database(error: sqlx::Error) -> DbErr {
    DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error.into()))
}

fn failed(step: &dyn Step, direction: Direction, statement: &str, source: DbErr) -> Error {
    const SHOWN: usize = 100;
    let mut beginning: String = statement
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join(" ");
    if beginning.chars().count() > SHOWN {
        beginning = beginning.chars().take(SHOWN).chain("…".chars()).collect();
    }
    Error::StepFailed {
        name: step.name().to_owned(),
        direction,
        statement: beginning,
        source,
    }
}

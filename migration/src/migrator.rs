//! The history as the ORM's own tools see it: [`Migrator`] is a `MigratorTrait`, so `sea-orm-cli` and test code written
//! against that trait work, and still pass through lock, ledger and checksum.

use async_trait::async_trait;
use sea_orm::{DatabaseExecutor, DbErr};
use sea_orm_migration::{
    IntoSchemaManagerConnection, MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
};

use crate::engine::{Engine, Run};
use crate::error::Error;
use crate::options::Options;
use crate::step::Step;
use crate::{all, fresh, ledger};

/// The whole history, for code that speaks `MigratorTrait`.
///
/// Handed a connection it takes the lock, with default [`Options`]; handed a transaction it runs inside that transaction
/// (all or nothing) and leaves the lock to the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

/// A step as the ORM's trait wants it.
struct Adapter(&'static dyn Step);

impl MigrationName for Adapter {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait]
impl MigrationTrait for Adapter {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        ledger::install(db).await?;
        for statement in self.0.up() {
            sea_orm::ConnectionTrait::execute_unprepared(db, &statement).await?;
        }
        ledger::record_checksum(db, self.0).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in self.0.down() {
            sea_orm::ConnectionTrait::execute_unprepared(db, &statement).await?;
        }
        ledger::forget(db, self.0).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(self.0.in_transaction())
    }
}

/// What to do, once it is settled where.
#[derive(Clone, Copy)]
enum Verb {
    Apply(Option<u32>),
    Revert(Option<u32>),
    Fresh,
    Refresh,
    Reset,
}

impl Verb {
    async fn run(self, executor: DatabaseExecutor<'_>) -> Result<(), DbErr> {
        let engine = Engine::new(all());
        let options = Options::default();
        let DatabaseExecutor::Connection(db) = executor else {
            return self
                .inside(&engine, executor, &options)
                .await
                .map_err(DbErr::from);
        };
        let report = match self {
            Self::Apply(limit) => engine.up(db, limit, &options).await,
            Self::Revert(count) => engine.down(db, count, &options).await,
            Self::Fresh => engine.fresh(db, &options).await,
            Self::Refresh => engine.refresh(db, &options).await,
            Self::Reset => engine.reset(db, &options).await,
        };
        report.map(|_| ()).map_err(DbErr::from)
    }

    async fn inside(
        self,
        engine: &Engine<'_>,
        executor: DatabaseExecutor<'_>,
        options: &Options,
    ) -> Result<(), Error> {
        let run = Run::inside(executor).await?;
        match self {
            Self::Apply(limit) => {
                engine.apply(&run, limit, options).await?;
            }
            Self::Revert(count) => {
                engine.revert(&run, count, options).await?;
            }
            Self::Fresh => {
                fresh::drop_everything(&run.executor, "").await?;
                engine.apply(&run, None, options).await?;
            }
            Self::Refresh => {
                engine.revert(&run, None, options).await?;
                engine.apply(&run, None, options).await?;
            }
            Self::Reset => {
                engine.revert(&run, None, options).await?;
                ledger::uninstall(&run.executor).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        all()
            .iter()
            .map(|step| Box::new(Adapter(*step)) as Box<dyn MigrationTrait>)
            .collect()
    }

    async fn status<C>(db: &C) -> Result<(), DbErr>
    where
        C: sea_orm::ConnectionTrait,
    {
        for step in Engine::new(all()).status(db).await? {
            tracing::info!("{} {}", step.state, step.name);
        }
        Ok(())
    }

    async fn up<'c, C>(db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        Verb::Apply(steps).run(db.into_database_executor()).await
    }

    async fn down<'c, C>(db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        Verb::Revert(steps).run(db.into_database_executor()).await
    }

    async fn fresh<'c, C>(db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        Verb::Fresh.run(db.into_database_executor()).await
    }

    async fn refresh<'c, C>(db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        Verb::Refresh.run(db.into_database_executor()).await
    }

    async fn reset<'c, C>(db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        Verb::Reset.run(db.into_database_executor()).await
    }
}

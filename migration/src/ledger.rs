//! The bookkeeping: `seaql_migrations` says which steps are applied, `pml_migration_ledger` with which SQL.
//!
//! Both tables belong to the migrator, not to a step, and the drift gate ignores them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use crate::Migrator;
use crate::error::Error;
use crate::step::{self, Step};

/// `seaql_migrations`, as every tool of the ORM knows it.
pub const APPLIED_TABLE: &str = "seaql_migrations";
/// The checksums.
pub const LEDGER_TABLE: &str = "pml_migration_ledger";

/// The ledger's definition. `running` marks a step without a transaction that has begun and not ended.
pub(crate) const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS pml_migration_ledger (\
     name text NOT NULL PRIMARY KEY, checksum text NOT NULL, \
     state text NOT NULL CHECK (state IN ('applied', 'running')), applied_at timestamptz NOT NULL DEFAULT now())";

/// What a database says about its own history.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Applied steps and when (seconds since 1970).
    pub applied: BTreeMap<String, i64>,
    /// Checksums of steps that are applied or running.
    pub checksums: BTreeMap<String, String>,
}

impl Recorded {
    /// Reads both tables of the current schema. Needs no rights beyond SELECT; missing tables are empty.
    pub(crate) async fn read<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let mut recorded = Self::default();
        if exists(db, APPLIED_TABLE).await? {
            let sql = "SELECT version, applied_at FROM seaql_migrations";
            for row in query(db, sql).await? {
                recorded
                    .applied
                    .insert(row.try_get("", "version")?, row.try_get("", "applied_at")?);
            }
        }
        if exists(db, LEDGER_TABLE).await? {
            let sql = "SELECT name, checksum FROM pml_migration_ledger";
            for row in query(db, sql).await? {
                recorded
                    .checksums
                    .insert(row.try_get("", "name")?, row.try_get("", "checksum")?);
            }
        }
        Ok(recorded)
    }

    /// Refuses a history that this build cannot continue.
    ///
    /// # Errors
    /// [`Error::Unknown`] and [`Error::ChecksumChanged`], each for the first step concerned.
    pub(crate) fn verify(&self, steps: &[&dyn Step]) -> Result<(), Error> {
        for name in self.applied.keys() {
            if !steps.iter().any(|step| step.name() == name) {
                return Err(Error::Unknown { name: name.clone() });
            }
        }
        for step in steps {
            let name = step.name();
            if let Some(recorded) = self.changed(*step) {
                return Err(Error::ChecksumChanged {
                    name: name.to_owned(),
                    recorded: recorded.to_owned(),
                    built: step::checksum(*step),
                });
            }
            if self.applied.contains_key(name) && !self.checksums.contains_key(name) {
                tracing::warn!(step = name, "applied without a checksum on record");
            }
        }
        Ok(())
    }

    /// The recorded checksum of an applied step, if it is not the built one.
    pub(crate) fn changed(&self, step: &dyn Step) -> Option<&str> {
        let recorded = self.checksums.get(step.name())?;
        (self.applied.contains_key(step.name()) && *recorded != step::checksum(step))
            .then_some(recorded.as_str())
    }
}

async fn query<C: ConnectionTrait>(db: &C, sql: &str) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
}

/// Whether the current schema (first of the search path) has this table.
pub(crate) async fn exists<C: ConnectionTrait>(db: &C, table: &str) -> Result<bool, DbErr> {
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT to_regclass(format('%I.%I', current_schema(), $1::text)) IS NOT NULL AS found",
            [table.into()],
        ))
        .await?;
    row.map_or(Ok(false), |row| row.try_get("", "found"))
}

/// Creates both tables if they are missing.
pub(crate) async fn install<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    if !exists(db, APPLIED_TABLE).await? {
        Migrator::install(db).await?;
    }
    if !exists(db, LEDGER_TABLE).await? {
        db.execute_unprepared(CREATE_LEDGER).await?;
    }
    Ok(())
}

/// Drops both tables.
pub(crate) async fn uninstall<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    db.execute_unprepared("DROP TABLE IF EXISTS seaql_migrations, pml_migration_ledger")
        .await
        .map(|_| ())
}

/// Marks a step that runs without a transaction as begun.
pub(crate) async fn mark_running<C: ConnectionTrait>(db: &C, step: &dyn Step) -> Result<(), DbErr> {
    write_ledger(db, step, "running", None).await
}

/// Records the checksum of a step whose `seaql_migrations` row somebody else writes.
pub(crate) async fn record_checksum<C: ConnectionTrait>(
    db: &C,
    step: &dyn Step,
) -> Result<(), DbErr> {
    write_ledger(db, step, "applied", None).await
}

/// Records a step as applied, now or at `applied_at` (seconds since 1970).
pub(crate) async fn mark_applied<C: ConnectionTrait>(
    db: &C,
    step: &dyn Step,
    applied_at: Option<i64>,
) -> Result<(), DbErr> {
    write_ledger(db, step, "applied", applied_at).await?;
    db.execute_raw(Statement::from_sql_and_values(
        db.get_database_backend(),
        "INSERT INTO seaql_migrations (version, applied_at) \
         VALUES ($1, coalesce($2, extract(epoch FROM clock_timestamp())::bigint)) ON CONFLICT (version) DO NOTHING",
        [step.name().into(), applied_at.into()],
    ))
    .await?;
    Ok(())
}

/// Forgets a step.
pub(crate) async fn forget<C: ConnectionTrait>(db: &C, step: &dyn Step) -> Result<(), DbErr> {
    for sql in [
        "DELETE FROM seaql_migrations WHERE version = $1",
        "DELETE FROM pml_migration_ledger WHERE name = $1",
    ] {
        db.execute_raw(Statement::from_sql_and_values(
            db.get_database_backend(),
            sql,
            [step.name().into()],
        ))
        .await?;
    }
    Ok(())
}

async fn write_ledger<C: ConnectionTrait>(
    db: &C,
    step: &dyn Step,
    state: &str,
    applied_at: Option<i64>,
) -> Result<(), DbErr> {
    db.execute_raw(Statement::from_sql_and_values(
        db.get_database_backend(),
        "INSERT INTO pml_migration_ledger (name, checksum, state, applied_at) \
         VALUES ($1, $2, $3, coalesce(to_timestamp($4::bigint::double precision), clock_timestamp())) \
         ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, state = excluded.state, applied_at = excluded.applied_at",
        [
            step.name().into(),
            step::checksum(step).into(),
            state.into(),
            applied_at.into(),
        ],
    ))
    .await?;
    Ok(())
}

/// The statements that record a step when its SQL is printed for a DBA.
pub(crate) fn bookkeeping_sql(step: &dyn Step) -> [String; 2] {
    let (name, checksum) = (step.name(), step::checksum(step));
    [
        format!(
            "INSERT INTO pml_migration_ledger (name, checksum, state) VALUES ('{name}', '{checksum}', 'applied')"
        ),
        format!(
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', extract(epoch FROM clock_timestamp())::bigint)"
        ),
    ]
}

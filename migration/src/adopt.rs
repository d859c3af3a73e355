//! Takes over a database the older system made: our steps up to its version are marked as applied without running them.
//!
//! The older system's own table `migrations_history` is read and left in place: it is the record.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TransactionTrait};

use crate::catalog;
use crate::engine::{Engine, Run};
use crate::error::Error;
use crate::history;
use crate::ledger::{self, Recorded};
use crate::options::Options;

const RECORD: &str = "migrations_history";
/// A table of every version: where it stands, the record speaks of this schema and not of one that is gone.
const IN_EVERY_VERSION: &str = "tool_schema";
const NEWEST: u16 = 34;
/// A number the older system skipped; some databases carry a row for it all the same.
const NEVER_EXISTED: u16 = 31;

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The version of the older system the database is at.
    pub version: u16,
    /// The steps marked as applied, in order.
    pub marked: Vec<String>,
}

impl Engine<'_> {
    /// Takes over a database of the older system at version 1 to 34, after its schema has been compared with the recorded one
    /// of that version, column by column. Runs nothing and changes no table of data; [`Engine::up`] carries on from there.
    ///
    /// # Errors
    /// [`Error::AlreadyManaged`], [`Error::NotLegacy`], [`Error::UnsupportedVersion`]; [`Error::SchemaDiffers`] lists every
    /// difference, so that it can be mended by hand and tried again.
    pub async fn adopt(
        &self,
        db: &DatabaseConnection,
        options: &Options,
    ) -> Result<Adopted, Error> {
        let run = Run::start(db, options).await?;
        let result = self.take_over(&run).await;
        run.end(result).await
    }

    async fn take_over(&self, run: &Run<'_>) -> Result<Adopted, Error> {
        // One transaction: either every step is marked or none.
        let transaction = run.executor.begin().await?;
        transaction.execute_unprepared(&run.settings).await?;
        if !Recorded::read(&transaction).await?.applied.is_empty() {
            return Err(Error::AlreadyManaged);
        }
        let rows = history_rows(&transaction).await?;
        let version = version(&rows)?;
        // A version number without steps of its own has the schema of the one before.
        let recorded_as = if version == NEVER_EXISTED {
            version - 1
        } else {
            version
        };
        let actual = catalog::read(&transaction).await?;
        let Some(mut differences) = catalog::legacy_differences(recorded_as, &actual) else {
            return Err(Error::UnsupportedVersion {
                version: version.into(),
            });
        };
        if !differences.is_empty() {
            differences.extend(
                missing(&rows, version)
                    .into_iter()
                    .map(|number| format!("{RECORD}: version {number} is missing")),
            );
            return Err(Error::SchemaDiffers {
                version,
                differences,
            });
        }
        ledger::install(&transaction).await?;
        let mut marked = Vec::new();
        let recorded = self
            .steps()
            .iter()
            .filter(|step| history::is_recorded(**step));
        for step in recorded {
            let Some(number) = history::version_of(step.name()).filter(|number| *number <= version)
            else {
                continue;
            };
            let applied_at = rows.get(&i32::from(number)).copied().flatten();
            ledger::mark_applied(&transaction, *step, applied_at).await?;
            marked.push(step.name().to_owned());
        }
        transaction.commit().await?;
        tracing::info!(
            version,
            steps = marked.len(),
            "adopted a database of the older system"
        );
        Ok(Adopted { version, marked })
    }
}

/// Refuses a database of the older system that nobody adopted: its tables stand, and the first step would fail on them.
///
/// A record alone is no reason: it stays behind when an adopted database is taken down to nothing.
///
/// # Errors
/// [`Error::NotAdopted`].
pub(crate) async fn ensure_adopted<C: ConnectionTrait>(
    db: &C,
    recorded: &Recorded,
) -> Result<(), Error> {
    if !recorded.applied.is_empty() || !ledger::exists(db, IN_EVERY_VERSION).await? {
        return Ok(());
    }
    match history_rows(db).await?.into_keys().next_back() {
        Some(version) => Err(Error::NotAdopted { version }),
        None => Ok(()),
    }
}

/// Version to time (seconds since 1970, where it is known; the column has no time zone and was written in UTC).
async fn history_rows<C: ConnectionTrait>(db: &C) -> Result<BTreeMap<i32, Option<i64>>, DbErr> {
    if !ledger::exists(db, RECORD).await? {
        return Ok(BTreeMap::new());
    }
    let sql = "SELECT version, extract(epoch FROM applied_at AT TIME ZONE 'UTC')::bigint AS applied_at \
               FROM migrations_history";
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?
        .into_iter()
        .map(|row| Ok((row.try_get("", "version")?, row.try_get("", "applied_at")?)))
        .collect()
}

/// The version a database claims: the highest on record.
fn version(rows: &BTreeMap<i32, Option<i64>>) -> Result<u16, Error> {
    let highest = *rows.keys().next_back().ok_or(Error::NotLegacy)?;
    match u16::try_from(highest) {
        Ok(version @ 1..=NEWEST) => Ok(version),
        _ => Err(Error::UnsupportedVersion { version: highest }),
    }
}

/// Versions below the highest that are not on record. Not a reason to refuse by itself: a schema that matches is the proof.
fn missing(rows: &BTreeMap<i32, Option<i64>>, version: u16) -> Vec<u16> {
    (1..=version)
        .filter(|number| *number != NEVER_EXISTED && !rows.contains_key(&i32::from(*number)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(versions: impl IntoIterator<Item = i32>) -> BTreeMap<i32, Option<i64>> {
        versions
            .into_iter()
            .map(|version| (version, None))
            .collect()
    }

    #[test]
    fn the_highest_version_counts_and_must_be_on_record() {
        assert_eq!(version(&rows(1..=19)).unwrap(), 19);
        assert!(matches!(version(&rows([])), Err(Error::NotLegacy)));
        assert!(matches!(
            version(&rows(1..=35)),
            Err(Error::UnsupportedVersion { version: 35 })
        ));
        assert!(matches!(
            version(&rows([0])),
            Err(Error::UnsupportedVersion { version: 0 })
        ));
    }

    #[test]
    fn gaps_are_named_except_the_number_that_never_existed() {
        assert_eq!(
            missing(&rows((1..=34).filter(|n| *n != 5 && *n != 31)), 34),
            [5]
        );
    }
}

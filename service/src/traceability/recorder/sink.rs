//! Writing a mixed batch: starts, then decisions, hooks and calls, then ends; one statement per kind.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use async_trait::async_trait;
use pml_entity::values::CorrelationId;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use serde_json::json;

use super::Row;
use crate::recorder::{Sink, Written};
use crate::sql::statement;
use crate::traceability::write::{CompletionRow, StartRow, bulk, texts};
use crate::{Db, Error};

/// Writes rows as `service_role`, a batch in one transaction.
pub(super) struct TraceSink {
    db: Db,
}

impl TraceSink {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Sink for TraceSink {
    type Row = Row;

    async fn write(&self, rows: &[Row]) -> Result<Written, Error> {
        let batch = Batch::of(rows);
        let not_yet = self.db.as_service(async |tx| batch.write(tx).await).await?;
        Ok(Written::except(not_yet))
    }

    fn describe(&self, row: &Row) -> serde_json::Value {
        let (kind, id) = row.name();
        json!({ "kind": kind, "id": id, "correlation_id": row.correlation_id() })
    }
}

/// A batch, sorted by kind.
struct Batch<'r> {
    rows: &'r [Row],
    starts: Vec<Cow<'r, StartRow>>,
    guesses: Vec<&'r StartRow>,
}

impl<'r> Batch<'r> {
    fn of(rows: &'r [Row]) -> Self {
        let starts = rows.iter().filter_map(|row| match row {
            Row::Start(row) => Some(&**row),
            _ => None,
        });
        let starts = with_inheritance(starts);
        let mut known: HashSet<CorrelationId> =
            starts.iter().map(|row| row.correlation_id).collect();
        let guesses = rows
            .iter()
            .filter_map(|row| match row {
                Row::Guess(row) => Some(&**row),
                _ => None,
            })
            .filter(|row| known.insert(row.correlation_id))
            .collect();
        Self {
            rows,
            starts,
            guesses,
        }
    }

    /// Writes it. Gives the positions of the rows whose execution or parent is not there yet.
    async fn write(&self, tx: &DatabaseTransaction) -> Result<Vec<usize>, Error> {
        static START: LazyLock<String> = LazyLock::new(bulk::start_sql);
        static GUESS: LazyLock<String> = LazyLock::new(bulk::guess_sql);
        static ROUTING: LazyLock<String> = LazyLock::new(bulk::routing_sql);
        static HOOK: LazyLock<String> = LazyLock::new(bulk::hook_sql);
        static CALL: LazyLock<String> = LazyLock::new(bulk::call_sql);
        static END: LazyLock<String> = LazyLock::new(bulk::completion_sql);
        execute(tx, &START, self.starts.iter().map(AsRef::as_ref)).await?;
        execute(tx, &GUESS, self.guesses.iter().copied()).await?;
        let known = self.known(tx).await?;
        let is_known = |id: CorrelationId| known.contains(&id);
        let of_known = || {
            self.rows
                .iter()
                .filter(|row| is_known(row.correlation_id()))
        };
        let decisions = of_known().filter_map(|row| match row {
            Row::Routing(row) => Some(&**row),
            _ => None,
        });
        execute(tx, &ROUTING, decisions).await?;
        let hooks = of_known().filter_map(|row| match row {
            Row::Hook(row) => Some(&**row),
            _ => None,
        });
        execute(tx, &HOOK, hooks).await?;
        let calls = of_known().filter_map(|row| match row {
            Row::Call(row) => Some(&**row),
            _ => None,
        });
        execute(tx, &CALL, calls).await?;
        let ends = merged(of_known().filter_map(|row| match row {
            Row::Completion(row) => Some(&**row),
            _ => None,
        }));
        execute(tx, &END, ends.iter().map(AsRef::as_ref)).await?;
        let not_yet = self.rows.iter().enumerate();
        Ok(not_yet
            .filter(|(_, row)| !is_known(row.correlation_id()))
            .map(|(position, _)| position)
            .collect())
    }

    /// Which executions of the batch are there. Locks those whose hooks are counted or that end, in one order, so that recorders do not
    /// wait for each other in a circle.
    async fn known(&self, tx: &DatabaseTransaction) -> Result<HashSet<CorrelationId>, Error> {
        let (mut locked, mut read) = (BTreeSet::new(), BTreeSet::new());
        for row in self.rows {
            match row {
                Row::Hook(_) | Row::Completion(_) => locked.insert(row.correlation_id()),
                _ => read.insert(row.correlation_id()),
            };
        }
        let mut known = HashSet::with_capacity(locked.len() + read.len());
        let sql = "SELECT correlation_id FROM execution_traces WHERE correlation_id = ANY($1)";
        let lock = format!("{sql} ORDER BY correlation_id FOR NO KEY UPDATE");
        let read = read.difference(&locked).copied().collect();
        for (sql, ids) in [(lock.as_str(), locked.into_iter().collect()), (sql, read)] {
            let ids: Vec<CorrelationId> = ids;
            if ids.is_empty() {
                continue;
            }
            for row in tx.query_all_raw(statement(sql, [ids.into()])).await? {
                known.insert(row.try_get("", "correlation_id")?);
            }
        }
        Ok(known)
    }
}

/// One start per execution, the first; a child takes from a parent in the same batch what it does not say itself.
fn with_inheritance<'r>(starts: impl Iterator<Item = &'r StartRow>) -> Vec<Cow<'r, StartRow>> {
    let mut kept: Vec<Cow<'r, StartRow>> = Vec::new();
    let mut places: HashMap<CorrelationId, usize> = HashMap::new();
    for row in starts {
        if places.contains_key(&row.correlation_id) {
            continue;
        }
        let parent = row.parent_id.and_then(|parent| places.get(&parent));
        let parent = parent.and_then(|place| kept.get(*place));
        let row = match parent {
            Some(parent)
                if row.root_id.is_none() || row.session_id.is_none() || row.user_id.is_none() =>
            {
                let mut child = row.clone();
                // A parent with a parent of its own and no root takes it from the database, and so does the child when it is tried again.
                let root = match parent.parent_id {
                    None => parent.root_id.or(Some(parent.correlation_id)),
                    Some(_) => parent.root_id,
                };
                child.root_id = child.root_id.or(root);
                child.session_id = child.session_id.or(parent.session_id);
                child.user_id = child.user_id.or_else(|| parent.user_id.clone());
                Cow::Owned(child)
            }
            _ => Cow::Borrowed(row),
        };
        places.insert(row.correlation_id, kept.len());
        kept.push(row);
    }
    kept
}

/// One end per execution: the first that its owner tells; else, of the calls of a guess, the last moment and whether all worked.
fn merged<'r>(ends: impl Iterator<Item = &'r CompletionRow>) -> Vec<Cow<'r, CompletionRow>> {
    let mut merged: BTreeMap<CorrelationId, Cow<'r, CompletionRow>> = BTreeMap::new();
    for end in ends {
        let Some(before) = merged.get_mut(&end.correlation_id) else {
            merged.insert(end.correlation_id, Cow::Borrowed(end));
            continue;
        };
        if !before.service_only {
            continue;
        }
        if !end.service_only {
            *before = Cow::Borrowed(end);
            continue;
        }
        let now = before.now.max(end.now);
        if before.success {
            *before = Cow::Borrowed(end);
        }
        if before.now < now {
            before.to_mut().now = now;
        }
    }
    merged.into_values().collect()
}

async fn execute<'r, R>(
    tx: &DatabaseTransaction,
    sql: &str,
    rows: impl Iterator<Item = &'r R>,
) -> Result<(), Error>
where
    R: Serialize + 'r,
{
    for text in texts(rows)? {
        tx.execute_raw(statement(sql, [text.into()])).await?;
    }
    Ok(())
}

//! Rows as one JSON text: the statement stays the same for one row and for five hundred, and a missing value is a NULL.
//!
//! Arrays of columns (`unnest`) cannot hold lists of different lengths, and the driver binds no array with gaps; this shape has neither
//! limit.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use serde::Serialize;

use super::super::TraceabilityError;
use crate::Error;
use crate::sql::statement;

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    sql_type: &'static str,
}

/// Declares a field.
pub(super) const fn field(name: &'static str, sql_type: &'static str) -> Field {
    Field { name, sql_type }
}

/// A table, and the fields of it that a caller gives; the first is the id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) table: &'static str,
    pub(super) entity: &'static str,
    /// Whether it is part of an execution, which its records name by correlation id.
    pub(super) part: bool,
    pub(super) fields: &'static [Field],
}

/// A row to write, and the fields that the caller left to us: a retry may differ in them.
#[derive(Clone, Debug)]
pub(crate) struct Prepared<R> {
    pub(crate) row: R,
    pub(super) assumed: Vec<String>,
}

impl<R> Prepared<R> {
    pub(super) fn new(row: R, assumed: &[(&str, bool)]) -> Self {
        Self {
            row,
            assumed: assumed
                .iter()
                .filter(|(_, assumed)| *assumed)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        }
    }
}

/// Most bytes of one parameter, apart from the last row in it.
const TEXT_BYTES: usize = 8 << 20;

/// The text of rows, to be bound as the parameter of [`Kind::records`].
pub(super) fn json<R: Serialize>(rows: &[R]) -> Result<String, Error> {
    serde_json::to_string(rows).map_err(no_json)
}

/// The text of many rows, in pieces of a size that a server takes.
pub(crate) fn texts<'r, R: Serialize + 'r>(
    rows: impl IntoIterator<Item = &'r R>,
) -> Result<Vec<String>, Error> {
    let mut texts = Vec::new();
    let mut text = Vec::new();
    for row in rows {
        text.push(if text.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut text, row).map_err(no_json)?;
        if text.len() > TEXT_BYTES {
            texts.push(std::mem::take(&mut text));
        }
    }
    if !text.is_empty() {
        texts.push(text);
    }
    texts
        .into_iter()
        .map(|mut text| {
            text.push(b']');
            String::from_utf8(text).map_err(|error| no_json(serde::ser::Error::custom(error)))
        })
        .collect()
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn no_json(error: serde_json::Error) -> Error {
    TraceabilityError::InvalidField {
        field: "row",
        problem: format!("is no JSON: {error}"),
    }
    .into()
}

impl Kind {
    /// `$1` as rows called `new`.
    pub(super) fn records(self) -> String {
        let trace = self.part.then_some(field("correlation_id", "uuid"));
        let fields: Vec<String> = self
            .fields
            .iter()
            .chain(&trace)
            .map(|field| format!("{} {}", field.name, field.sql_type))
            .collect();
        format!("json_to_recordset($1::json) AS new ({})", fields.join(", "))
    }

    /// `INSERT INTO … SELECT …` up to its FROM. `values` overrides what a column is filled with, and adds columns.
    pub(super) fn insert(self, values: &[(&str, &str)]) -> String {
        let own = self.fields.iter().map(|field| {
            let value = values.iter().find(|(name, _)| *name == field.name);
            let value = value.map_or_else(
                || format!("new.{}", field.name),
                |(_, sql)| (*sql).to_owned(),
            );
            (field.name, value)
        });
        let more = values
            .iter()
            .filter(|(name, _)| self.fields.iter().all(|field| field.name != *name))
            .map(|(name, sql)| (*name, (*sql).to_owned()));
        let (names, values): (Vec<&str>, Vec<String>) = own
            .chain(more)
            .filter(|(_, value)| !value.is_empty())
            .unzip();
        format!(
            "INSERT INTO {} AS t ({}) SELECT {}",
            self.table,
            names.join(", "),
            values.join(", ")
        )
    }

    /// The refusal of an id that another row has.
    pub(super) fn taken(self, id: &impl std::fmt::Display) -> Error {
        TraceabilityError::IdTaken {
            entity: self.entity,
            id: id.to_string(),
        }
        .into()
    }

    /// Whether a stored row `t` says what `new` says, apart from the names in `$2`.
    pub(super) fn same(self, casts: &[(&str, &str)]) -> String {
        let conditions: Vec<String> = self
            .fields
            .iter()
            .map(|field| {
                let name = field.name;
                let cast = casts.iter().find(|(field, _)| *field == name);
                let cast = cast.map_or("", |(_, cast)| cast);
                format!("('{name}' = ANY($2) OR t.{name} IS NOT DISTINCT FROM new.{name}{cast})")
            })
            .collect();
        conditions.join(" AND ")
    }
}

/// What became of the insert of a part of an execution.
pub(super) enum Outcome<M> {
    /// No execution has the correlation id.
    UnknownTrace,
    /// It was not written: its id is taken, or what it refers to is missing.
    NotWritten,
    /// It was written.
    Written(Box<M>),
}

impl<M: FromQueryResult> Outcome<M> {
    /// Reads the answer of `SELECT known.…, written.* FROM known LEFT JOIN written ON true`.
    pub(super) fn of(row: Option<QueryResult>) -> Result<Self, Error> {
        let Some(row) = row else {
            return Ok(Self::UnknownTrace);
        };
        if row.try_get::<Option<uuid::Uuid>>("", "id")?.is_none() {
            return Ok(Self::NotWritten);
        }
        Ok(Self::Written(Box::new(M::from_query_result(&row, "")?)))
    }
}

/// Reads the row that has the id of the row that was not written. `None` if there is none. One statement.
///
/// `$1` is the row, `$2` the names that were left to us.
pub(super) async fn stored<C, M>(
    db: &C,
    kind: Kind,
    columns: &str,
    casts: &[(&str, &str)],
    values: [Value; 2],
) -> Result<Option<(M, bool)>, Error>
where
    C: ConnectionTrait,
    M: FromQueryResult,
{
    let sql = format!(
        "SELECT {columns}, (e.correlation_id = new.correlation_id AND {}) AS same FROM {} JOIN {} t ON t.id = new.id JOIN execution_traces e ON e.id = t.trace_id",
        kind.same(casts),
        kind.records(),
        kind.table,
    );
    let Some(row) = db.query_one_raw(statement(sql, values)).await? else {
        return Ok(None);
    };
    Ok(Some((
        M::from_query_result(&row, "")?,
        row.try_get("", "same")?,
    )))
}

//! Reads a live catalogue: one statement per kind of object, whatever the number of tables.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{BOOKKEEPING, Catalog, Table};

/// Which relations count: every statement begins with it. `$1` are the names to leave out.
const SCOPE: &str = include_str!("scope.sql");

/// Owners before what they own.
const KINDS: [&str; 7] = [
    include_str!("relations.sql"),
    include_str!("columns.sql"),
    include_str!("constraints.sql"),
    include_str!("indexes.sql"),
    include_str!("triggers.sql"),
    include_str!("policies.sql"),
    include_str!("functions.sql"),
];

/// One object: the JSON is the serialised form of its type in [`super`].
#[derive(FromQueryResult)]
struct Object {
    owner: String,
    kind: String,
    name: String,
    definition: Value,
}

/// The catalogue of the current schema, in seven statements. Leaves out what extensions own and the tables of migrators.
///
/// # Errors
/// [`DbErr`] if a statement fails, or answers with something that is no description of an object.
pub async fn read<C: ConnectionTrait>(db: &C) -> Result<Catalog, DbErr> {
    let mut catalog = Catalog::default();
    for kind in KINDS {
        let names: Vec<String> = BOOKKEEPING.map(str::to_owned).to_vec();
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            format!("{SCOPE}{kind}"),
            [names.into()],
        );
        for object in Object::find_by_statement(statement).all(db).await? {
            catalog.add(object)?;
        }
    }
    Ok(catalog)
}

impl Catalog {
    fn add(&mut self, object: Object) -> Result<(), DbErr> {
        let Object {
            owner,
            kind,
            name,
            definition,
        } = object;
        match kind.as_str() {
            "table" => {
                self.tables.insert(name, parse(definition)?);
            }
            "view" => {
                self.views.insert(name, parse(definition)?);
            }
            "function" => {
                self.functions.insert(name, parse(definition)?);
            }
            _ => {
                if let Some(table) = self.tables.get_mut(&owner) {
                    return table.add(&kind, name, definition);
                }
                if let (Some(view), "column") = (self.views.get_mut(&owner), kind.as_str()) {
                    view.columns.push(parse(definition)?);
                }
            }
        }
        Ok(())
    }
}

impl Table {
    fn add(&mut self, kind: &str, name: String, definition: Value) -> Result<(), DbErr> {
        match kind {
            "column" => self.columns.push(parse(definition)?),
            "primary key" => self.primary_key = Some(parse(definition)?),
            "foreign key" => {
                self.foreign_keys.insert(name, parse(definition)?);
            }
            "unique" => {
                self.unique.insert(name, parse(definition)?);
            }
            "check" => {
                self.checks.insert(name, parse(definition)?);
            }
            "index" => {
                self.indexes.insert(name, parse(definition)?);
            }
            "trigger" => {
                self.triggers.insert(name, parse(definition)?);
            }
            "policy" => {
                self.policies.insert(name, parse(definition)?);
            }
            other => return Err(DbErr::Type(format!("unknown kind of object: {other}"))),
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(definition: Value) -> Result<T, DbErr> {
    serde_json::from_value(definition).map_err(|error| DbErr::Json(error.to_string()))
}

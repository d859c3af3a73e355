//! The schema of every version of the older system, 001 to 034, as it was read from databases built by it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{Catalog, Table};

/// The record: each definition of a table with the versions it holds for, so that a schema is the definitions whose range
/// contains its version. Facts, not code: it never changes.
static RECORD: LazyLock<Option<Record>> =
    LazyLock::new(|| serde_json::from_str(include_str!("recorded.json")).ok());

/// The version that creates `users`.
const USERS_STEP: u16 = 5;
const USERS: &str = "users";

#[derive(Deserialize)]
struct Record {
    versions: Vec<u16>,
    tables: Vec<Range>,
    /// `users` as the older system's second migration tool makes it.
    strict_users: Table,
}

#[derive(Deserialize)]
struct Range {
    table: String,
    from: u16,
    to: u16,
    definition: Table,
}

/// The recorded schema of a version; `None` for 031 and whatever is not recorded.
pub fn recorded(version: u16) -> Option<Catalog> {
    let record = RECORD.as_ref()?;
    record.versions.contains(&version).then(|| Catalog {
        tables: tables(record, version),
        ..Catalog::default()
    })
}

/// Every schema a database of this version may have; the first is [`recorded`]. Empty for what is not recorded.
///
/// The older system made `users` with two tools, each only where absent. When the numbered steps came first, the table
/// is the recorded one. When the other tool came first it is stricter, and step 005 only added its three indexes; before
/// 005 it then stands there alone.
pub fn recorded_variants(version: u16) -> Vec<Catalog> {
    let (Some(record), Some(plain)) = (RECORD.as_ref(), recorded(version)) else {
        return Vec::new();
    };
    let mut strict = plain.clone();
    let mut users = record.strict_users.clone();
    if version >= USERS_STEP {
        let key = users.primary_key.as_ref().map(|key| key.name.clone());
        let added = plain.tables.get(USERS).into_iter().flat_map(|table| {
            table
                .indexes
                .iter()
                .filter(|(name, _)| Some(*name) != key.as_ref())
        });
        users
            .indexes
            .extend(added.map(|(name, index)| (name.clone(), index.clone())));
    }
    strict.tables.insert(USERS.to_owned(), users);
    vec![plain, strict]
}

fn tables(record: &Record, version: u16) -> BTreeMap<String, Table> {
    record
        .tables
        .iter()
        .filter(|range| (range.from..=range.to).contains(&version))
        .map(|range| (range.table.clone(), range.definition.clone()))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_version_but_031_is_recorded() {
        let missing: Vec<u16> = (0..=35).filter(|v| recorded(*v).is_none()).collect();
        assert_eq!(missing, [0, 31, 35]);
    }

    #[test]
    fn the_number_of_tables_is_the_documented_one() {
        let counts = [
            1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 21, 26, 27, 30, 32, 34,
        ]
        .map(|version| recorded(version).unwrap().tables.len());
        assert_eq!(
            counts,
            [
                4, 5, 6, 8, 9, 10, 12, 13, 16, 16, 17, 17, 18, 18, 19, 16, 17, 19, 19, 20, 19, 20,
                20
            ]
        );
    }

    #[test]
    fn the_strict_users_table_has_unique_constraints_and_after_005_also_the_indexes() {
        let before = &recorded_variants(4)[1].tables["users"];
        let after = &recorded_variants(34)[1].tables["users"];
        assert_eq!(before.indexes.len(), 3);
        assert_eq!(after.indexes.len(), 6);
        assert_eq!(after.unique.len(), 2);
        assert!(!recorded(4).unwrap().tables.contains_key("users"));
    }
}

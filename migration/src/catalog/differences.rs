//! Says how two catalogues differ, in lines a person can act on.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Catalog, Column, ForeignKey, Index, IndexKey, Key, RowSecurity, Table, View};

/// What would have to change in `actual` to make it `expected`, sorted; empty when nothing.
///
/// Each line names the object: `table users: column email: expected text NULL, found character varying NOT NULL`. The
/// order of columns in a table and comments do not count.
pub fn differences(expected: &Catalog, actual: &Catalog) -> Vec<String> {
    let mut found = Differences::default();
    for (name, table) in &expected.tables {
        let scope = format!("table {name}");
        match actual.tables.get(name) {
            Some(other) => found.table(&scope, table, other),
            None => found.add(format!("{scope}: missing")),
        }
    }
    for name in actual.tables.keys() {
        if !expected.tables.contains_key(name) {
            found.add(format!("table {name}: not expected"));
        }
    }
    found.maps("view", &expected.views, &actual.views, describe_view);
    found.maps(
        "function",
        &expected.functions,
        &actual.functions,
        String::clone,
    );
    found.0.sort();
    found.0
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn add(&mut self, line: String) {
        self.0.push(line);
    }

    fn table(&mut self, scope: &str, expected: &Table, actual: &Table) {
        let kind = |kind: &str| format!("{scope}: {kind}");
        self.maps(
            &kind("column"),
            &columns(expected),
            &columns(actual),
            |column| describe_column(column),
        );
        self.maps(
            &kind("primary key"),
            &primary_key(expected),
            &primary_key(actual),
            |key| key.columns.join(", "),
        );
        self.maps(
            &kind("foreign key"),
            &expected.foreign_keys,
            &actual.foreign_keys,
            describe_foreign_key,
        );
        self.maps(
            &kind("unique"),
            &expected.unique,
            &actual.unique,
            |columns| columns.join(", "),
        );
        self.maps(&kind("check"), &expected.checks, &actual.checks, |text| {
            one_line(text)
        });
        self.maps(
            &kind("index"),
            &expected.indexes,
            &actual.indexes,
            describe_index,
        );
        self.maps(
            &kind("trigger"),
            &expected.triggers,
            &actual.triggers,
            |text| one_line(text),
        );
        self.maps(
            &kind("policy"),
            &expected.policies,
            &actual.policies,
            |text| one_line(text),
        );
        if expected.row_security != actual.row_security {
            self.add(format!(
                "{scope}: row security: expected {}, found {}",
                describe_security(expected.row_security),
                describe_security(actual.row_security)
            ));
        }
    }

    /// Compares two sets of named things by their description.
    fn maps<T>(
        &mut self,
        kind: &str,
        expected: &BTreeMap<String, T>,
        actual: &BTreeMap<String, T>,
        describe: impl Fn(&T) -> String,
    ) {
        for (name, thing) in expected {
            let wanted = describe(thing);
            match actual.get(name).map(&describe) {
                None => self.add(format!("{kind} {name}: missing, expected {wanted}")),
                Some(is) if is != wanted => {
                    self.add(format!("{kind} {name}: expected {wanted}, found {is}"));
                }
                Some(_) => {}
            }
        }
        for (name, thing) in actual {
            if !expected.contains_key(name) {
                self.add(format!(
                    "{kind} {name}: not expected, found {}",
                    describe(thing)
                ));
            }
        }
    }
}

fn columns(table: &Table) -> BTreeMap<String, &Column> {
    table
        .columns
        .iter()
        .map(|column| (column.name.clone(), column))
        .collect()
}

fn primary_key(table: &Table) -> BTreeMap<String, &Key> {
    table
        .primary_key
        .iter()
        .map(|key| (key.name.clone(), key))
        .collect()
}

// Writing to a String cannot fail, so results of `write!` are dropped below.

fn describe_column(column: &Column) -> String {
    let mut text = column.type_name.clone();
    text.push_str(if column.nullable {
        " NULL"
    } else {
        " NOT NULL"
    });
    if let Some(default) = &column.default {
        let _ = write!(text, " DEFAULT {}", one_line(default));
    }
    if let Some(expression) = &column.generated {
        let _ = write!(
            text,
            " GENERATED ALWAYS AS ({}) STORED",
            one_line(expression)
        );
    }
    if let Some(identity) = &column.identity {
        let _ = write!(text, " GENERATED {identity} AS IDENTITY");
    }
    if let Some(storage) = &column.storage {
        let _ = write!(text, " STORAGE {storage}");
    }
    text
}

fn describe_foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "({}) -> {} ({}) ON DELETE {} ON UPDATE {}",
        key.columns.join(", "),
        key.references,
        key.ref_columns.join(", "),
        key.on_delete,
        key.on_update
    );
    for (holds, words) in [
        (key.deferrable, " DEFERRABLE"),
        (key.initially_deferred, " INITIALLY DEFERRED"),
        (key.not_valid, " NOT VALID"),
    ] {
        if holds {
            text.push_str(words);
        }
    }
    text
}

fn describe_index(index: &Index) -> String {
    let keys: Vec<String> = index.keys.iter().map(describe_index_key).collect();
    let unique = if index.unique { "UNIQUE " } else { "" };
    let mut text = format!("{unique}{} ({})", index.method, keys.join(", "));
    if !index.include.is_empty() {
        let _ = write!(text, " INCLUDE ({})", index.include.join(", "));
    }
    if index.nulls_not_distinct {
        text.push_str(" NULLS NOT DISTINCT");
    }
    if !index.with.is_empty() {
        let _ = write!(text, " WITH ({})", index.with.join(", "));
    }
    if let Some(predicate) = &index.predicate {
        let _ = write!(text, " WHERE {}", one_line(predicate));
    }
    if index.invalid {
        text.push_str(" INVALID");
    }
    text
}

fn describe_index_key(key: &IndexKey) -> String {
    let mut text = format!("{} {}", key.key, key.opclass);
    if let Some(order) = &key.order {
        let _ = write!(text, " {order}");
    }
    if let Some(nulls) = &key.nulls {
        let _ = write!(text, " NULLS {nulls}");
    }
    text
}

fn describe_view(view: &View) -> String {
    let columns: Vec<String> = view
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.type_name))
        .collect();
    let kind = if view.materialized {
        "MATERIALIZED "
    } else {
        ""
    };
    format!(
        "{kind}({}) WITH ({}) AS {}",
        columns.join(", "),
        view.with.join(", "),
        one_line(&view.definition)
    )
}

fn describe_security(security: RowSecurity) -> &'static str {
    match security {
        RowSecurity::Off => "off",
        RowSecurity::Enabled => "enabled",
        RowSecurity::Forced => "forced",
    }
}

/// Versions of the server break long expressions into lines differently.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::recorded;

    #[test]
    fn equal_catalogues_do_not_differ_and_column_order_does_not_count() {
        let expected = recorded(34).unwrap();
        let mut actual = expected.clone();
        for table in actual.tables.values_mut() {
            table.columns.reverse();
            table.has_comment = !table.has_comment;
        }
        assert_eq!(differences(&expected, &actual), Vec::<String>::new());
    }

    #[test]
    fn every_line_names_the_object_and_both_sides() {
        let expected = recorded(34).unwrap();
        let mut actual = expected.clone();
        actual.tables.remove("metrics");
        actual.tables.insert("extra".to_owned(), Table::default());
        let users = actual.tables.get_mut("users").unwrap();
        users.columns[2].type_name = "character varying".to_owned();
        users.columns[2].nullable = false;
        users.indexes.remove("idx_users_email");
        assert_eq!(
            differences(&expected, &actual),
            [
                "table extra: not expected",
                "table metrics: missing",
                "table users: column email: expected text NULL, found character varying NOT NULL",
                "table users: index idx_users_email: missing, expected btree (email text_ops ASC)",
            ]
        );
    }
}

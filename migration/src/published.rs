//! What is published: `published.sha256` holds the checksum of every step. Databases out there were migrated with exactly
//! this SQL, so a line, once released, never changes.

use std::fmt::Write as _;

use crate::step::Step;
use crate::{checksums, ledger};

/// The content `published.sha256` has when it is right: `checksum  name` per step, in order.
pub fn published() -> String {
    checksums()
        .into_iter()
        .fold(String::new(), |mut text, (name, checksum)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{checksum}  {name}");
            text
        })
}

/// The SQL that applies these steps by hand, for a DBA and for `psql`: each in its own transaction together with the
/// bookkeeping, so that a database migrated this way is managed like any other. `install` adds the bookkeeping tables.
pub fn script(steps: &[&dyn Step], install: bool) -> String {
    let mut text = String::from("\\set ON_ERROR_STOP on\nSET client_min_messages = warning;\n");
    if install {
        push(
            &mut text,
            "CREATE TABLE IF NOT EXISTS seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)",
        );
        push(&mut text, ledger::CREATE_LEDGER);
    }
    for step in steps {
        let _ = writeln!(text, "\n-- {}", step.name());
        if step.in_transaction() {
            push(&mut text, "BEGIN");
        }
        for statement in step.up() {
            push(&mut text, &statement);
        }
        for statement in ledger::bookkeeping_sql(*step) {
            push(&mut text, &statement);
        }
        if step.in_transaction() {
            push(&mut text, "COMMIT");
        }
    }
    text
}

fn push(text: &mut String, statement: &str) {
    let statement = statement.trim_end();
    text.push_str(statement);
    // On a line of its own: the statement may end in a comment.
    text.push_str(if statement.ends_with(';') {
        "\n"
    } else {
        "\n;\n"
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const RECORD: &str = include_str!("../published.sha256");

    #[test]
    fn a_published_step_never_changes() {
        let built: BTreeMap<_, _> = checksums().into_iter().collect();
        for line in RECORD.lines() {
            let (checksum, name) = line.split_once("  ").unwrap_or((line, ""));
            assert_eq!(
                built.get(name).map(String::as_str),
                Some(checksum),
                "step {name:?} of published.sha256 is not what this build holds. Databases were migrated with the \
                 published SQL and will refuse this build. Restore the step and put the change into a new one"
            );
        }
    }

    #[test]
    fn every_step_is_published() {
        assert_eq!(
            RECORD,
            published(),
            "to publish a new step: cargo run -p pml-migration -- checksums > migration/published.sha256 \
             (only lines at the end may be new)"
        );
    }

    #[test]
    fn names_are_unique_and_in_order() {
        let names = crate::step_names();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }
}

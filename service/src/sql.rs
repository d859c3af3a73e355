//! Statements that are written out, because their shape decides which index serves.

use sea_orm::{DbBackend, Statement, Value};

use crate::Error;

/// No sentence is longer, and no model reads more.
const MAX_QUERY_BYTES: usize = 32 << 10;

/// A statement with its values, `$1` being the first.
pub(crate) fn statement(
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// A LIKE pattern for "contains this", in which nothing of the text is a wildcard.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Refuses a text that cannot be searched for.
pub(crate) fn check_query(text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::InvalidQuery("it contains a null character"));
    }
    if text.len() > MAX_QUERY_BYTES {
        return Err(Error::InvalidQuery("it is longer than 32 KiB"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_a_wildcard() {
        assert_eq!(containing("50%_a\\b"), "%50\\%\\_a\\\\b%");
    }
}

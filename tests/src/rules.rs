//! Rules that every table keeps, read from `pg_catalog` so that a new table is held to them without anyone listing it.
//!
//! Each rule answers with its violations, one line each, naming the table and the constraint, index or column. They look at one schema; a service that
//! keeps tables of its own beside these can hold them to the same rules.

use pml_migration::catalog::BOOKKEEPING;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// Tables that count: not those of extensions, not the migrators' own. `$1` is the schema, `$2` the migrators' tables.
const TABLES: &str = "
WITH tables AS (
    SELECT c.oid, c.relname AS name
    FROM pg_class c
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL ($2)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)";

/// A foreign key whose columns do not lead an index: deleting the row it points to would scan the whole table.
///
/// A partial index serves when all it leaves out is NULL, because a lookup by the key never asks for those.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn foreign_keys_without_index<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: foreign key %s (%s) leads no index', t.name, k.conname, (
            SELECT string_agg(a.attname, ', ' ORDER BY u.position)
            FROM unnest(k.conkey) WITH ORDINALITY u (number, position)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number))
        FROM pg_constraint k
        JOIN tables t ON t.oid = k.conrelid
        WHERE k.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = k.conrelid AND i.indisvalid
              AND i.indnkeyatts >= cardinality(k.conkey)
              AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
              AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = (
                    SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a
                    WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND cardinality(k.conkey) = 1)))
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// A column named `*_at` that is not `timestamptz`, and any column at all of type `timestamp`: both would mean a moment that depends on who reads it.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn times_without_zone<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: column %s is %s, not timestamp with time zone', t.name, a.attname, format_type(a.atttypid, a.atttypmod))
        FROM pg_attribute a
        JOIN tables t ON t.oid = a.attrelid
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid <> 'timestamptz'::regtype
          AND (a.attname LIKE '%\\_at' OR a.atttypid IN ('timestamp'::regtype, 'timestamp[]'::regtype))
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// A CHECK or foreign key that is NOT VALID: it says nothing about the rows from before it was made.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn unvalidated_constraints<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: constraint %s is not validated', t.name, k.conname)
        FROM pg_constraint k
        JOIN tables t ON t.oid = k.conrelid
        WHERE NOT k.convalidated
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// An index that a failed `CREATE INDEX CONCURRENTLY` left behind: every write maintains it and no query uses it.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn invalid_indexes<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: index %s is not valid', t.name, c.relname)
        FROM pg_index i
        JOIN tables t ON t.oid = i.indrelid
        JOIN pg_class c ON c.oid = i.indexrelid
        WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// A table without a primary key: its rows cannot be named, replicated or paged through.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn tables_without_primary_key<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: no primary key', t.name)
        FROM tables t
        WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'p')
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// Two indexes of one table that are the same but for their names: the second costs every write and serves nothing.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn duplicate_indexes<C: ConnectionTrait>(
    db: &C,
    schema: &str,
) -> Result<Vec<String>, DbErr> {
    let rule = "
        SELECT format('%s: index %s repeats %s', t.name, cb.relname, ca.relname)
        FROM pg_index a
        JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid > a.indexrelid
          AND b.indkey = a.indkey AND b.indclass = a.indclass AND b.indoption = a.indoption
          AND b.indnkeyatts = a.indnkeyatts AND b.indcollation = a.indcollation
          AND pg_get_expr(b.indpred, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indpred, a.indrelid)
          AND pg_get_expr(b.indexprs, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indexprs, a.indrelid)
        JOIN pg_class ca ON ca.oid = a.indexrelid
        JOIN pg_class cb ON cb.oid = b.indexrelid AND cb.relam = ca.relam
        JOIN tables t ON t.oid = a.indrelid
        ORDER BY 1";
    violations(db, schema, rule).await
}

/// A text column whose CHECK does not allow exactly `words` (and NULL, if the column does).
///
/// A CHECK counts when all it says is that the column is one of some words.
///
/// # Errors
/// [`DbErr`] if the catalogue cannot be read.
pub async fn value_set_differences<C: ConnectionTrait>(
    db: &C,
    schema: &str,
    table: &str,
    column: &str,
    words: &[&str],
) -> Result<Vec<String>, DbErr> {
    let checks = checks_of(db, schema, table, column).await?;
    let mut expected = words.to_vec();
    expected.sort_unstable();
    let found: Vec<Vec<&str>> = checks
        .iter()
        .filter_map(|check| words_of(check, column))
        .collect();
    Ok(match found.as_slice() {
        [] => vec![format!(
            "{table}: column {column} holds one of {words:?}, but no CHECK says so"
        )],
        sets if sets.contains(&expected) => Vec::new(),
        sets => sets
            .iter()
            .map(|set| {
                format!(
                    "{table}: column {column}: the CHECK allows {set:?}, the type has {expected:?}"
                )
            })
            .collect(),
    })
}

/// The words that a CHECK of the shape `column IS NULL OR column = ANY (ARRAY['a'::text, …])` allows, sorted.
fn words_of<'a>(check: &'a str, column: &str) -> Option<Vec<&'a str>> {
    let mut parts = check.split('\'');
    let mut rest = parts.next()?.to_owned();
    let mut words = Vec::new();
    while let (Some(word), Some(between)) = (parts.next(), parts.next()) {
        words.push(word);
        rest.push_str(between);
    }
    let shape: String = rest
        .replace("::text", "")
        .replace("::character varying", "")
        .replace(['(', ')', ' ', ',', '"'], "");
    let plain = [
        format!("{column}=ANYARRAY[]"),
        format!("{column}=ANYARRAY[][]"),
        format!("{column}="),
    ];
    let nullable = plain.iter().map(|plain| format!("{column}ISNULLOR{plain}"));
    let is_word_set = !words.is_empty()
        && (plain.contains(&shape) || nullable.into_iter().any(|nullable| nullable == shape));
    words.sort_unstable();
    is_word_set.then_some(words)
}

async fn checks_of<C: ConnectionTrait>(
    db: &C,
    schema: &str,
    table: &str,
    column: &str,
) -> Result<Vec<String>, DbErr> {
    let sql = "
        SELECT pg_get_expr(k.conbin, k.conrelid)
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = $1::regnamespace AND c.relname = $2
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $3 AND a.attnum = ANY (k.conkey)
        WHERE k.contype = 'c'
        ORDER BY k.conname";
    lines(
        db,
        Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            [schema.into(), table.into(), column.into()],
        ),
    )
    .await
}

async fn violations<C: ConnectionTrait>(
    db: &C,
    schema: &str,
    rule: &str,
) -> Result<Vec<String>, DbErr> {
    let bookkeeping: Vec<String> = BOOKKEEPING.map(str::to_owned).to_vec();
    let sql = format!("{TABLES}{rule}");
    lines(
        db,
        Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            [schema.into(), bookkeeping.into()],
        ),
    )
    .await
}

async fn lines<C: ConnectionTrait>(db: &C, statement: Statement) -> Result<Vec<String>, DbErr> {
    db.query_all_raw(statement)
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn a_check_that_lists_words_is_recognised_however_postgres_prints_it() {
        let words = Some(vec!["a", "b"]);
        assert_eq!(
            words_of("(kind = ANY (ARRAY['b'::text, 'a'::text]))", "kind"),
            words
        );
        assert_eq!(
            words_of(
                "((kind IS NULL) OR (kind = ANY (ARRAY['a'::text, 'b'::text])))",
                "kind"
            ),
            words
        );
        assert_eq!(
            words_of(
                "((kind)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "kind"
            ),
            words
        );
        assert_eq!(words_of("(kind = 'a'::text)", "kind"), Some(vec!["a"]));
    }

    #[test]
    fn a_check_that_says_more_is_not_a_word_set() {
        assert_eq!(words_of("(kind ~ '^a+$'::text)", "kind"), None);
        assert_eq!(
            words_of("((kind = 'a'::text) OR (other > 3))", "kind"),
            None
        );
        assert_eq!(words_of("(length(kind) > 3)", "kind"), None);
    }
}

//! Changing the types of many columns, one rewrite per table: the rules of step 101 as data.
//!
//! Frozen with that step. The clauses are text because the builder has no `ADD CONSTRAINT … CHECK` on ALTER, and because
//! only one `ALTER TABLE` per table keeps it to one rewrite.

/// The columns of one table that change.
pub(super) struct Retype(pub(super) &'static str, pub(super) &'static [Column]);

/// What a column means decides how it changes.
pub(super) enum Column {
    /// `timestamp` in UTC → `timestamptz NOT NULL`.
    Time(&'static str),
    /// `timestamptz` → NOT NULL.
    Stamped(&'static str),
    /// Any column with a default → NOT NULL.
    Filled {
        name: &'static str,
        default: &'static str,
    },
    /// `integer` → `bigint NOT NULL`, never negative. With a default NULL was possible, without one it was not.
    Count {
        name: &'static str,
        default: Option<&'static str>,
    },
    /// → `double precision NOT NULL` in 0..1.
    Score {
        name: &'static str,
        default: &'static str,
        was: &'static str,
    },
    /// `real` → `double precision`; NULL stays NULL.
    Measure(&'static str),
    /// As [`Column::Measure`], under a CHECK that `real` cannot meet at its upper bound of 0.8.
    Threshold(&'static str),
    /// `serial` → `bigserial`.
    Key(&'static str),
}

pub(super) const fn time(name: &'static str) -> Column {
    Column::Time(name)
}

pub(super) const fn stamped(name: &'static str) -> Column {
    Column::Stamped(name)
}

pub(super) const fn filled(name: &'static str, default: &'static str) -> Column {
    Column::Filled { name, default }
}

pub(super) const fn count(name: &'static str, default: &'static str) -> Column {
    Column::Count {
        name,
        default: Some(default),
    }
}

/// A counter that was NOT NULL already.
pub(super) const fn whole(name: &'static str) -> Column {
    Column::Count {
        name,
        default: None,
    }
}

pub(super) const fn score(name: &'static str, default: &'static str) -> Column {
    Column::Score {
        name,
        default,
        was: "real",
    }
}

pub(super) const fn measure(name: &'static str) -> Column {
    Column::Measure(name)
}

pub(super) const fn threshold(name: &'static str) -> Column {
    Column::Threshold(name)
}

pub(super) const fn key(name: &'static str) -> Column {
    Column::Key(name)
}

impl Retype {
    pub(super) fn up(&self) -> Vec<String> {
        let Self(table, columns) = self;
        let mut statements: Vec<String> = columns
            .iter()
            .filter_map(Column::backfill)
            .map(|(name, value)| {
                format!(r#"UPDATE {table} SET "{name}" = {value} WHERE "{name}" IS NULL"#)
            })
            .collect();
        let clauses: Vec<String> = columns.iter().flat_map(|column| column.up(table)).collect();
        statements.push(format!("ALTER TABLE {table} {}", clauses.join(", ")));
        statements.extend(
            columns
                .iter()
                .filter_map(|column| column.sequence(table, "bigint")),
        );
        statements
    }

    pub(super) fn down(&self) -> Vec<String> {
        let Self(table, columns) = self;
        let clauses: Vec<String> = columns
            .iter()
            .flat_map(|column| column.down(table))
            .collect();
        let mut statements = vec![format!("ALTER TABLE {table} {}", clauses.join(", "))];
        statements.extend(
            columns
                .iter()
                .filter_map(|column| column.sequence(table, "integer")),
        );
        statements
    }
}

impl Column {
    /// Columns that keep their type are filled by an UPDATE of the rows concerned; the others while they are rewritten.
    fn backfill(&self) -> Option<(&'static str, &'static str)> {
        match *self {
            Self::Stamped(name) => Some((name, "now()")),
            Self::Filled { name, default } => Some((name, default)),
            _ => None,
        }
    }

    fn up(&self, table: &str) -> Vec<String> {
        match self {
            Self::Time(name) => vec![
                format!(
                    r#"ALTER COLUMN "{name}" TYPE timestamptz USING coalesce("{name}" AT TIME ZONE 'UTC', now())"#
                ),
                set_not_null(name),
            ],
            Self::Stamped(name) | Self::Filled { name, .. } => vec![set_not_null(name)],
            Self::Count { name, default } => {
                let value = default.map_or_else(
                    || format!(r#""{name}""#),
                    |default| format!(r#"coalesce("{name}", {default})"#),
                );
                vec![
                    format!(
                        r#"ALTER COLUMN "{name}" TYPE bigint USING greatest({value}, 0)::bigint"#
                    ),
                    set_not_null(name),
                    format!(r#"ADD CONSTRAINT {table}_{name}_check CHECK ("{name}" >= 0)"#),
                ]
            }
            Self::Score { name, default, was } => vec![
                format!(
                    r#"ALTER COLUMN "{name}" TYPE double precision USING least(greatest(coalesce(nullif("{name}", 'NaN'::{was})::text::double precision, {default}), 0), 1)"#
                ),
                set_not_null(name),
                format!(
                    r#"ADD CONSTRAINT {table}_{name}_check CHECK ("{name}" >= 0 AND "{name}" <= 1)"#
                ),
            ],
            // Through text: the shortest decimal that names this float. Through numeric it would keep six digits only.
            Self::Measure(name) | Self::Threshold(name) => vec![format!(
                r#"ALTER COLUMN "{name}" TYPE double precision USING "{name}"::text::double precision"#
            )],
            Self::Key(name) => vec![format!(r#"ALTER COLUMN "{name}" TYPE bigint"#)],
        }
    }

    fn down(&self, table: &str) -> Vec<String> {
        match self {
            Self::Time(name) => vec![
                format!(
                    r#"ALTER COLUMN "{name}" TYPE timestamp USING "{name}" AT TIME ZONE 'UTC'"#
                ),
                drop_not_null(name),
            ],
            Self::Stamped(name) | Self::Filled { name, .. } => vec![drop_not_null(name)],
            Self::Count { name, default } => {
                let mut clauses = vec![
                    format!("DROP CONSTRAINT {table}_{name}_check"),
                    format!(
                        r#"ALTER COLUMN "{name}" TYPE integer USING least("{name}", 2147483647)::integer"#
                    ),
                ];
                clauses.extend(default.map(|_| drop_not_null(name)));
                clauses
            }
            Self::Score { name, was, .. } => vec![
                format!("DROP CONSTRAINT {table}_{name}_check"),
                format!(r#"ALTER COLUMN "{name}" TYPE {was}"#),
                drop_not_null(name),
            ],
            Self::Measure(name) => vec![format!(r#"ALTER COLUMN "{name}" TYPE real"#)],
            Self::Threshold(name) => vec![format!(
                r#"ALTER COLUMN "{name}" TYPE real USING least("{name}", 0.79999995)::real"#
            )],
            Self::Key(name) => vec![format!(r#"ALTER COLUMN "{name}" TYPE integer"#)],
        }
    }

    fn sequence(&self, table: &str, kind: &str) -> Option<String> {
        match self {
            Self::Key(name) => Some(format!("ALTER SEQUENCE {table}_{name}_seq AS {kind}")),
            _ => None,
        }
    }
}

fn set_not_null(name: &str) -> String {
    format!(r#"ALTER COLUMN "{name}" SET NOT NULL"#)
}

fn drop_not_null(name: &str) -> String {
    format!(r#"ALTER COLUMN "{name}" DROP NOT NULL"#)
}

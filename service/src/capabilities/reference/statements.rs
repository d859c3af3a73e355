//! The statements of the resolver: which rows a name may mean, the best ones first.
//!
//! A name is looked for in the caller's own project first, where an index finds it, and further out only if nothing is there. Each part is a
//! text with the names of its parameters, so that one text serves for a single reference and for many.

use sea_orm::Value;

use super::Reference;
use crate::Principal;
use crate::capabilities::access;

/// What a row of the resolver holds.
const COLUMNS: &str = "r.id, r.workflow_pattern_id AS pattern_id, r.org, r.project, r.namespace, r.action, r.hash, r.user_id, r.visibility";
/// The full name of such a row, for an order that does not depend on the server's language.
const FULL_NAME: &str =
    "(org || '.' || project || '.' || namespace || '.' || action || '.' || hash) COLLATE \"C\"";
/// Most rows that an ambiguous action gives.
const MAX_CANDIDATES: u8 = 10;

/// Values, in the order of their parameters.
#[derive(Debug, Default)]
pub(super) struct Values(pub(super) Vec<Value>);

impl Values {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    fn visible(&mut self, who: &Principal) -> String {
        let predicate = access::visible(who, "r", self.0.len() + 1);
        self.0.extend(predicate.values);
        predicate.sql
    }

    /// Organisation and project of the caller.
    fn scope(&mut self, who: &Principal) -> Option<(String, String)> {
        let (org, project) = who.scope()?;
        Some((self.bind(org), self.bind(project)))
    }
}

/// The entries that have the name now. More than one row only for an ambiguous action.
pub(super) fn current(who: &Principal, reference: &Reference, values: &mut Values) -> String {
    let condition = match reference {
        Reference::Id(id) => {
            let id = values.bind(*id);
            return exact(who, &format!("r.id = {id}"), values);
        }
        Reference::Fqdn(fqdn) => [
            ("org", fqdn.org()),
            ("project", fqdn.project()),
            ("namespace", fqdn.namespace()),
            ("action", fqdn.action()),
            ("hash", fqdn.hash().as_str()),
        ]
        .map(|(column, text)| format!("r.{column} = {}", values.bind(text)))
        .join(" AND "),
        Reference::Path {
            org,
            project,
            namespace,
            action,
        } => [
            ("org", org),
            ("project", project),
            ("namespace", namespace),
            ("action", action),
        ]
        .map(|(column, text)| format!("r.{column} = {}", values.bind(text.as_str())))
        .join(" AND "),
        Reference::Name { namespace, action } => {
            let (namespace, action) = (
                values.bind(namespace.as_str()),
                values.bind(action.as_str()),
            );
            return by_name(who, &namespace, &action, values);
        }
        Reference::Action(action) => {
            let action = values.bind(action.as_str());
            return by_action(who, &action, values);
        }
    };
    exact(who, &condition, values)
}

fn exact(who: &Principal, condition: &str, values: &mut Values) -> String {
    let visible = values.visible(who);
    format!("SELECT {COLUMNS} FROM capability_records r WHERE {condition} AND {visible}")
}

fn by_name(who: &Principal, namespace: &str, action: &str, values: &mut Values) -> String {
    let condition = format!("r.namespace = {namespace} AND r.action = {action}");
    let found = nearest_first(who, &condition, values);
    format!(
        "{found} SELECT id, pattern_id, org, project, namespace, action, hash, user_id, visibility FROM found \
         ORDER BY tier, last_used DESC NULLS LAST, created_at DESC, id LIMIT 1"
    )
}

fn by_action(who: &Principal, action: &str, values: &mut Values) -> String {
    let found = nearest_first(who, &format!("r.action = {action}"), values);
    format!(
        "{found}, ranked AS ( \
             SELECT *, min(tier) OVER () AS best, \
                    row_number() OVER (PARTITION BY tier, namespace ORDER BY last_used DESC NULLS LAST, created_at DESC, id) AS nth FROM found \
         ) SELECT id, pattern_id, org, project, namespace, action, hash, user_id, visibility FROM ranked WHERE nth = 1 AND tier = best \
         ORDER BY {FULL_NAME} LIMIT {MAX_CANDIDATES}"
    )
}

/// `found`: the visible entries under a condition, with the tier they belong to. Looks beyond the caller's project only if nothing is in it.
fn nearest_first(who: &Principal, condition: &str, values: &mut Values) -> String {
    let visible = values.visible(who);
    let rows = "FROM capability_records r LEFT JOIN workflow_pattern p ON p.pattern_id = r.workflow_pattern_id";
    match values.scope(who) {
        Some((org, project)) => format!(
            "WITH own AS ( \
                 SELECT {COLUMNS}, p.last_used, r.created_at, 0 AS tier {rows} \
                 WHERE r.org = {org} AND r.project = {project} AND {condition} AND {visible} \
             ), found AS ( \
                 SELECT * FROM own UNION ALL \
                 SELECT {COLUMNS}, p.last_used, r.created_at, CASE WHEN r.org = {org} THEN 1 ELSE 2 END {rows} \
                 WHERE NOT EXISTS (SELECT FROM own) AND {condition} AND {visible} \
             )"
        ),
        None => format!(
            "WITH found AS (SELECT {COLUMNS}, p.last_used, r.created_at, 2 AS tier {rows} WHERE {condition} AND {visible})"
        ),
    }
}

/// The entries that once had the name, or took in the one with the id: those of the caller's project first, then of their organisation, the latest renaming first.
pub(super) fn former(who: &Principal, reference: &Reference, values: &mut Values) -> String {
    let condition = match reference {
        Reference::Id(id) => format!("h.merged_id = {}", values.bind(*id)),
        Reference::Fqdn(fqdn) => format!("h.old_fqdn = {}", values.bind(fqdn.to_string())),
        Reference::Path {
            org,
            project,
            namespace,
            action,
        } => format!(
            "h.org = {} AND h.project = {} AND {}",
            values.bind(org.as_str()),
            values.bind(project.as_str()),
            old_name(namespace, action, values)
        ),
        Reference::Name { namespace, action } => old_name(namespace, action, values),
        Reference::Action(action) => format!("h.old_action = {}", values.bind(action.as_str())),
    };
    // A full name has one namespace; an action may have had several.
    let visible = values.visible(who);
    let tier = match values.scope(who) {
        Some((org, project)) => format!(
            "CASE WHEN h.org = {org} AND h.project = {project} THEN 0 WHEN h.org = {org} THEN 1 ELSE 2 END"
        ),
        None => "2".to_owned(),
    };
    format!(
        "WITH found AS ( \
             SELECT {COLUMNS}, h.old_namespace, h.renamed_at, h.id AS step, {tier} AS tier \
             FROM capability_name_history h JOIN capability_records r ON r.id = h.capability_id WHERE {condition} AND {visible} \
         ), ranked AS ( \
             SELECT *, min(tier) OVER () AS best, row_number() OVER (PARTITION BY tier, old_namespace ORDER BY renamed_at DESC, step) AS nth FROM found \
         ) SELECT id, pattern_id, org, project, namespace, action, hash, user_id, visibility FROM ranked WHERE nth = 1 AND tier = best \
         ORDER BY {FULL_NAME} LIMIT {MAX_CANDIDATES}"
    )
}

/// By the indexed name, and by its first part: `a:b` and `c` make the same name as `a` and `b:c`.
fn old_name(namespace: &str, action: &str, values: &mut Values) -> String {
    format!(
        "h.old_name = {} AND h.old_namespace = {}",
        values.bind(format!("{namespace}:{action}")),
        values.bind(namespace)
    )
}

/// The entries that have the names now, with the position of the reference. `None` without references.
pub(super) fn many(
    who: &Principal,
    references: &[Reference],
    values: &mut Values,
) -> Option<String> {
    let mut ids = Keys::default();
    let mut paths = Keys::default();
    let mut names = Keys::default();
    let mut actions = Keys::default();
    for (position, reference) in references.iter().enumerate() {
        let Ok(position) = i32::try_from(position) else {
            break;
        };
        match reference {
            Reference::Id(id) => ids.push(position, [id.to_string().as_str()]),
            Reference::Fqdn(fqdn) => paths.push(
                position,
                [
                    fqdn.org(),
                    fqdn.project(),
                    fqdn.namespace(),
                    fqdn.action(),
                    fqdn.hash().as_str(),
                ],
            ),
            Reference::Path {
                org,
                project,
                namespace,
                action,
            } => paths.push(position, [org, project, namespace, action, ""]),
            Reference::Name { namespace, action } => {
                names.push(position, [namespace.as_str(), action]);
            }
            Reference::Action(action) => actions.push(position, [action.as_str()]),
        }
    }
    let parts = [
        ids.lookup(values, "id", |values| {
            exact(who, "r.id = k.id::uuid", values)
        }),
        paths.lookup(values, "org, project, namespace, action, hash", |values| {
            let condition = "r.org = k.org AND r.project = k.project AND r.namespace = k.namespace AND r.action = k.action \
                             AND (k.hash = '' OR r.hash = k.hash)";
            exact(who, condition, values)
        }),
        names.lookup(values, "namespace, action", |values| {
            by_name(who, "k.namespace", "k.action", values)
        }),
        actions.lookup(values, "action", |values| {
            by_action(who, "k.action", values)
        }),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" UNION ALL "))
}

/// References of one form, by column.
#[derive(Debug, Default)]
struct Keys {
    positions: Vec<i32>,
    columns: Vec<Vec<String>>,
}

impl Keys {
    fn push<const N: usize>(&mut self, position: i32, texts: [&str; N]) {
        self.positions.push(position);
        self.columns.resize(N, Vec::new());
        for (column, text) in self.columns.iter_mut().zip(texts) {
            column.push(text.to_owned());
        }
    }

    /// Runs `rows` for each reference, which stands in `k`.
    fn lookup(
        self,
        values: &mut Values,
        names: &str,
        rows: impl FnOnce(&mut Values) -> String,
    ) -> Option<String> {
        if self.positions.is_empty() {
            return None;
        }
        let mut arrays = vec![format!("{}::int4[]", values.bind(self.positions))];
        for column in self.columns {
            arrays.push(format!("{}::text[]", values.bind(column)));
        }
        let arrays = arrays.join(", ");
        let rows = rows(values);
        Some(format!(
            "SELECT k.position, f.* FROM unnest({arrays}) AS k (position, {names}) CROSS JOIN LATERAL ({rows}) AS f"
        ))
    }
}

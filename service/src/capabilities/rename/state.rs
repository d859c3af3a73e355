//! What a rename finds, and the statements that change it.

use pml_entity::values::{CapabilityId, Embedding, PatternId, ShortHash, UserId, Visibility};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{Rename, name};
use crate::capabilities::save::MAX_DESCRIPTION_BYTES;
use crate::capabilities::{CapabilityError, access};
use crate::sql::statement;
use crate::{Error, Principal};

/// The fields of a capability that people may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) namespace: String,
    pub(super) action: String,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) visibility: Visibility,
    pub(super) version_tag: Option<String>,
}

impl Fields {
    pub(super) fn display_name(&self) -> String {
        format!("{}:{}", self.namespace, self.action)
    }
}

/// A capability as it stands.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) id: CapabilityId,
    pub(super) pattern_id: Option<PatternId>,
    org: String,
    project: String,
    hash: ShortHash,
    user_id: Option<UserId>,
    pub(super) fields: Fields,
    /// Whether it has a signature, or is called verified without one.
    pub(super) signed: bool,
    /// Whether an entry of another owner names the same pattern.
    shared: bool,
    /// A model that stored vectors are of, and that is not the embedder's.
    pub(super) other_model: Option<String>,
}

impl State {
    pub(super) fn fqdn(&self, fields: &Fields) -> String {
        format!(
            "{}.{}.{}.{}.{}",
            self.org, self.project, fields.namespace, fields.action, self.hash
        )
    }

    /// The fields after a change. Only what differs is checked: a name that an older system gave may stay.
    pub(super) fn with(&self, change: &Rename) -> Result<Fields, CapabilityError> {
        let mut fields = self.fields.clone();
        if let Some(namespace) = &change.namespace
            && *namespace != fields.namespace
        {
            name::check_namespace(namespace)?;
            fields.namespace.clone_from(namespace);
        }
        if let Some(action) = &change.action
            && *action != fields.action
        {
            name::check_action(action)?;
            fields.action.clone_from(action);
        }
        if let Some(description) = &change.description {
            fields.description = checked_description(description)?;
        }
        if let Some(tags) = &change.tags {
            fields.tags = name::validate_tags(tags)?;
        }
        if let Some(visibility) = change.visibility {
            fields.visibility = visibility;
        }
        if let Some(label) = &change.version_tag {
            let label = name::checked_label(label)?;
            fields.version_tag = (!label.is_empty()).then(|| label.to_owned());
        }
        Ok(fields)
    }

    pub(super) fn is_renamed(&self, wanted: &Fields) -> bool {
        wanted.namespace != self.fields.namespace || wanted.action != self.fields.action
    }

    /// Whether the change is one of what the pattern holds, or of what its vector is made of.
    pub(super) fn touches_pattern(&self, wanted: &Fields) -> bool {
        self.pattern_id.is_some()
            && (self.is_renamed(wanted) || wanted.description != self.fields.description)
    }

    pub(super) fn needs_vector(&self, wanted: &Fields) -> bool {
        self.touches_pattern(wanted) && !self.shared
    }

    /// Whether nobody but a local installation will see it.
    pub(super) fn is_given_up(&self, wanted: &Fields) -> bool {
        self.user_id.is_none()
            && wanted.visibility == Visibility::Private
            && self.fields.visibility != Visibility::Private
    }
}

/// `None` for a blank one.
fn checked_description(text: &str) -> Result<Option<String>, CapabilityError> {
    let refused = |rule: &str| CapabilityError::InvalidDocument(format!("description {rule}"));
    if text.contains('\0') {
        return Err(refused("contains a null character"));
    }
    if text.len() > MAX_DESCRIPTION_BYTES {
        return Err(refused("is over 16 KiB long"));
    }
    Ok((!text.trim().is_empty()).then(|| text.to_owned()))
}

#[derive(Debug, FromQueryResult)]
struct Row {
    id: CapabilityId,
    pattern_id: Option<PatternId>,
    org: String,
    project: String,
    namespace: String,
    action: String,
    hash: ShortHash,
    user_id: Option<UserId>,
    description: Option<String>,
    tags: Vec<String>,
    visibility: Visibility,
    version_tag: Option<String>,
    signed: bool,
    shared: bool,
    other_model: Option<String>,
}

/// The entry as it stands, if the caller may change it.
pub(super) async fn read<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    id: CapabilityId,
    model: &str,
) -> Result<Option<State>, Error> {
    let changeable = access::changeable(who, "r", 3);
    let sql = format!(
        "SELECT r.id, r.pattern_id, r.org, r.project, r.namespace, r.action, r.hash, r.user_id, r.description, r.tags, r.visibility, \
                r.version_tag, (r.signature IS NOT NULL OR r.verified) AS signed, \
                EXISTS (SELECT FROM capability_records o WHERE o.workflow_pattern_id = r.pattern_id AND o.id <> r.id \
                        AND o.user_id IS DISTINCT FROM r.user_id) AS shared, \
                coalesce((SELECT embedding_model FROM workflow_pattern WHERE embedding_model < $2 LIMIT 1), \
                         (SELECT embedding_model FROM workflow_pattern WHERE embedding_model > $2 LIMIT 1)) AS other_model \
         FROM capability r WHERE r.id = $1 AND {}",
        changeable.sql
    );
    let mut values: Vec<Value> = vec![id.into(), model.into()];
    values.extend(changeable.values);
    let row = Row::find_by_statement(statement(&sql, values))
        .one(db)
        .await?;
    Ok(row.map(|row| State {
        id: row.id,
        pattern_id: row.pattern_id,
        org: row.org,
        project: row.project,
        hash: row.hash,
        user_id: row.user_id,
        fields: Fields {
            namespace: row.namespace,
            action: row.action,
            description: row.description,
            tags: row.tags,
            visibility: row.visibility,
            version_tag: row.version_tag,
        },
        signed: row.signed,
        shared: row.shared,
        other_model: row.other_model,
    }))
}

/// Locks the pattern, then the entry.
pub(super) async fn lock<C: ConnectionTrait>(tx: &C, state: &State) -> Result<(), Error> {
    const PATTERN: &str = "SELECT FROM workflow_pattern WHERE pattern_id = $1 FOR NO KEY UPDATE";
    const RECORD: &str = "SELECT FROM capability_records WHERE id = $1 FOR UPDATE";
    if let Some(pattern) = state.pattern_id {
        tx.execute_raw(statement(PATTERN, [pattern.into()])).await?;
    }
    tx.execute_raw(statement(RECORD, [state.id.into()])).await?;
    Ok(())
}

/// Writes the entry's own fields. A new name ends what a signature said.
pub(super) async fn write<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    state: &State,
    wanted: &Fields,
) -> Result<(), Error> {
    const SQL: &str = "\
        UPDATE capability_records SET namespace = $2, action = $3, tags = $4, visibility = $5, version_tag = $6, \
            signature = CASE WHEN $7 THEN NULL ELSE signature END, verified = verified AND NOT $7, updated_at = now(), updated_by = $8 \
        WHERE id = $1";
    let values: [Value; 8] = [
        state.id.into(),
        wanted.namespace.as_str().into(),
        wanted.action.as_str().into(),
        wanted.tags.clone().into(),
        wanted.visibility.into(),
        wanted.version_tag.clone().into(),
        state.is_renamed(wanted).into(),
        author(who).into(),
    ];
    match tx.execute_raw(statement(SQL, values)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(match Error::from(error) {
            // The only keys it can run into are those of the name.
            Error::Conflict { constraint, .. } if constraint.starts_with("capability_records") => {
                let name = wanted.display_name();
                CapabilityError::NameTaken { name }.into()
            }
            error => error,
        }),
    }
}

/// Who changes something, in words.
pub(in crate::capabilities) fn author(who: &Principal) -> String {
    who.user_id()
        .map_or_else(|| "local".to_owned(), |id| id.to_string())
}

/// Writes the description and the vector that fits it. `None`: there is none, and the old one is marked.
pub(super) async fn write_pattern<C: ConnectionTrait>(
    tx: &C,
    state: &State,
    wanted: &Fields,
    vector: Option<(Embedding, &str)>,
) -> Result<(), Error> {
    const WITH_VECTOR: &str = "\
        UPDATE workflow_pattern SET description = $2, intent_embedding = $3, embedding_model = $4, embedding_stale = false WHERE pattern_id = $1";
    const WITHOUT: &str = "UPDATE workflow_pattern SET description = $2, embedding_stale = true WHERE pattern_id = $1";
    let mut values: Vec<Value> = vec![state.pattern_id.into(), wanted.description.clone().into()];
    let sql = match vector {
        Some((embedding, model)) => {
            values.extend([embedding.into(), model.into()]);
            WITH_VECTOR
        }
        None => WITHOUT,
    };
    tx.execute_raw(statement(sql, values)).await?;
    Ok(())
}

/// Keeps the old name in the history.
pub(super) async fn keep_old_name<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    state: &State,
    wanted: &Fields,
) -> Result<(), Error> {
    // Not now(): two renamings in one transaction have an order.
    const SQL: &str = "\
        INSERT INTO capability_name_history \
            (capability_id, org, project, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash, renamed_at, user_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6, clock_timestamp(), $9)";
    let values: [Value; 9] = [
        state.id.into(),
        state.org.as_str().into(),
        state.project.as_str().into(),
        state.fields.namespace.as_str().into(),
        state.fields.action.as_str().into(),
        state.hash.as_str().into(),
        wanted.namespace.as_str().into(),
        wanted.action.as_str().into(),
        who.user_id().into(),
    ];
    tx.execute_raw(statement(SQL, values)).await?;
    Ok(())
}

//! The statements of a registration.

use pml_entity::values::{
    CapabilityId, CodeHash, PatternId, Routing, ShortHash, UserId, Visibility,
};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::capabilities::rename::author;
use crate::capabilities::{Resolved, access};
use crate::sql::statement;
use crate::{Error, Principal};

/// An entry as it shall be.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) org: &'a str,
    pub(super) project: &'a str,
    pub(super) namespace: &'a str,
    pub(super) action: &'a str,
    pub(super) hash: ShortHash,
    pub(super) pattern_id: PatternId,
    pub(super) visibility: Visibility,
    pub(super) routing: Routing,
    pub(super) tags: Vec<String>,
}

impl Record<'_> {
    pub(super) fn resolved(
        &self,
        id: CapabilityId,
        user_id: Option<UserId>,
        visibility: Visibility,
    ) -> Resolved {
        Resolved {
            id,
            pattern_id: Some(self.pattern_id),
            org: self.org.to_owned(),
            project: self.project.to_owned(),
            namespace: self.namespace.to_owned(),
            action: self.action.to_owned(),
            hash: self.hash.clone(),
            user_id,
            visibility,
            warning: None,
        }
    }
}

/// What a registration needs to know of the code.
#[derive(Debug, FromQueryResult)]
pub(super) struct Code {
    pub(super) hash: Option<CodeHash>,
    pub(super) tools: Vec<String>,
}

/// The code, if it is the caller's, or nobody's and named by an entry they may change. It cannot be deleted until the transaction ends.
///
/// To see code is not enough: whoever gives a name to it decides who else sees it.
pub(super) async fn code<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pattern: PatternId,
) -> Result<Option<Code>, Error> {
    let changeable = access::changeable(who, "r", 2);
    let mut values: Vec<Value> = vec![pattern.into()];
    let mut mine = match who {
        Principal::Local => "TRUE".to_owned(),
        _ => "FALSE".to_owned(),
    };
    values.extend(changeable.values);
    if let Some(user) = who.user_id() {
        values.push(user.into());
        mine = format!("p.user_id = ${}", values.len());
    }
    let sql = format!(
        "SELECT p.code_hash AS hash, p.tool_ids AS tools FROM workflow_pattern p WHERE p.pattern_id = $1 \
         AND ({mine} OR (p.user_id IS NULL AND EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id AND {}))) \
         FOR KEY SHARE OF p",
        changeable.sql
    );
    Ok(Code::find_by_statement(statement(&sql, values))
        .one(tx)
        .await?)
}

/// Makes the entry, if the name is free.
pub(super) async fn insert<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    record: &Record<'_>,
) -> Result<Option<CapabilityId>, Error> {
    // No conflict target: the full name is a key as well, and of two at once one may meet that key first.
    const SQL: &str = "\
        INSERT INTO capability_records \
            (id, org, project, namespace, action, hash, workflow_pattern_id, visibility, routing, tags, user_id, created_by) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT DO NOTHING RETURNING id";
    let values: [Value; 12] = [
        CapabilityId::generate().into(),
        record.org.into(),
        record.project.into(),
        record.namespace.into(),
        record.action.into(),
        record.hash.as_str().into(),
        record.pattern_id.into(),
        record.visibility.into(),
        record.routing.into(),
        record.tags.clone().into(),
        who.user_id().into(),
        author(who).into(),
    ];
    let row = tx.query_one_raw(statement(SQL, values)).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// The entry that has the name.
#[derive(Debug, FromQueryResult)]
pub(super) struct Named {
    pub(super) id: CapabilityId,
    pub(super) pattern_id: Option<PatternId>,
    pub(super) hash: ShortHash,
    pub(super) tags: Vec<String>,
    pub(super) user_id: Option<UserId>,
    pub(super) visibility: Visibility,
}

/// Locks the entry that has the name.
pub(super) async fn lock_named<C: ConnectionTrait>(
    tx: &C,
    record: &Record<'_>,
) -> Result<Option<Named>, Error> {
    const SQL: &str = "\
        SELECT id, workflow_pattern_id AS pattern_id, hash, tags, user_id, visibility FROM capability_records \
        WHERE org = $1 AND project = $2 AND namespace = $3 AND action = $4 FOR UPDATE";
    let name = [record.org, record.project, record.namespace, record.action];
    Ok(
        Named::find_by_statement(statement(SQL, name.map(Value::from)))
            .one(tx)
            .await?,
    )
}

/// Gives the entry its new code and tags. Its old full name, if that changes, goes to the history in the same statement.
pub(super) async fn replace<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    standing: &Named,
    record: &Record<'_>,
) -> Result<(), Error> {
    const SQL: &str = "\
        WITH written AS ( \
            UPDATE capability_records r SET workflow_pattern_id = $2, hash = $3, tags = $4, version = r.version + 1, updated_at = now(), \
                updated_by = $5, signature = CASE WHEN $6 THEN NULL ELSE r.signature END, verified = r.verified AND NOT $6 \
            WHERE r.id = $1 RETURNING r.id, r.org, r.project, r.namespace, r.action \
        ) \
        INSERT INTO capability_name_history \
            (capability_id, org, project, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash, renamed_at, user_id) \
        SELECT id, org, project, namespace, action, $7, namespace, action, $3, clock_timestamp(), $8 FROM written WHERE $7 <> $3";
    // The signature is of the whole hash, of which the full name holds the beginning.
    let other_code = standing.pattern_id != Some(record.pattern_id) || standing.hash != record.hash;
    let values: [Value; 8] = [
        standing.id.into(),
        record.pattern_id.into(),
        record.hash.as_str().into(),
        record.tags.clone().into(),
        author(who).into(),
        other_code.into(),
        standing.hash.as_str().into(),
        who.user_id().into(),
    ];
    tx.execute_raw(statement(SQL, values)).await?;
    Ok(())
}

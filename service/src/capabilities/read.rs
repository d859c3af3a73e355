//! Everything about one capability.

use pml_entity::capabilities::capability;
use pml_entity::values::{
    CacheConfig, CapabilityId, CodeHash, DagStructure, JsonSchema, PatternId, PatternSource,
    PermissionSet, Routing, ShortHash, UserId, Visibility,
};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};

use super::access::{self, not_found};
use super::reliability::success_rate;
use super::{Reference, resolve};
use crate::{Error, Principal};

/// A capability as its registry entry and its code describe it (LST-5). What comes from the code is empty when the pattern was deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The registry entry.
    pub id: CapabilityId,
    /// Its code. `None`: the pattern was deleted.
    pub pattern_id: Option<PatternId>,
    /// Organisation.
    pub org: String,
    /// Project.
    pub project: String,
    /// What it is about.
    pub namespace: String,
    /// What it does.
    pub action: String,
    /// First four digits of its code hash.
    pub hash: ShortHash,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// Its owner.
    pub user_id: Option<UserId>,
    /// Who made the entry, in words.
    pub created_by: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Where it runs.
    pub routing: Routing,
    /// Labels.
    pub tags: Vec<String>,
    /// Counts what was stored under this name, from 1.
    pub version: i32,
    /// A label of this version.
    pub version_tag: Option<String>,
    /// Whether its signature was checked.
    pub verified: bool,
    /// Ed25519 signature in base64; see [`verify`](super::verify).
    pub signature: Option<String>,
    /// When the entry was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: Option<DateTimeUtc>,
    /// What it does, for people.
    pub description: Option<String>,
    /// SHA-256 of its canonical code; with a static structure that has a node, of that instead.
    pub code_hash: Option<CodeHash>,
    /// Its code.
    pub code_snippet: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters_schema: Option<JsonSchema>,
    /// How long its results may be reused.
    pub cache_config: Option<CacheConfig>,
    /// How it runs.
    pub dag_structure: Option<DagStructure>,
    /// Tools it uses: normalised, distinct, sorted.
    pub tools: Vec<String>,
    /// How it came to be.
    pub source: Option<PatternSource>,
    /// How often its code was used.
    pub usage_count: i64,
    /// How often that succeeded.
    pub success_count: i64,
    /// `success_count / usage_count`, 0 without uses (USE-4).
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// When it was last used.
    pub last_used: Option<DateTimeUtc>,
    /// What it may touch.
    pub permission_set: Option<PermissionSet>,
    /// Trust in that set, 0–1.
    pub permission_confidence: Option<f64>,
    /// How many layers of capabilities it stands on.
    pub hierarchy_level: Option<i32>,
    /// Its community in the graph.
    pub community_id: Option<i32>,
    /// Whether its vector is older than its name or description.
    pub embedding_stale: bool,
    /// Set when the reference was an old name.
    pub warning: Option<String>,
}

/// Everything about one capability ("whois", LST-5). One statement by id, two by a current name, three by what is old.
///
/// # Errors
/// Those of [`resolve`](super::resolve).
pub async fn get<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
) -> Result<Details, Error> {
    let known = match reference {
        Reference::Id(id) => one(db, who, *id).await?,
        _ => None,
    };
    let (row, warning) = if known.is_some() {
        (known, None)
    } else {
        let found = resolve(db, who, reference).await?;
        (one(db, who, found.id).await?, found.warning)
    };
    let row = row.ok_or_else(|| not_found(reference))?;
    Ok(Details {
        warning,
        ..details(row)
    })
}

async fn one<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    id: CapabilityId,
) -> Result<Option<capability::Model>, Error> {
    let row = capability::Entity::find_by_id(id)
        .filter(access::visible(who, "capability", 1).into_expr())
        .one(db)
        .await?;
    Ok(row)
}

fn details(row: capability::Model) -> Details {
    let usage_count = row.usage_count.unwrap_or_default();
    let success_count = row.success_count.unwrap_or_default();
    Details {
        id: row.id,
        pattern_id: row.pattern_id,
        org: row.org,
        project: row.project,
        namespace: row.namespace,
        action: row.action,
        hash: row.hash,
        fqdn: row.fqdn,
        display_name: row.display_name,
        user_id: row.user_id,
        created_by: row.created_by,
        visibility: row.visibility,
        routing: row.routing,
        tags: row.tags,
        version: row.version,
        version_tag: row.version_tag,
        verified: row.verified,
        signature: row.signature,
        created_at: row.created_at,
        updated_at: row.updated_at,
        description: row.description,
        code_hash: row.code_hash,
        code_snippet: row.code_snippet,
        parameters_schema: row.parameters_schema,
        cache_config: row.cache_config,
        dag_structure: row.dag_structure,
        tools: row.tool_ids.unwrap_or_default(),
        source: row.source,
        usage_count,
        success_count,
        success_rate: success_rate(success_count, usage_count),
        avg_duration_ms: row.avg_duration_ms.unwrap_or_default(),
        last_used: row.last_used,
        permission_set: row.permission_set,
        permission_confidence: row.permission_confidence,
        hierarchy_level: row.hierarchy_level,
        community_id: row.community_id,
        embedding_stale: row.embedding_stale.unwrap_or_default(),
        warning: None,
    }
}

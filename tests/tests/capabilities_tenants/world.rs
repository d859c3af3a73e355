//! One owner with a capability of each visibility, and everybody else who may come across them.

use pml_entity::capabilities::{capability_dependency, capability_records, permission_audit_log};
use pml_entity::capabilities::{capability_name_history, workflow_pattern};
use pml_entity::identity::users;
use pml_entity::values::{CapabilityId, PatternId, UserId, Visibility};
use pml_service::capabilities::{self, Reference, SaveRequest};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Db, Error, Principal};
use pml_testkit::TestDatabase;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};

/// The tool that every capability of this world uses.
pub const TOOL: &str = "files:read";

/// A caller, with the relation that its name says to the owner.
pub struct Caller {
    pub name: &'static str,
    pub who: Principal,
    /// What the rule lets them see, of private, project, org and public.
    pub sees: [bool; 4],
}

/// A capability of the owner.
pub struct Target {
    pub visibility: Visibility,
    pub id: CapabilityId,
    pub pattern_id: PatternId,
    pub fqdn: String,
    pub action: String,
}

/// The database, its people and the owner's capabilities.
pub struct World {
    pub database: TestDatabase,
    pub callers: Vec<Caller>,
    pub targets: Vec<Target>,
}

impl World {
    pub async fn new() -> Self {
        let database = pml_testkit::database().await;
        let db = database.db();
        let owner = user(db, "owner", "acme", "web").await;
        let callers = vec![
            Caller {
                name: "owner",
                who: owner.clone(),
                sees: [true, true, true, true],
            },
            Caller {
                name: "same project",
                who: user(db, "colleague", "acme", "web").await,
                sees: [false, true, true, true],
            },
            Caller {
                name: "same org",
                who: user(db, "neighbour", "acme", "app").await,
                sees: [false, false, true, true],
            },
            Caller {
                name: "other org",
                who: user(db, "stranger", "other", "web").await,
                sees: [false, false, false, true],
            },
            Caller {
                name: "nobody",
                who: Principal::Anonymous,
                sees: [false, false, false, true],
            },
        ];
        let mut targets = Vec::new();
        for visibility in Visibility::ALL {
            targets.push(target(db, &owner, *visibility).await);
        }
        Self {
            database,
            callers,
            targets,
        }
    }

    pub fn db(&self) -> &Db {
        self.database.db()
    }

    pub fn owner(&self) -> &Principal {
        &self.callers[0].who
    }

    /// Every row of the area, to see that nothing changed.
    pub async fn rows(&self) -> String {
        let db = self.db();
        let patterns = workflow_pattern::Entity::find().all(db).await.unwrap();
        let records = capability_records::Entity::find().all(db).await.unwrap();
        let edges = capability_dependency::Entity::find().all(db).await.unwrap();
        let audit = permission_audit_log::Entity::find().all(db).await.unwrap();
        let names = capability_name_history::Entity::find()
            .all(db)
            .await
            .unwrap();
        let mut rows: Vec<String> = records.iter().map(|row| format!("{row:?}")).collect();
        rows.extend(
            patterns
                .iter()
                .map(|row| format!("{:?}", (row.pattern_id, row))),
        );
        rows.extend(edges.iter().map(|row| format!("{row:?}")));
        rows.extend(audit.iter().map(|row| format!("{row:?}")));
        rows.extend(names.iter().map(|row| format!("{row:?}")));
        rows.sort();
        rows.join("\n")
    }
}

/// A signed-in user who works in that project.
pub async fn user(db: &Db, name: &str, org: &str, project: &str) -> Principal {
    let row = users::ActiveModel {
        username: Set(name.to_owned()),
        ..Default::default()
    };
    let id: UserId = row.insert(db).await.unwrap().id;
    Principal::User {
        id,
        org: org.to_owned(),
        project: project.to_owned(),
    }
}

/// Saves a capability named after its visibility.
pub async fn target(db: &Db, owner: &Principal, visibility: Visibility) -> Target {
    named_target(db, owner, visibility, format!("{visibility}_thing")).await
}

/// The same under a name that is free in everybody's project.
pub async fn named_target(
    db: &Db,
    owner: &Principal,
    visibility: Visibility,
    action: String,
) -> Target {
    let saved = capabilities::save(
        db,
        &HashingEmbedder,
        owner,
        SaveRequest {
            namespace: Some("things".to_owned()),
            action: Some(action.clone()),
            visibility: Some(visibility),
            tools_used: vec![TOOL.to_owned()],
            ..SaveRequest::new(
                format!("return '{visibility}';"),
                format!("do the {visibility} thing"),
            )
        },
    )
    .await
    .unwrap();
    Target {
        visibility,
        id: saved.id,
        pattern_id: saved.pattern_id,
        fqdn: saved.fqdn,
        action,
    }
}

/// Every way to name a capability.
pub fn references(target: &Target) -> Vec<Reference> {
    let (path, _) = target.fqdn.rsplit_once('.').unwrap();
    [
        target.id.to_string(),
        target.fqdn.clone(),
        path.to_owned(),
        format!("things:{}", target.action),
        target.action.clone(),
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect()
}

/// Checks that a call was answered as for a capability that does not exist.
pub fn assert_unknown<T: std::fmt::Debug>(
    answer: Result<T, Error>,
    reference: &Reference,
    what: &str,
) {
    match answer {
        Err(Error::NotFound { entity, key }) => {
            assert_eq!(
                (entity, key),
                ("capability", reference.to_string()),
                "{what}"
            );
        }
        other => panic!("{what}: {other:?}"),
    }
}

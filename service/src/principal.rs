//! On whose behalf a call is made.

use pml_entity::values::UserId;

/// Who a call acts for. It is passed to every call that reads or writes a user's data; there is no global "current user".
///
/// The tools that MCP servers offer are shared by everyone, so the functions of [`tools`](crate::tools) take none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The one person of a local installation: rows without an owner belong to them.
    Local,
    /// A signed-in user, within the organisation and project they work in.
    User {
        /// The user.
        id: UserId,
        /// Organisation part of the names they create.
        org: String,
        /// Project part of the names they create.
        project: String,
    },
}

impl Principal {
    /// The owner to store with a row: `None` in local mode.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Local => None,
            Self::User { id, .. } => Some(id),
        }
    }

    /// Organisation part of a new name.
    pub fn org(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::User { org, .. } => org,
        }
    }

    /// Project part of a new name.
    pub fn project(&self) -> &str {
        match self {
            Self::Local => "default",
            Self::User { project, .. } => project,
        }
    }
}

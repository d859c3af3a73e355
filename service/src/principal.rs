//! On whose behalf a call is made.

use pml_entity::values::{Fqdn, UserId};

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
    /// Nobody in particular: sees what is public and changes nothing.
    Anonymous,
}

impl Principal {
    /// The owner to store with a row: `None` in local mode.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Local | Self::Anonymous => None,
            Self::User { id, .. } => Some(*id),
        }
    }

    /// Organisation and project of what they create; `None` for nobody, who creates nothing.
    pub fn scope(&self) -> Option<(&str, &str)> {
        match self {
            Self::Local => Some((Fqdn::LOCAL_ORG, Fqdn::DEFAULT_PROJECT)),
            Self::User { org, project, .. } => Some((org, project)),
            Self::Anonymous => None,
        }
    }
}

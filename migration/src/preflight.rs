//! What must be true of the server before any step runs.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::error::Error;

const OLDEST_SERVER: i32 = 150_000;
const OLDEST_VECTOR: (u32, u32) = (0, 7);

/// Checks the server's version and that pgvector is there, new enough, and creatable if it is not created yet.
/// Answers the server's version number, e.g. 160004.
///
/// # Errors
/// [`Error::ServerTooOld`], [`Error::VectorMissing`], [`Error::VectorTooOld`], [`Error::VectorNotAllowed`].
pub(crate) async fn check<C: ConnectionTrait>(db: &C) -> Result<i32, Error> {
    let row = db
        .query_one_raw(Statement::from_string(
            db.get_database_backend(),
            "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS server, \
             current_user::text AS role, e.name::text AS name, e.installed_version, e.default_version, \
             (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS super, \
             has_database_privilege(current_database(), 'CREATE') AS may_create, \
             (SELECT bool_or(v.trusted OR NOT v.superuser) FROM pg_available_extension_versions v \
              WHERE v.name = 'vector' AND v.version = e.default_version) AS open_to_all \
             FROM (SELECT 1) one LEFT JOIN pg_available_extensions e ON e.name = 'vector'",
        ))
        .await?
        .ok_or_else(|| DbErr::Custom("the server did not answer about itself".to_owned()))?;
    let number: i32 = row.try_get("", "number")?;
    if number < OLDEST_SERVER {
        return Err(Error::ServerTooOld {
            found: row.try_get("", "server")?,
        });
    }
    let installed: Option<String> = row.try_get("", "installed_version")?;
    let available: Option<String> = row.try_get("", "default_version")?;
    let Some(version) = installed.clone().or(available) else {
        return Err(Error::VectorMissing);
    };
    if !at_least(&version, OLDEST_VECTOR) {
        return Err(Error::VectorTooOld { found: version });
    }
    if installed.is_none() {
        let superuser: bool = row.try_get::<Option<bool>>("", "super")?.unwrap_or(false);
        let may_create: bool = row.try_get("", "may_create")?;
        let open: bool = row
            .try_get::<Option<bool>>("", "open_to_all")?
            .unwrap_or(false);
        if !(superuser || may_create && open) {
            return Err(Error::VectorNotAllowed {
                role: row.try_get("", "role")?,
            });
        }
    }
    Ok(number)
}

/// Whether a dotted version is at least `(major, minor)`. A version that is not numbers is taken as new.
fn at_least(version: &str, oldest: (u32, u32)) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= oldest,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(at_least("0.10.1", OLDEST_VECTOR));
        assert!(at_least("0.7.0", OLDEST_VECTOR));
        assert!(at_least("1.0", OLDEST_VECTOR));
        assert!(!at_least("0.6.2", OLDEST_VECTOR));
    }
}

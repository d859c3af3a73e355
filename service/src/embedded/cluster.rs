//! The PostgreSQL cluster inside a data folder: made once, whole or not at all.

use std::error::Error as StdError;
use std::fs;
use std::path::{Path, PathBuf};

use pglite_oxide::{DataDirArchiveFormat, Pglite, extensions};

use super::folder::file_error;
use crate::Error;

/// Where the engine keeps the PostgreSQL data directory below its root.
pub(super) fn pgdata(cluster: &Path) -> PathBuf {
    cluster.join("tmp").join("pglite").join("base")
}

/// Makes the cluster at `cluster` unless it stands already.
///
/// The engine's own way lays a new cluster over a read-only template in the user's cache folder and copies each file up on its
/// first write: a crash in the middle of such a copy leaves half a file, and the folder would not survive the cache. So the
/// template is copied out whole, into a folder beside, which takes its final name in one rename.
///
/// Blocks for some two seconds when it has to work.
pub(super) fn ensure(cluster: &Path) -> Result<(), Error> {
    if cluster.exists() {
        return Ok(());
    }
    let staging = cluster.with_extension("new");
    remove(&staging)?;
    let archive = Pglite::builder()
        .temporary()
        .open()
        .and_then(|mut template| {
            let archive = template.dump_data_dir_with_format(DataDirArchiveFormat::Tar)?;
            template.close()?;
            Ok(archive)
        })
        .map_err(|source| engine_error("prepare the database template", source))?;
    Pglite::builder()
        .path(&staging)
        .load_data_dir_archive(archive)
        .extension(extensions::VECTOR)
        .open()
        .and_then(|mut cluster| cluster.close())
        .map_err(|source| engine_error("create the database", source))?;
    fs::rename(&staging, cluster).map_err(|source| file_error(cluster, source))
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_error(folder, error)),
    }
}

pub(super) fn engine_error(
    doing: &'static str,
    source: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    Error::Embedded {
        doing,
        source: source.into(),
    }
}

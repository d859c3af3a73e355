//! The data folder: who may open it, what is in it, and whether this build can read it.
//!
//! ```text
//! .pml/
//!   lock         held (flock) by the process that serves the folder; the operating system lets go of it when that process dies
//!   owner.json   who holds the lock: {"pid": 4711, "url": "http://127.0.0.1:8080"}; means nothing while the lock is free
//!   FORMAT       which layout and which PostgreSQL wrote the folder
//!   postgres/    the cluster
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Layout of the folder. Raised when an older build could not read what this one writes.
const LAYOUT: &str = "1";
/// Major version of the embedded PostgreSQL; another one cannot read the cluster's files.
const POSTGRES_MAJOR: &str = "17";

/// The process that holds a data folder, as it wrote itself down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Where it serves the HTTP API, once it does.
    pub url: Option<String>,
}

/// Who holds `data_dir` now; `None` when nobody does.
///
/// A command that finds its folder in use asks this for the address to talk to instead.
pub fn owner(data_dir: &Path) -> Option<Owner> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(data_dir.join("lock"))
        .ok()?;
    match file.try_lock() {
        Ok(()) => None,
        Err(_) => Some(read_owner(data_dir)),
    }
}

fn read_owner(data_dir: &Path) -> Owner {
    fs::read(data_dir.join("owner.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// An opened data folder. Nobody else can open it until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder when it is missing, takes its lock, and checks that this build can read it.
    ///
    /// # Errors
    /// [`Error::DataDirInUse`], [`Error::DataDirReadOnly`], [`Error::DataDirVersion`], or [`Error::DataDir`] for anything else the file system refuses.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        create_private(path).map_err(|source| file_error(path, source))?;
        let path = fs::canonicalize(path).map_err(|source| file_error(path, source))?;
        if fs::metadata(&path).is_ok_and(|data| data.permissions().readonly()) {
            return Err(file_error(&path, ErrorKind::PermissionDenied.into()));
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(|source| file_error(&path, source))?;
        if lock.try_lock().is_err() {
            let Owner { pid, url } = read_owner(&path);
            return Err(Error::DataDirInUse { path, pid, url });
        }
        let folder = Self { path, _lock: lock };
        folder.check_format()?;
        folder.write_owner(None)?;
        Ok(folder)
    }

    /// Where the cluster lives.
    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Tells other processes where this one serves.
    pub(super) fn write_owner(&self, url: Option<&str>) -> Result<(), Error> {
        let owner = Owner {
            pid: std::process::id(),
            url: url.map(str::to_owned),
        };
        let bytes = serde_json::to_vec(&owner)
            .map_err(io::Error::other)
            .map_err(|source| file_error(&self.path, source))?;
        self.replace("owner.json", &bytes)
    }

    /// Records which build wrote the cluster. Called once the cluster stands.
    pub(super) fn write_format(&self) -> Result<(), Error> {
        self.replace(
            "FORMAT",
            format!("pml {LAYOUT}\npostgres {POSTGRES_MAJOR}\n").as_bytes(),
        )
    }

    fn check_format(&self) -> Result<(), Error> {
        let expected = format!("pml {LAYOUT}, postgres {POSTGRES_MAJOR}");
        let refused = |found: String| Error::DataDirVersion {
            path: self.path.clone(),
            found,
            expected: expected.clone(),
        };
        match fs::read_to_string(self.path.join("FORMAT")) {
            Ok(text) => {
                let found = text.split_whitespace().collect::<Vec<_>>();
                if found != ["pml", LAYOUT, "postgres", POSTGRES_MAJOR] {
                    return Err(refused(text.lines().collect::<Vec<_>>().join(", ")));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(file_error(&self.path, error)),
        }
        for version_file in [
            self.path.join("PG_VERSION"),
            super::cluster::pgdata(&self.cluster()).join("PG_VERSION"),
        ] {
            if let Ok(major) = fs::read_to_string(&version_file)
                && (major.trim() != POSTGRES_MAJOR
                    || version_file.parent() == Some(self.path.as_path()))
            {
                return Err(refused(format!("a PostgreSQL {} cluster", major.trim())));
            }
        }
        Ok(())
    }

    /// Writes a small file so that a reader sees the old or the new content, never half of it.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let fresh = self.path.join(format!("{name}.new"));
        fs::write(&fresh, bytes)
            .and_then(|()| fs::rename(&fresh, self.path.join(name)))
            .map_err(|source| file_error(&self.path, source))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path.join("owner.json"));
    }
}

/// Creates a folder that only its owner can enter: the cluster inside asks for no password.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(super) fn file_error(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::DataDirReadOnly { path, source }
        }
        _ => Error::DataDir { path, source },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_folder_opens_once_and_again_after_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/folder");
        let folder = Folder::open(&path).unwrap();
        folder.write_owner(Some("http://127.0.0.1:8080")).unwrap();

        let Err(Error::DataDirInUse { pid, url, .. }) = Folder::open(&path) else {
            panic!("opened twice")
        };
        assert_eq!(pid, std::process::id());
        assert_eq!(url.as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(owner(&path).unwrap().pid, std::process::id());

        drop(folder);
        assert_eq!(owner(&path), None);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_behind_does_not_hold_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("lock"), b"").unwrap();
        fs::write(
            dir.path().join("owner.json"),
            br#"{"pid":1,"url":"http://127.0.0.1:1"}"#,
        )
        .unwrap();
        assert_eq!(owner(dir.path()), None);
        Folder::open(dir.path()).unwrap();
    }

    #[test]
    fn a_folder_without_write_permission_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ro");
        fs::create_dir(&path).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(matches!(
            Folder::open(&path),
            Err(Error::DataDirReadOnly { .. })
        ));
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(
            Folder::open(file.path()),
            Err(Error::DataDir { .. })
        ));
    }

    #[test]
    fn folders_of_other_versions_are_refused() {
        let newer = tempfile::tempdir().unwrap();
        fs::write(newer.path().join("FORMAT"), "pml 2\npostgres 18\n").unwrap();
        assert!(matches!(
            Folder::open(newer.path()),
            Err(Error::DataDirVersion { .. })
        ));

        let foreign = tempfile::tempdir().unwrap();
        fs::write(foreign.path().join("PG_VERSION"), "17\n").unwrap();
        assert!(matches!(
            Folder::open(foreign.path()),
            Err(Error::DataDirVersion { .. })
        ));

        let older = tempfile::tempdir().unwrap();
        let pgdata = super::super::cluster::pgdata(&older.path().join("postgres"));
        fs::create_dir_all(&pgdata).unwrap();
        fs::write(pgdata.join("PG_VERSION"), "16\n").unwrap();
        assert!(matches!(
            Folder::open(older.path()),
            Err(Error::DataDirVersion { .. })
        ));
    }

    #[test]
    fn what_this_build_writes_it_reads() {
        let dir = tempfile::tempdir().unwrap();
        Folder::open(dir.path()).unwrap().write_format().unwrap();
        Folder::open(dir.path()).unwrap();
    }
}

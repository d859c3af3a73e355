//! Where embedded test databases live on disk, and who may remove them.
//!
//! ```text
//! target/pml-testkit/
//!   lock                     held while a run registers itself or sweeps
//!   <key>.lock               held while the templates of one schema are built
//!   <key>/{empty,migrated}/  the templates: data folders of a stopped embedded server
//!   runs/<run>.lock          held by a living process
//!   runs/<run>/<n>/          one test's data folder
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::TestkitError;

/// Templates not used for this long belong to schemas that nobody tests any more.
const TEMPLATE_AGE: Duration = Duration::from_hours(14 * 24);

/// The folders of this process.
#[derive(Debug)]
pub(crate) struct Folders {
    base: PathBuf,
    run: PathBuf,
    counter: AtomicU32,
    /// Shows other processes that this one lives; the operating system lets go of it when the process ends, however it ends.
    _lease: File,
}

impl Folders {
    /// Registers this process, and removes what dead ones left behind.
    pub(crate) fn get() -> Result<&'static Self, TestkitError> {
        static FOLDERS: OnceLock<Result<Folders, TestkitError>> = OnceLock::new();
        FOLDERS
            .get_or_init(Self::start)
            .as_ref()
            .map_err(|error| TestkitError::Stopped(error.to_string()))
    }

    fn start() -> Result<Self, TestkitError> {
        let base = base();
        let runs = base.join("runs");
        fs::create_dir_all(&runs).map_err(TestkitError::files(&runs))?;
        let _registering = lock(&base.join("lock"))?;
        sweep_runs(&runs);
        sweep_templates(&base);
        let run = runs.join(Uuid::new_v4().simple().to_string());
        let lease = lock(&run.with_extension("lock"))?;
        Ok(Self {
            base,
            run,
            counter: AtomicU32::new(0),
            _lease: lease,
        })
    }

    /// A path for one more test database; nothing is there yet.
    pub(crate) fn fresh(&self) -> PathBuf {
        self.run
            .join(self.counter.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Where the templates of one schema live.
    pub(crate) fn templates(&self, key: &str) -> PathBuf {
        self.base.join(key)
    }

    /// Waits for the right to build the templates of one schema.
    pub(crate) fn lock_templates(&self, key: &str) -> Result<File, TestkitError> {
        lock(&self.base.join(format!("{key}.lock")))
    }
}

/// The build's target folder, so that `cargo clean` takes the templates with it; the system's temporary folder for a test binary that was moved
/// out of one.
fn base() -> PathBuf {
    let target = std::env::current_exe().ok().and_then(|exe| {
        exe.ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file())
            .map(Path::to_owned)
    });
    target
        .unwrap_or_else(std::env::temp_dir)
        .join("pml-testkit")
}

/// Opens and locks a file, waiting for whoever holds it.
fn lock(path: &Path) -> Result<File, TestkitError> {
    open(path)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(TestkitError::files(path))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn sweep_runs(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            let Ok(file) = open(&path) else { continue };
            if file.try_lock().is_ok() {
                let _ = fs::remove_dir_all(path.with_extension(""));
                let _ = fs::remove_file(&path);
            }
        } else if !path.with_extension("lock").exists() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn sweep_templates(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_key = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit()));
        let used = entry
            .metadata()
            .and_then(|data| data.modified())
            .unwrap_or_else(|_| SystemTime::now());
        if is_key && used.elapsed().is_ok_and(|age| age > TEMPLATE_AGE) {
            let Ok(file) = open(&path.with_extension("lock")) else {
                continue;
            };
            if file.try_lock().is_ok() {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

/// Copies a folder and all below it. Nothing is linked, because the server writes into every file.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), TestkitError> {
    fs::create_dir_all(to).map_err(TestkitError::files(to))?;
    for entry in fs::read_dir(from).map_err(TestkitError::files(from))? {
        let entry = entry.map_err(TestkitError::files(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry
            .file_type()
            .map_err(TestkitError::files(&source))?
            .is_dir()
        {
            copy(&source, &target)?;
        } else if from.ends_with("pg_wal") {
            copy_without_zeros(&source, &target).map_err(TestkitError::files(&source))?;
        } else {
            fs::copy(&source, &target).map_err(TestkitError::files(&source))?;
        }
    }
    Ok(())
}

/// Copies a file and leaves holes where it is zero: a segment of the write-ahead log is 16 MB of mostly nothing, two thirds of a small database.
fn copy_without_zeros(from: &Path, to: &Path) -> io::Result<()> {
    let (mut source, mut target) = (File::open(from)?, File::create(to)?);
    let mut buffer = vec![0; 128 * 1024];
    let mut length = 0;
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return target.set_len(length);
        }
        length += read as u64;
        if buffer[..read].iter().all(|byte| *byte == 0) {
            target.seek(SeekFrom::Start(length))?;
        } else {
            target.write_all(&buffer[..read])?;
        }
    }
}

/// Removes a folder that may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), TestkitError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(TestkitError::files(path)(error)),
        _ => Ok(()),
    }
}

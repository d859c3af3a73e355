//! Embedded test databases: a data folder copied from a template, served inside this process.
//!
//! A copy takes some 20 ms and the engine's start 120 ms, where applying every step would take seconds. The copy is a whole data
//! folder, so nothing is shared between tests: not the roles, not the settings, not the write-ahead log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use pglite_oxide::{Pglite, extensions};
use pml_service::embedded::{EmbeddedOptions, owner};
use pml_service::{Db, Settings};
use tokio::sync::OnceCell;

use crate::TestkitError;
use crate::folders::{self, Folders};
use crate::runtime;
use crate::template::{self, Content};

/// How long the harness waits for an engine to let go of a folder nobody needs any more.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// The data folder of one test; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Copies the template, building it if no run before did.
    pub(crate) async fn create(content: Content) -> Result<Self, TestkitError> {
        runtime::run(async move {
            let templates = templates().await?;
            blocking(move || {
                let folder = Self {
                    path: Folders::get()?.fresh(),
                };
                folders::copy(&templates.join(name(content)), &folder.path)?;
                Ok(folder)
            })
            .await
        })
        .await
    }
}

impl Drop for Folder {
    /// Leaves the work to the background. The engine stops when its client leaves, and with a single-threaded runtime that is after this test: a
    /// connection on its way back to the pool needs the very thread that would wait here. What a process that ends first leaves behind is
    /// swept by the next one.
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        runtime::later(async move {
            let deadline = Instant::now() + STOP_TIMEOUT;
            while owner(&path).is_some() {
                if Instant::now() > deadline {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let _ = folders::remove(&path);
        });
    }
}

/// The folder that holds the finished templates of this build's schema.
async fn templates() -> Result<&'static Path, TestkitError> {
    static TEMPLATES: OnceCell<PathBuf> = OnceCell::const_new();
    TEMPLATES
        .get_or_try_init(ensure_templates)
        .await
        .map(PathBuf::as_path)
}

async fn ensure_templates() -> Result<PathBuf, TestkitError> {
    let (finished, lock) = blocking(|| {
        let key = template::key();
        let folders = Folders::get()?;
        Ok((folders.templates(&key), folders.lock_templates(&key)?))
    })
    .await?;
    if finished.is_dir() {
        touch(&finished);
    } else {
        build(&finished).await?;
    }
    drop::<File>(lock);
    Ok(finished)
}

/// Builds both templates in a folder of this run, which then takes its final name in one rename.
async fn build(finished: &Path) -> Result<(), TestkitError> {
    let staging = Folders::get()?.fresh();
    let (empty, migrated) = (
        staging.join(name(Content::Empty)),
        staging.join(name(Content::Migrated)),
    );
    let cluster = empty.join("postgres");
    blocking(move || lay_cluster(&cluster)).await?;
    open(&empty).await?.close().await?;
    folders::copy(&empty, &migrated)?;
    let db = open(&migrated).await?;
    db.migrate(None).await?;
    db.close().await?;
    fs::rename(&staging, finished).map_err(TestkitError::files(finished))
}

/// Makes the cluster the engine's own way: a layer over the engine's read-only template, holding only what differs. The service copies that template out
/// whole, which is right for data that must last, but a thousand files more for each test to copy.
fn lay_cluster(cluster: &Path) -> Result<(), TestkitError> {
    fs::create_dir_all(cluster).map_err(TestkitError::files(cluster))?;
    Pglite::builder()
        .path(cluster)
        .extension(extensions::VECTOR)
        .open()
        .and_then(|mut cluster| cluster.close())
        .map_err(|error| TestkitError::Engine(format!("{error:#}")))
}

/// Serves a data folder.
pub(crate) async fn open(folder: &Path) -> Result<Db, TestkitError> {
    let settings = Settings {
        data_dir: folder.to_owned(),
        application_name: "pml-testkit".to_owned(),
        ..Settings::default()
    };
    let options = EmbeddedOptions {
        relaxed_durability: true,
        // The engine touches all of its cache when it starts: with the default of 128 MB that is half of a test's time.
        config: vec![("shared_buffers".to_owned(), "16MB".to_owned())],
        ..EmbeddedOptions::default()
    };
    Ok(Db::connect_embedded(&settings, options, None).await?)
}

/// Marks a template as used, so that it is not swept for its age.
fn touch(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.set_modified(SystemTime::now()));
}

fn name(content: Content) -> &'static str {
    match content {
        Content::Empty => "empty",
        Content::Migrated => "migrated",
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TestkitError> + Send + 'static,
) -> Result<T, TestkitError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TestkitError::Stopped(error.to_string()))?
}

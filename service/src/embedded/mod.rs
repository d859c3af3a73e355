//! A PostgreSQL 17 with pgvector inside this process, for a machine without a server.
//!
//! [`EmbeddedServer::start`] opens a data folder (made on first use) and serves it on a loopback port to this process.
//! [`Db::connect`](crate::Db::connect) does this by itself when no `DATABASE_URL` is set.
//!
//! # What to know about it
//!
//! * **One connection.** The engine is one PostgreSQL backend in single-user mode. A second client connects and then waits until
//!   the first one leaves, so a pool must hold exactly one connection and must never be asked for another while one is held.
//! * **One process.** The folder is locked while it is served; see [`Error::DataDirInUse`]. The lock dies with its holder.
//! * Opening a connection starts the backend: some 0.15 s, and 0.8 s for the first of a process. Keep it open.
//! * Several servers in one process work (each on its own folder); their start-ups take turns.
//! * `CREATE DATABASE … TEMPLATE …` works (0.15 s for a small template); a copy of the folder of a *stopped* server is as good.
//! * **Durability.** A committed transaction survives the death of the process, however sudden (`kill -9`): the log is handed to the
//!   operating system at commit. The engine never forces it to the disk, so a power cut may lose the last seconds; use a real
//!   server where that matters. [`shutdown`](EmbeddedServer::shutdown) forces everything.
//! * The loopback port asks for no password, but another local user who connects only waits in the queue behind this process.

mod cluster;
mod folder;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pglite_oxide::{PgliteServer, extensions};

pub use folder::{Owner, owner};

use crate::Error;
use cluster::engine_error;
use folder::Folder;

/// How long a clean stop may take: the engine waits for its client to leave.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the watch looks whether the engine still listens.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// How to serve a data folder. The default is what an application wants.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Do not hand the log to the operating system at each commit (`synchronous_commit = off`): for tests only.
    pub relaxed_durability: bool,
    /// The database a client lands in. `postgres` exists from the start.
    pub database: String,
    /// Server settings, as `postgres -c name=value`.
    pub config: Vec<(String, String)>,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            relaxed_durability: false,
            database: "postgres".to_owned(),
            config: Vec::new(),
        }
    }
}

/// A served data folder. Stop it with [`shutdown`](Self::shutdown); dropping it stops it in the background.
#[derive(Debug)]
pub struct EmbeddedServer {
    folder: Arc<Folder>,
    engine: Arc<Mutex<Option<PgliteServer>>>,
    watch: tokio::task::JoinHandle<()>,
    url: String,
}

impl EmbeddedServer {
    /// Opens the folder at `path` and serves it; makes folder and cluster when they are missing.
    ///
    /// Returns as soon as the server listens. Recovery after a crash happens when the first client connects.
    ///
    /// # Errors
    /// [`Error::DataDirInUse`], [`Error::DataDirReadOnly`], [`Error::DataDirVersion`], [`Error::DataDir`]; [`Error::Embedded`] if the engine fails.
    pub async fn start(path: impl Into<PathBuf>, options: EmbeddedOptions) -> Result<Self, Error> {
        let path = path.into();
        let starting = options.clone();
        let (folder, engine, address) = tokio::task::spawn_blocking(move || open(&path, &starting))
            .await
            .map_err(|source| engine_error("start the embedded database", source))??;
        let (folder, engine) = (Arc::new(folder), Arc::new(Mutex::new(Some(engine))));
        let url = format!(
            "postgresql://postgres@{address}/{}?sslmode=disable",
            options.database
        );
        let watch = tokio::spawn(watch(folder.clone(), engine.clone(), address, options));
        Ok(Self {
            folder,
            engine,
            watch,
            url,
        })
    }

    /// The connection URL, for a client with one connection.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes down where this process serves its API, for other processes that find the folder in use; see [`owner`].
    ///
    /// # Errors
    /// [`Error::DataDir`] if the folder cannot be written any more.
    pub fn announce(&self, api_url: &str) -> Result<(), Error> {
        self.folder.write_owner(Some(api_url))
    }

    /// Stops serving and lets go of the folder. Close the client before: the engine waits for it (at most ten seconds).
    ///
    /// # Errors
    /// [`Error::Embedded`] if the engine does not stop. The data is safe all the same: the next start recovers.
    pub async fn shutdown(self) -> Result<(), Error> {
        self.watch.abort();
        let Some(engine) = take(&self.engine) else {
            return Ok(());
        };
        let folder = self.folder.clone();
        let stopped = tokio::task::spawn_blocking(move || {
            let stopped = engine.shutdown();
            sync(&cluster::pgdata(&folder.cluster()));
            stopped
        });
        match tokio::time::timeout(STOP_TIMEOUT, stopped).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(source))) => Err(engine_error("stop the embedded database", source)),
            Ok(Err(source)) => Err(engine_error("stop the embedded database", source)),
            Err(elapsed) => Err(engine_error("stop the embedded database", elapsed)),
        }
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        self.watch.abort();
        if let Some(engine) = take(&self.engine) {
            // Stopping waits for the client, who may sit on this very thread.
            let folder = self.folder.clone();
            std::thread::spawn(move || {
                drop(engine);
                drop(folder);
            });
        }
    }
}

fn take(engine: &Mutex<Option<PgliteServer>>) -> Option<PgliteServer> {
    engine.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn open(
    path: &Path,
    options: &EmbeddedOptions,
) -> Result<(Folder, PgliteServer, SocketAddr), Error> {
    let folder = Folder::open(path)?;
    cluster::ensure(&folder.cluster())?;
    folder.write_format()?;
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let (engine, address) = serve(&folder, any_port, options)?;
    Ok((folder, engine, address))
}

fn serve(
    folder: &Folder,
    address: SocketAddr,
    options: &EmbeddedOptions,
) -> Result<(PgliteServer, SocketAddr), Error> {
    let engine = PgliteServer::builder()
        .path(folder.cluster())
        .tcp(address)
        .database(&options.database)
        .relaxed_durability(options.relaxed_durability)
        .postgres_configs(options.config.clone())
        .extension(extensions::VECTOR)
        .start()
        .map_err(|source| engine_error("start the embedded database", source))?;
    let address = engine.tcp_addr().unwrap_or(address);
    Ok((engine, address))
}

/// Starts the engine again on the same port when it has stopped listening: a client that breaks off in the middle of an answer ends its serving thread.
async fn watch(
    folder: Arc<Folder>,
    engine: Arc<Mutex<Option<PgliteServer>>>,
    address: SocketAddr,
    options: EmbeddedOptions,
) {
    loop {
        tokio::time::sleep(WATCH_INTERVAL).await;
        // The port can be bound only when nobody listens on it; a connection would stand in the queue instead.
        if TcpListener::bind(address).is_err() {
            continue;
        }
        let (folder, engine, options) = (folder.clone(), engine.clone(), options.clone());
        let restarted = tokio::task::spawn_blocking(move || {
            let Some(dead) = take(&engine) else {
                return Ok(false);
            };
            drop(dead);
            let (fresh, _) = serve(&folder, address, &options)?;
            *engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
            Ok::<_, Error>(true)
        });
        match restarted.await {
            Ok(Ok(true)) => {
                tracing::warn!("the embedded database had stopped listening and was started again");
            }
            Ok(Err(error)) => {
                return tracing::error!(%error, "the embedded database stopped and does not start again");
            }
            Ok(Ok(false)) | Err(_) => return,
        }
    }
}

/// Forces the files below `folder` to the disk, as far as they can be opened.
fn sync(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => sync(&entry.path()),
            Ok(kind) if kind.is_file() => {
                let _ = std::fs::File::open(entry.path()).and_then(|file| file.sync_data());
            }
            _ => {}
        }
    }
}

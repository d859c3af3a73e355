//! Options that say which database a command works on.

use std::path::PathBuf;

use pml_service::Settings;
use serde::Serialize;

use super::exit::{Exit, Failure};
use crate::causes::with_causes;

/// Which database; the same for every command.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConnectionArgs {
    /// Folder of the embedded database.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Folder of the embedded database [env: PML_DATA_DIR] [default: .pml]"
    )]
    pub data_dir: Option<PathBuf>,
    /// The server to use instead of the embedded database.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "data_dir",
        help = "A PostgreSQL to use instead of the embedded one [env: DATABASE_URL]"
    )]
    pub database_url: Option<String>,
}

/// The flags, as the layer above environment, file and defaults.
#[derive(Debug, Default, Serialize)]
struct Overrides<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<&'a PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<&'a str>,
}

impl ConnectionArgs {
    /// Flags over environment over `pml.toml` over defaults.
    ///
    /// # Errors
    /// [`Failure`] that names the value that cannot be used.
    pub fn settings(&self) -> Result<Settings, Failure> {
        self.settings_listening(None)
    }

    /// The same with `--listen` of `pml serve`.
    ///
    /// # Errors
    /// [`Failure`] that names the value that cannot be used.
    pub fn settings_listening(&self, listen: Option<&str>) -> Result<Settings, Failure> {
        let overrides = Overrides {
            data_dir: self.data_dir.as_ref(),
            database_url: self.database_url.as_deref(),
            listen,
        };
        let mut settings = Settings::load(&overrides)
            .map_err(|error| Failure::new(Exit::Usage, with_causes(&error)))?;
        // A folder named on the command line means that folder, also where the environment names a server.
        if self.data_dir.is_some() {
            settings.database_url = None;
        }
        if self.data_dir.is_some() || self.database_url.is_some() {
            settings.url = None;
        }
        Ok(settings)
    }
}

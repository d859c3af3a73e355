//! `pml serve`: the HTTP API on the configured database.

use std::{net::SocketAddr, sync::Arc};

use pml_service::{
    Db, Error as ServiceError, Settings,
    embedding::{self, Embedder, PROMPT_DIMENSIONS},
    retention::Scheduler,
    traceability::{
        analytics::{self, RefreshSchedule},
        learning::{self, ExtractionTask},
    },
};
use tokio::net::TcpListener;

use super::{
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output,
};
use crate::http::{self, AppState, metrics::Metrics};

/// How to serve.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServeArgs {
    /// Where to listen.
    #[arg(
        long,
        value_name = "ADDRESS",
        help = "Address to listen on [env: PML_LISTEN] [default: 127.0.0.1:8080]"
    )]
    listen: Option<String>,
    /// Start without applying pending migrations
    #[arg(long)]
    no_migrate: bool,
    /// Allow an address that other machines can reach, although nobody has to log in
    #[arg(long)]
    insecure_listen: bool,
}

impl ServeArgs {
    /// Whether any of the options was given.
    pub fn is_given(&self) -> bool {
        self.listen.is_some() || self.no_migrate || self.insecure_listen
    }

    /// These options, completed by those that stood before the command.
    pub fn or(self, before: Self) -> Self {
        Self {
            listen: self.listen.or(before.listen),
            no_migrate: self.no_migrate || before.no_migrate,
            insecure_listen: self.insecure_listen || before.insecure_listen,
        }
    }
}

/// Serves until the process is asked to stop.
///
/// # Errors
/// [`Failure`] when the address or the database cannot be had.
pub async fn run(connection: &ConnectionArgs, args: &ServeArgs) -> Result<(), Failure> {
    let settings = connection.settings_listening(args.listen.as_deref())?;
    ensure_safe(settings.listen, args.insecure_listen)?;
    // Signals are caught from here on, so that a stop during start-up is clean too.
    let mut shutdown = Box::pin(
        http::shutdown_signal().map_err(|error| Failure::new(Exit::Other, error.to_string()))?,
    );
    let listener = bind(settings.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(Exit::Other, error.to_string()))?;

    if settings.database_url.is_none() && !settings.data_dir.exists() {
        output::note(&format!(
            "making a new database in {}",
            settings.data_dir.display()
        ));
    }
    let metrics = Metrics::new();
    let embedder = embedding::from_settings(&settings)?;
    let prompts = embedding::prompts_from_settings(&settings)?;
    let hook = statement_hook(&metrics);
    let db = Db::connect_with(&settings, Some(hook))
        .await
        .map_err(explain)?;
    let started = async {
        if !args.no_migrate {
            db.migrate(None).await?;
        }
        db.announce(&reachable(address))
    };
    let served = tokio::select! {
        () = &mut shutdown => Ok(()),
        started = started => if let Err(error) = started {
            Err(error.into())
        } else {
            let url = reachable(address);
            output::line(&format!("PML serves {url} - documentation at {url}/docs"));
            let state = AppState::new(db.clone(), embedder, metrics).with_prompts(prompts.clone());
            let background = Background::start(&db, prompts, &settings);
            let served = http::serve(listener, state, shutdown).await.map_err(|error| Failure::new(Exit::Other, error.to_string()));
            background.stop().await;
            served
        },
    };
    super::close(db).await;
    served
}

/// What goes on beside the requests.
struct Background {
    retention: Option<Scheduler>,
    extraction: ExtractionTask,
    snapshots: RefreshSchedule,
}

impl Background {
    fn start(db: &Db, prompts: Arc<dyn Embedder<PROMPT_DIMENSIONS>>, settings: &Settings) -> Self {
        Self {
            retention: super::retention::schedule(db, settings),
            extraction: learning::schedule_extraction(db.clone(), prompts, learning::EVERY),
            snapshots: analytics::schedule_refresh(db.clone(), RefreshSchedule::DEFAULT_EVERY),
        }
    }

    /// Lets each come to the end of what it is at.
    async fn stop(self) {
        let retention = async {
            if let Some(retention) = self.retention {
                retention.stop().await;
            }
        };
        tokio::join!(retention, self.extraction.stop(), self.snapshots.stop());
    }
}

fn statement_hook(metrics: &Metrics) -> pml_service::StatementHook {
    let metrics = metrics.clone();
    Arc::new(move |statement| metrics.statement(statement.elapsed, statement.failed))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Other, format!("cannot listen on {address}: {error}"))
            .hint("choose another address with --listen 127.0.0.1:PORT; port 0 takes any free one")
    })
}

/// Nobody has to log in yet, so only this machine may connect unless the operator insists.
fn ensure_safe(address: SocketAddr, insecure: bool) -> Result<(), Failure> {
    if insecure || address.ip().is_loopback() {
        return Ok(());
    }
    let message = format!(
        "{address} can be reached by other machines, and this API does not ask who is calling"
    );
    Err(Failure::new(Exit::Usage, message).hint(
        "listen on 127.0.0.1, or pass --insecure-listen where something in front protects it",
    ))
}

/// The URL under which processes on this machine reach the address.
fn reachable(address: SocketAddr) -> String {
    let loopback = match address {
        SocketAddr::V4(_) => "127.0.0.1".to_owned(),
        SocketAddr::V6(_) => "[::1]".to_owned(),
    };
    let host = match address.ip() {
        ip if ip.is_unspecified() => loopback,
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    };
    format!("http://{host}:{}", address.port())
}

fn explain(error: ServiceError) -> Failure {
    match &error {
        ServiceError::DataDirInUse { url: Some(url), .. } => {
            let hint = format!(
                "use that server ({url}), stop it, or choose another folder with --data-dir"
            );
            Failure::from(error).hint(hint)
        }
        _ => error.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_safe_without_a_login() {
        assert!(ensure_safe(SocketAddr::from(([127, 0, 0, 1], 80)), false).is_ok());
        assert!(ensure_safe(SocketAddr::from(([0, 0, 0, 0], 80)), false).is_err());
        assert!(ensure_safe(SocketAddr::from(([0, 0, 0, 0], 80)), true).is_ok());
    }

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        assert_eq!(
            reachable(SocketAddr::from(([0, 0, 0, 0], 80))),
            "http://127.0.0.1:80"
        );
        assert_eq!(reachable("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(reachable("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}

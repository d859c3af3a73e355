//! The database goes away while the API serves, and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api_server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use api_server::{ApiServer, tool};
use pml_api::http::metrics::Metrics;
use pml_service::{
    Db, Settings,
    embedded::{EmbeddedOptions, EmbeddedServer},
};
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A TCP proxy in front of the database that can be cut: open connections break, new ones are refused at once.
struct Cable {
    address: std::net::SocketAddr,
    connected: Arc<watch::Sender<bool>>,
}

impl Cable {
    async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connected = Arc::new(watch::Sender::new(true));
        let state = Arc::clone(&connected);
        tokio::spawn(async move {
            loop {
                let Ok((mut client, _)) = listener.accept().await else {
                    return;
                };
                let mut state = state.subscribe();
                if !*state.borrow() {
                    continue;
                }
                let target = target.clone();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(&target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = state.wait_for(|connected| !connected) => {}
                    }
                });
            }
        });
        Self { address, connected }
    }

    fn cut(&self) {
        self.connected.send_replace(false);
    }

    fn restore(&self) {
        self.connected.send_replace(true);
    }
}

/// A database that the harness itself holds no connection to: the embedded server takes only one.
enum Backing {
    Server(pml_testkit::TestDatabase),
    Embedded(
        EmbeddedServer,
        #[expect(dead_code, reason = "held for its drop")] tempfile::TempDir,
    ),
}

impl Backing {
    async fn new() -> Self {
        if pml_testkit::real_server().is_some() {
            return Self::Server(pml_testkit::database().await);
        }
        let folder = tempfile::tempdir().unwrap();
        let server = EmbeddedServer::start(folder.path(), EmbeddedOptions::default())
            .await
            .unwrap();
        Self::Embedded(server, folder)
    }

    fn url(&self) -> &str {
        match self {
            Self::Server(database) => database.url(),
            Self::Embedded(server, _) => server.url(),
        }
    }

    fn connections(&self) -> u32 {
        if matches!(self, Self::Server(_)) {
            4
        } else {
            1
        }
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_a_503_and_its_return_is_noticed() {
    let database = Backing::new().await;
    let mut url = reqwest::Url::parse(database.url()).unwrap();
    let cable = Cable::to(format!(
        "{}:{}",
        url.host_str().unwrap(),
        url.port().unwrap_or(5432)
    ))
    .await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cable.address.port())).unwrap();
    let settings = Settings::load(&json!({
        "database_url": url.as_str(),
        "pool": {"max_connections": database.connections(), "acquire_timeout_ms": 2_000},
    }))
    .unwrap();
    let db = Db::connect(&settings).await.unwrap();
    let exclusive = pml_migration::Options {
        exclusive: true,
        ..pml_migration::Options::default()
    };
    pml_migration::up(&db, &exclusive).await.unwrap();
    let api = ApiServer::serve(db, Metrics::new()).await;
    api.put("/api/v1/tools/srv", &json!({"tools": [tool("a", "x")]}))
        .await
        .assert_ok();

    cable.cut();
    for path in ["/api/v1/tools", "/api/v1/tools/srv:a", "/readyz"] {
        let answer = api.get(path).await;
        answer.assert_problem(503, "database_unavailable");
        assert!(answer.headers.contains_key("retry-after"));
    }
    api.put("/api/v1/tools/srv", &json!({"tools": []}))
        .await
        .assert_problem(503, "database_unavailable");
    assert_eq!(
        api.get("/healthz").await.status,
        200,
        "a supervisor must not restart it for this"
    );

    cable.restore();
    let restored = Instant::now();
    while api.get("/readyz").await.status != 200 {
        assert!(
            restored.elapsed() < Duration::from_secs(20),
            "it did not recover"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        api.get("/api/v1/tools/srv:a").await.assert_ok()["name"],
        "a"
    );
}

//! A cable between the pool and the server that can be cut.

use std::sync::Arc;

use pml_service::{Db, PoolSettings, Settings};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Cable {
    connected: Arc<watch::Sender<bool>>,
}

impl Cable {
    /// A second handle on the database, through the cable.
    pub async fn to(url: &str) -> (Self, Db) {
        let (head, rest) = url.split_once("://").unwrap();
        let (place, path) = rest.rsplit_once('/').unwrap();
        let (user, host) = place
            .rsplit_once('@')
            .map_or((String::new(), place), |(user, host)| {
                (format!("{user}@"), host)
            });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{head}://{user}{}/{path}", listener.local_addr().unwrap());
        let connected = Arc::new(watch::Sender::new(true));
        let state = Arc::clone(&connected);
        let target = host.to_owned();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = state.subscribe();
                let target = target.clone();
                tokio::spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
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
        let settings = Settings {
            database_url: Some(url.into()),
            pool: PoolSettings {
                max_connections: 3,
                acquire_timeout_ms: 300,
                ..PoolSettings::default()
            },
            ..Settings::default()
        };
        let db = Db::connect(&settings).await.unwrap();
        (Self { connected }, db)
    }

    pub fn cut(&self) {
        self.connected.send_replace(false);
    }

    pub fn mend(&self) {
        self.connected.send_replace(true);
    }
}

//! A streamable-HTTP MCP server that hands out its tools in pages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::Router;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
        Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;

/// A running server; it ends with the test.
pub struct McpServer {
    pub url: String,
    pages: Arc<AtomicUsize>,
}

impl McpServer {
    /// How many pages it was asked for.
    pub fn pages(&self) -> usize {
        self.pages.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Paged {
    tools: usize,
    page_size: usize,
    pages: Arc<AtomicUsize>,
}

impl ServerHandler for Paged {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("paged", "1"))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.pages.fetch_add(1, Ordering::SeqCst);
        let from: usize = request
            .and_then(|request| request.cursor)
            .map_or(0, |cursor| cursor.parse().unwrap());
        let to = (from + self.page_size).min(self.tools);
        let schema =
            Arc::new(serde_json::from_value(serde_json::json!({"type": "object"})).unwrap());
        let tools = (from..to)
            .map(|number| {
                Tool::new(
                    format!("tool_{number}"),
                    "does something",
                    Arc::clone(&schema),
                )
            })
            .collect();
        let mut result = ListToolsResult::with_all_items(tools);
        result.next_cursor = (to < self.tools).then(|| to.to_string());
        Ok(result)
    }
}

/// Serves `tools` tools in pages of `page_size`.
pub async fn start(tools: usize, page_size: usize) -> McpServer {
    let pages = Arc::new(AtomicUsize::new(0));
    let handler = Paged {
        tools,
        page_size,
        pages: Arc::clone(&pages),
    };
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        LocalSessionManager::default().into(),
        rmcp::transport::StreamableHttpServerConfig::default(),
    );
    let url = serve(Router::new().nest_service("/mcp", service)).await;
    McpServer {
        url: format!("{url}/mcp"),
        pages,
    }
}

/// A web server that knows nothing of MCP; returns an address on it.
pub async fn not_mcp() -> String {
    serve(Router::new().fallback(|| async { "<html>hello</html>" })).await
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

//! The harness's own runtime.
//!
//! Administrative work (create, drop, serve an embedded database) must outlive the runtime of the test that asked for it: a `#[tokio::test]` runtime
//! stops between the last line of a test and the drop of what it made, and its single thread is busy while a destructor runs.

use std::future::Future;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::TestkitError;

/// Runs `work` on the harness's runtime and waits for it without blocking the caller's.
pub(crate) async fn run<T, F>(work: F) -> Result<T, TestkitError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TestkitError>> + Send + 'static,
{
    background()?
        .spawn(work)
        .await
        .map_err(|error| TestkitError::Stopped(error.to_string()))?
}

/// Runs `work` on the harness's runtime from a destructor. Gives up after `timeout`: a leftover is swept by the next run, a hanging test
/// would never end.
pub(crate) fn finish<F>(work: F, timeout: Duration)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(runtime) = background() else { return };
    let (done, wait) = mpsc::channel();
    runtime.spawn(async move {
        work.await;
        let _ = done.send(());
    });
    let _ = wait.recv_timeout(timeout);
}

/// Runs `work` on the harness's runtime some time, from a destructor that must not wait for it.
pub(crate) fn later<F>(work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    if let Ok(runtime) = background() {
        runtime.spawn(work);
    }
}

/// One for the process, never dropped.
fn background() -> Result<&'static Runtime, TestkitError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("pml-testkit")
                .enable_all()
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| TestkitError::Stopped(error.clone()))
}

//! The `pml` binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pml_api::cli::run(std::env::args_os()).await
}

//! How commands end: exit codes, and what a failure prints.

use std::process::ExitCode;

use pml_service::Error as ServiceError;

use crate::{
    causes::with_causes, client, http::problem::Problem, mcp, wire::problem::ProblemDocument,
};

/// Shown under `pml --help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed for another reason
  2  wrong usage, or input that is not valid
  3  there is no such tool or capability
  4  the MCP server could not be used
  5  the database cannot be reached, or its folder is in use
  6  refused: needs --yes, breaks a rule, or must not run now
  7  pml doctor found something broken";

/// What an exit code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Anything without a code of its own.
    Other = 1,
    /// Wrong usage, or input that is not valid.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// The MCP server could not be used.
    Mcp = 4,
    /// The database cannot be reached, or its folder is in use.
    Database = 5,
    /// Not without a confirmation, against a rule, or not now.
    Refused = 6,
    /// Something is broken, as `pml doctor` lists.
    Unhealthy = 7,
}

/// Why a command failed, for the person who ran it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Output of a program that was involved.
    pub output: Option<String>,
}

impl Failure {
    /// A failure with a message only.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            output: None,
        }
    }

    /// The person at the terminal did not want to wait any longer.
    pub fn interrupted() -> Self {
        Self::new(Exit::Other, "interrupted; nothing was stored")
    }

    /// What a server refused, or this process would refuse if it served.
    fn of_problem(problem: &ProblemDocument) -> Self {
        let detail = &problem.detail;
        let exit = exit_for(&problem.code);
        let Some(candidates) = &problem.candidates else {
            return Self::new(exit, detail);
        };
        // The text names them in one long line; here they get a line each.
        let message = detail
            .split_once("; give one of")
            .map_or(detail.as_str(), |(head, _)| head);
        let list = candidates.join("\n  ");
        Self::new(exit, message).hint(format!("give one of these:\n  {list}"))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints it to standard error and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        if let Some(output) = self.output.as_deref().filter(|output| !output.is_empty()) {
            eprintln!("the server wrote to its standard error:");
            for line in output.lines() {
                eprintln!("  | {line}");
            }
        }
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.exit as u8)
    }
}

/// The exit code for a stable problem code, the same for a local database and for a server.
fn exit_for(code: &str) -> Exit {
    match code {
        "not_found" | "unknown_correlation" | "unknown_pattern" => Exit::NotFound,
        "database_unavailable" | "migrations_pending" | "unsafe_pooler" | "unsupported_server" => {
            Exit::Database
        }
        code if code.starts_with("data_dir") => Exit::Database,
        "refused" | "name_taken" | "self_merge" | "tools_mismatch" | "dependency_cycle"
        | "illegal_escalation" | "trusted_refused" | "permission_changed" | "forbidden" => {
            Exit::Refused
        }
        "ambiguous_reference" | "code_too_large" | "self_dependency" => Exit::Usage,
        code if code.starts_with("invalid_") => Exit::Usage,
        _ => Exit::Other,
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        // Rules of an area are answered as a server answers them.
        if matches!(
            error,
            ServiceError::Capability(_) | ServiceError::Traceability(_)
        ) {
            return Problem::from(error).into();
        }
        Self::new(exit_for(error.code()), with_causes(&error))
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let message = error.to_string();
        match error {
            client::Error::Problem(problem) if problem.code == "body_too_large" => Self::new(Exit::Other, message)
                .hint("stop `pml serve` and run the command again: without the server in between there is no such limit"),
            client::Error::Problem(problem) => Self::of_problem(&problem),
            client::Error::Unreachable { .. } => {
                Self::new(Exit::Database, message).hint("start it with `pml serve`, or unset PML_URL to open the database directly")
            }
            client::Error::Foreign { .. } => Self::new(Exit::Database, message).hint("check PML_URL"),
        }
    }
}

impl From<mcp::Failure> for Failure {
    fn from(failure: mcp::Failure) -> Self {
        if matches!(failure.error, mcp::Error::Interrupted) {
            return Self::interrupted();
        }
        Self {
            output: Some(failure.stderr),
            ..Self::new(Exit::Mcp, format!("{}; nothing was stored", failure.error))
        }
    }
}

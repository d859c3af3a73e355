//! The real `pml` program on a database of its own: the embedded one in a private folder, or a private database of the real server
//! when `TEST_DATABASE_URL` is set.

use std::{
    fs, io,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use pml_testkit::TestDatabase;
use serde_json::Value;
use tempfile::TempDir;

/// A folder to run in, and the database that commands find there.
pub struct Home {
    pub folder: TempDir,
    database: Option<TestDatabase>,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    /// A migrated database.
    pub async fn new() -> Self {
        if pml_testkit::real_server().is_some() {
            let database = pml_testkit::database().await;
            return Self {
                folder: tempfile::tempdir().unwrap(),
                database: Some(database),
            };
        }
        Self::embedded()
    }

    /// A migrated embedded database, wherever the other tests run.
    pub fn embedded() -> Self {
        let home = Self::bare();
        copy(template(), &home.data_dir()).unwrap();
        home
    }

    /// No database yet.
    pub fn bare() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    /// The default data folder of commands that run here.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join(".pml")
    }

    /// The program with these arguments, not yet started. Nothing of the caller's environment configures it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars() {
            if name.starts_with("PML_")
                || name.starts_with("EMBEDDING_")
                || name == "DATABASE_URL"
                || name == "RUST_LOG"
            {
                command.env_remove(name);
            }
        }
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database.url());
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(args))
    }

    /// Runs it and expects success.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Outcome {
        let outcome = self.run(args);
        assert_eq!(outcome.code, 0, "{args:?}: {outcome:?}");
        outcome
    }

    /// The ids of the tools that are stored and not removed.
    #[track_caller]
    pub fn tool_ids(&self) -> Vec<String> {
        let list = self
            .ok(&["tools", "list", "--limit", "500", "--json"])
            .json();
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["tool_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Starts `pml serve` on a free port and waits until it says where it listens.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, more: &[&str]) -> Server {
        let mut args = vec!["serve", "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut process = self
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("it says {line:?}"));
        Server {
            url: url.to_owned(),
            line: line.clone(),
            process,
        }
    }
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// A running `pml serve`. Killed when it is dropped.
pub struct Server {
    pub url: String,
    pub line: String,
    process: Child,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for its end and returns the exit code; `None` when a signal ended it.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < limit, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it cleanly.
    pub fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(Duration::from_secs(20)), Some(0));
    }

    /// What it still had to say on standard output.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        if let Some(stdout) = &mut self.process.stdout {
            let _ = stdout.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A migrated data folder of a stopped server, made once per test program.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let home = Home::bare();
        home.ok(&["migrate", "up"]);
        let path = home.data_dir();
        (home.folder, path)
    });
    path
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

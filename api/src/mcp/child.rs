//! A server that runs as a child process, in a process group of its own, so that ending it ends what it started too.

use std::{
    pin::Pin,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::{
    io::{AsyncRead, AsyncReadExt, ReadBuf},
    process::{ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

use super::Error;

/// How long a server may take to end by itself after its input was closed.
const GRACE: Duration = Duration::from_secs(2);
/// How much of its standard error is kept: the end, where the reason stands.
const STDERR_KEPT_BYTES: usize = 4 * 1024;
/// How much of an unexpected line is shown.
const NOISE_SHOWN_CHARS: usize = 120;

/// A started server.
pub struct Child {
    process: Box<dyn ChildWrapper>,
    stderr: Option<JoinHandle<String>>,
    noise: Arc<Mutex<Noise>>,
}

impl Child {
    /// Starts the program with piped input, output and error.
    pub fn start(program: &str, args: &[String]) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut wrap = CommandWrap::from(command);
        wrap.wrap(KillOnDrop);
        #[cfg(unix)]
        wrap.wrap(process_wrap::tokio::ProcessGroup::leader());
        let mut process = wrap.spawn().map_err(|source| Error::Spawn {
            program: program.to_owned(),
            source,
        })?;
        let stderr = process
            .stderr()
            .take()
            .map(|pipe| tokio::spawn(keep_end(pipe)));
        Ok(Self {
            process,
            stderr,
            noise: Arc::default(),
        })
    }

    /// Its output and input, once.
    pub fn pipes(&mut self) -> Result<(Listener<ChildStdout>, ChildStdin), Error> {
        let pipes = self
            .process
            .stdout()
            .take()
            .zip(self.process.stdin().take());
        let (stdout, stdin) = pipes.ok_or_else(|| {
            Error::Address("the pipes of the server are already in use".to_owned())
        })?;
        Ok((
            Listener {
                inner: stdout,
                noise: Arc::clone(&self.noise),
            },
            stdin,
        ))
    }

    /// Turns a failure of the protocol into what really happened: the process has ended, or it printed something else.
    pub async fn explain(&mut self, error: Error) -> Error {
        let noise = self
            .noise
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .describe();
        match error {
            Error::TimedOut { step, limit, .. } => Error::TimedOut { step, limit, noise },
            Error::Answer { step, detail } => Error::Answer {
                step,
                detail: detail + &noise,
            },
            Error::Broken { step, detail } => {
                // The pipe closes a moment before the status can be had.
                match tokio::time::timeout(Duration::from_millis(500), self.process.wait()).await {
                    Ok(Ok(status)) => Error::Ended {
                        step,
                        status: status.to_string(),
                        noise,
                    },
                    _ => Error::Broken {
                        step,
                        detail: detail + &noise,
                    },
                }
            }
            other => other,
        }
    }

    /// Ends the server and returns the end of its standard error.
    pub async fn end(mut self) -> String {
        if tokio::time::timeout(GRACE, self.process.wait())
            .await
            .is_err()
        {
            let _ = tokio::time::timeout(GRACE, Box::into_pin(self.process.kill())).await;
        } else {
            // The leader is gone; whatever it left behind in its group goes too.
            let _ = self.process.start_kill();
        }
        let Some(reader) = self.stderr.take() else {
            return String::new();
        };
        let abort = reader.abort_handle();
        let text = tokio::time::timeout(Duration::from_secs(1), reader).await;
        abort.abort();
        text.ok().and_then(Result::ok).unwrap_or_default()
    }
}

async fn keep_end(mut pipe: impl AsyncRead + Unpin) -> String {
    let (mut kept, mut chunk) = (Vec::new(), vec![0; 1024]);
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..read]);
        if kept.len() > 2 * STDERR_KEPT_BYTES {
            kept.drain(..kept.len() - STDERR_KEPT_BYTES);
        }
    }
    let from = kept.len().saturating_sub(STDERR_KEPT_BYTES);
    String::from_utf8_lossy(&kept[from..]).trim().to_owned()
}

/// The output of the server, with an ear for lines that are not JSON-RPC.
///
/// The SDK skips such lines silently; a server that prints nothing else would look as if it hung.
pub struct Listener<R> {
    inner: R,
    noise: Arc<Mutex<Noise>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Listener<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        if poll.is_ready() {
            self.noise
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .hear(&buf.filled()[before..]);
        }
        poll
    }
}

/// The first line that is not JSON-RPC, once one has been heard.
#[derive(Debug, Default)]
struct Noise {
    line_start: Vec<u8>,
    skipping: bool,
    found: Option<String>,
}

impl Noise {
    fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.found.is_some() {
                return;
            }
            match byte {
                b'\n' => {
                    self.judge();
                    self.line_start.clear();
                    self.skipping = false;
                }
                _ if self.skipping => {}
                _ => {
                    self.line_start.push(*byte);
                    // Enough to tell: a message is an object and says `jsonrpc` somewhere, possibly only at its end.
                    self.skipping = self.line_start.len() >= 1024;
                }
            }
        }
    }

    fn judge(&mut self) {
        let line = String::from_utf8_lossy(&self.line_start);
        let line = line.trim();
        let plausible = self.skipping && line.starts_with('{') || line.contains("\"jsonrpc\"");
        if !line.is_empty() && !plausible {
            self.found = Some(line.chars().take(NOISE_SHOWN_CHARS).collect());
        }
    }

    fn describe(&mut self) -> String {
        self.judge();
        self.found
            .as_ref()
            .map(|line| format!("; it printed something that is not MCP: {line:?}"))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_json_rpc_is_remembered() {
        let mut noise = Noise::default();
        noise.hear(b"{\"jsonrpc\":\"2.0\",\"id\":1}\n\nhel");
        noise.hear(b"lo\nagain\n");
        assert_eq!(noise.found.as_deref(), Some("hello"));
    }

    #[test]
    fn a_long_message_is_not_noise() {
        let mut noise = Noise::default();
        noise.hear(
            format!(
                "{{\"result\":\"{}\",\"jsonrpc\":\"2.0\"}}\n",
                "x".repeat(5_000)
            )
            .as_bytes(),
        );
        assert_eq!(noise.describe(), "");
    }
}

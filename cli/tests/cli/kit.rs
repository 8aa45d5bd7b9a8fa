//! Runs the binary, and looks at what it says and serves.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The binary in an empty folder, without variables of whoever runs the tests.
pub(crate) fn neurolink(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("NEUROLINK_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder()).env("NO_COLOR", "1").args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    neurolink(arguments).output().expect("the binary runs")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A server that is killed if the test fails.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: BufReader<std::process::ChildStderr>,
    /// The line of standard output that says where it listens.
    pub(crate) first: String,
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let json = serde_json::from_str::<serde_json::Value>(&line).ok();
        let message = json.as_ref().map_or(line.trim_end(), |json| json["message"].as_str().unwrap_or_default());
        let place = message.strip_prefix("listening on ").unwrap_or_default();
        let address = place.strip_prefix("http://").unwrap_or(place).to_owned();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut serving = Self { child, stdout, stderr, first: line.clone(), address };
        assert!(!serving.address.is_empty(), "{line:?} {}", serving.stderr_after_kill());
        serving
    }

    fn stderr_after_kill(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = self.stderr.read_to_string(&mut text);
        text
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.address))
    }

    /// Sends bytes and gives what comes back until the connection ends.
    pub(crate) fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    /// The next line of standard output that begins so, but for blanks.
    pub(crate) fn line_with(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        while !line.trim_start().starts_with(beginning) {
            line.clear();
            assert!(self.stdout.read_line(&mut line).expect("UTF-8") > 0, "no line begins with {beginning:?}");
        }
        line.trim().to_owned()
    }

    /// Reads the log until a line has this.
    #[cfg(unix)]
    pub(crate) fn until_logged(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).expect("UTF-8") > 0, "the log ends without {text:?}");
        }
    }

    #[cfg(unix)]
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a process").is_none()
    }

    /// Sends a signal, waits for the end, and gives exit code, standard output and standard error.
    pub(crate) fn end(self, signal: &str) -> (Option<i32>, String, String) {
        self.signal(signal);
        self.ended()
    }

    /// Waits for the end, and gives exit code, standard output and standard error.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).expect("UTF-8");
        self.stderr.read_to_string(&mut err).expect("UTF-8");
        (self.child.wait().expect("ends").code(), out, err)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The frameworks of this binary.
pub(crate) fn frameworks() -> Vec<&'static str> {
    let all = [
        ("axum", true),
        ("actix", cfg!(feature = "actix")),
        ("warp", cfg!(feature = "warp")),
        ("poem", cfg!(feature = "poem")),
    ];
    all.into_iter().filter(|(_, compiled_in)| *compiled_in).map(|(name, _)| name).collect()
}

//! A Redis of a test's own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::Client;

/// Far above what a Redis needs to start.
const SOON: Duration = Duration::from_secs(20);

/// A running `redis-server` on a port of its own, which keeps nothing; it ends with this value.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    pub(crate) settings: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with more settings, such as `--cluster-enabled yes`.
    pub(crate) fn with(settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        // Another process may take a port between its choice and its use.
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = spawn(port, &settings) {
                return Self { child, port, settings };
            }
        }
        panic!("redis-server does not start; is it installed?");
    }

    /// Starts one on a port that was free a moment ago.
    pub(crate) fn on(port: u16) -> Self {
        let child = spawn(port, &[]).expect("its port is free");
        Self { child, port, settings: Vec::new() }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again on its port, empty.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.settings).expect("its port is free");
    }

    /// Stops it with SIGSTOP: it accepts connections and says nothing.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // SIGKILL ends a stopped one too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Starts one and waits until it answers; nothing if its port was taken.
fn spawn(port: u16, settings: &[String]) -> Option<Child> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .args(["--loglevel", "warning"])
        .args(settings)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed: apt-get install redis-server");
    let start = Instant::now();
    let client = Client::open(url(port)).expect("a URL");
    while start.elapsed() < SOON {
        if child.try_wait().expect("a process").is_some() {
            return None;
        }
        let answer =
            client.get_connection().and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
        if answer.is_ok() {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

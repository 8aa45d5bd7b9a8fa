//! What the kernel knows of this process and of its servers.

use std::net::SocketAddr;

use crate::function::Failure;

/// How many connections the kernel knows whose local end is the server's, and that are open.
pub(crate) fn open_at(addr: SocketAddr) -> Result<usize, Failure> {
    let text = read("/proc/net/tcp")?;
    let port = format!(":{:04X}", addr.port());
    let is_open = |line: &&str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next().is_some_and(|local| local.ends_with(&port));
        // Established, or closed by the client only.
        local && matches!(fields.nth(1), Some("01" | "08"))
    };
    Ok(text.lines().filter(is_open).count())
}

/// Raises the number of files that this process may open, if need be.
pub(crate) fn enough_files(wanted: u64) -> Result<(), Failure> {
    match rlimit::increase_nofile_limit(wanted) {
        Ok(most) if most >= wanted => Ok(()),
        most => Err(Failure::new(format!(
            "this needs {wanted} open files and the system allows {most:?}; raise the hard limit (`ulimit -Hn`)"
        ))),
    }
}

/// How many files and sockets the process has open.
pub(crate) fn open_files() -> Result<u64, Failure> {
    let list = std::fs::read_dir("/proc/self/fd").map_err(|error| unknown("/proc/self/fd", &error))?;
    // One of them is this list.
    Ok((list.count() as u64).saturating_sub(1))
}

/// How many threads the process has.
pub(crate) fn threads() -> Result<u64, Failure> {
    status("Threads:")
}

/// How much memory of the process is in RAM, in bytes.
pub(crate) fn resident() -> Result<u64, Failure> {
    Ok(status("VmRSS:")? * 1024)
}

/// A number of the process's status.
fn status(name: &str) -> Result<u64, Failure> {
    let text = read("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let number = line.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| Failure::new(format!("/proc/self/status has no number for {name}")))
}

fn read(path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| unknown(path, &error))
}

fn unknown(path: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("what the kernel knows cannot be read from {path}: {error}"))
}

//! Runs an example as a process and asks it.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running example, which ends with this value.
pub(crate) struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// Starts an example on a port that is free.
    pub(crate) fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        // Test binaries stand in `deps`, examples beside it.
        let own = std::env::current_exe().expect("a path");
        let target = own.parent().and_then(|deps| deps.parent()).expect("a target folder");
        let mut command = Command::new(target.join("examples").join(name));
        command.env("LISTEN", "127.0.0.1:0").envs(variables.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("the example {name} is built: {error}"));
        let stdout = child.stdout.take().expect("piped");
        Self { child, lines: BufReader::new(stdout).lines() }
    }

    /// The address in the next line that it prints.
    pub(crate) fn address(&mut self) -> String {
        let line = self.lines.next().expect("a line").expect("text");
        line.split_once("listening on http://").expect("an address").1.to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! `./check` on a machine that has nothing.

#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of a bare system that the script itself calls.
const BARE: [&str; 4] = ["bash", "cut", "dirname", "id"];

fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).expect(program)
}

#[test]
fn all_that_is_missing_is_said_at_once_with_one_line_that_installs_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/check"), folder.join("check")).expect("a copy");
    for program in BARE {
        symlink(installed(program), folder.join(program)).expect("a link");
    }

    let output = Command::new(folder.join("bash")).arg(folder.join("check")).env("PATH", &folder).output();
    let output = output.expect("it runs");
    std::fs::remove_dir_all(&folder).expect("removed");

    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{text}");
    let line = |start: &str| {
        let lines: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with(start)).collect();
        let [line] = lines[..] else { panic!("not one line begins with {start:?}: {text}") };
        line
    };
    let (missing, install) = (line("check: missing: "), line("install with: "));
    for program in ["gcc", "python3", "node", "npm", "valgrind", "redis-server", "Rust", "npm packages"] {
        assert!(missing.contains(program), "{program}: {missing}");
    }
    for step in ["apt-get install", " gcc ", " nodejs ", " valgrind ", "rustup.rs", "npm ci"] {
        assert!(install.contains(step), "{step}: {install}");
    }
}

//! `./check` on a machine that lacks something.

#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The programs of a bare system that the script itself calls.
const BARE: [&str; 4] = ["bash", "cut", "dirname", "id"];
/// What else it needs; each does nothing here, and succeeds.
const NEEDED: [&str; 7] = ["gcc", "curl", "node", "npm", "valgrind", "redis-server", "cargo"];

fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).expect(program)
}

/// Python itself: what is first in the `PATH` may be a script that chooses one.
fn python() -> PathBuf {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().expect("Python");
    String::from_utf8(output.stdout).expect("UTF-8").trim().into()
}

/// A copy of the script in a folder of its own, which is also all of its `PATH`; removed at the end.
struct Machine(PathBuf);

impl Machine {
    fn with(programs: &[&str]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("check-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let machine = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        std::fs::create_dir_all(machine.0.join("scripts")).expect("a folder");
        for file in ["check", "scripts/npm-current"] {
            std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), machine.0.join(file)).expect("a copy");
        }
        for program in programs {
            symlink(installed(program), machine.0.join(program)).expect("a link");
        }
        machine
    }

    /// The lines of standard error; it must end with 2, before any stage.
    fn check(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = Command::new(self.0.join("bash"));
        let output = command.arg(self.0.join("check")).args(arguments).env("PATH", &self.0).output();
        let output = output.expect("it runs");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The only line that begins so.
fn line<'a>(lines: &'a [String], start: &str) -> &'a str {
    let found: Vec<_> = lines.iter().filter(|line| line.starts_with(start)).collect();
    let [line] = found[..] else { panic!("not one line begins with {start:?}: {lines:?}") };
    line
}

#[test]
fn all_that_is_missing_is_said_at_once_with_one_line_that_installs_it() {
    let machine = Machine::with(&BARE);
    for arguments in [&[][..], &["--install"]] {
        let lines = machine.check(arguments);
        let (missing, install) = (line(&lines, "check: missing: "), line(&lines, "install with: "));
        for program in ["gcc", "python3", "node", "npm", "valgrind", "redis-server", "Rust", "npm packages"] {
            assert!(missing.contains(program), "{program}: {missing}");
        }
        for step in ["apt-get install", " gcc ", " nodejs ", " valgrind ", "rustup.rs", "npm ci"] {
            assert!(install.contains(step), "{step}: {install}");
        }
        let rust = line(&lines, "Rust is not installed by ./check --install; first run: ");
        assert!(rust.contains("https://sh.rustup.rs") && !rust.contains("apt-get"), "{rust}");
        assert!(!lines.iter().any(|line| line.contains("or run ./check --install")), "{lines:?}");
    }
}

#[test]
fn npm_packages_are_not_blamed_for_a_python_that_is_missing() {
    let machine = Machine::with(&BARE);
    machine.write("client-tests/node_modules/.package-lock.json", &lock("19.2.0"));
    machine.write("client-tests/package-lock.json", &lock("19.2.0"));
    let lines = machine.check(&[]);
    let missing = line(&lines, "check: missing: ");
    assert!(missing.contains("python3") && !missing.contains("npm packages"), "{missing}");
}

/// A lock file, or npm's own note of what it has installed.
fn lock(react: &str) -> String {
    let package = |name: &str, version: &str, more: &str| {
        format!(r#""node_modules/{name}": {{"version": "{version}", "integrity": "sha512-{version}"{more}}}"#)
    };
    let root = r#""": {"name": "tests"}"#;
    let optional = package("fsevents", "2.3.3", r#", "optional": true"#);
    format!("{{\"packages\": {{{root}, {}, {optional}}}}}", package("react", react, ""))
}

#[test]
fn npm_packages_that_are_not_those_of_the_lock_file_are_missing() {
    let machine = Machine::with(&BARE);
    symlink(python(), machine.0.join("python3")).expect("a link");
    for program in NEEDED {
        symlink(installed("true"), machine.0.join(program)).expect("a link");
    }
    machine.write("client-tests/package-lock.json", &lock("19.2.0"));
    machine.write("client-tests/node_modules/react/package.json", "{}");
    let missing = |machine: &Machine| {
        let lines = machine.check(&[]);
        assert_eq!(line(&lines, "install with: ").matches(" && ").count(), 1, "npm ci alone: {lines:?}");
        line(&lines, "check: missing: ").to_owned()
    };
    assert!(missing(&machine).contains("npm has not come to its end"), "{}", missing(&machine));
    let note = "client-tests/node_modules/.package-lock.json";
    machine.write(note, &lock("19.1.0"));
    let stale = missing(&machine);
    assert!(stale.contains("node_modules/react is 19.1.0, the lock file has 19.2.0"), "{stale}");

    // Those for another system are left out by npm.
    let with_all = lock("19.2.0");
    let current = with_all.replace(&with_all[with_all.find(", \"node_modules/fsevents").expect("it")..], "}}");
    machine.write(note, &current);
    let mut npm_current = Command::new(python());
    npm_current.arg(machine.0.join("scripts/npm-current"));
    let output = npm_current.arg(machine.0.join("client-tests")).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
}

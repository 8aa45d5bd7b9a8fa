//! The binary as its users see it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The binary in an empty folder, without variables of whoever runs the tests.
fn neurolink(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("NEUROLINK_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder()).env("NO_COLOR", "1").args(arguments).stdin(Stdio::null());
    command
}

fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run(arguments: &[&str]) -> Output {
    neurolink(arguments).output().expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A server that is killed if the test fails.
struct Serving {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_default().to_owned();
        let mut serving = Self { child, stdout, address };
        assert!(!serving.address.is_empty(), "{line:?} {}", serving.stderr_after_kill());
        serving
    }

    fn stderr_after_kill(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut text);
        text
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Sends a signal, waits for the end, and gives exit code, standard output and standard error.
    fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).expect("UTF-8");
        self.child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
        (self.child.wait().expect("ends").code(), out, err)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_has_examples_of_every_command() {
    for arguments in [&["--help"][..], &["serve", "--help"], &["routes", "--help"], &["config", "--help"]] {
        let output = run(arguments);
        assert!(output.status.success());
        let text = out(&output);
        assert!(text.contains("Examples:") && text.contains("  neurolink "), "{text}");
    }
    let text = out(&run(&["serve", "--help"]));
    for flag in [
        "--framework",
        "--host",
        "--port",
        "--base-path",
        "--config",
        "--preset",
        "--cors-origin",
        "--rate-limit",
        "--body-limit",
        "--log",
        "--allow-unauthenticated",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
    assert!(!text.contains("--token"), "secrets have no flag");
}

#[test]
fn nothing_and_nonsense_are_mistakes_of_the_command_line() {
    for arguments in [&[][..], &["server"], &["serve", "--fast"], &["routes", "--format", "xml"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(out(&output).is_empty() && !err(&output).is_empty());
    }
}

#[test]
fn all_mistakes_of_a_configuration_are_listed_with_where_they_come_from() {
    let file = folder().join("my.toml");
    std::fs::write(&file, "[server]\nprot = 1\n\n[timeout]\nrequest = 30\n").expect("a file");
    let output = neurolink(&["serve", "--port", "high", "--cors-origin", "example.com", "--config"])
        .arg(&file)
        .env("NEUROLINK__AUTH__TOKEN", "hush")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    for part in [
        "the configuration has 5 mistakes",
        "server.port = high (from flag --port)",
        "server.prot = 1 (from ",
        "my.toml, line 2)",
        "did you mean `port`?",
        "auth.token = [hidden, 4 bytes] (from environment variable NEUROLINK__AUTH__TOKEN)",
        "cors.origins[0] = example.com (from flag --cors-origin)",
        "timeout.request = 30 (from ",
        "say the unit: `30s` or `30ms`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn a_public_address_without_authentication_is_refused() {
    let output = run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    assert!(text.contains("NEUROLINK__AUTH__TOKEN") && text.contains("allow_unauthenticated"), "{text}");
}

#[test]
fn routes_are_a_table_or_json() {
    let output = run(&["routes"]);
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    assert!(text.starts_with("METHOD") && text.contains("/api/agent/execute"), "{text}");
    assert!(text.contains("security-headers") && text.contains("bodies up to 1mb"), "{text}");
    for part in ["x-request-id, made here", "Without a route:", "Refused before:"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }

    let output = run(&["routes", "--format", "json", "--base-path", "/v1", "--body-limit", "2kb"]);
    assert!(output.status.success(), "{}", err(&output));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let routes = plan["routes"].as_array().expect("a list");
    let execute = routes.iter().find(|route| route["path"] == "/v1/agent/execute").expect("a route");
    assert_eq!((&execute["method"], &execute["bodyLimit"]), (&"POST".into(), &2048.into()));
    let path = plan["paths"].as_array().expect("a list").iter().find(|path| path["path"] == "/v1/agent/execute");
    assert_eq!(path.expect("a path")["allow"], "POST, OPTIONS");
    let checks: Vec<_> = plan["checks"].as_array().expect("a list").iter().map(|check| &check["name"]).collect();
    assert_eq!(checks, ["request-id", "sizes", "repeated", "host", "path"]);
    assert!(plan["unmatched"].is_array() && plan["refused"].is_array(), "{plan}");
}

#[test]
fn the_effective_configuration_has_no_secrets_and_can_be_read_again() {
    let folder = folder();
    std::fs::write(folder.join("neurolink.toml"), "preset = \"neurolink\"\n[server]\nport = 4000\n").expect("a file");
    let config = |arguments: &[&str]| {
        neurolink(arguments)
            .current_dir(&folder)
            .env("NEUROLINK__AUTH__TOKEN", "a-token-that-nobody-sees")
            .output()
            .expect("the binary runs")
    };
    let output = config(&["config"]);
    let text = out(&output);
    assert!(output.status.success() && text.contains("port = 4000"), "{text}{}", err(&output));
    assert!(text.contains("token = \"[hidden]\"") && !text.contains("nobody-sees"), "{text}");
    assert!(err(&output).contains("warning: cors.origins"), "weak settings are said: {}", err(&output));

    let json = config(&["config", "--format", "json", "--port", "5000"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&json["server"]["port"], &json["auth"]["token"]), (&5000.into(), &"[hidden]".into()));

    std::fs::write(folder.join("again.toml"), text.replace("token = \"[hidden]\"\n", "")).expect("a file");
    let again = config(&["config", "--config", "again.toml"]);
    assert_eq!(out(&again), text);
}

#[test]
fn serve_says_where_it_listens_answers_and_ends_when_told() {
    let serving = Serving::start(&mut neurolink(&["serve", "--port", "0"]));
    assert!(!serving.address.ends_with(":0") && serving.address.starts_with("127.0.0.1:"), "{}", serving.address);
    let address = serving.address.clone();
    let answer = serving.get("/api/health", "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"status\":\"ok\""), "{answer}");
    let (code, out, err) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains(&format!("curl http://{address}/api/agent/execute")), "{out}");
    assert!(out.contains("axum") && out.contains("/api/tools"), "{out}");
    assert!(err.contains("/api/health"), "the access log: {err}");
}

#[test]
fn every_framework_that_is_compiled_in_serves() {
    let frameworks = [
        ("axum", true),
        ("actix", cfg!(feature = "actix")),
        ("warp", cfg!(feature = "warp")),
        ("poem", cfg!(feature = "poem")),
    ];
    for (framework, compiled_in) in frameworks {
        let arguments = ["serve", "--port", "0", "--framework", framework];
        if !compiled_in {
            let output = run(&arguments);
            assert_eq!(output.status.code(), Some(2), "{framework}");
            assert!(err(&output).contains(&format!("features = [\"{framework}\"]")), "{}", err(&output));
            continue;
        }
        let serving = Serving::start(&mut neurolink(&arguments));
        let answer = serving.get("/api/health", "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{framework}: {answer}");
        let (code, out, err) = serving.end("-TERM");
        assert_eq!(code, Some(0), "{framework}: {out}{err}");
        assert!(out.contains(&format!("on {framework},")), "{out}");
    }
}

#[test]
fn an_interrupt_ends_it_too_and_json_logs_are_json() {
    let mut command = neurolink(&["serve", "--port", "0", "--log", "json"]);
    let serving = Serving::start(
        command.env("NEUROLINK__AUTH__TOKEN", "a-token-of-this-test").env("NEUROLINK__CORS__ORIGINS", "*"),
    );
    let path = "/api/agent/providers";
    assert!(serving.get(path, "").starts_with("HTTP/1.1 401"));
    let answer = serving.get(path, "Authorization: Bearer a-token-of-this-test\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (code, out, err) = serving.end("-INT");
    assert_eq!((code, out.as_str()), (Some(0), ""), "one line on standard output, for machines");
    assert!(err.contains("weak setting cors.origins"), "{err}");
    for line in err.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }
    assert!(!err.contains("a-token-of-this-test"), "{err}");
}

#[test]
fn a_port_in_use_is_a_failure_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(&["serve", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(text.contains(&port) && text.contains("--port 0"), "{text}");
}

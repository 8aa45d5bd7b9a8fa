//! `serve`: where it listens, what it logs, how it ends.

use std::net::TcpListener;

use crate::kit::{Serving, err, folder, frameworks, neurolink, run};

// Shows S3-45, S3-56, P-D33.
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

#[cfg(unix)]
#[test]
fn a_unix_socket_has_a_flag_and_is_gone_at_the_end() {
    use std::io::{Read as _, Write as _};

    let path = folder().join("s.sock");
    let place = format!("unix:{}", path.display());
    let serving = Serving::start(&mut neurolink(&["serve", "--bind", &place]));
    assert_eq!(serving.address, place);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("connects");
    stream.write_all(b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (code, out, err) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("curl --unix-socket") && !path.exists(), "{out}");
}

#[test]
fn flags_that_say_where_to_listen_win_over_a_socket_in_a_file() {
    let path = folder().join("unix.toml");
    std::fs::write(&path, "[server]\nunix = \"not-this.sock\"").expect("written");
    let path = path.to_str().expect("UTF-8");
    for flags in [&["--bind", "127.0.0.1:0"][..], &["--host", "127.0.0.1", "--port", "0"], &["--port", "0"]] {
        let arguments = [&["serve", "--config", path], flags].concat();
        let serving = Serving::start(&mut neurolink(&arguments));
        assert!(serving.address.starts_with("127.0.0.1:"), "{flags:?}: {}", serving.address);
        assert!(serving.get("/api/health/live", "").starts_with("HTTP/1.1 200"), "{flags:?}");
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_a_mistake_of_the_configuration() {
    let output = run(&["serve", "--bind", "127.0.0.1:0", "--tls-cert", "missing.crt", "--tls-key", "missing.key"]);
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    for part in [
        "server.tls.cert = missing.crt",
        "server.tls.key = missing.key",
        "flag --tls-cert",
        "no such file; check the path",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

// Shows O-D9.
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
fn each_origin_that_is_given_is_allowed_and_no_other() {
    let given = ["https://app.example.com", "https://admin.example.com:8443"];
    let foreign = ["https://other.example.com", "http://app.example.com", "https://admin.example.com", "null"];
    for framework in frameworks() {
        let arguments = ["serve", "--port", "0", "--framework", framework];
        let origins = given.iter().flat_map(|origin| ["--cors-origin", origin]);
        let arguments: Vec<_> = arguments.into_iter().chain(origins).collect();
        let serving = Serving::start(&mut neurolink(&arguments));
        for (origin, allowed) in given.map(|it| (it, true)).into_iter().chain(foreign.map(|it| (it, false))) {
            let asks = |method: &str, more: &str| {
                let address = &serving.address;
                let head = format!("{method} /api/agent/execute HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
                serving.send(&format!("{head}Origin: {origin}\r\n{more}")).to_lowercase()
            };
            let preflight = asks("OPTIONS", "Access-Control-Request-Method: POST\r\n\r\n");
            let call = asks("POST", "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"input\":\"hi\"}");
            assert!(preflight.starts_with("http/1.1 204"), "{framework}, {origin}: {preflight}");
            let status = if allowed { "http/1.1 200" } else { "http/1.1 403" };
            assert!(call.starts_with(status), "{framework}, {origin}: {call}");
            for answer in [preflight, call] {
                let named = answer.lines().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
                assert_eq!(named, allowed.then_some(origin), "{framework}: {answer}");
            }
        }
    }
}

// Shows S0-75, P-D24.
#[test]
fn an_interrupt_ends_it_too_and_each_request_is_one_line_of_the_log() {
    for framework in frameworks() {
        let mut command = neurolink(&["serve", "--port", "0", "--log", "json", "--framework", framework]);
        let serving = Serving::start(
            command.env("NEUROLINK__AUTH__TOKEN", "a-token-of-this-test").env("NEUROLINK__CORS__ORIGINS", "*"),
        );
        let path = "/api/agent/providers";
        assert!(serving.get(path, "").starts_with("HTTP/1.1 401"), "{framework}");
        let answer = serving.get(path, "Authorization: Bearer a-token-of-this-test\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{framework}: {answer}");
        let (code, out, err) = serving.end("-INT");
        assert_eq!(code, Some(0), "{framework}: {out}{err}");
        assert!(err.contains("weak setting cors.origins"), "{framework}: {err}");
        for status in [401, 200] {
            let lines = err.lines().filter(|line| line.contains(&format!("\"status\":{status}")));
            assert_eq!(lines.count(), 1, "{framework}: each request is one line of log, a refused one too: {err}");
        }
        assert!(!err.contains("a-token-of-this-test"), "{framework}: {err}");
    }
}

// Shows S2-46.
#[test]
fn the_preset_keryx_serves_and_logs_its_line_of_each_request() {
    for framework in frameworks() {
        let arguments = ["serve", "--preset", "keryx", "--port", "0", "--framework", framework];
        let serving = Serving::start(&mut neurolink(&arguments));
        let answer = serving.get("/api/version?key=my-query-123", "Origin: https://some.example\r\n").to_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{framework}: {answer}");
        for header in
            ["x-ratelimit-limit: 20", "access-control-allow-origin: *", "access-control-allow-headers: content-type"]
        {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "{framework}: {header} is not in {answer}");
        }
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id").to_owned();
        let url = format!("127.0.0.1(http://{}/api/version)", serving.address);
        let (_, _, err) = serving.end("-TERM");
        let line = err.lines().find(|line| line.contains("[ACTION:WEB:")).expect("a line of the log");
        assert!(line.contains(" INFO [ACTION:WEB:OK] /api/version ("), "{framework}: {line}");
        assert!(line.ends_with(&format!("ms) [GET] {url} [cor:{id}] {{}}")), "{framework}: {line}");
    }
}

// Shows S0-75, O-D45.
#[test]
fn the_log_has_no_query_no_body_and_no_credential() {
    for framework in frameworks() {
        let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--framework", framework]));
        let headers = "Authorization: Bearer my-token-123\r\nContent-Type: application/json\r\nContent-Length: 12\r\n";
        for (path, status) in [("/api/version", 200), ("/api/nope", 404), ("/api/version/%zz", 400)] {
            let answer = serving.get(&format!("{path}?key=my-query-123"), &format!("{headers}\r\n\"my-body-123\""));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{framework}: {answer}");
        }
        let (_, _, err) = serving.end("-TERM");
        for line in ["path=/api/version ", "path=/api/nope ", "status=400"] {
            assert_eq!(err.matches(line).count(), 1, "{framework}: one line of the access log has {line:?}: {err}");
        }
        for text in ["my-query", "my-body", "my-token"] {
            assert!(!err.contains(text), "{framework}, {text}: {err}");
        }
    }
}

// Shows V65.
#[test]
fn a_port_in_use_is_a_failure_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(&["serve", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(text.contains(&port) && text.contains("--port 0"), "{text}");
}

#[test]
fn a_malformed_request_is_no_error_of_the_server() {
    for framework in frameworks() {
        let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--framework", framework]));
        for request in ["GET / HTTP/1.1 x\r\n\r\n", "\u{1}\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"] {
            serving.send(request);
        }
        assert!(serving.get("/api/health/live", "").starts_with("HTTP/1.1 200"), "{framework}");
        let (code, _, err) = serving.end("-TERM");
        assert_eq!(code, Some(0), "{framework}: {err}");
        assert!(!err.contains("ERROR"), "{framework}: {err}");
    }
}

/// actix-http panics at it: a stranger must not be able to fill the log, or to raise an alarm.
#[test]
fn a_huge_header_name_is_one_warning_that_names_the_client() {
    for format in ["text", "json"] {
        let arguments = ["serve", "--port", "0", "--framework", "actix", "--log", format];
        let serving = Serving::start(&mut neurolink(&arguments));
        for _ in 0..3 {
            let name = "x".repeat(1 << 16);
            let answer = serving.send(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{name}: y\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 431"), "{format}: {answer}");
        }
        let (code, _, err) = serving.end("-TERM");
        assert_eq!(code, Some(0), "{format}: {err}");
        let warnings: Vec<_> = err.lines().filter(|line| line.contains("WARN")).collect();
        assert!(matches!(warnings[..], [one] if one.contains("127.0.0.1:")), "{format}: {err}");
        assert!(!err.contains("panicked") && !err.contains("ERROR"), "{format}: {err}");
    }
}

#[test]
fn only_our_own_lines_are_logged() {
    for framework in frameworks() {
        let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--framework", framework]));
        assert!(serving.get("/api/health/live", "").starts_with("HTTP/1.1 200"), "{framework}");
        let (_, _, err) = serving.end("-TERM");
        assert!(err.contains("INFO neurolink::access: request method=GET"), "{framework}: {err}");
        let foreign: Vec<_> = err.lines().filter(|line| !line.contains(" neurolink")).collect();
        assert_eq!(foreign, [""; 0], "{framework}");
    }
}

#[test]
fn rust_log_wins_over_the_filter() {
    let serving = Serving::start(neurolink(&["serve", "--port", "0"]).env("RUST_LOG", "off"));
    serving.get("/api/health/live", "");
    let (_, _, err) = serving.end("-TERM");
    assert_eq!(err, "");
}

/// The README's first command. Cargo builds the package that it names; what it runs then is this.
#[test]
fn cargo_serve_serves_as_the_readme_says() {
    let config = include_str!("../../../.cargo/config.toml").parse::<toml::Table>().expect("TOML");
    let alias = config["alias"]["serve"].as_str().expect("an alias");
    let (cargo, arguments) = alias.split_once(" -- ").expect("arguments for the binary");
    assert_eq!(cargo, concat!("run --release --quiet --package ", env!("CARGO_PKG_NAME")));
    let arguments: Vec<_> = arguments.split(' ').chain(["--port", "0"]).collect();
    let serving = Serving::start(&mut neurolink(&arguments));
    assert!(serving.get("/api/health", "").starts_with("HTTP/1.1 200"));
    let (code, out, err) = serving.end("-TERM");
    assert!(code == Some(0) && out.contains("the built-in offline engine") && out.contains("curl "), "{out}{err}");
    let readme = include_str!("../../../README.md");
    assert!(readme.contains("```text\ncargo serve\n```"), "the README shows another command");
    assert!(readme.contains("<http://127.0.0.1:3000>"), "the README shows another address");
}

/// The line that the README shows is the one that is printed.
#[test]
fn the_readme_shows_the_line_that_serve_prints() {
    let serving = Serving::start(&mut neurolink(&["serve", "--port", "0"]));
    let address = serving.address.clone();
    let (_, out, _) = serving.end("-TERM");
    let printed = out.lines().find_map(|line| line.trim().strip_prefix("curl ")).expect("a curl line");
    let readme = include_str!("../../../README.md");
    let shown = readme.lines().find_map(|line| line.strip_prefix("curl ")).expect("a curl line");
    assert_eq!(shown, printed.replace(&address, "127.0.0.1:3000"));
}

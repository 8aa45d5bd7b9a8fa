//! The example engine, as it is in the README, against a stub of the endpoint it calls.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Kills the example when the test ends.
struct Example(Child);

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers one chat completion and gives the request it got.
fn stub(listener: TcpListener) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        let answer =
            r#"{"choices":[{"message":{"content":"four"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .expect("answers");
        format!("{head}{}", String::from_utf8_lossy(&body))
    })
}

#[test]
fn the_example_engine_calls_an_openai_compatible_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let called = stub(listener);
    // Test binaries stand in `deps`, examples beside it.
    let own = std::env::current_exe().expect("a path");
    let target = own.parent().and_then(|deps| deps.parent()).expect("a target folder");
    let mut child = Command::new(target.join("examples/openai_engine"))
        .envs([("OPENAI_BASE_URL", base.as_str()), ("OPENAI_API_KEY", "key-1"), ("LISTEN", "127.0.0.1:0")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let stdout = child.stdout.take().expect("piped");
    let _example = Example(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();

    let mut stream = TcpStream::connect(&address).expect("connects");
    let body = r#"{"input":"two and two","systemPrompt":"be brief","maxTokens":5}"#;
    write!(
        stream,
        "POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    assert!(answer.contains(r#""content":"four""#), "{answer}");
    assert!(answer.contains(r#""promptTokens":7"#), "{answer}");

    let request = called.join().expect("the stub was called");
    assert!(request.starts_with("POST /v1/chat/completions"), "{request}");
    assert!(request.contains("Bearer key-1") || request.contains("bearer key-1"), "{request}");
    assert!(request.contains("be brief") && request.contains("two and two"), "{request}");
}

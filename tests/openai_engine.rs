//! The example engine, as it is in the README, against a stub of the endpoint it calls.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

#[path = "kit/example.rs"]
mod example;

use example::Example;

/// Starts the example in front of an endpoint, and gives its address.
fn start(endpoint: &TcpListener) -> (Example, String) {
    let base = format!("http://{}/v1", endpoint.local_addr().expect("an address"));
    let mut example = Example::start("openai_engine", &[("OPENAI_BASE_URL", &base), ("OPENAI_API_KEY", "key-1")]);
    let address = example.address();
    (example, address)
}

/// Sends a request and gives the connection to read from.
fn post(address: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sends");
    stream
}

/// Takes the call of the engine: the connection, and the request that came on it.
fn called(endpoint: &TcpListener) -> (TcpStream, String) {
    let (stream, _) = endpoint.accept().expect("a call");
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
    (stream, format!("{head}{}", String::from_utf8_lossy(&body)))
}

#[test]
fn the_example_engine_calls_an_openai_compatible_endpoint() {
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (_example, address) = start(&endpoint);
    let body = r#"{"input":"two and two","systemPrompt":"be brief","maxTokens":5}"#;
    let mut client = post(&address, "/api/agent/execute", body);

    let (mut call, request) = called(&endpoint);
    assert!(request.starts_with("POST /v1/chat/completions"), "{request}");
    assert!(request.contains("Bearer key-1") || request.contains("bearer key-1"), "{request}");
    assert!(request.contains("be brief") && request.contains("two and two"), "{request}");
    let answer = r#"{"choices":[{"message":{"content":"four"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
    write!(
        call,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .expect("answers");

    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("answers");
    assert!(answer.contains(r#""content":"four""#), "{answer}");
    assert!(answer.contains(r#""promptTokens":7"#), "{answer}");
}

#[test]
fn the_example_engine_streams_piece_by_piece() {
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (_example, address) = start(&endpoint);
    let mut client = BufReader::new(post(&address, "/api/agent/stream", r#"{"input":"two and two"}"#));
    let (mut call, request) = called(&endpoint);
    assert!(request.contains(r#""stream":true"#), "{request}");
    let first = r#"data: {"choices":[{"delta":{"content":"fo"}}],"usage":null}"#;
    write!(call, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{first}\n\n").expect("answers");

    // The rest is not sent before the first piece has arrived.
    let mut answer = String::new();
    while !answer.contains(r#""content":"fo""#) {
        assert_ne!(client.read_line(&mut answer).expect("a line"), 0, "{answer}");
    }
    let second = r#"data: {"choices":[{"delta":{"content":"ur"}}],"usage":null}"#;
    let usage = r#"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    write!(call, "{second}\n\n: comment\n\n{usage}\n\ndata: [DONE]\n\n").expect("answers");
    client.read_to_string(&mut answer).expect("the rest");
    assert!(answer.contains(r#""content":"ur""#) && answer.contains(r#""promptTokens":7"#), "{answer}");
    assert!(answer.contains("data: [DONE]") && !answer.contains(r#""type":"error""#), "{answer}");
}

#[test]
fn an_answer_that_breaks_off_is_an_error_and_no_end() {
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (_example, address) = start(&endpoint);
    let mut client = post(&address, "/api/agent/stream", r#"{"input":"two and two"}"#);
    let (mut call, _) = called(&endpoint);
    let first = r#"data: {"choices":[{"delta":{"content":"fo"}}]}"#;
    write!(call, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{first}\n\n").expect("answers");
    drop(call);
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("the rest");
    assert!(answer.contains(r#""type":"error""#), "{answer}");
}

#[test]
fn the_readme_shows_the_example_s_engine_in_at_most_25_lines() {
    let source = include_str!("../examples/openai_engine.rs");
    let start = source.find("impl Engine for").expect("the engine");
    let engine = &source[start..][..source[start..].find("\n}\n").expect("its end") + 2];
    assert!(engine.lines().count() <= 25, "{engine}");
    assert!(include_str!("../README.md").contains(engine), "the README shows another engine than the example's");
}

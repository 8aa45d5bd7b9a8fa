//! `password`: a hash for the configuration, which lets its password in.

use std::io::Write as _;
use std::process::Stdio;

use crate::kit::{Serving, err, folder, neurolink, out};

/// What comes of a password on standard input.
fn hashed(input: &[u8]) -> std::process::Output {
    let mut command = neurolink(&["password"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn the_hash_lets_its_password_in_and_does_not_hold_it() {
    let output = hashed(b"correct horse\r\n");
    let hash = out(&output);
    assert!(output.status.success() && hash.lines().count() == 1, "{}", err(&output));
    let path = folder().join("password.toml");
    let hash = hash.trim_end();
    let entry = format!("[[auth.passwords]]\nname = \"ada\"\nhash = '{hash}'\nuser = \"ada\"\n");
    std::fs::write(&path, entry).expect("written");
    let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--config", path.to_str().expect("UTF-8")]));
    // `ada:correct horse`, and `ada:wrong`.
    let status = |credentials: &str| serving.get("/api/tools", &format!("Authorization: Basic {credentials}\r\n"));
    assert!(status("YWRhOmNvcnJlY3QgaG9yc2U=").starts_with("HTTP/1.1 200"));
    assert!(status("YWRhOndyb25n").starts_with("HTTP/1.1 401"));
    let (_, shown, logged) = serving.end("-TERM");
    for text in [shown, logged, hash.to_owned()] {
        assert!(!text.contains("correct horse"), "{text}");
    }
}

#[test]
fn what_nobody_could_send_is_a_mistake_that_is_not_shown() {
    for wrong in [&b""[..], b"\n", b"two\nlines", &[b'x'; 5000], b"\xff\xfe"] {
        let output = hashed(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(out(&output).is_empty() && !err(&output).contains("two"), "{}", err(&output));
    }
}

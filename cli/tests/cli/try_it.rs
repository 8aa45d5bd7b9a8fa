//! The line that `serve` prints works as it is printed.

use std::process::Command;

use crate::kit::{Serving, folder, neurolink};

const ADA: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
const TOKEN: &str = "a-token-of-this-test";
const KEY: &str = "a-key-of-this-test-only";

/// A configuration, and the variable that its line names, with the secret.
fn configurations() -> Vec<(String, Option<(&'static str, &'static str)>)> {
    let password = |name: &str| {
        let text = format!("[[auth.passwords]]\nname = {name:?}\nhash = \"{ADA}\"\nuser = \"u1\"");
        (text, Some(("PASSWORD", "correct horse")))
    };
    vec![
        (String::new(), None),
        (format!("[auth]\ntoken = \"{TOKEN}\""), Some(("TOKEN", TOKEN))),
        (format!("[auth]\ntokens = [{{ token = \"{TOKEN}\", user = \"u1\" }}]"), Some(("TOKEN", TOKEN))),
        (format!("[auth.api_keys]\nkeys = [{{ key = \"{KEY}\", user = \"u1\" }}]"), Some(("KEY", KEY))),
        (
            format!("[auth.api_keys]\nheader = \"x-own\"\nkeys = [{{ key = \"{KEY}\", user = \"u1\" }}]"),
            Some(("KEY", KEY)),
        ),
        password("ada"),
        password("it's $HOME \"ada\""),
        ("[server]\nhost = \"127.0.0.2\"\nbase_path = \"/\"".into(), None),
        (
            format!("[server]\nhost = \"0.0.0.0\"\nhosts = [\"*.example.com\"]\n[auth]\ntoken = \"{TOKEN}\""),
            Some(("TOKEN", TOKEN)),
        ),
        ("[server]\nproxy_protocol = true\n[proxies]\ntrusted = [\"127.0.0.1\"]".into(), None),
    ]
}

/// Starts a server with these arguments, pastes its line and gives the status, and the line.
fn paste(arguments: &[&str], variable: Option<(&str, &str)>) -> (String, String) {
    let mut serving = Serving::start(&mut neurolink(&[&["serve"], arguments].concat()));
    let line = serving.line_with("curl ");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{line} --silent --output /dev/null --write-out '%{{http_code}}'")]);
    shell.envs(variable);
    let output = shell.output().expect("a shell");
    let status = String::from_utf8(output.stdout).expect("UTF-8");
    (status, line)
}

#[test]
fn the_line_works_as_printed_for_every_kind_of_authentication() {
    for (configuration, variable) in configurations() {
        let path = folder().join("neurolink.toml");
        std::fs::write(&path, &configuration).expect("written");
        let (status, line) = paste(&["--config", path.to_str().expect("UTF-8"), "--port", "0"], variable);
        assert_eq!(status, "200", "{configuration}\n{line}");
        if let Some((name, secret)) = variable {
            assert!(line.contains(&format!("${name}")) && !line.contains(secret), "{line}");
        }
        assert!(!line.contains("$argon2id"), "{line}");
    }
}

/// A certificate for a name that signs itself, and its key.
fn certificate(name: &str) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    // A shell must not take the path apart.
    let folder = folder().join("a folder");
    std::fs::create_dir_all(&folder).expect("a folder");
    let files = [("tls.crt", made.cert.pem()), ("tls.key", made.signing_key.serialize_pem())];
    files.map(|(file, text)| {
        let path = folder.join(file);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    })
}

/// `--insecure` stands only where nothing secret is sent, and not beyond this machine.
#[test]
fn the_line_works_over_tls_and_a_secret_goes_only_to_who_has_the_certificate() {
    let socket = format!("unix:{}", folder().join("tls.sock").display());
    let token = format!("[auth]\ntoken = \"{TOKEN}\"\n");
    let hosts = |list: &str| format!("{token}[server]\nhosts = [{list}]\n");
    let named = hosts("\"*.example.com\"");
    let (behind, other, own) =
        (hosts("\"[::1]\", \"www.example.com\""), hosts("\"192.0.2.1\""), hosts("\"[::1]\", \"127.0.0.1\""));
    for (bind, certified, configuration, verified) in [
        ("127.0.0.1:0", "anything.example", "", false),
        ("127.0.0.1:0", "localhost", token.as_str(), true),
        ("127.0.0.2:0", "localhost", token.as_str(), true),
        ("127.0.0.1:0", "www.example.com", named.as_str(), true),
        ("0.0.0.0:0", "www.example.com", named.as_str(), true),
        ("127.0.0.1:0", "www.example.com", behind.as_str(), true),
        ("127.0.0.1:0", "localhost", other.as_str(), true),
        ("127.0.0.1:0", "127.0.0.1", own.as_str(), true),
        (socket.as_str(), "anything.example", "", false),
    ] {
        let path = folder().join("neurolink.toml");
        std::fs::write(&path, configuration).expect("written");
        let [cert, key] = certificate(certified);
        let path = path.to_str().expect("UTF-8");
        let variable = verified.then_some(("TOKEN", TOKEN));
        let arguments = ["--config", path, "--bind", bind, "--tls-cert", &cert, "--tls-key", &key];
        let (status, line) = paste(&arguments, variable);
        assert_eq!(status, "200", "{bind}, {certified}\n{line}");
        assert_eq!((line.contains("--cacert"), line.contains("--insecure")), (verified, !verified), "{line}");
    }
}

/// Another server with that name has another certificate.
#[test]
fn the_line_does_not_hand_a_secret_to_another_server() {
    let ([cert, key], [other, _]) = (certificate("localhost"), certificate("localhost"));
    let mut command = neurolink(&["serve", "--port", "0", "--tls-cert", &cert, "--tls-key", &key]);
    let mut serving = Serving::start(command.env("NEUROLINK__AUTH__TOKEN", TOKEN));
    let line = serving.line_with("curl ").replace(&cert, &other);
    let output = Command::new("sh").args(["-c", &format!("{line} --silent")]).env("TOKEN", TOKEN).output();
    assert_eq!(output.expect("a shell").status.code(), Some(60), "the certificate is not verified: {line}");
}

#[cfg(unix)]
#[test]
fn the_line_works_for_a_unix_socket_with_a_blank_in_its_path() {
    let place = format!("unix:{}", folder().join("a b.sock").display());
    let (status, line) = paste(&["--bind", &place], None);
    assert_eq!(status, "200", "{line}");
}

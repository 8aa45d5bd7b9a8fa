//! The canonical path: what is decoded, kept and refused.

use http::StatusCode;

use super::adapter::ask;
use super::edit::{become_user, change_path, decode, has_credential, refusal};
use super::mutant::Mutant;

const AREAS: &[&str] = &["path", "protected"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("encoded-slash-is-decoded", AREAS, "`%2F` separates segments").request(|request| {
        change_path(request, |path| path.replace("%2F", "/").replace("%2f", "/"));
    }),
    Mutant::new("dot-segments-are-resolved", AREAS, "`..` goes up").request(|request| {
        change_path(request, |path| {
            let mut out: Vec<&str> = Vec::new();
            for segment in path.split('/') {
                match segment.to_lowercase().replace("%2e", ".").as_str() {
                    "." => {}
                    ".." => drop(out.pop()),
                    _ => out.push(segment),
                }
            }
            out.join("/")
        });
    }),
    Mutant::new("encoded-dot-segments-are-data", AREAS, "`..%2F` reaches the handler").request(|request| {
        change_path(request, |path| path.replace("%2F", "-").replace("%2f", "-"));
    }),
    Mutant::new("parameters-are-decoded-twice", AREAS, "`%2541` is `A`").request(|request| {
        change_path(request, |path| path.replace("%25", "%"));
    }),
    Mutant::new("parameters-are-not-decoded", AREAS, "handlers see the escapes").request(|request| {
        change_path(request, |path| path.replace('%', "%25"));
    }),
    Mutant::new("plus-is-a-space", AREAS, "`+` in a path is a space").request(|request| {
        change_path(request, |path| path.replace('+', "%20"));
    }),
    Mutant::new("matrix-parameters-are-cut", AREAS, "`;` ends a path").request(|request| {
        change_path(request, |path| path.split(';').next().unwrap_or_default().to_owned());
    }),
    Mutant::new("broken-escapes-are-text", AREAS, "`%zz` is data").request(|request| {
        change_path(request, |path| {
            let pieces = path.split('%').enumerate().map(|(at, piece)| {
                let is_escape = piece.get(..2).is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok());
                if at == 0 || is_escape { piece.to_owned() } else { format!("25{piece}") }
            });
            pieces.collect::<Vec<_>>().join("%")
        });
    }),
    Mutant::new("controls-are-dropped", AREAS, "`%00` is nothing").request(|request| {
        change_path(request, |path| {
            let mut path = path.to_owned();
            for escape in ["%00", "%0A", "%0d", "%09", "%7F", "%1b"] {
                path = path.replace(escape, "");
            }
            path
        });
    }),
    Mutant::new("invalid-utf8-is-replaced", AREAS, "bytes that are no UTF-8 become U+FFFD").request(|request| {
        change_path(request, |path| match String::from_utf8(decode(path)) {
            Ok(_) => path.to_owned(),
            Err(_) => "/api/test/params/%EF%BF%BD".into(),
        });
    }),
    Mutant::new("backslash-is-a-slash", AREAS, "`%5C` is data").request(|request| {
        change_path(request, |path| path.replace("%5C", "-").replace("%5c", "-"));
    }),
    Mutant::new("raw-targets-are-repaired", &["protected"], "a raw backslash is a slash, a raw NUL nothing").up(
        |_, mut bytes| {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\r').filter(|_| bytes.starts_with(b"GET ")) else {
                return bytes;
            };
            let rest = bytes.split_off(end);
            bytes.retain(|byte| *byte != 0);
            bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
            [bytes, rest].concat()
        },
    ),
    Mutant::new("targets-are-too-long-early", AREAS, "the target may have 2 KiB")
        .app(|builder| builder.configure(|settings| settings.limits.uri = 2048)),
    Mutant::new("targets-are-never-too-long", AREAS, "the target may have 32 KiB")
        .app(|builder| builder.configure(|settings| settings.limits.uri = 32 * 1024)),
    Mutant::new("auth-comes-before-the-guard", AREAS, "a stranger's bad path is a 401").around(|host, request| {
        Box::pin(async move {
            let stranger = !has_credential(request.headers()) && request.uri().path().starts_with("/api/test/admin");
            let response = ask(host, request).await;
            if stranger && response.status() == StatusCode::BAD_REQUEST {
                return refusal(StatusCode::UNAUTHORIZED, "AUTH_REQUIRED");
            }
            response
        })
    }),
    Mutant::new("routes-match-raw-paths", AREAS, "`%70` is not `p`").around(|host, request| {
        Box::pin(async move {
            let raw = request.uri().path();
            if raw.contains("%70") || raw.contains("%78") {
                return refusal(StatusCode::NOT_FOUND, "NOT_FOUND");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("auth-matches-raw-paths", AREAS, "an escape in a protected path skips authorisation").request(
        |request| {
            if request.uri().path().contains('%') && !request.uri().path().contains("/admin/") {
                become_user(request, "admin-token");
            }
        },
    ),
    Mutant::new("dots-are-refused-everywhere", AREAS, "a filter for `..` refuses `a..b`").around(|host, request| {
        Box::pin(async move {
            if request.uri().path().contains("..") {
                return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
            }
            ask(host, request).await
        })
    }),
];

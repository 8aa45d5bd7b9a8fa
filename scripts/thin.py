#!/usr/bin/env python3
"""Adapters translate and decide nothing: their mounting code is short, has no words of decisions, and pulls no heavy tree.

What it looks for is planted first, each time: a check that cannot fail proves nothing.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ADAPTERS = ["axum", "actix", "warp", "poem"]
# Files by purpose, and the most lines of code that each may have: modules and names, mounting an
# app, protecting native routes, a server with the app beside native routes, one connection of it,
# and the HTTP of one whose framework leaves that to us.
PARTS = {
    "declaring": ({"lib.rs"}, 20),
    "mounting": ({"mount.rs", "convert.rs"}, 150),
    "protecting": ({"protect.rs", "fact.rs", "native.rs"}, 250),
    "serving": ({"serve.rs", "service.rs"}, 200),
    "connecting": ({"connection.rs"}, 100),
    "speaking": ({"http2.rs", "shared.rs"}, 200),
}
# What an adapter does not speak of, by kind of decision; in capitals or without.
WORDS = {
    "path": r"\.path\(\)|starts_with\(|ends_with\(|strip_prefix\(|strip_suffix\(|percent_|\"/",
    "auth": r"authorization|www-authenticate|www_authenticate|cookie|bearer|api[-_]key\b|unauthorized|forbidden",
    "limit": r"rate-?limit|retry[-_]after|too_?many|payload_?too_?large|content_length_limit",
    "error": r"(?-i:StatusCode::[A-Z])|HttpResponse::(?!new\b|from\b)\w|\bError(NotFound|MethodNotAllowed|RequestTimeout)\b|\bCode::|\bError::new|\bError::internal|\"error\"|application/(problem\+)?json",
    "refusal": r"(?-i:Method::[A-Z])|reject::(not_found|custom)\b|\bErrorBadRequest\b",
    "origin": r"x[-_]forwarded|\bforwarded\b|access-control|access_control|header::ORIGIN\b",
}
# Lines that have such a word and decide nothing: of each file how many, and what they do.
ALLOWED = {
    ("adapter-actix/src/convert.rs", "refusal"): (9, "what http 0.2 takes and http 1 does not; whether an answer is one to HEAD"),
    ("adapter-actix/src/http2.rs", "refusal"): (3, "what http 1 takes and http 0.2 does not; whether an answer is one to HEAD"),
    ("adapter-warp/src/fact.rs", "refusal"): (1, "a fact that the stack did not leave"),
    ("adapter-warp/src/mount.rs", "refusal"): (2, "a target that warp's parts do not make, and one without a path, at which warp panics"),
}
# A line of each alternative, to be found.
PLANTED = {
    "path": ['if request.uri().path().is_empty() {}', 'p.starts_with("a")', 'p.ends_with("a")', 'p.strip_prefix("a")',
             'p.strip_suffix("a")', "percent_decode(p)", 'route("/health")'],
    "auth": ["headers.get(header::AUTHORIZATION)", '"www-authenticate"', "header::WWW_AUTHENTICATE", "header::COOKIE",
             '"Bearer "', '"x-api-key"', '"api_key"', "HttpResponse::Unauthorized()", "StatusCode::FORBIDDEN"],
    "limit": ["RateLimit::fixed_window(1, S)", '"x-rate-limit"', '"retry-after"', "header::RETRY_AFTER",
              "StatusCode::TOO_MANY_REQUESTS", "ErrorTooManyRequests(e)", "HttpResponse::PayloadTooLarge()",
              "StatusCode::PAYLOAD_TOO_LARGE", "content_length_limit(1)"],
    "error": ["StatusCode::NOT_FOUND", "HttpResponse::NotFound()", "ErrorNotFound(e)", "ErrorMethodNotAllowed(e)", "ErrorRequestTimeout(e)",
              "Code::NotFound", "Error::new(code)", "Error::internal(e)", 'json!({ "error": 1 })', '"application/json"', '"application/problem+json"'],
    "refusal": ["request.method() == Method::CONNECT", "warp::reject::not_found()", "warp::reject::custom(Missing)", "ErrorBadRequest(e)"],
    "origin": ['"x-forwarded-for"', "header::X_FORWARDED_FOR", "header::FORWARDED", '"access-control-allow-origin"', "header::ACCESS_CONTROL_MAX_AGE", "header::ORIGIN"],
}
# Crates of a heavy tree.
HEAVY = {"jsonwebtoken", "jsonschema", "figment", "tungstenite", "tokio-tungstenite", "redis"}
NOT_IN_CORE = HEAVY - {"jsonwebtoken"} | {"axum", "actix-web", "actix-http", "warp", "poem", "hyper", "hyper-util", "rustls"}
# Each by name once more, to be found: one that is gone from the sets above is missed.
PLANTED_CRATES = {
    "adapters": ["jsonwebtoken", "jsonschema", "figment", "tungstenite", "tokio-tungstenite", "redis"],
    "core": ["jsonschema", "figment", "tungstenite", "tokio-tungstenite", "redis", "axum", "actix-web", "actix-http", "warp", "poem",
             "hyper", "hyper-util", "rustls"],
}
# Which packages of ours each may depend on; arrows go downwards only.
BELOW_ADAPTERS = {"neurolink-core", "neurolink-serve"}
ARROWS = {
    "neurolink-core": set(),
    "neurolink-serve": {"neurolink-core"},
    "neurolink-routes": {"neurolink-core"},
    "neurolink-redis": {"neurolink-core"},
    "neurolink-jwks": {"neurolink-core"},
    # It makes what it names; the two are optional, and only where a store or a provider may be named.
    "neurolink-config": {"neurolink-core", "neurolink-redis", "neurolink-jwks"},
    "neurolink-conformance": {"neurolink-core", "neurolink-serve", "neurolink-routes", "neurolink-config"},
    **{f"neurolink-{name}": BELOW_ADAPTERS for name in ADAPTERS},
}
# What puts the others together, and may depend on any of them.
ON_TOP = {"neurolink", "neurolink-cli", "neurolink-benches", "neurolink-core-cost"}


def code(path: pathlib.Path) -> list:
    """Numbered lines that are neither blank nor comment nor test."""
    text = path.read_text().split("#[cfg(test)]")[0]
    lines = [(number, re.split(r"(?<!:)//", line)[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in lines if line]


def sources(folder: pathlib.Path) -> tuple:
    """Lines of each part, and what is wrong with an adapter's sources."""
    problems, counts = [], {}
    paths = sorted(folder.rglob("*.rs"))
    for part, (files, most) in PARTS.items():
        counts[part] = sum(len(code(path)) for path in paths if path.name in files)
        if counts[part] > most:
            problems.append(f"{folder}: {counts[part]} lines of {part}, at most {most}")
    problems += [f"{path}: ALLOWED has it, and it is gone" for path, _ in ALLOWED
                 if path.startswith(f"{folder}/") and pathlib.Path(path) not in paths]
    known = set().union(*(files for files, _ in PARTS.values()))
    problems += [f"{path}: what is it for? name it in PARTS" for path in paths if path.name not in known]
    for path in paths:
        for kind, words in WORDS.items():
            found = [f"{path}:{number}: a decision ({kind}) belongs into the core: {line}" for number, line in code(path) if re.search(words, line, re.I)]
            allowed, _ = ALLOWED.get((str(path), kind), (0, ""))
            if len(found) > allowed:
                problems += found
            elif len(found) < allowed:
                problems.append(f"{path}: it has {len(found)} lines of {kind}, and ALLOWED {allowed}")
    return counts, problems


def trees(crates_of: dict) -> list:
    """What is wrong with the crates that packages pull in."""
    problems = [f"neurolink-{name} depends on {crate}" for name in ADAPTERS for crate in sorted(HEAVY & crates_of[f"neurolink-{name}"])]
    return problems + [f"neurolink-core depends on {crate}" for crate in sorted(NOT_IN_CORE & crates_of["neurolink-core"])]


def arrows(depends: dict) -> list:
    """Packages of ours that depend on one that is not below them, or whose place nobody has named."""
    unknown = [f"{package}: what is below it? name it in ARROWS or ON_TOP" for package in sorted(depends.keys() - ARROWS.keys() - ON_TOP)]
    return unknown + [f"{package} depends on {other}, which is not below it"
                      for package, below in ARROWS.items() for other in sorted(depends[package] - below)]


def crates(package: str) -> set:
    """Everything a package can pull in."""
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "-p", package, "--all-features", "-e", "normal", "--prefix", "none", "--format", "{p}"],
        capture_output=True, text=True, check=True,
    ).stdout
    return {line.split()[0] for line in tree.splitlines() if line.strip()}


def workspace() -> dict:
    """Our packages, each with those of ours that it depends on, optional ones too."""
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], capture_output=True, text=True, check=True,
    ).stdout
    packages = json.loads(metadata)["packages"]
    return {package["name"]: {one["name"] for one in package["dependencies"] if one["kind"] is None and one["name"].startswith("neurolink")}
            for package in packages}


def unnoticed() -> list:
    """What was planted and not found."""
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        clean = pathlib.Path("adapter-axum/src")
        def planted(file: str, text: str, problem: str = "") -> bool:
            copy = pathlib.Path(folder) / "src"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(clean, copy)
            with (copy / file).open("a") as out:
                out.write(text)
            return any(problem in found for found in sources(copy)[1])
        if planted("mount.rs", "\n// starts_with( in a comment, and http://localhost\n"):
            missing.append("a comment is taken for code")
        for kind, lines in PLANTED.items():
            missing += [f"a word of {kind} is not found: {line}" for line in lines
                        if not planted("mount.rs", f"\n{line}\n", f"a decision ({kind})")]
        for part, (files, most) in PARTS.items():
            if not planted(sorted(files)[0], "\nlet x = 1;" * (most + 1), f"lines of {part}"):
                missing.append(f"{most + 1} lines more of {part} are not found")
        if not planted("more.rs", "\nlet x = 1;\n"):
            missing.append("a file of no known purpose is not found")
    for name in [f"neurolink-{name}" for name in ADAPTERS] + ["neurolink-core"]:
        for crate in PLANTED_CRATES["core" if name == "neurolink-core" else "adapters"]:
            trees_of = {f"neurolink-{other}": set() for other in [*ADAPTERS, "core"]} | {name: {crate}}
            if not trees(trees_of):
                missing.append(f"{crate} in the tree of {name} is not found")
    for package in ARROWS:
        if not arrows({other: {"neurolink-cli"} if other == package else set() for other in ARROWS}):
            missing.append(f"an arrow upwards from {package} is not found")
    if not arrows({package: set() for package in [*ARROWS, "neurolink-new"]}):
        missing.append("a package that ARROWS does not name is not found")
    return missing


def main() -> int:
    problems = [f"scripts/thin.py: {text}" for text in unnoticed()]
    for name in ADAPTERS:
        counts, found = sources(pathlib.Path(f"adapter-{name}/src"))
        print(f"{name:6} lines of code: {', '.join(f'{part} {lines:4}' for part, lines in counts.items())}")
        problems += found
    crates_of = {package: crates(package) for package in [*(f"neurolink-{name}" for name in ADAPTERS), "neurolink-core"]}
    print(f"crates: {', '.join(f'{package} {len(found)}' for package, found in crates_of.items())}")
    problems += trees(crates_of) + arrows(workspace())
    print("\n".join(problems))
    return 1 if problems else 0


sys.exit(main())

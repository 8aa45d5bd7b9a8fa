#!/usr/bin/env python3
"""Adapters translate and decide nothing: their mounting code is short, has no words of decisions, and pulls no heavy tree."""
import pathlib
import re
import subprocess
import sys

ADAPTERS = ["axum", "actix", "warp", "poem"]
# Files by purpose, and the most lines of code that each may have: modules and names, mounting an
# app, protecting native routes, a server with the app beside native routes, and the HTTP of one
# whose framework leaves that to us.
PARTS = {
    "declaring": ({"lib.rs"}, 20),
    "mounting": ({"mount.rs", "convert.rs"}, 150),
    "protecting": ({"protect.rs", "fact.rs", "native.rs"}, 250),
    "serving": ({"serve.rs", "service.rs"}, 200),
    "speaking": ({"http2.rs", "shared.rs"}, 200),
}
# What an adapter's mounting code must not speak of.
WORDS = re.compile(
    r"starts_with\(|ends_with\(|x-forwarded|ratelimit|access-control-|AUTHORIZATION|www-authenticate"
    r"|StatusCode::(NOT_FOUND|UNAUTHORIZED|FORBIDDEN|METHOD_NOT_ALLOWED|PAYLOAD_TOO_LARGE|TOO_MANY|INTERNAL)",
    re.I,
)
HEAVY = ["jsonwebtoken", "jsonschema", "figment", "tungstenite", "tokio-tungstenite", "redis"]


def code_lines(path: pathlib.Path) -> int:
    """Lines that are neither blank nor comment nor test."""
    text = path.read_text().split("#[cfg(test)]")[0]
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("//"))


def main() -> int:
    problems = []
    for name in ADAPTERS:
        folder = pathlib.Path(f"adapter-{name}/src")
        counts = []
        for part, (files, most) in PARTS.items():
            lines = sum(code_lines(path) for path in folder.rglob("*.rs") if path.name in files)
            counts.append(f"{part} {lines:4}")
            if lines > most:
                problems.append(f"adapter-{name}: {lines} lines of {part}, at most {most}")
        print(f"{name:6} lines of code: {', '.join(counts)}")
        known = set().union(*(files for files, _ in PARTS.values()))
        problems += [f"{path}: what is it for? name it in PARTS" for path in folder.rglob("*.rs") if path.name not in known]
        for path in folder.rglob("*.rs"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if WORDS.search(line.split("//")[0]):
                    problems.append(f"{path}:{number}: a decision belongs into the core: {line.strip()}")
        tree = subprocess.run(
            ["cargo", "tree", "--locked", "-p", f"neurolink-{name}", "-e", "normal", "--prefix", "none", "--format", "{p}"],
            capture_output=True, text=True, check=True,
        ).stdout
        crates = {line.split()[0] for line in tree.splitlines() if line.strip()}
        problems += [f"neurolink-{name} depends on {heavy}" for heavy in HEAVY if heavy in crates]
    core = subprocess.run(
        ["cargo", "tree", "--locked", "-p", "neurolink-core", "-e", "normal", "--prefix", "none", "--format", "{p}"],
        capture_output=True, text=True, check=True,
    ).stdout
    frameworks = {"axum", "actix-web", "warp", "poem", "hyper"}
    problems += [f"neurolink-core depends on {crate}" for crate in frameworks & {l.split()[0] for l in core.splitlines() if l.strip()}]
    print("\n".join(problems))
    return 1 if problems else 0


sys.exit(main())

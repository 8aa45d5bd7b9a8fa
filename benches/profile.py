#!/usr/bin/env python3
"""Shows where the instructions of one request go, ours mounted beside the framework's usual crates, and writes docs/performance.md.

    benches/profile.py                          GET and POST on each framework, about two minutes
    benches/profile.py --framework actix --load GET   prints only

Counted by callgrind over some hundred requests on one connection, in the server's own process: what the kernel does is not in it.
valgrind has no SHA instructions, so that a verified token looks dearer than it is, on both sides alike.
"""
import argparse
import collections
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import loading

PAGE = loading.ROOT / "docs/performance.md"
LOADS = ["GET", "POST 1 KB"]
FRAMEWORKS = ["axum", "actix", "warp", "poem"]
KINDS = {"usual": "usual crates", "mounted": "ours, mounted"}
REQUESTS = 300
# Rows of a table; what is less is one.
ROWS = 14

# What C functions are called by, and the crates that are shown together.
GROUPS = [
    (r"mem(cpy|move|set|cmp|chr)|__memcpy|__memmove|__memset|__memcmp", "copies and comparisons of bytes"),
    (r"malloc|free|realloc|calloc|consolidate|__rust_|__rdl_", "allocator"),
    (r"clock_gettime|vdso", "clock"),
    (r"sha2|hmac|digest|subtle|jsonwebtoken|base64|signature", "tokens: jsonwebtoken and below"),
    (r"serde|itoa|ryu|zmij", "serde_json"),
    (r"actix|awc|local_channel", "actix"),
    (r"hyper|httparse|h2::", "hyper"),
    (r"tokio|mio::", "tokio"),
    (r"tower", "tower"),
    (r"axum", "axum"),
    (r"warp", "warp"),
    (r"poem", "poem"),
    (r"governor|dashmap|quanta|nonzero_ext", "governor"),
    (r"http::|http_body", "http"),
    (r"bytes::", "bytes"),
    (r"bench_server", "handlers of the bench"),
]
OWN = r"neurolink_(core|serve|routes|config|axum|actix|warp|poem)"


def group(name: str) -> str:
    own = re.search(OWN, name.split(" as ")[0])
    if own:
        return f"neurolink-{own.group(1)}"
    return next((shown for pattern, shown in GROUPS if re.search(pattern, name)), "the standard library and others")


def ask(connection: socket.socket, request: bytes, count: int) -> None:
    for _ in range(count):
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.split(b" ")[1] == b"200", head
        length = int(re.search(rb"content-length: *(\d+)", head, re.I).group(1))
        while len(body) < length:
            body += connection.recv(65536)


def written(folder: pathlib.Path) -> pathlib.Path:
    """The dump, once it is whole: callgrind writes it while the server goes on, and its sums last."""
    for _ in range(600):
        for dump in folder.glob("callgrind.out*"):
            if "\ntotals:" in dump.read_text():
                return dump
        time.sleep(0.1)
    raise SystemExit("callgrind wrote no dump within a minute")


def counted(kind: str, framework: str, load: str) -> collections.Counter:
    """The instructions of a request by group."""
    method, path, body, *_ = loading.LOADS[load]
    port = loading.free_port()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        server = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--instr-atstart=no", loading.binary(), kind, framework, str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            connection = None
            while connection is None and server.poll() is None:
                try:
                    connection = socket.create_connection(("127.0.0.1", port))
                except OSError:
                    time.sleep(0.1)
            head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {loading.token()}", f"Origin: {loading.ORIGIN}"]
            if body:
                head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            request = ("\r\n".join(head) + "\r\n\r\n" + (body or "")).encode()
            ask(connection, request, 50)
            subprocess.run(["callgrind_control", "-i", "on", str(server.pid)], stdout=subprocess.DEVNULL, check=True)
            ask(connection, request, REQUESTS)
            subprocess.run(["callgrind_control", "-d", str(server.pid)], stdout=subprocess.DEVNULL, check=True)
            dumped = written(pathlib.Path(folder))
        finally:
            server.kill()
            server.wait()
        lines = subprocess.run(["callgrind_annotate", "--show-percs=no", "--threshold=100", dumped], capture_output=True, text=True, check=True).stdout
    found = collections.Counter()
    for instructions, name in re.findall(r"^\s*([\d,]+)\s+(\S+:.*?)(?: \[|$)", lines, flags=re.M):
        found[group(name)] += int(instructions.replace(",", "")) / REQUESTS
    return found


def table(load: str, costs: dict) -> list:
    """Lines of a table: a row for each group, a column for each server."""
    names = collections.Counter()
    for one in costs.values():
        names |= one
    shown = [name for name, _ in names.most_common(ROWS)]
    head = [load, *(f"{framework}, {KINDS[kind]}" for framework, kind in costs)]
    lines = [[name, *(f"{one[name]:,.0f}" for one in costs.values())] for name in shown]
    lines.append(["others", *(f"{sum(value for name, value in one.items() if name not in shown):,.0f}" for one in costs.values())])
    lines.append(["in all", *(f"{sum(one.values()):,.0f}" for one in costs.values())])
    return [head, ["---"] + ["---:"] * len(costs), *lines]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS)
    parser.add_argument("--load", action="append", choices=LOADS)
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("valgrind is missing; install it with: sudo apt-get install -y valgrind", file=sys.stderr)
        return 2
    loading.build()
    parts = []
    for load in options.load or LOADS:
        costs = {(framework, kind): counted(kind, framework, load) for framework in options.framework or FRAMEWORKS for kind in KINDS}
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in table(load, costs)))
        print(parts[-1], flush=True)
    if not options.framework and not options.load:
        made = "<!-- profile -->\n" + "\n\n".join(parts) + "\n<!-- /profile -->"
        page = PAGE.read_text()
        PAGE.write_text(re.sub(r"<!-- profile -->.*<!-- /profile -->", lambda _: made, page, flags=re.S))
        print(f"wrote {PAGE.relative_to(loading.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

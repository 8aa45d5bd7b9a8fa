#!/usr/bin/env python3
"""How long `neurolink serve` takes to its first 200, and how much memory it holds when idle; fails at the limits and above.

    benches/startup.py [--runs 7] [--framework axum ...]

A megabyte is 1,000,000 bytes; the kernel's kB of VmRSS are 1,024 each.
What runs is a copy, as of who installs it: of one the kernel maps more at a time than of the file
that the linker wrote.
"""
import argparse
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/neurolink"
MOST_MS, MOST_BYTES = 50, 12_000_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def measure(binary: pathlib.Path, framework: str) -> tuple:
    port = free_port()
    start = time.perf_counter()
    server = subprocess.Popen(
        [binary, "serve", "--framework", framework, "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port):
            if time.perf_counter() - start > 10 or server.poll() is not None:
                raise SystemExit(f"{framework}: the server did not answer")
            time.sleep(0.001)
        first = (time.perf_counter() - start) * 1000
        time.sleep(0.3)  # idle
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        return first, int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024
    finally:
        server.terminate()
        server.wait(10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--framework", action="append", choices=["axum", "actix", "warp", "poem"])
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--locked", "--workspace", "--all-features", "--bin", "neurolink"], cwd=ROOT, check=True)
    failed = False
    folder = tempfile.TemporaryDirectory()
    binary = pathlib.Path(shutil.copy(BINARY, folder.name))
    for framework in options.framework or ["axum", "actix", "warp", "poem"]:
        measured = [measure(binary, framework) for _ in range(options.runs)]
        milliseconds = statistics.median(first for first, _ in measured)
        memory = max(held for _, held in measured)
        bad = milliseconds >= MOST_MS or memory >= MOST_BYTES
        failed |= bad
        print(f"{framework:6} first 200 after {milliseconds:5.1f} ms (median of {options.runs}), idle {memory / 1e6:5.2f} MB (largest){'  TOO MUCH' if bad else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

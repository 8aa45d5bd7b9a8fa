#!/usr/bin/env python3
"""A flood of a million addresses against a server with a limit: its memory, who stays refused, and what others notice.

    benches/flood.py [--framework axum] [--rounds 7] [--addresses 1000000]

Memory: an address is over its limit; then so many addresses ask once each, through the header of a trusted proxy, and
directly from 127.0.0.0/8. The server may grow by 12 MB with its default capacity, and by 64 MB with one of a million; the
first address is refused as before.

Honest client: it asks 200 times a second, while the flood goes on, first of many addresses and then of one at the same
rate of its connections, in alternating rounds. The median of the rounds' ratios of its p99 may be 1.5 at most.

The server has one core, and all clients the other; as root, the honest client goes before the flood there, so that
what is measured is the server. A megabyte is 1,000,000 bytes. Ends with 1 when a figure is missed: it wants a quiet machine.
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
import time

import loading

RELEASE = loading.folder("release")
FRAMEWORKS = ["axum", "actix", "warp", "poem"]
SECONDS = 6
NEVER = "4000000000/1h"  # the same work for every request of a round: none is refused
MOST_RATIO = 1.5


class Server:
    """`neurolink serve` with a limit by address, on the first core."""

    def __init__(self, framework: str, limit: str, capacity: int, trusted: bool):
        self.port = loading.free_port()
        environment = {"NEUROLINK__RATE_LIMIT__LIMIT": limit, "NEUROLINK__RATE_LIMIT__CAPACITY": str(capacity)}
        if trusted:
            environment["NEUROLINK__PROXIES__TRUSTED"] = "127.0.0.1/32"
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", RELEASE / "neurolink", "serve", "--framework", framework, "--port", str(self.port)],
            env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                return
            except OSError:
                time.sleep(0.01)
        self.end()
        raise SystemExit(f"{framework}: the server does not start")

    def resident(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def status(self, address: str, trusted: bool) -> int:
        """The status of one request from an address."""
        source = ("127.0.0.1", 0) if trusted else (address, 0)
        with socket.create_connection(("127.0.0.1", self.port), 5, source_address=source) as connection:
            forwarded = f"X-Forwarded-For: {address}\r\n" if trusted else ""
            connection.sendall(f"GET /api/version HTTP/1.1\r\nHost: localhost\r\n{forwarded}Connection: close\r\n\r\n".encode())
            return int(connection.recv(4096).split()[1])

    def end(self):
        self.process.kill()
        self.process.wait()


def client(*arguments, first: bool = False) -> subprocess.Popen:
    command = ["taskset", "-c", "1", RELEASE / "bench-flood", *map(str, arguments)]
    if first and os.geteuid() == 0 and shutil.which("chrt"):
        command = ["chrt", "-f", "1", *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen) -> list:
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit("a client failed")
    return [int(number) for number in text.split()]


def memory(framework: str, addresses: int) -> list:
    missed = []
    for source in ["header", "direct"]:
        for capacity, most in [(100_000, 12), (1_000_000, 64)]:
            trusted = source == "header"
            server = Server(framework, "5/1h", capacity, trusted)
            try:
                # What every server takes once, such as its buffers, is not the limit's.
                output(client(source, server.port, 0, 1000))
                greedy = "10.255.255.254" if trusted else "127.255.255.254"
                before = [server.status(greedy, trusted) for _ in range(7)]
                begin = server.resident()
                good, other = output(client(source, server.port, 1000, addresses))
                grown = (server.resident() - begin) / 1e6
                after = server.status(greedy, trusted)
            finally:
                server.end()
            bad = grown >= most or after != 429 or other or before != [200] * 5 + [429] * 2
            print(f"{framework:6} {source:7} capacity {capacity:9,}: {good:,} addresses, grown by {grown:5.1f} MB (< {most}), "
                  f"who was over the limit gets {after}  {'MISSED' if bad else 'ok'}", flush=True)
            missed += [f"{source} {capacity}"] * bool(bad)
    return missed


def honest(framework: str, rounds: int) -> list:
    server = Server(framework, NEVER, 100_000, True)
    ratios, used, quiet = [], 1000, 0
    try:
        output(client("header", server.port, 0, 1000))
        quiet = output(client("honest", server.port, 2, first=True))[1]
        for number in range(rounds):
            p99 = {}
            for kind in ["header", "one"] if number % 2 else ["one", "header"]:
                flood = client(kind, server.port, used % 15_000_000, 10_000_000)
                time.sleep(0.5)
                p99[kind] = output(client("honest", server.port, SECONDS, first=True))[1]
                if flood.poll() is not None:
                    raise SystemExit("the flood ended before the honest client")
                flood.kill()
                flood.wait()
                used += 1_000_000 if kind == "header" else 0
            ratios.append(p99["header"] / p99["one"])
            print(f"{framework:6} round {number + 1}: p99 {p99['header']:,} us among many addresses, {p99['one']:,} us beside one", flush=True)
    finally:
        server.end()
    median = statistics.median(ratios)
    bad = median > MOST_RATIO
    print(f"{framework:6} p99 of the honest client: {median:.2f} times (<= {MOST_RATIO}), without a flood {quiet:,} us  {'MISSED' if bad else 'ok'}")
    return ["p99"] * bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", nargs="*", default=["axum"], choices=FRAMEWORKS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    arguments = parser.parse_args()
    subprocess.run(
        ["cargo", "build", "--release", "--workspace", "--all-features", "--locked", "--quiet", "--bin", "neurolink", "--bin", "bench-flood"],
        cwd=loading.ROOT, check=True,
    )
    missed = []
    for framework in arguments.framework:
        missed += memory(framework, arguments.addresses)
        missed += honest(framework, arguments.rounds)
    return 1 if missed else 0


sys.exit(main())

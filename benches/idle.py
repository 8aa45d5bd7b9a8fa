#!/usr/bin/env python3
"""Thousands of connections that ask nothing, and some that send their head for ever: what others notice of them.

    benches/idle.py [--framework axum ...] [--idle 5000] [--slow 500]

5,000 connections have had an answer and are kept open; 500 send a byte of their head each second. Beside them one
client asks 200 times a second, first alone and then among them: its p99 may be 1.5 times what it was, and a
millisecond. Each slow one is closed when its time for a head is over, with 408 before; the idle ones are still there.
The server has one core and the clients the other. Ends with 1 when a figure is missed.
"""
import argparse
import os
import pathlib
import re
import resource
import selectors
import socket
import subprocess
import sys
import time

import loading

RELEASE = loading.folder("release")
FRAMEWORKS = ["axum", "actix", "warp", "poem"]
HEAD_SECONDS, LATE_SECONDS = 5, 1.5
ASK = b"GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n"


def start(framework: str, port: int) -> subprocess.Popen:
    environment = {"NEUROLINK__TIMEOUT__HEAD": f"{HEAD_SECONDS}s", "NEUROLINK__TIMEOUT__KEEP_ALIVE": "2m"}
    server = subprocess.Popen(
        ["taskset", "-c", "0", RELEASE / "neurolink", "serve", "--framework", framework, "--port", str(port)],
        env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return server
        except OSError:
            time.sleep(0.01)
    server.kill()
    raise SystemExit(f"{framework}: the server does not start")


def honest(port: int, seconds: int) -> tuple:
    command = ["taskset", "-c", "1", RELEASE / "bench-flood", "honest", str(port), str(seconds)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit("the honest client failed")
    return tuple(int(number) for number in run.stdout.split())


def connected(port: int, text: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(text)
    return connection


def drip(connections: list, seconds: float) -> dict:
    """Sends a byte of each head every second; when each one was closed, and what it had got."""
    selector = selectors.DefaultSelector()
    ends, got = {}, {}
    for connection, _ in connections:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
    since = dict(connections)
    until, due = time.monotonic() + seconds, time.monotonic() + 1
    while time.monotonic() < until and len(ends) < len(connections):
        for key, _ in selector.select(0.05):
            try:
                text = key.fileobj.recv(4096)
            except ConnectionResetError:
                text = b""
            got[key.fileobj] = got.get(key.fileobj, b"") + text
            if not text:
                ends[key.fileobj] = time.monotonic() - since[key.fileobj]
                selector.unregister(key.fileobj)
        if time.monotonic() >= due:
            due += 1
            for connection, _ in connections:
                if connection not in ends:
                    try:
                        connection.send(b"x")
                    except OSError:
                        pass
    return {connection: (ends.get(connection), got.get(connection, b"")) for connection, _ in connections}


def measure(framework: str, arguments) -> bool:
    port = loading.free_port()
    server = start(framework, port)
    try:
        honest(port, 1)
        alone = honest(port, 5)
        idle = []
        for _ in range(arguments.idle):
            connection = connected(port, ASK)
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{framework}: a connection had no 200")
            idle.append(connection)
        slow = [(connected(port, b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nX-Slow: "), time.monotonic()) for _ in range(arguments.slow)]
        asking = subprocess.Popen(
            ["taskset", "-c", "1", RELEASE / "bench-flood", "honest", str(port), "5"], stdout=subprocess.PIPE, text=True)
        closed = drip(slow, HEAD_SECONDS + 10)
        among = tuple(int(number) for number in asking.communicate()[0].split())
        times = [end for end, _ in closed.values() if end is not None]
        told = sum(got.startswith(b"HTTP/1.1 408") for _, got in closed.values())
        alive = 0
        for connection in idle:
            connection.sendall(ASK)
            alive += connection.recv(4096).startswith(b"HTTP/1.1 200")
        resident = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text()).group(1)) * 1024 / 1e6
        bad = (
            among[1] > alone[1] * 1.5 + 1000 or len(times) != len(slow) or told != len(slow)
            or min(times) < HEAD_SECONDS - 0.5 or max(times) > HEAD_SECONDS + LATE_SECONDS or alive != len(idle)
        )
        print(f"{framework:6} p99 {alone[1]:,} us alone, {among[1]:,} us among {len(idle):,} idle and {len(slow)} slow; "
              f"{len(times)} slow ones closed after {min(times, default=0):.1f} to {max(times, default=0):.1f} s, {told} with 408; "
              f"{alive:,} idle ones still answered; {resident:.0f} MB resident  {'MISSED' if bad else 'ok'}", flush=True)
        for connection in [*idle, *(connection for connection, _ in slow)]:
            connection.close()
        return bad
    finally:
        server.kill()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", nargs="*", default=FRAMEWORKS, choices=FRAMEWORKS)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--slow", type=int, default=500)
    arguments = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = arguments.idle + arguments.slow + 200
    if most < wanted:
        arguments.idle = max(most - arguments.slow - 200, 0)
        print(f"a process may have {most:,} files open: {arguments.idle:,} idle connections", file=sys.stderr)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    subprocess.run(
        ["cargo", "build", "--release", "--workspace", "--all-features", "--locked", "--quiet", "--bin", "neurolink", "--bin", "bench-flood"],
        cwd=loading.ROOT, check=True,
    )
    return 1 if sum(measure(framework, arguments) for framework in arguments.framework) else 0


sys.exit(main())

#!/usr/bin/env python3
"""200 clients that guess passwords at one time, each from an address of its own: what others notice of them.

    benches/passwords.py [--framework axum ...] [--seconds 20]

A server with names and passwords (argon2id, 19 MiB) behind a trusted proxy. 200 connections send wrong passwords without a
pause, each time of another name and from another address, so that neither a limit of failures nor a lockout stops them. Meanwhile `GET /api/health` has to
answer within 50 ms, a user who has signed in before within 2 s, at p99 and always with 200, and the server may grow by what
its hashes need, and 16 MB. The same holds for a user who logs in from an address where the name came in before, which costs
a hash each time. A megabyte is 1,000,000 bytes. Ends with 1 when a figure is missed: it wants a quiet machine.
"""
import argparse
import base64
import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import loading

RELEASE = loading.folder("release")
FRAMEWORKS = ["axum", "actix", "warp", "poem"]
GUESSERS, HASH_MB, MORE_MB = 200, 19 * 1.048576, 16
HEALTH_MS, LOGIN_MS = 50, 2000
RIGHT = "correct horse battery staple"


def start(framework: str, folder: str) -> tuple:
    made = subprocess.run([RELEASE / "neurolink", "password"], input=RIGHT, capture_output=True, text=True, check=True)
    config = pathlib.Path(folder) / "neurolink.toml"
    config.write_text(
        f'[auth]\npasswords = [{{ name = "ada", hash = "{made.stdout.strip()}", user = "ada" }}]\n'
        f'[auth.login]\nsecret = "{"of-this-bench-alone-" * 3}"\nbasic = true\n'
        '[proxies]\ntrusted = ["127.0.0.1/32"]\n'
    )
    config.chmod(0o600)
    port = loading.free_port()
    server = subprocess.Popen(
        [RELEASE / "neurolink", "serve", "--framework", framework, "--port", str(port), "--config", config],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return server, port
        except OSError:
            time.sleep(0.01)
    server.kill()
    raise SystemExit(f"{framework}: the server does not start")


def request(path: str, address: str, password: str = None, name: str = "ada") -> bytes:
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode() if password else None
    authorization = f"Authorization: Basic {credentials}\r\n" if credentials else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n{authorization}\r\n".encode()


def login(address: str) -> bytes:
    body = json.dumps({"username": "ada", "password": RIGHT})
    head = f"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nContent-Type: application/json"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def ask(connection: socket.socket, text: bytes) -> int:
    connection.sendall(text)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        answer += piece
    head, body = answer.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"content-length: *(\d+)", head, re.I).group(1))
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1])


class Guessers:
    def __init__(self, port: int):
        self.running, self.statuses, self.numbers = True, {}, itertools.count()
        self.threads = [threading.Thread(target=self.guess, args=(port,), daemon=True) for _ in range(GUESSERS)]
        for thread in self.threads:
            thread.start()

    def guess(self, port: int):
        connection = socket.create_connection(("127.0.0.1", port), 10)
        while self.running:
            number = next(self.numbers)
            status = ask(connection, request("/api/version", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "wrong", f"name-{number}"))
            self.statuses[status] = self.statuses.get(status, 0) + 1
            # Who is refused at once is back at once: not so fast that the clients need more than their core.
            time.sleep(0.02)

    def end(self):
        self.running = False
        for thread in self.threads:
            thread.join(10)


def timed(port: int, text: bytes, pause: float, until: float, found: list):
    connection = socket.create_connection(("127.0.0.1", port), 10)
    while time.monotonic() < until:
        begun = time.perf_counter()
        status = ask(connection, text)
        found.append(((time.perf_counter() - begun) * 1000, status))
        time.sleep(pause)


def p99(found: list) -> float:
    took = sorted(took for took, _ in found)
    return took[len(took) * 99 // 100]


def resident(server) -> float:
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) * 1024 / 1e6


def measure(framework: str, seconds: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        server, port = start(framework, folder)
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                # Whoever signs in again and again has done so before, and some hashes are the least a server needs.
                if ask(connection, request("/api/version", "192.0.2.1", RIGHT)) != 200:
                    raise SystemExit(f"{framework}: the right password is refused")
                if ask(connection, login("192.0.2.3")) != 200:
                    raise SystemExit(f"{framework}: the login is refused")
            before = resident(server)
            guessers = Guessers(port)
            time.sleep(1)
            until = time.monotonic() + seconds
            health, logins, hashed = [], [], []
            threads = [
                threading.Thread(target=timed, args=(port, request("/api/health", "192.0.2.2"), 0.025, until, health)),
                threading.Thread(target=timed, args=(port, request("/api/version", "192.0.2.1", RIGHT), 0.1, until, logins)),
                threading.Thread(target=timed, args=(port, login("192.0.2.3"), 0.1, until, hashed)),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            guessers.end()
            grown = resident(server) - before
        finally:
            server.kill()
            server.wait()
    most = max(os.cpu_count() // 2, 1) * HASH_MB + MORE_MB
    asked = health + logins + hashed
    wrong = [status for _, status in asked if status != 200]
    slow = p99(health) >= HEALTH_MS or p99(logins) >= LOGIN_MS or p99(hashed) >= LOGIN_MS
    bad = slow or bool(wrong) or grown >= most
    print(f"{framework:6} guesses {dict(sorted(guessers.statuses.items()))}; health p99 {p99(health):.1f} ms (< {HEALTH_MS}), "
          f"a login p99 {p99(logins):.1f} ms, of an address that has signed in before, not remembered, {p99(hashed):.1f} ms "
          f"(< {LOGIN_MS}), {len(wrong)} of {len(asked)} not 200, "
          f"grown by {grown:.1f} MB (< {most:.0f})  {'MISSED' if bad else 'ok'}", flush=True)
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", nargs="*", default=FRAMEWORKS, choices=FRAMEWORKS)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    subprocess.run(
        ["cargo", "build", "--release", "--workspace", "--all-features", "--locked", "--quiet", "--bin", "neurolink"],
        cwd=loading.ROOT, check=True,
    )
    return 1 if sum(measure(framework, arguments.seconds) for framework in arguments.framework) else 0


sys.exit(main())

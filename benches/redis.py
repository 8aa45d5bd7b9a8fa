#!/usr/bin/env python3
"""Two server processes on one real Redis: the limit holds, and a Redis that is killed or stopped stalls nobody.

    benches/redis.py [--windows 100] [--clients 10]

Two processes of the example `shared_limit`, 20 requests in windows of 500 ms, told by the clock of Redis.
First the windows; then Redis is stopped and let go on, and killed and started again, in the middle of the load.
Ends with 1 when a window has more than the limit, or an answer takes longer than the budget and 20 ms: run it on a quiet machine.
"""
import argparse
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/examples/shared_limit"
LIMIT, WINDOW_MS, BUDGET_MS, TOLERANCE_MS, LOCAL_PERCENT = 20, 500, 50, 20, 50
FAILURES = 5  # until the store is left alone


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    def __init__(self, folder: str):
        self.port, self.folder = free_port(), folder
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no", "--loglevel", "warning"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(1000):
            try:
                self.ask("PING")
                return
            except OSError:
                time.sleep(0.01)
        raise SystemExit("redis-server does not start")

    def ask(self, text: str) -> str:
        """One inline command; its whole answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"{text}\r\nQUIT\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer.decode()

    def calls(self) -> dict:
        stats = self.ask("INFO commandstats")
        return {name: int(calls) for name, calls in re.findall(r"cmdstat_([^:]+):calls=(\d+)", stats)}

    def end(self):
        self.process.kill()
        self.process.wait()


class Server:
    def __init__(self, redis: Redis, budget_ms: int):
        environment = {
            "LISTEN": "127.0.0.1:0", "REDIS_URL": f"redis://127.0.0.1:{redis.port}/", "LIMIT": str(LIMIT),
            "WINDOW_MS": str(WINDOW_MS), "BUDGET_MS": str(budget_ms),
        }
        self.process = subprocess.Popen([EXAMPLE], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip().split("http://")[1]

    def end(self):
        self.process.kill()
        self.process.wait()


class Load:
    """Clients that ask both servers until told; every answer with its time."""

    def __init__(self, servers: list, clients: int, pause: float = 0.0):
        self.running, self.answers, self.pause = True, [], pause
        self.threads = [threading.Thread(target=self.ask, args=(servers[n % len(servers)].address,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, address: str):
        connection = http.client.HTTPConnection(address, timeout=10)
        while self.running:
            start = time.time()
            began = time.perf_counter()
            connection.request("GET", "/api/x")
            response = connection.getresponse()
            body = response.read()
            took = (time.perf_counter() - began) * 1000
            end = int(re.search(rb'"data":"(\d+)"', body).group(1)) if response.status == 200 else None
            self.answers.append((start, took, response.status, end))
            time.sleep(self.pause)

    def end(self) -> list:
        self.running = False
        for thread in self.threads:
            thread.join()
        return sorted(self.answers)


def windows(ends: list) -> list:
    """How many passed in each window: the servers tell its end by their own clocks, so those of one lie close together."""
    found = []
    last = None
    for end in sorted(ends):
        if last is None or end - last > WINDOW_MS / 2:
            found.append(0)
        found[-1] += 1
        last = end
    return found


def whole(redis: Redis, servers: list, arguments) -> list:
    before = redis.calls()
    load = Load(servers, arguments.clients)
    time.sleep(arguments.windows * WINDOW_MS / 1000)
    answers = load.end()
    counts = windows([end for _, _, status, end in answers if status == 200])
    after = redis.calls()
    scripts = after["evalsha"] - before.get("evalsha", 0)
    inside = sum(after.get(name, 0) - before.get(name, 0) for name in ["get", "set", "time"])
    took = sorted(took for _, took, _, _ in answers)
    print(f"{len(counts)} windows, {len(answers)} requests: at most {max(counts)} of {LIMIT} in one, "
          f"{sum(count == LIMIT for count in counts)} full")
    print(f"a check: {scripts / len(answers):.2f} scripts, {inside / len(answers):.2f} commands inside; "
          f"median {took[len(took) // 2]:.2f} ms, p99 {took[len(took) * 99 // 100]:.2f} ms")
    problems = []
    if max(counts) > LIMIT:
        problems.append(f"{max(counts)} passed in one window")
    if sum(count == LIMIT for count in counts) < len(counts) / 2:
        problems.append("the load was not enough to fill the windows")
    if scripts > len(answers) + 2 * arguments.clients:
        problems.append(f"{scripts} scripts for {len(answers)} requests")
    return problems


def outage(name: str, servers: list, arguments, fail, recover) -> list:
    load = Load(servers, arguments.clients, pause=0.02)
    time.sleep(2)
    failed = time.time()
    fail()
    time.sleep(3)
    recovered = time.time()
    recover()
    time.sleep(2)
    answers = load.end()
    before = max(took for start, took, _, _ in answers if start < failed - 0.1)
    slow = [start - failed for start, took, _, _ in answers if failed - 0.1 < start < recovered and took > BUDGET_MS / 2]
    worst = max(took for _, took, _, _ in answers)
    statuses = sorted({status for _, _, status, _ in answers})
    # Each process counts its part; one more window may overlap at either end.
    local = [end for start, _, status, end in answers if status == 200 and failed + 0.2 < start < recovered]
    most = max(windows(local), default=0)
    print(f"{name}: {len(answers)} requests, statuses {statuses}, slowest {worst:.1f} ms ({before:.1f} ms before), "
          f"{len(slow)} above half of the budget meanwhile, the last {max(slow, default=0):.2f} s after; at most {most} in a window meanwhile")
    problems = []
    if worst > BUDGET_MS + TOLERANCE_MS:
        problems.append(f"{name}: an answer took {worst:.1f} ms")
    if not set(statuses) <= {200, 429}:
        problems.append(f"{name}: statuses {statuses}")
    share = LIMIT * LOCAL_PERCENT // 100 * len(servers)
    if most > LIMIT + share:
        problems.append(f"{name}: {most} passed in a window")
    # The first failures of each process may be in flight at one time, one for each client.
    if len(slow) > len(servers) * FAILURES + arguments.clients:
        problems.append(f"{name}: {len(slow)} requests waited")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=100)
    parser.add_argument("--clients", type=int, default=10)
    arguments = parser.parse_args()
    if not shutil.which("redis-server"):
        print("redis-server is missing; install it with: sudo apt-get install -y redis-server", file=sys.stderr)
        return 2
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--package", "neurolink-redis", "--example", "shared_limit"],
        cwd=ROOT, check=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis(folder)
        servers = []
        try:
            # While Redis is well it is waited for: what a late answer does is shown by the outages.
            servers += [Server(redis, 10_000), Server(redis, 10_000)]
            problems = whole(redis, servers, arguments)
            while servers:
                servers.pop().end()
            servers += [Server(redis, BUDGET_MS), Server(redis, BUDGET_MS)]
            problems += outage(
                "stopped", servers, arguments,
                lambda: redis.process.send_signal(signal.SIGSTOP), lambda: redis.process.send_signal(signal.SIGCONT),
            )
            problems += outage("killed", servers, arguments, redis.end, redis.start)
        finally:
            for server in servers:
                server.end()
            redis.end()
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

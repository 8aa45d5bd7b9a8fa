#!/usr/bin/env python3
"""Loads each adapter and the same framework's bare handler in one run, and prints what a request costs the server.

    benches/compare.py [--rounds 5] [--seconds 2] [--framework axum ...] [--json FILE]

The server has one worker on core 0, the load generator (wrk) is on core 1. Rounds alternate between bare and ours.
CPU per request is the server's user and system time, divided by the requests it answered.
"""
import argparse
import json
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
TOKEN = "bench-token-0123456789abcdef-0123456789"
BODY = json.dumps({"input": {"text": ("word " * 200)[: 1024 - 24]}})
LOADS = {
    "GET health": ("GET", "/api/health", None, 32),
    "POST execute 1 KB": ("POST", "/api/agent/execute", BODY, 32),
    "50-chunk stream": ("POST", "/api/agent/stream", json.dumps({"input": "x", "model": "offline/chunks-50"}), 16),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A server that is measured, gone at the end of the `with`."""

    def __init__(self, framework: str, kind: str):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", str(ROOT / "target/release/bench-server"), framework, kind, str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                return self
            except OSError:
                time.sleep(0.01)
        raise SystemExit("the server did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def load(self, name: str, seconds: float) -> dict:
        method, path, body, connections = LOADS[name]
        script = [f'wrk.method = "{method}"', f'wrk.headers["Authorization"] = "Bearer {TOKEN}"']
        if body:
            script += [f"wrk.body = [==[{body}]==]", 'wrk.headers["Content-Type"] = "application/json"']
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write("\n".join(script))
            lua.flush()
            before = cpu_seconds(self.process.pid)
            output = subprocess.run(
                ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua.name,
                 f"http://127.0.0.1:{self.port}{path}"],
                capture_output=True, text=True, check=True,
            ).stdout
            cpu = cpu_seconds(self.process.pid) - before
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        if wrong or not requests:
            raise SystemExit(f"{name}: {wrong.group(1) if wrong else 'no'} answers were wrong:\n{output}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
        return {"cpu_us": cpu / requests * 1e6, "rps": rate}


def spread(values: list) -> str:
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"{statistics.median(values):.2f} ({low:.2f}-{high:.2f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--framework", action="append", choices=["axum", "actix", "warp", "poem"])
    parser.add_argument("--json", type=pathlib.Path, help="also write all measurements to this file")
    options = parser.parse_args()
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if not shutil.which(tool):
            print(f"{tool} is missing; install it with: sudo apt-get install -y {package}", file=sys.stderr)
            return 2
    if os.cpu_count() < 2:
        print("two cores are needed: one for the server, one for the load", file=sys.stderr)
        return 2
    subprocess.run(["cargo", "build", "--release", "--locked", "--workspace", "--all-features", "--bin", "bench-server"], cwd=ROOT, check=True)
    everything = {}
    print(f"{'':9}{'load':20}{'bare CPU us':>14}{'ours CPU us':>14}   ratio CPU (quartiles)   ratio throughput")
    for framework in options.framework or ["axum", "actix", "warp", "poem"]:
        with Server(framework, "bare") as bare, Server(framework, "ours") as ours:
            for name in LOADS:
                pairs = []
                for server in (bare, ours):
                    server.load(name, 0.5)  # warm up
                for number in range(options.rounds):
                    order = [("bare", bare), ("ours", ours)]
                    results = {kind: server.load(name, options.seconds) for kind, server in order[:: 1 if number % 2 else -1]}
                    pairs.append(results)
                everything[f"{framework} {name}"] = pairs
                cpu = [pair["ours"]["cpu_us"] / pair["bare"]["cpu_us"] for pair in pairs]
                rate = [pair["ours"]["rps"] / pair["bare"]["rps"] for pair in pairs]
                medians = [statistics.median(pair[kind]["cpu_us"] for pair in pairs) for kind in ("bare", "ours")]
                print(f"{framework:9}{name:20}{medians[0]:14.1f}{medians[1]:14.1f}   {spread(cpu):23} {spread(rate)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

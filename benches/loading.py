"""Starts a server on one core and loads it from the other."""
import functools
import http.client
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
ORIGIN = "https://app.example.com"
BUILT = "The servers are built as what is shipped is: with link-time optimisation, as one unit, relocations packed."
# What the five jobs put on every answer.
JOBS = ["x-request-id", "access-control-allow-origin", "x-frame-options", "content-security-policy", "origin-agent-cluster"]


def _text(size: int) -> str:
    return json.dumps({"input": {"text": ("word " * (size // 5 + 1))[: size - 22]}})


# name: method, path, body, connections, requests a second for latencies
LOADS = {
    "GET health": ("GET", "/api/health", None, 32, 5000),
    "GET": ("GET", "/api/item", None, 32, 5000),
    "POST 1 KB": ("POST", "/api/agent/execute", _text(1024), 32, 4000),
    "SSE 50": ("POST", "/api/agent/stream", json.dumps({"input": "x"}), 16, 200),
    "POST 100 KB": ("POST", "/api/agent/execute", _text(100 * 1024), 16, 300),
}

# Loads that nobody needs a token for.
PUBLIC = {"GET health"}


def no_latencies() -> str:
    """Why latencies cannot be measured; empty if they can."""
    if shutil.which("oha"):
        return ""
    return "Latencies (p50, p99) were not measured: `oha` is missing; install it with `cargo install oha --locked`."


def folder(profile: str) -> pathlib.Path:
    """Where the programs of a profile are."""
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / profile


def build() -> None:
    """Builds the servers as what is shipped is built; some minutes when nothing is there."""
    command = ["cargo", "build", "--profile", "measured", "--locked", "--quiet", "--package", "neurolink-benches", "--bin", "bench-server"]
    subprocess.run(command, cwd=ROOT, check=True)


def binary() -> pathlib.Path:
    return folder("measured") / "bench-server"


@functools.cache
def token() -> str:
    return subprocess.run([binary(), "token"], capture_output=True, text=True, check=True).stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes(pid: int) -> list:
    """A process and everything it started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    if children.exists():
        for child in children.read_text().split():
            found += processes(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    # The kernel's kB are 1,024 bytes each.
    peaks = re.findall(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(peaks[0]) / 1024


class Server:
    """A server that is measured, gone at the end of the `with`."""

    def __init__(self, kind: str, framework: str, command: list = None, cwd: pathlib.Path = None, wait: float = 10):
        self.name = f"{kind} {framework}"
        self.kind, self.framework = kind, framework
        self.port = free_port()
        self.command = [str(part).replace("PORT", str(self.port)) for part in command or [binary(), kind, framework, "PORT"]]
        self.cwd, self.wait = cwd, wait

    def __enter__(self):
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *self.command], cwd=self.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + self.wait
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                return self
            except OSError:
                time.sleep(0.01)
        self.__exit__()
        raise SystemExit(f"the server {self.name} did not start: {' '.join(self.command)}")

    def __exit__(self, *_):
        if getattr(self, "process", None):
            self.process.kill()
            self.process.wait()

    def _wrk(self, load: str, seconds: int, headers: dict) -> str:
        method, path, body, connections, _ = LOADS[load]
        script = [f'wrk.method = "{method}"']
        script += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        if body:
            script += [f"wrk.body = [==[{body}]==]", 'wrk.headers["Content-Type"] = "application/json"']
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write("\n".join(script))
            lua.flush()
            return subprocess.run(
                ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", lua.name,
                 f"http://127.0.0.1:{self.port}{path}"],
                capture_output=True, text=True, check=True,
            ).stdout

    def load(self, name: str, seconds: int) -> dict:
        headers = {"Authorization": f"Bearer {token()}", "Origin": ORIGIN}
        before = cpu_seconds(self.process.pid)
        output = self._wrk(name, seconds, headers)
        cpu = cpu_seconds(self.process.pid) - before
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", output)
        if wrong or not requests:
            raise SystemExit(f"{self.name}, {name}: not every answer was a good one:\n{output}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
        return {"cpu_us": cpu / requests * 1e6, "rps": rate, "peak_mib": peak_mib(self.process.pid)}

    def latency(self, name: str, seconds: int) -> dict:
        """Percentiles in ms at a fixed rate that every server can take; nothing without oha, which `no_latencies` says."""
        if no_latencies():
            return {}
        method, path, body, connections, rate = LOADS[name]
        command = ["taskset", "-c", "1", "oha", "--no-tui", "--output-format", "json", "-q", str(rate), "-c", str(connections),
                   "-z", f"{seconds}s", "--latency-correction", "-m", method, "-H", f"Authorization: Bearer {token()}",
                   "-H", f"Origin: {ORIGIN}"]
        if body:
            command += ["-H", "Content-Type: application/json", "-d", body]
        run = subprocess.run([*command, f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"oha: {run.stderr}")
        percentiles = json.loads(run.stdout)["latencyPercentiles"]
        return {name: percentiles[name] * 1000 for name in ("p50", "p99", "p99.9") if percentiles.get(name)}


def ask(server: Server, load: str, headers: dict) -> tuple:
    """One request of a load: the response and its body."""
    method, path, body, *_ = LOADS[load]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(method, path, body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    return response, response.read()


def check(server: Server, jobs: bool, loads: list = list(LOADS), event: bytes = b'"text"') -> None:
    """The answers are what they are taken for: else the figures were of something else."""
    for load in loads:
        response, body = ask(server, load, {"Authorization": f"Bearer {token()}", "Origin": ORIGIN})
        if response.status != 200:
            raise SystemExit(f"{server.name}, {load}: status {response.status}: {body[:200]}")
        if load == "SSE 50" and body.count(event) != 50:
            raise SystemExit(f"{server.name}: {body.count(event)} events instead of 50")
        lacking = [name for name in JOBS if jobs and not response.getheader(name)]
        if lacking:
            raise SystemExit(f"{server.name}, {load}: no {', '.join(lacking)}")
        if jobs and load not in PUBLIC and ask(server, load, {"Origin": ORIGIN})[0].status == 200:
            raise SystemExit(f"{server.name}, {load}: answers a caller without a token")


def rounds(servers: dict, loads: list, count: int, seconds: int, latencies: bool = True) -> dict:
    """All measurements: of each load, a list of rounds, each with every server's figures."""
    results = {}
    for server in servers.values():
        server.load(loads[0], 1)  # warm up
    for load in loads:
        measured = []
        for number in range(count):
            order = list(servers.items())
            order = order[number % len(order):] + order[: number % len(order)]
            measured.append({kind: server.load(load, seconds) for kind, server in order})
            progress(f"{'/'.join(sorted({s.framework for s in servers.values()}))} {load}: round {number + 1} of {count}")
        percentiles = {kind: server.latency(load, 3) for kind, server in servers.items()} if latencies else {}
        results[load] = {"rounds": measured, "latencies": percentiles}
    progress("")
    return results


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def ratio(measured: dict, kind: str, base: str, figure: str) -> tuple:
    """Median and quartiles of the ratio, round by round."""
    values = [one[kind][figure] / one[base][figure] for one in measured["rounds"]]
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return statistics.median(values), low, high


def median(measured: dict, kind: str, figure: str) -> float:
    return statistics.median(one[kind][figure] for one in measured["rounds"])

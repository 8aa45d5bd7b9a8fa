#!/usr/bin/env python3
"""Stops and replaces servers under load, and looks at every single request.

    benches/rolling.py                        25 stops and 20 hand-overs of each framework, 200 clients
    benches/rolling.py --quick                5 stops and 5 hand-overs
    benches/rolling.py --framework axum --binary target/debug/neurolink

Stop: SIGTERM while clients ask on open connections for answers that take 300 ms. A request that was sent 150 ms before
the signal gets its whole answer; a later one gets its whole answer, 503 with `Connection: close`, or a connection that
closes before any byte of one. The process ends with 0.

Hand-over: this script holds the listening socket; a new process takes it over (LISTEN_FDS), then the old one gets
SIGTERM. Clients open a connection for each request: none is refused or reset, and each has a whole 200.
Ends with 1 when a request had another fate.
"""
import argparse
import asyncio
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FRAMEWORKS = ["axum", "actix", "warp", "poem"]
READ = 0.150  # what was sent so long ago has been read
BODY = b'{"input":{"text":"one"},"model":"offline/slow-100ms","maxTokens":3}'
SLOW = (b"POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
QUICK = b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Server:
    """A process that serves, on a port of its own or on a socket that it is handed."""

    def __init__(self, binary, framework, listener=None):
        command = [str(binary), "serve", "--framework", framework, "--log", "json"]
        options = {}
        if listener is None:
            command += ["--port", "0"]
        else:
            # The process that is started is the one that the socket is for.
            command = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", *command]
            descriptor = listener.fileno()
            options = {"pass_fds": (3,), "preexec_fn": lambda: os.dup2(descriptor, 3, inheritable=True)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
        line = self.process.stdout.readline()
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if not found:
            self.process.kill()
            raise SystemExit(f"the server did not start: {line!r}")
        self.port = int(found.group(1))

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def end(self):
        return self.process.wait(timeout=40)


async def answer(reader):
    """The status and the head of a whole answer; `None` if the connection closed before a byte of it."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = await reader.read(65536)
        if not more:
            if head:
                raise ValueError(f"half a head: {head[:60]!r}")
            return None
        head += more
    head, body = head.split(b"\r\n\r\n", 1)
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    while length and len(body) < int(length.group(1)):
        more = await reader.read(65536)
        if not more:
            raise ValueError(f"half a body: {len(body)} of {length.group(1).decode()} bytes")
        body += more
    return int(head.split(b" ", 2)[1]), head.lower()


class Stop:
    """One stop under load."""

    def __init__(self, server, clients):
        self.server, self.clients = server, clients
        self.stopped = None
        self.connected = 0
        self.fates = {"answered": 0, "answered late": 0, "503 and closed": 0, "closed": 0}
        self.wrong = []

    async def client(self):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        except OSError as error:
            self.wrong.append(f"a client could not connect: {error}")
            return
        self.connected += 1
        try:
            while True:
                writer.write(SLOW)
                await writer.drain()
                sent = time.monotonic()
                try:
                    found = await answer(reader)
                except ConnectionError:
                    found = None
                if not self.judge(sent, found):
                    return
        except (ValueError, ConnectionError) as error:
            self.wrong.append(str(error))
        finally:
            writer.close()

    def judge(self, sent, found):
        """Notes a fate; says whether the connection goes on."""
        was_read = self.stopped is None or sent < self.stopped - READ
        if found is None:
            if was_read:
                self.wrong.append("a request that had been read has no answer")
            self.fates["closed"] += 1
            return False
        status, head = found
        closes = b"\r\nconnection: close" in head
        if status == 200:
            self.fates["answered" if self.stopped is None else "answered late"] += 1
        elif status == 503 and closes and not was_read:
            self.fates["503 and closed"] += 1
        else:
            self.wrong.append(f"{status}, {'closed' if closes else 'kept open'}")
        return not closes

    async def run(self):
        tasks = [asyncio.create_task(self.client()) for _ in range(self.clients)]
        # When it stops all of them are there, some wait for an answer, and some have just asked again.
        while self.fates["answered"] < 5 * self.clients // 2 and not self.wrong:
            await asyncio.sleep(0.01)
        self.stopped = time.monotonic()
        self.server.ask_to_stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 40)
        code = await asyncio.to_thread(self.server.end)
        if code != 0:
            self.wrong.append(f"the process ended with {code}")
        if self.connected < self.clients:
            self.wrong.append(f"{self.connected} of {self.clients} clients connected: this shows little")
        if not self.fates["answered"]:
            self.wrong.append("nothing was answered before the stop: this shows nothing")


def stops(binary, framework, rounds, clients):
    total, wrong = {"connected": 0}, []
    for _ in range(rounds):
        stop = Stop(Server(binary, framework), clients)
        try:
            asyncio.run(stop.run())
        finally:
            stop.server.process.kill()
        for fate, count in [("connected", stop.connected), *stop.fates.items()]:
            total[fate] = total.get(fate, 0) + count
        wrong += stop.wrong
    print(f"{framework}: {rounds} stops: " + ", ".join(f"{count:,} {fate}" for fate, count in total.items()))
    return wrong


async def handing_over(binary, framework, rounds, clients, listener):
    port = listener.getsockname()[1]
    fates, wrong, running = {"answered": 0}, [], True

    async def client():
        while running:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(QUICK)
                await writer.drain()
                found = await asyncio.wait_for(answer(reader), 10)
                writer.close()
                if found is None or found[0] != 200:
                    wrong.append(f"an answer was {found and found[0]}")
                else:
                    fates["answered"] += 1
            except (OSError, ValueError, asyncio.TimeoutError) as error:
                wrong.append(f"{type(error).__name__}: {error}")

    servers = [await asyncio.to_thread(Server, binary, framework, listener)]
    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    try:
        for _ in range(rounds):
            old = servers[-1]
            servers.append(await asyncio.to_thread(Server, binary, framework, listener))
            old.ask_to_stop()
            code = await asyncio.to_thread(old.end)
            if code != 0:
                wrong.append(f"the old process ended with {code}")
        running = False
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
    finally:
        # Both, where the old one does not end.
        for server in servers:
            server.process.kill()
    if fates["answered"] < clients:
        wrong.append("not even one answer for each client: this shows nothing")
    print(f"{framework}: {rounds} hand-overs: {fates['answered']:,} answered")
    return wrong


def hand_overs(binary, framework, rounds, clients):
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        return asyncio.run(handing_over(binary, framework, rounds, clients, listener))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 stops and 5 hand-overs of each framework")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS)
    parser.add_argument("--binary", type=pathlib.Path, help="the binary to ask, instead of a release build")
    options = parser.parse_args()
    binary = options.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--package", "neurolink-cli"], cwd=ROOT, check=True)
        binary = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/neurolink"
    binary = binary.resolve()
    wrong = []
    for framework in options.framework or FRAMEWORKS:
        for found in (stops(binary, framework, 5 if options.quick else 25, options.clients),
                      hand_overs(binary, framework, 5 if options.quick else 20, min(options.clients, 20))):
            wrong += [f"{framework}: {text}" for text in found]
    for text in sorted(set(wrong)):
        print(f"wrong: {text} ({wrong.count(text)} times)", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark of size: a daemon with very many users, a leg for each of them, a long journal and many open WebSockets,
beside one with few.

In each round both start, are asked for /metrics, /status, /users and the events of a rare kind, are reloaded, and lose all
WebSockets at once, for their servers end.  The table gives the median of the rounds, its range, the ratio to the small
daemon of the same round, and the goal.  The longest turn is how long a process worked at most without a look at what came
meanwhile, after its start.  What must not happen at any size is counted: series and messages left out, users missing, loops
that stood still.

    scale.py [--rounds N] [--users N] [--rows N] [--tunnels N]
"""
import argparse
import json
import os
import re
import resource
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from lab import process, wait  # noqa: E402
from lab.daemon import Daemon, section  # noqa: E402

FEW = (20, 1000, 10)
PROCESSES = ("supervisor", "proxy", "prober", "monitor")
GOALS = {"start": 0.5, "reload": 0.5, "/metrics": 0.05, **{f"longest turn, {p}": 0.02 for p in PROCESSES}}
CONNECTED = 100  # users at most who have WebSockets; all others' servers are down
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
SECTIONS = section("plugin", "probe_echo", {}) + section("plugin", "probe_t3serve", {"fresh": "0s", "websocket": False,
                                                                                     "reconnect_min": "5m", "reconnect_max": "5m"})


def table(n, port):
    """All but a few have servers that nobody runs."""
    few = min(n, CONNECTED)
    return "".join([f"u{i}=127.0.0.1:{port}\n" for i in range(few)] + [f"u{i}=127.1.{i // 250}.{i % 250 + 1}:9\n" for i in range(few, n)])


class Backend:
    """One for all t3 servers."""

    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(), "backend.sock")
        self.process = subprocess.Popen([process.program("tests/bench/backend"), self.path], stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r"port=(\d+)", self.process.stdout.readline()).group(1))

    def kill(self):
        self.process.kill()
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)
            os.rmdir(os.path.dirname(self.path))


def tunnels_open(daemon, n):
    found = []
    for i in range(n):
        s = socket.create_connection(daemon.proxy)
        s.sendall(f"GET /ws HTTP/1.1\r\nHost: t3\r\nOrigin: http://t3\r\nX-authentik-username: u{i % min(CONNECTED, n)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        status = s.recv(4096)
        if not status.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(f"tunnel {i}: {status!r}")
        found.append(s)
    return found


class Healthz(threading.Thread):
    """Asks the proxy whether it lives, all the time, and keeps how long the slowest answer took."""

    def __init__(self, daemon):
        super().__init__()
        self.address, self.over, self.worst, self.failed = daemon.proxy, threading.Event(), 0.0, 0
        self.start()

    def ask(self):
        with socket.create_connection(self.address) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: t3\r\nConnection: close\r\n\r\n")
            while s.recv(4096):
                pass

    def run(self):
        while not self.over.wait(0.005):
            began = time.monotonic()
            try:
                self.ask()
            except OSError:
                self.failed += 1
            self.worst = max(self.worst, time.monotonic() - began)

    def end(self):
        self.over.set()
        self.join()
        return self.worst, self.failed


def turns(daemon, before=None):
    """The longest of each process; a reload replaces them."""
    now = {p: daemon.metrics().get(f't3ops_loop_turn_longest_seconds{{process="{p}"}}', 0) for p in PROCESSES}
    return {p: max(now[p], (before or {}).get(p, 0)) for p in PROCESSES}


def journal_fill(daemon, n):
    """Events of a kind that is frequent, which those of a rare one are to be found among."""
    now = time.time_ns() // 1000
    with sqlite3.connect(os.path.join(daemon.state_dir, "journal.sqlite")) as db:
        db.executemany("INSERT INTO events(time_us, kind, process, plugin, user, id, line) VALUES(?, 'tunnel_opened', 'proxy', '', 'u1', 0, ?)",
                       ((now - (n - i) * 1000, f"event=tunnel_opened user=u1 tunnel={i}") for i in range(n)))
    db.close()


def seconds(do):
    began = time.monotonic()
    do()
    return time.monotonic() - began


def drop(daemon, backend, held):
    """All servers end, and the pages follow: how long others wait for the proxy meanwhile, and how many in vain."""
    asked = Healthz(daemon)
    backend.kill()
    for s in held:
        s.close()
    wait.until(lambda: daemon.metrics()["t3ops_tunnels"] == 0, 60, f"{len(held)} WebSockets to end")
    time.sleep(5)  # and all is said of it
    return asked.end()


def measure(users, rows, tunnels):
    """{figure: seconds}, {what must not happen: how often}"""
    backend = Backend()
    d = Daemon({"log_level": "info", "max_tunnels_per_user": 0, "max_connections": tunnels + 200, "trusted_upstreams": ["127.0.0.0/8"]}, SECTIONS,
               users=table(users, backend.port), start=False)
    took = {"start": seconds(d.start)}
    try:
        journal_fill(d, rows)
        wait.until(lambda: len({leg["user"] for leg in json.loads(d.get("/status").text())["legs"]}) == users, 300, "every user to be there")
        held = tunnels_open(d, tunnels)
        time.sleep(2)
        for _ in range(3):
            took["/metrics"] = min(took.get("/metrics", 1e9), seconds(lambda: d.get("/metrics")))
        took["/status"] = seconds(lambda: d.get("/status"))
        took["/users"] = seconds(lambda: d.get("/users"))
        took["events -k"] = seconds(lambda: d.ctl("events", "-k", "loop_lag"))
        longest = turns(d)
        took["reload"] = seconds(d.reload)
        took["/healthz in the drop"], failed = drop(d, backend, held)
        for p, longest_s in turns(d, longest).items():
            took[f"longest turn, {p}"] = longest_s
        page = d.metrics()
        return took, {"/healthz failed": failed, "series left out": page["t3ops_metrics_dropped_total"], "messages left out": page["t3ops_messages_dropped_total"],
                      "users missing": users - page["t3ops_users"], "loops that stood still": len(re.findall("event=loop_lag", d.log()))}
    finally:
        backend.kill()
        d.stop()


def report(many, few):
    print(f"{'':27}{'median':>9}  {'range':>17}  {'of few':>7}  goal")
    for figure in many[0][0]:
        values = sorted(m[0][figure] for m in many)
        ratio = statistics.median(m[0][figure] / f[0][figure] for m, f in zip(many, few))
        middle, goal = statistics.median(values), GOALS.get(figure)
        word = "" if goal is None else f"<= {goal:g} s: {'met' if middle <= goal else 'missed'}"
        print(f"{figure + ', s':27}{middle:9.3f}  {values[0]:8.3f}-{values[-1]:8.3f}  {ratio:7.1f}  {word}")
    for figure in many[0][1]:
        n = sum(m[1][figure] for m in many)
        print(f"{figure:27}{n:9.0f}  {'':17}  {'':7}  0: {'met' if n == 0 else 'missed'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--tunnels", type=int, default=10000)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    tunnels = min(args.tunnels, DESCRIPTORS // 2 - 300)
    many, few = [], []
    for _ in range(args.rounds):
        few.append(measure(*FEW))
        many.append(measure(args.users, args.rows, tunnels))
    print(f"{args.users} users with a leg each, {args.rows} rows in the journal, {tunnels} WebSockets; few: {FEW[0]}, {FEW[1]}, {FEW[2]}")
    if tunnels < args.tunnels:
        print(f"fewer WebSockets than {args.tunnels}: the limit of open files is {DESCRIPTORS}, and each takes a proxy two")
    report(many, few)


if __name__ == "__main__":
    main()

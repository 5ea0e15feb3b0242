#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark: t3ops, nginx, haproxy and the bare backend, interleaved in one run.

Absolute figures of a shared machine mean little, ratios within one round mean a lot: every
round runs every case against every proxy, and the table gives the median and the range of the
rounds' ratios against the better of nginx and haproxy.  CPU is user + system time of the
proxy's processes from /proc, so the load generator and the backend do not count.

    bench.py [--rounds N] [--case NAME]... [--markdown]
"""
import argparse
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ.get("T3OPS_BUILD", "."))
SRC = Path(os.environ.get("T3OPS_SRC", "."))
HERE = BUILD / "tests" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")
USER = "X-authentik-username: alice"
# Every tunnel costs a proxy two descriptors.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
CONNECTIONS = min(40000, DESCRIPTORS - 500)
TUNNELS = min(9500, (DESCRIPTORS - 1000) // 2)


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process):
    import socket
    for _ in range(500):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def family(pid):
    """pid and all its descendants."""
    children = {}
    for p in Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                stat = (p / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(p.name))
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue += children.get(one, [])
    return found


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_kib(pid):
    total = 0
    for one in family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1))
    return total


class Proxy:
    """One contender: how it is configured and started."""

    def __init__(self, folder, backend_port):
        self.folder, self.backend, self.port = Path(folder), backend_port, free_port()
        self.process = None

    def start(self):
        self.folder.mkdir()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "w"))
        wait_for_port(self.port, self.process)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class T3ops(Proxy):
    name = "t3ops"

    def command(self):
        (self.folder / "users").write_text(f"alice=127.0.0.1:{self.backend}\n")
        conf = self.folder / "t3ops.conf"
        conf.write_text(f'''
listen = {{"127.0.0.1:{self.port}"}}
desk = "127.0.0.1:0"
control = "{self.folder}/control.sock"
state_dir = "{self.folder}"
users = "{self.folder}/users"
trusted_proxies = {{"127.0.0.0/8"}}
plugin_dir = "{BUILD}/plugins/.libs"
user = "{'nobody' if os.geteuid() == 0 else ''}"
log_level = "warning"
upstream_pool = 128
max_connections = {CONNECTIONS // 2 - 100}
plugin "probe_echo" {{}}
''')
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o777)
        return [str(BUILD / "core" / "t3ops"), "-c", str(conf)]


class Nginx(Proxy):
    name = "nginx"
    buffers = ""

    def command(self):
        conf = self.folder / "nginx.conf"
        conf.write_text(f'''
daemon off; pid {self.folder}/pid; error_log stderr error; worker_processes 1; worker_rlimit_nofile {DESCRIPTORS};
events {{ worker_connections {CONNECTIONS}; }}
http {{
  access_log off; client_max_body_size 0; keepalive_requests 100000000;
  client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;
  uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  map $http_upgrade $conn {{ default upgrade; '' ''; }}
  upstream backend {{ server 127.0.0.1:{self.backend}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096; 
    location / {{
      proxy_pass http://backend; proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
      {self.buffers}
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $conn; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_read_timeout 600s;
    }}
  }}
}}
''')
        return ["nginx", "-c", str(conf), "-p", str(self.folder)]


class NginxBig(Nginx):
    """nginx with buffers as large as ours: its default of 16 KiB would flatter us."""
    name = "nginx-256k"
    buffers = ("proxy_buffer_size 256k; proxy_buffers 4 256k; proxy_busy_buffers_size 512k; "
               "client_body_buffer_size 256k;")


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        conf = self.folder / "haproxy.cfg"
        conf.write_text(f'''
global
  nbthread 1
  maxconn {CONNECTIONS // 2 - 100}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{self.port} backlog 4096
  default_backend b
backend b
  option forwardfor
  server s 127.0.0.1:{self.backend}
''')
        return ["haproxy", "-db", "-f", str(conf)]


class Bare:
    """No proxy at all: the floor of the wall-clock figures."""
    name = "backend"

    def __init__(self, process, port):
        self.process, self.port = process, port

    def start(self):
        pass

    def stop(self):
        pass


def run_wrk(proxy, path, connections, requests_hint, close=False, script=None, headers=()):
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{requests_hint}s", "--latency", "-H", USER]
    for h in headers:
        argv += ["-H", h]
    if close:
        argv += ["-H", "Connection: close"]
    if script:
        argv += ["-s", str(script)]
    before = cpu_seconds(proxy.process.pid)
    out = subprocess.run(argv + [f"http://127.0.0.1:{proxy.port}{path}"], capture_output=True, text=True, check=True).stdout
    cpu = cpu_seconds(proxy.process.pid) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise RuntimeError(f"{proxy.name}: {bad.group(1)} wrong answers for {path}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    latency = {p: to_ms(v) for p, v in re.findall(r"(50|99)%\s+([\d.]+\w+)", out)}
    return {"requests": requests, "cpu": cpu, "rate": rate, "p50": latency.get("50"), "p99": latency.get("99")}


def to_ms(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def small_get(proxy, seconds):
    r = run_wrk(proxy, "/small", 64, seconds)
    return {"CPU-s per 100k": r["cpu"] / r["requests"] * 1e5, "requests/s": r["rate"]}


def new_connection(proxy, seconds):
    r = run_wrk(proxy, "/small", 64, seconds, close=True)
    return {"CPU-s per 100k": r["cpu"] / r["requests"] * 1e5, "requests/s": r["rate"]}


def latency(proxy, seconds):
    r = run_wrk(proxy, "/small", 1, seconds)
    return {"p50 ms": r["p50"], "p99 ms": r["p99"]}


def download(proxy, seconds):
    r = run_wrk(proxy, "/big", 4, seconds)
    return {"CPU-s per GiB": r["cpu"] / (r["requests"] * 8 / 1024), "GiB/s": r["rate"] * 8 / 1024}


def upload(proxy, seconds):
    script = HERE / "upload.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = string.rep("x", 8 * 1024 * 1024)\n')
    r = run_wrk(proxy, "/up", 4, seconds, script=script)
    return {"CPU-s per GiB": r["cpu"] / (r["requests"] * 8 / 1024), "GiB/s": r["rate"] * 8 / 1024}


def echo(proxy, connections, outstanding, size, total):
    before = cpu_seconds(proxy.process.pid)
    out = subprocess.run([str(HERE / "wsload"), "127.0.0.1", str(proxy.port), str(connections), str(outstanding),
                          str(size), str(total), USER], capture_output=True, text=True, check=True).stdout
    cpu = cpu_seconds(proxy.process.pid) - before
    seconds = float(re.search(r"seconds=([\d.]+)", out).group(1))
    return {"CPU-s per 1M": cpu / total * 1e6, "messages/s": total / seconds}


def idle_tunnels(proxy, n):
    before = rss_kib(proxy.process.pid)
    load = subprocess.Popen([str(HERE / "wsload"), "127.0.0.1", str(proxy.port), str(n), "1", "16", "0", USER],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if load.stdout.readline().strip() != "open":
        raise RuntimeError(f"{proxy.name}: {n} tunnels did not open")
    grown = rss_kib(proxy.process.pid) - before
    load.stdin.close()
    load.wait()
    return {"KiB per tunnel": grown / n}


CASES = {
    "small-get": lambda p: small_get(p, 3),
    "new-connection": lambda p: new_connection(p, 3),
    "latency": lambda p: latency(p, 3),
    "download": lambda p: download(p, 3),
    "upload": lambda p: upload(p, 3),
    "ws-echo": lambda p: echo(p, 200, 1, 64, 200000),
    "ws-echo-16": lambda p: echo(p, 200, 16, 64, 1000000),
    "ws-echo-64k": lambda p: echo(p, 20, 4, 65536, 20000),
    "idle-tunnels": lambda p: idle_tunnels(p, TUNNELS),
}
# Where more is better; of everything else less is.
MORE = {"requests/s", "GiB/s", "messages/s"}


def run_rounds(proxies, cases, rounds):
    """results[case][measure][proxy] = one figure a round."""
    results = {}
    for r in range(rounds):
        for case in cases:
            order = proxies[r % len(proxies):] + proxies[:r % len(proxies)]
            for proxy in order:
                if isinstance(proxy, Bare) and case == "idle-tunnels":
                    continue
                for measure, value in CASES[case](proxy).items():
                    results.setdefault(case, {}).setdefault(measure, {}).setdefault(proxy.name, []).append(value)
            print(f"round {r + 1}/{rounds} {case}", file=sys.stderr)
    return results


def ratio(measure, ours, peers, r):
    """Ours against the better peer of the same round."""
    best = (max if measure in MORE else min)(p[r] for p in peers)
    return ours[r] / best if best else float("nan")


def report(results, rounds):
    print("| case | measure | " + " | ".join(["t3ops", "nginx", "nginx-256k", "haproxy", "backend"]) +
          " | t3ops / best peer: median (range) |")
    print("|---|---|---|---|---|---|---|---|")
    for case, measures in results.items():
        for measure, by_name in measures.items():
            cells = [f"{statistics.median(by_name[n]):.3g}" if n in by_name else "" for n in
                     ("t3ops", "nginx", "nginx-256k", "haproxy", "backend")]
            peers = [by_name[n] for n in ("nginx", "nginx-256k", "haproxy") if n in by_name]
            ratios = [ratio(measure, by_name["t3ops"], peers, r) for r in range(rounds)] if "t3ops" in by_name else []
            last = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})" if ratios else ""
            print(f"| {case} | {measure} | " + " | ".join(cells) + f" | {last} |")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", action="append", choices=list(CASES))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="t3ops-bench.") as folder:
        if os.geteuid() == 0:
            os.chmod(folder, 0o755)
        backend = subprocess.Popen([str(HERE / "backend")], stdout=subprocess.PIPE, text=True)
        proxies = []
        try:
            port = int(backend.stdout.readline().split("=")[1])
            proxies = [kind(Path(folder) / kind.name, port) for kind in (T3ops, Nginx, NginxBig, Haproxy)]
            for p in proxies:
                p.start()
            results = run_rounds(proxies + [Bare(backend, port)], args.case or list(CASES), args.rounds)
            report(results, args.rounds)
        finally:
            for p in proxies:
                p.stop()
            backend.kill()
            backend.wait()


if __name__ == "__main__":
    main()

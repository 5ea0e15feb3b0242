#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark: t3ops, nginx, haproxy and the bare backend, interleaved in one run.

Absolute figures of a shared machine mean little, ratios within one round mean a lot: every round
runs every case against every contender, and the table gives the median and the range of the
rounds' ratios.  CPU is that of all the contender's processes; the load generator and the backend
do not count.  See docs/benchmarks.md.

    bench.py [--rounds N] [--case NAME]...
"""
import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import proxies
import watchers
from measure import KernelMemory, SystemCalls, cpu_seconds, data_kib, settle

HERE = proxies.BUILD / "tests" / "bench"
IDENTITY = ": ".join(proxies.IDENTITY)
NAVIGATION = ("Accept: text/html", "Sec-Fetch-Dest: document", "Cookie: t3_session=a-session")
UPLOAD = 'wrk.method = "POST"\nwrk.body = string.rep("x", 8 * 1024 * 1024)\n'
TUNNELS = min(9500, (proxies.DESCRIPTORS - 1000) // 2)
SECONDS = 2
MIB_PER_BODY = 8

# ---- loads ---------------------------------------------------------------------------------------


def to_ms(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def wrk(proxy, path, connections, headers=(), script=None):
    """Requests, CPU seconds of the proxy, requests/s and latencies in ms."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    for h in (IDENTITY, *headers):
        argv += ["-H", h]
    if script:
        argv += ["-s", str(script)]
    before = cpu_seconds(proxy.process.pid)
    out = subprocess.run(argv + [f"http://127.0.0.1:{proxy.port}{path}"], capture_output=True, text=True,
                         check=True).stdout
    cpu = cpu_seconds(proxy.process.pid) - before
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise RuntimeError(f"{proxy.name}: {bad.group(1)} wrong answers for {path}")
    latency = {p: to_ms(v) for p, v in re.findall(r"(50|99)%\s+([\d.]+\w+)", out)}
    return {"requests": int(re.search(r"(\d+) requests in", out).group(1)), "cpu": cpu,
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "latency": latency}


def load_argv(kind, at, path, *numbers):
    return [str(HERE / "load"), kind, at, path, *map(str, numbers), IDENTITY]


def load(proxy, *argv):
    """CPU seconds of the proxy, and seconds."""
    before = cpu_seconds(proxy.process.pid)
    out = subprocess.run(load_argv(*argv), capture_output=True, text=True, check=True).stdout
    return cpu_seconds(proxy.process.pid) - before, float(re.search(r"seconds=([\d.]+)", out).group(1))


# ---- cases: each gives {measure: figure} ------------------------------------------------------------


def small_get(proxy, headers=()):
    r = wrk(proxy, "/small", 64, headers)
    return {"CPU-s per 100k": r["cpu"] / r["requests"] * 1e5, "requests/s": r["rate"]}


def latency(proxy):
    r = wrk(proxy, "/small", 1)
    return {f"p{p} ms": r["latency"][p] for p in ("50", "99")}


def bodies(proxy, path, script=None):
    r = wrk(proxy, path, 4, script=script)
    gib = r["requests"] * MIB_PER_BODY / 1024
    return {"CPU-s per GiB": r["cpu"] / gib, "GiB/s": r["rate"] * MIB_PER_BODY / 1024}


def upload(proxy):
    script = proxy.scripts / "upload.lua"
    script.write_text(UPLOAD)
    return bodies(proxy, "/up", script)


def echo(proxy, connections, outstanding, size, total, path="/ws", at=None):
    cpu, seconds = load(proxy, "ws", at or proxy.tcp(), path, connections, total, outstanding, size)
    return {"CPU-s per 1M": cpu / total * 1e6, "messages/s": total / seconds}


def small_get_at(proxy, at, total=60000):
    """The same load as small_get, for wrk knows no Unix sockets."""
    cpu, seconds = load(proxy, "get", at, "/small", 64, total)
    return {"CPU-s per 100k": cpu / total * 1e5, "requests/s": total / seconds}


def idle(proxy, path, connections):
    """KiB of each: its own, and what the kernel keeps for it."""
    settle(proxy.process.pid)
    with KernelMemory(proxy.process.pid) as kernel:
        return idle_kib(proxy, path, connections, kernel)


def idle_kib(proxy, path, connections, kernel):
    before, kernel_before = data_kib(proxy.process.pid), kernel.kib()
    held = subprocess.Popen(load_argv("ws", proxy.tcp(), path, connections, 0, 1, 16), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    if held.stdout.readline().strip() != "open":
        raise RuntimeError(f"{proxy.name}: {connections} WebSockets did not open")
    settle(proxy.process.pid)
    grown = [data_kib(proxy.process.pid) - before] + [kernel.kib() - kernel_before] * (kernel_before is not None)
    held.stdin.close()
    held.wait()
    settle(proxy.process.pid)
    return [kib / connections for kib in grown]


def probe_once(proxy):
    messages = 20000
    found = dict(zip(("KiB of an idle one", "kernel KiB of it"), idle(proxy, "/probe/ws", TUNNELS)))
    with SystemCalls(proxy.process.pid) as calls:
        echo(proxy, 1, 1, 64, messages, "/probe/ws")
    if calls.total:
        found["system calls of an echo"] = calls.total / messages
    return found


def system_calls(proxy):
    messages, found = 20000, {}
    small_get(proxy)  # connections to the backend are there already
    with SystemCalls(proxy.process.pid) as calls:
        requests = wrk(proxy, "/small", 64)["requests"]
    if calls.total:
        found["per keep-alive GET"] = calls.total / requests
    with SystemCalls(proxy.process.pid) as calls:
        echo(proxy, 20, 1, 64, messages)
    if calls.total:
        found["per tunnelled echo"] = calls.total / messages
    return found


Case = namedtuple("Case", "run contenders once", defaults=(False,))
PLAIN = ("t3ops", "nginx", "haproxy", "backend")
LARGE = ("t3ops", "nginx", "nginx-256k", "haproxy", "backend")
PROXIES = ("t3ops", "nginx", "haproxy")
UNIX = ("t3ops-unix", "nginx-unix", "nginx-tcp")
PROBES = ("t3ops-probe", "node-probe")
CASES = {
    "small-get": Case(small_get, PLAIN),
    "new-connection": Case(lambda p: small_get(p, ["Connection: close"]), PROXIES),
    "navigation": Case(lambda p: small_get(p, NAVIGATION), ("t3ops-checked", "nginx-checked")),
    "latency": Case(latency, PLAIN),
    "download": Case(lambda p: bodies(p, "/big"), LARGE),
    "upload": Case(upload, LARGE),
    "ws-echo": Case(lambda p: echo(p, 200, 1, 64, 80000), PLAIN),
    "ws-echo-1": Case(lambda p: echo(p, 1, 1, 64, 20000), PLAIN),
    "ws-echo-16": Case(lambda p: echo(p, 200, 16, 64, 1000000), PLAIN),
    "ws-echo-64k": Case(lambda p: echo(p, 20, 4, 65536, 15000), LARGE),
    "small-get-2": Case(small_get, ("t3ops-2", "nginx-2")),
    "new-connection-2": Case(lambda p: small_get(p, ["Connection: close"]), ("t3ops-2", "nginx-2")),
    "ws-echo-2": Case(lambda p: echo(p, 200, 1, 64, 80000), ("t3ops-2", "nginx-2")),
    "system-calls": Case(system_calls, PROXIES, once=True),
    "idle-tunnels": Case(lambda p: dict(zip(("KiB per tunnel", "kernel KiB per tunnel"), idle(p, "/ws", TUNNELS))), PROXIES, once=True),
    "small-get-unix": Case(small_get, UNIX),
    "ws-echo-unix": Case(lambda p: echo(p, 200, 1, 64, 80000), UNIX),
    "small-get-unix-both": Case(lambda p: small_get_at(p, p.nearest()), UNIX),
    "ws-echo-unix-both": Case(lambda p: echo(p, 200, 1, 64, 80000, at=p.nearest()), UNIX),
    "probe": Case(lambda p: echo(p, 20, 16, 64, 1000000, "/probe/ws"), PROBES),
    "probe-once": Case(probe_once, PROBES, once=True),
    "legs": Case(watchers.watching, ("t3ops-legs", "blackbox"), once=True),
    "permanent-legs": Case(watchers.watching, ("t3ops-permanent", "blackbox"), once=True),
}
KINDS = {**proxies.ALL, **watchers.ALL}
# Where more is better; of everything else less is.
MORE = {"requests/s", "GiB/s", "messages/s"}
# What was promised: against whom, or as a figure.
GOALS = {
    ("small-get", "CPU-s per 100k"): [("best", 0.85)],
    ("small-get", "requests/s"): [("best", 1.1)],
    ("new-connection", "CPU-s per 100k"): [("nginx", 0.95)],
    ("new-connection", "requests/s"): [("nginx", 1.0)],
    ("navigation", "CPU-s per 100k"): [("nginx", 1.0)],
    ("latency", "p99 ms"): [("nginx", 1.0)],
    ("download", "CPU-s per GiB"): [("nginx", 1.0)],
    ("upload", "CPU-s per GiB"): [("nginx", 1.0)],
    ("ws-echo", "CPU-s per 1M"): [("nginx", 0.95)],
    ("ws-echo-1", "CPU-s per 1M"): [("nginx", 0.95)],
    ("ws-echo-16", "CPU-s per 1M"): [("nginx", 1.0)],
    ("ws-echo-64k", "CPU-s per 1M"): [("nginx", 1.0)],
    ("system-calls", "per keep-alive GET"): [("figure", 6)],
    ("system-calls", "per tunnelled echo"): [("figure", 5)],
    ("idle-tunnels", "KiB per tunnel"): [("figure", 1.2)],
    ("small-get-unix", "CPU-s per 100k"): [("nginx-tcp", 0.68), ("nginx-unix", 0.95)],
    ("ws-echo-unix", "CPU-s per 1M"): [("nginx-tcp", 0.75), ("nginx-unix", 0.95)],
    ("small-get-unix-both", "CPU-s per 100k"): [("nginx-tcp", 0.50), ("nginx-unix", 0.95)],
    ("ws-echo-unix-both", "CPU-s per 1M"): [("nginx-tcp", 0.45), ("nginx-unix", 0.95)],
    ("probe", "CPU-s per 1M"): [("figure", 0.7)],
    ("probe-once", "KiB of an idle one"): [("figure", 1)],
    ("probe-once", "system calls of an echo"): [("figure", 3.1)],
    ("permanent-legs", "CPU-s an hour"): [("figure", 0.3)],
    ("permanent-legs", "context switches a minute"): [("figure", 60)],
    ("permanent-legs", "private MiB"): [("figure", 4)],
}

# ---- rounds ------------------------------------------------------------------------------------------


def run_rounds(contenders, names, rounds):
    """results[case][measure][contender] = one figure a round."""
    results = {}
    for r in range(rounds):
        began = time.monotonic()
        for name in names:
            case = CASES[name]
            if case.once and r < rounds - 1:
                continue
            turn = r % len(case.contenders)
            for one in case.contenders[turn:] + case.contenders[:turn]:
                for measure, value in case.run(contenders[one]).items():
                    results.setdefault(name, {}).setdefault(measure, {}).setdefault(one, []).append(value)
        print(f"round {r + 1}/{rounds}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return results


# ---- report ------------------------------------------------------------------------------------------


def ratios(measure, by_name, brand):
    """Ours against the better peer of the brand ("": of all) in the same round, round by round."""
    ours = next(v for n, v in by_name.items() if n.startswith("t3ops"))
    peers = [v for n, v in by_name.items() if n.startswith(brand) and not n.startswith(("t3ops", "backend"))]
    best = max if measure in MORE else min
    return [mine / best(p[r] for p in peers) for r, mine in enumerate(ours)]


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})" if len(values) > 1 else \
        f"{values[0]:.2f}"


def verdict(values, limit, more):
    """The median decides; the rounds' range says whether another run could end otherwise."""
    def reached(value):
        return value >= limit if more else value <= limit
    met, rounds = reached(statistics.median(values)), {reached(v) for v in values}
    if len(rounds) == 1:
        return "met" if met else f"missed, {spread(values)}"
    return f"{'met' if met else 'missed'} within the noise, {spread(values)}"


def goal_text(measure, by_name, whom, limit):
    more = measure in MORE
    if whom == "figure":
        values, text = next(v for n, v in by_name.items() if n.startswith("t3ops")), f"at most {limit:g}"
    else:
        values = ratios(measure, by_name, "" if whom == "best" else whom)
        text = f"{'at least' if more else 'at most'} {limit:.2f} of {'the best' if whom == 'best' else whom}"
    return f"{text}: {verdict(values, limit, more)}"


def goals(case, measure, by_name):
    """And whether the median meets them."""
    return "; ".join(goal_text(measure, by_name, *one) for one in GOALS.get((case, measure), []))


def column(contender):
    if contender.startswith("t3ops"):
        return "t3ops"
    if contender in ("node-probe", "blackbox", "nginx-tcp"):
        return "other peer"
    return re.sub(r"-(checked|unix|2)$", "", contender)


def report(results):
    """One Markdown table: medians, ratios within rounds, goals."""
    columns = ("t3ops", "nginx", "nginx-256k", "haproxy", "other peer", "backend")
    print("| case | measure | " + " | ".join(columns) + " | of nginx | of the best peer | goal |")
    print("|---|---" + "|--:" * len(columns) + "|---|---|---|")
    for case, measures in results.items():
        for measure, by_name in measures.items():
            shown = {column(n): v for n, v in by_name.items()}
            cells = [f"{statistics.median(shown[c]):.3g}" if c in shown else "" for c in columns]
            of_nginx = spread(ratios(measure, by_name, "nginx")) if any(n.startswith("nginx") for n in by_name) else ""
            print(f"| {case} | {measure} | " + " | ".join(cells) + f" | {of_nginx} | "
                  f"{spread(ratios(measure, by_name, ''))} | {goals(case, measure, by_name)} |")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (proxies.DESCRIPTORS, proxies.DESCRIPTORS))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--case", action="append", choices=list(CASES))
    args = parser.parse_args()
    names = args.case or list(CASES)
    with tempfile.TemporaryDirectory(prefix="t3ops-bench.") as folder:
        if os.geteuid() == 0:
            os.chmod(folder, 0o755)
        backend = subprocess.Popen([str(HERE / "backend"), f"{folder}/backend.sock"], stdout=subprocess.PIPE, text=True)
        contenders = {}
        try:
            port = int(backend.stdout.readline().split("=")[1])
            contenders["backend"] = proxies.Bare(backend, port)
            for name in {n for case in names for n in CASES[case].contenders} - {"backend"}:
                contenders[name] = KINDS[name](folder, port)
            for one in contenders.values():
                one.scripts = Path(folder)
                one.start()
            report(run_rounds(contenders, names, args.rounds))
        finally:
            for one in contenders.values():
                one.stop()
            backend.kill()
            backend.wait()


if __name__ == "__main__":
    main()

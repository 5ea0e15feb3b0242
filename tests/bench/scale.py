#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark of size: a daemon with very many users, a leg for each of them, and a long journal, beside one with few.

In each round both start, are asked for /metrics, /status and the events of a rare kind, and are reloaded.  The table
gives the median of the rounds, its range, the ratio to the small daemon of the same round, and the goal.  What must not
happen at any size is counted: series and messages left out, users missing, loops that stood still.

    scale.py [--rounds N] [--users N] [--rows N]
"""
import argparse
import json
import os
import re
import sqlite3
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from lab import wait  # noqa: E402
from lab.daemon import Daemon, section  # noqa: E402

FEW = (20, 1000)
GOALS = {"start": 0.5, "reload": 0.5, "/metrics": 0.05}
SECTIONS = section("plugin", "probe_echo", {}) + section("plugin", "probe_t3serve", {"fresh": "0s", "websocket": False,
                                                                                     "reconnect_min": "5m", "reconnect_max": "5m"})


def table(n):
    """Servers that nobody runs."""
    return "".join(f"u{i}=127.1.{i // 250}.{i % 250 + 1}:9\n" for i in range(n))


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


def measure(users, rows):
    """{figure: seconds}, {what must not happen: how often}"""
    d = Daemon({"log_level": "info"}, SECTIONS, users=table(users), start=False)
    took = {"start": seconds(d.start)}
    try:
        journal_fill(d, rows)
        wait.until(lambda: len({leg["user"] for leg in json.loads(d.get("/status").text())["legs"]}) == users, 300, "every user to be there")
        time.sleep(2)
        for _ in range(3):
            took["/metrics"] = min(took.get("/metrics", 1e9), seconds(lambda: d.get("/metrics")))
        took["/status"] = seconds(lambda: d.get("/status"))
        took["events -k"] = seconds(lambda: d.ctl("events", "-k", "loop_lag"))
        took["reload"] = seconds(d.reload)
        page = d.metrics()
        return took, {"series left out": page["t3ops_metrics_dropped_total"], "messages left out": page["t3ops_messages_dropped_total"],
                      "users missing": users - page["t3ops_users"], "loops that stood still": len(re.findall("event=loop_lag", d.log()))}
    finally:
        d.stop()


def report(many, few):
    print(f"{'':22}{'median':>9}  {'range':>17}  {'of few':>7}  goal")
    for figure in many[0][0]:
        values = sorted(m[0][figure] for m in many)
        ratio = statistics.median(m[0][figure] / f[0][figure] for m, f in zip(many, few))
        middle, goal = statistics.median(values), GOALS.get(figure)
        word = "" if goal is None else f"<= {goal:g} s: {'met' if middle <= goal else 'missed'}"
        print(f"{figure + ', s':22}{middle:9.3f}  {values[0]:8.3f}-{values[-1]:8.3f}  {ratio:7.1f}  {word}")
    for figure in many[0][1]:
        n = sum(m[1][figure] for m in many)
        print(f"{figure:22}{n:9.0f}  {'':17}  {'':7}  0: {'met' if n == 0 else 'missed'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--rows", type=int, default=1000000)
    args = parser.parse_args()
    many, few = [], []
    for _ in range(args.rounds):
        few.append(measure(*FEW))
        many.append(measure(args.users, args.rows))
    print(f"{args.users} users with a leg each, {args.rows} rows in the journal; few: {FEW[0]} users, {FEW[1]} rows")
    report(many, few)


if __name__ == "__main__":
    main()

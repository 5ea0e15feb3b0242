#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every query of the shipped Grafana dashboard finds what it asks for, in a real Prometheus that scrapes a t3ops to
which something happens."""
import json
import os
import re
import shutil
import sqlite3
import unittest

from lab import account, process, wait, ws
from lab.daemon import Daemon, section
from lab.prometheus import Prometheus
from lab.stub import NEW, T3Stub

ALICE = [("X-authentik-username", "alice")]
LEG = {"heartbeat": "100ms", "late": "200ms", "watchdog": "500ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}


def dashboard():
    with open(os.path.join(process.source_dir(), "etc/grafana/t3ops.json"), encoding="utf-8") as f:
        return json.load(f)


def queries():
    """[(panel, query as Grafana would send it)]"""
    return [(panel["title"], t["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m"))
            for panel in dashboard()["panels"] for t in panel.get("targets", [])]


class Layout(unittest.TestCase):
    def test_panels(self):
        taken = set()
        for panel in dashboard()["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            taken |= cells
        ids = [panel["id"] for panel in dashboard()["panels"]]
        self.assertEqual(len(ids), len(set(ids)))


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class Queries(unittest.TestCase):
    # What only a leg over TLS has.
    ELSEWHERE = {"t3ops_leg_certificate_days"}

    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(lambda: self.stub.process.kill())
        self.database = os.path.join(process.folder(), "state.sqlite")
        with sqlite3.connect(self.database) as db:
            db.execute("CREATE TABLE t(x)")
        db.close()
        account.give(os.path.dirname(self.database))
        account.give(self.database)

    def daemon(self):
        backup = {"to": os.path.join(process.folder(), "to"), "database": self.database, "every": "1d"}
        sections = (section("command", "mint", {"argv": self.stub.mint_argv()}) + 'plugin "session_check" {}\nplugin "auto_pair" {}\n'
                    'plugin "probe_echo" {}\n' + section("plugin", "probe_t3serve", {**LEG, "fresh": "200ms"}) + section("plugin", "backup", backup))
        return Daemon({"ping_timeout": "300ms"}, sections, users={"alice": {"os_user": account.NAME, "port": self.stub.port}})

    def test_each_finds_something(self):
        with self.daemon() as d, Prometheus(d.monitor) as p:
            d.wait_log(r"event=leg_up .*user=alice")
            d.ctl("run", "backup", "alice")
            with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
                w.heartbeat()
                self.stub.stop()
                wait.until(lambda: d.standing() and "alice" in d.standing()[0]["users"], what="a verdict")
                self.answered(p, lambda query: "t3ops_user_verdicts_total" not in query)
            self.stub.start()
            wait.until(lambda: d.standing()[0]["state"] == "healed", what="its end")
            self.answered(p, lambda query: "t3ops_user_verdicts_total" in query)

    def answered(self, prometheus, wanted):
        for panel, query in queries():
            if not wanted(query) or self.ELSEWHERE & set(re.findall(r"t3\w+", query)):
                continue
            wait.until(lambda query=query: prometheus.query(query), 60, f"an answer for panel {panel}: {query}")


if __name__ == "__main__":
    unittest.main()

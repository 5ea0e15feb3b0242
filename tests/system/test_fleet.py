#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three live t3ops in one real Prometheus, with the shipped rules of the fleet: the lab breaks what all of them cross,
and then what one has of its own.  A minute of the rules is a second here.

    a: the node with the users --wan_a--.
    b: a prober elsewhere ------wan_b---+--tunnel--> dispatch, of a
    c: another one -------------wan_c---'
"""
import contextlib
import os
import shutil
import unittest

from lab import account, ports, process, wait
from lab.alarm import Alarm
from lab.daemon import Daemon, section
from lab.relay import Relay
from lab.stub import NEW, T3Stub

LEG = {"module": "probe_internal", "url": "ws://t3.example.com/probe/ws", "heartbeat": "100ms", "late": f"{200 * wait.SLOW:g}ms",
       "watchdog": f"{500 * wait.SLOW:g}ms", "reconnect_min": "100ms", "reconnect_max": "200ms", "fresh": "500ms"}
NODES = "abc"


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("prometheus-alertmanager"),
                     "prometheus or prometheus-alertmanager is not installed")
class Fleet(unittest.TestCase):
    def setUp(self):
        stack = self.enterContext(contextlib.ExitStack())
        stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(lambda: stub.process.kill())
        port, key = ports.free(), os.path.join(process.folder(), "probe-key")
        with open(key, "w", encoding="ascii") as f:
            f.write("what-probers-elsewhere-know-too\n")
        os.chmod(key, 0o640)
        account.give(key)
        self.tunnel = stack.enter_context(Relay(("127.0.0.1", port)))
        self.wan = {node: stack.enter_context(Relay(self.tunnel.address)) for node in NODES}
        self.nodes = {}
        for node in NODES:
            sections = section("plugin", "outer", {**LEG, "address": "%s:%d" % self.wan[node].address,
                                                   "segments": [f"wan_{node}", "tunnel", "dispatch"]})
            options, users = {"ping_timeout": f"{300 * wait.SLOW:g}ms", "probe_key_file": key}, {}
            if node == "a":
                options["listen"] = [f"127.0.0.1:{port}"]
                users = {"alice": stub.port}
                sections += 'plugin "probe_echo" {}\n' + section(
                    "plugin", "inner", {**LEG, "address": f"127.0.0.1:{port}", "segments": ["dispatch"]})
            else:
                options["vantage"] = f"vps-{node}"
            self.nodes[node] = stack.enter_context(Daemon(options, sections, users=users))
        for node in NODES:
            self.nodes[node].wait_log(r"event=leg_up .*plugin=outer")

    def instance(self, node):
        return "%s:%d" % self.nodes[node].monitor

    def recorded(self, p, expression, *labels):
        """{(labels): value} of what is recorded now."""
        return {tuple(r["metric"].get(label) for label in labels): float(r["value"][1]) for r in p.query(expression)}

    def test_shared_and_own(self):
        others = [self.nodes[node].monitor for node in "bc"]
        with Alarm(self.nodes["a"], others=others) as p:
            wait.until(lambda: self.recorded(p, "t3ops_fleet:segment_answered:count", "segment").get(("tunnel",)) == 3,
                       60, "answers over the tunnel from all nodes")
            self.assertEqual(self.recorded(p, "t3ops_fleet:segment_nodes:count", "segment"),
                             {("dispatch",): 3, ("tunnel",): 3, ("wan_a",): 1, ("wan_b",): 1, ("wan_c",): 1})
            with self.explained(p):
                self.shared(p.told, p)
                self.own(p.told, p)

    @contextlib.contextmanager
    def explained(self, p):
        """What each node says, and what is recorded of it, if it is not what was waited for."""
        try:
            yield
        except AssertionError:
            for name, node in self.nodes.items():
                print(name, *node.standing(), sep="\n    ")
            for rule in ("node_suspects", "node_answered", "verdict_settled", "suspect_answered_elsewhere", "suspect_left"):
                print(rule, *p.query("t3ops_fleet:" + rule), sep="\n    ")
            raise

    def shared(self, told, p):
        """Each node suspects its own way out besides; only the tunnel is suspected by all."""
        self.tunnel.stall()
        p.wait_alert("T3FleetSegmentDown", segment="tunnel", severity="critical")
        page = wait.until(lambda: told.told("/pager", "T3FleetSegmentDown"), what="a page")[0]
        self.assertEqual(page["annotations"]["summary"], "tunnel is down for every node that sees it")
        p.wait_alert("T3SegmentDown", instance=self.instance("b"))
        p.wait_alert("T3FleetExplains", instance=self.instance("b"), severity="info")
        wait.until(lambda: told.inhibited("T3SegmentDown"), what="the nodes' own alerts, which say less")
        self.assertEqual(self.recorded(p, "t3ops_fleet:segment_down", "segment"), {("tunnel",): 3})
        self.assertEqual(p.query("t3ops_fleet:suspect_left"), [])
        self.tunnel.heal()
        for alert in ("T3FleetSegmentDown", "T3SegmentDown"):
            p.wait_silence(alert)

    def test_vantage(self):
        """A t3ops with legs alone needs nothing else, and its name is in all that it says."""
        b = self.nodes["b"]
        self.assertEqual(sorted(b.processes()), ["monitor", "prober"])
        series = [line for line in b.get("/metrics").text().split("\n") if line and not line.startswith("#")]
        self.assertEqual([line for line in series if '{vantage="vps-b"' not in line], [])
        self.assertNotIn("vantage", self.nodes["a"].get("/metrics").text())
        self.assertIn("seen from vps-b", b.get("/").text())
        self.wan["b"].cut()
        b.wait_log(r'event=verdict incident=\d+ vantage=vps-b .*segments="?wan_b')
        self.wan["b"].heal()
        b.wait_log(r"event=verdict_healed incident=\d+ vantage=vps-b ")
        verdict = wait.until(lambda: [v for v in b.standing() if v["state"] == "healed"], what="the verdict's end")[0]
        self.assertEqual((verdict["vantage"], verdict["users"]), ("vps-b", []))
        self.assertIn("; from vps-b; incident ", b.ctl("verdicts"))
        self.assertEqual(b.verdicts()[0]["vantage"], "vps-b")

    def own(self, told, p):
        """The same verdict of a as before; that the others get answers over the tunnel shows what is left."""
        wait.until(lambda: self.recorded(p, "t3ops_fleet:segment_answered:count", "segment").get(("tunnel",)) == 3,
                   60, "answers over the tunnel from all nodes")
        self.wan["a"].stall()
        alert = p.wait_alert("T3FleetOnlyHere", instance=self.instance("a"), severity="critical")
        self.assertEqual(self.recorded(p, "t3ops_fleet:suspect_left", "instance", "segment"), {(self.instance("a"), "wan_a"): 1})
        self.assertEqual(self.recorded(p, "t3ops_fleet:suspect_answered_elsewhere", "instance", "segment"),
                         {(self.instance("a"), "tunnel"): 1})
        self.assertEqual(p.query("t3ops_fleet:segment_down"), [])
        page = wait.until(lambda: told.told("/pager", "T3FleetOnlyHere"), what="a page")[0]
        self.assertEqual(page["annotations"]["description"], "Other nodes get answers over: tunnel. Left: wan_a.")
        self.assertEqual(alert["segment"], "wan_a or tunnel")
        wait.until(lambda: told.inhibited("T3SegmentDown"), what="the node's own alert, which says less")
        self.wan["a"].heal()
        p.wait_silence("T3FleetOnlyHere")


if __name__ == "__main__":
    unittest.main()

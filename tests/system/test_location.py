#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every leg over Cloudflare, and every user, says over which location; a leg that moves speaks for the new one."""
import sys
import unittest

from lab import http, path, wait
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

BRISK = {"heartbeat": "200ms", "late": "400ms", "watchdog": "1s", "timeout": "600ms", "reconnect_min": "100ms",
         "reconnect_max": "300ms"}


class Location(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.path = self.enterContext(path.Path(segments=True, far=True))
        legs = self.path.leg_sections(**BRISK)
        self.daemon = Daemon({"ping_timeout": "700ms"}, 'plugin "probe_echo" {}\n' + legs.replace(
            'plugin "probe_t3serve" {', 'plugin "probe_t3serve" {\n    websocket = false'), users={"alice": self.stub.port})
        self.addCleanup(self.daemon.process.kill)
        self.path.connect(self.daemon.proxy)

    def legs(self):
        return {leg["name"]: leg.get("colo") for leg in self.daemon.status()["legs"] if leg["state"] == "up"}

    def test_legs(self):
        known = {"probe_cloudflare": "FRA", "probe_internal": None, "probe_t3serve": None}
        wait.until(lambda: self.legs() == known, what=f"the legs' locations, seen {self.legs()}")
        self.assertRegex(self.daemon.ctl("legs"), r"probe_cloudflare .*\n .*; over FRA\b")
        self.assertRegex(self.daemon.log(), r"event=leg_up [^\n]*\bplugin=probe_cloudflare [^\n]*\bcolo=FRA\b")
        line = self.path.lines["wan_line"]
        line.target, before = ("127.0.0.1", self.path.ports["far_edge"]), line.target
        line.reset()  # what is new goes to the other location
        wait.until(lambda: self.legs().get("probe_cloudflare") == "CDG", what=f"the new location, seen {self.legs()}")
        line.target = before
        self.assertEqual(self.daemon.stop(), 0)

    def test_answers(self):
        for address, colo in ((None, "FRA"), (("127.0.0.1", self.path.ports["far_edge"]), "CDG")):
            answer = self.path.get("/probe/healthz", address=address)
            self.assertEqual(answer.status, 200)
            self.assertRegex(answer.header("cf-ray"), rf"^\d+-{colo}$")
        self.assertIsNone(http.get(self.daemon.proxy, "/probe/healthz").header("cf-ray"))
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    if path.missing():
        print("skipped, not installed:", *path.missing())
        sys.exit(77)
    unittest.main()

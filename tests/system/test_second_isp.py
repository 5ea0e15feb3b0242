#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documented leg over a second provider: a fault of either way out is named, and what both share is, too."""
import re
import subprocess
import sys
import time
import unittest

from lab import path, process, wait
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

BRISK = {"heartbeat": "200ms", "late": "400ms", "watchdog": "1s", "timeout": "600ms", "reconnect_min": "100ms",
         "reconnect_max": "300ms"}
ECHO = 3.5  # seconds: a look-up is given up after 3
LEGS = ("probe_cloudflare", "second_isp", "probe_internal", "probe_t3serve")
# Broken in this order; mended in the other or in the same, with nothing said of what was under way meanwhile.
FIRST, SECOND = ("resolver_line", "wan_line"), ("resolver2_line", "wan2_line")


class SecondIsp(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.path = self.enterContext(path.Path(segments=True))
        legs = self.path.leg_sections(**BRISK) + self.path.second_isp(**BRISK)
        self.daemon = Daemon({"ping_timeout": "700ms"}, 'plugin "probe_echo" {}\n' + legs.replace(
            'plugin "probe_t3serve" {', 'plugin "probe_t3serve" {\n    websocket = false'), users={"alice": self.stub.port})
        self.addCleanup(self.daemon.process.kill)
        self.path.connect(self.daemon.proxy)

    def up(self):
        metrics = self.daemon.metrics()
        return all(any(value == 1 for key, value in metrics.items() if key.startswith(f't3ops_leg_connected{{leg="{leg}"'))
                   for leg in LEGS)

    def standing(self):
        return [v["segments"] for v in self.daemon.standing() if v["state"] == "standing"]

    def named(self, lines, actions, segments, names_first=False):
        """The verdict of what is done to these lines; it is over when they are mended, and no other one comes."""
        wait.until(self.up, what="the legs")
        for line in lines:
            for action in actions:
                getattr(self.path.lines[line], action)()
        wait.until(lambda: self.standing() == [segments], what=f"a verdict {segments}, seen {self.daemon.standing()[:2]}")
        for line in lines if names_first else reversed(lines):
            self.path.lines[line].heal()
        wait.until(lambda: self.up() and not self.standing(), what="everything works again")
        time.sleep(ECHO)
        self.assertEqual([v["segments"] for v in self.daemon.standing()], [segments], self.daemon.standing())
        self.assertEqual(self.daemon.stop(), 0)

    def test_first_is_silent(self):
        self.named(FIRST, ["stall"], ["wan"])

    def test_second_is_silent(self):
        self.named(SECOND, ["stall"], ["wan2"])

    def test_second_is_lost(self):
        self.named(SECOND, ["reset", "stall"], ["wan2"])  # as by a router that forgot its connections

    def test_second_is_lost_and_its_names_are_back_first(self):
        self.named(SECOND, ["reset", "stall"], ["wan2"], names_first=True)

    def test_what_both_cross(self):
        self.named(["tunnel_line"], ["cut"], ["tunnel"])

    def test_it_is_said_beforehand(self):
        done = subprocess.run([process.program("core/t3ops"), "-c", self.daemon.conf, "-t"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        apart = [line for line in done.stdout.splitlines() if "cannot be told apart" in line]
        self.assertFalse([line for line in apart if re.search(r"\bwan2?\b", line.partition(" (")[0])], done.stdout)
        self.assertIn("loud faults of all 9 can be told apart", done.stdout)


if __name__ == "__main__":
    if path.missing():
        print("skipped, not installed:", *path.missing())
        sys.exit(77)
    unittest.main()

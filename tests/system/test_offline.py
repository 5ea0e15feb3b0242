#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A machine that loses its own network: nobody is convicted for it.  It is played in network namespaces of this
program's own, joined by a cable that can be pulled, which takes root."""
import ctypes
import os
import subprocess
import sys
import unittest

from lab import account, process, recording, wait
from lab.daemon import Daemon, section

CLONE_NEWNET = 0x40000000
FAR = "192.0.2.10"  # behind the gateway, which is the other end of the cable
BRISK = {"heartbeat": "200ms", "late": "500ms", "watchdog": "3s", "timeout": "800ms", "reconnect_min": "100ms", "reconnect_max": "300ms"}
OWN = "t3ops_network_lost"


def setUpModule():
    if not account.ROOT:
        raise unittest.SkipTest("only root may make network namespaces and a cable between them")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise unittest.SkipTest(f"no network namespace of our own here: {os.strerror(ctypes.get_errno())}")
    done = subprocess.run(["ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"no cable can be made here: {done.stderr.strip()}")
    ip("link", "set", "lo", "up")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Far:
    """The other end of the cable: the gateway, and a web server behind it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        wait.until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), what="the other namespace")
        ip("link", "set", "far0", "netns", str(self.holder.pid))
        for words in (["addr", "add", "198.51.100.1/24", "dev", "far0"], ["addr", "add", f"{FAR}/32", "dev", "lo"],
                      ["link", "set", "lo", "up"], ["link", "set", "far0", "up"]):
            self.ip(*words)
        self.server = subprocess.Popen([*self.inside(), sys.executable, "-m", "http.server", "--bind", FAR, "8080", "--directory", process.folder()],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def inside(self):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def ip(self, *words):
        subprocess.run([*self.inside(), "ip", *words], check=True)

    def end(self):
        for p in (self.server, self.holder):
            p.kill()
            p.wait()


class Offline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.far = Far()
        cls.addClassCleanup(cls.far.end)
        ip("addr", "add", "198.51.100.2/24", "dev", "near0")
        ip("link", "set", "near0", "up")

    def setUp(self):
        ip("route", "replace", "default", "via", "198.51.100.1")
        self.far.ip("link", "set", "far0", "up")
        self.far.ip("route", "replace", "198.51.100.0/24", "dev", "far0")
        self.daemon = Daemon({"ping_timeout": "800ms"}, section("plugin", "far", {"module": "probe_http", "url": f"http://{FAR}:8080/", "segments": ["wan", "tunnel"], **BRISK}))
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*plugin=far")
        self.assertEqual(self.daemon.metrics()[OWN], 0)

    def only_verdict(self, state):
        wait.until(lambda: [v["state"] for v in self.daemon.standing()] == [state], what=f"one verdict that is {state}")
        return self.daemon.standing()[0]

    def loses_its_network(self, cut, mend):
        cut()
        self.daemon.wait_log("event=network_lost")
        verdict = self.only_verdict("standing")
        self.assertEqual(verdict["segments"], ["inconclusive"])
        self.assertEqual(verdict["verdict"], "inconclusive")
        self.assertFalse(verdict["infra_exonerated"])
        self.assertIn("this machine lost its own network", verdict["text"])
        self.assertEqual([row["host"]["what"] for row in verdict["evidence"] if row["what"] == "leg"], ["offline"])
        metrics = self.daemon.metrics()
        self.assertEqual(metrics[OWN], 1)
        self.assertEqual(metrics['t3ops_verdict_standing{kind="inconclusive",segment="inconclusive"}'], 1)
        self.assertEqual([k for k, v in metrics.items() if k.startswith('t3ops_verdict_standing{kind="fault"') and v > 0], [])
        mend()
        self.daemon.wait_log("event=network_back .*duration_ms=")
        self.only_verdict("healed")
        self.assertEqual(self.daemon.metrics()[OWN], 0)
        self.assertNotRegex(self.daemon.log(), "event=verdict .*segments=[^i]")
        text = recording.export(self.daemon, verdict["incident"])
        self.assertEqual(recording.compact(recording.replay(recording.write(text))), recording.said(text))

    def test_the_cable_is_pulled(self):
        self.loses_its_network(lambda: self.far.ip("link", "set", "far0", "down"), lambda: self.far.ip("link", "set", "far0", "up"))

    def test_the_route_goes(self):
        self.loses_its_network(lambda: ip("route", "del", "default"), lambda: ip("route", "add", "default", "via", "198.51.100.1"))

    def test_the_far_side_goes_and_the_network_stays(self):
        """What the cable still carries is no want of a network."""
        self.far.ip("addr", "del", f"{FAR}/32", "dev", "lo")
        try:
            self.assertNotIn("inconclusive", self.only_verdict("standing")["segments"])
            self.assertNotIn("event=network_lost", self.daemon.log())
        finally:
            self.far.ip("addr", "add", f"{FAR}/32", "dev", "lo")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Legs to hops: TCP to real listeners; ICMP in a network namespace of this program's own, where alone it may say who
may send it, which takes root."""
import ctypes
import os
import socket
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, section

CLONE_NEWNET = 0x40000000
BRISK = {"heartbeat": "200ms", "late": "600ms", "watchdog": "2s", "timeout": "600ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}


def leg(module, address, name="hop", **options):
    return section("plugin", name, {"module": module, "address": address, "segments": ["lan"], **BRISK, **options})


def checked(conf):
    done = subprocess.run([process.program("core/t3ops"), "-t", "-c", conf], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr + done.stdout


class Case(unittest.TestCase):
    def start(self, sections):
        d = Daemon({"ping_timeout": "600ms"}, sections)
        self.addCleanup(d.stop)
        return d

    def refused(self, sections, words):
        code, said = checked(Daemon({}, sections, start=False).conf)
        self.assertEqual(code, 1)
        self.assertIn(words, said)


class Tcp(Case):
    def listener(self, family=socket.AF_INET):
        s = socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family, backlog=100)
        self.addCleanup(s.close)
        return s, s.getsockname()[1]

    def test_a_listener_comes_and_goes(self):
        listener, port = self.listener()
        d = self.start(leg("probe_tcp", f"127.0.0.1:{port}"))
        d.wait_log(r"event=leg_up .*plugin=hop")
        listener.settimeout(10)
        for _ in range(3):  # heartbeats: each a connection in which nothing is said
            connection, _ = listener.accept()
            self.assertEqual(connection.recv(1), b"")
            connection.close()
        listener.close()
        line = d.wait_log(r"event=leg_down .*plugin=hop.*").group(0)
        self.assertIn("step=connect reason=refused", line)
        self.assertIn(f"127.0.0.1:{port}: Connection refused", line)
        wait.until(d.standing, what="a verdict")
        self.assertEqual(d.standing()[0]["segments"], ["lan"])
        again = socket.create_server(("127.0.0.1", port), backlog=100)
        self.addCleanup(again.close)
        d.wait_log(r"event=verdict_healed")

    def test_who_refuses_is_there(self):
        listener, port = self.listener()
        listener.close()
        d = self.start(leg("probe_tcp", f"127.0.0.1:{port}", refusal_counts=True))
        d.wait_log(r"event=leg_up .*plugin=hop")
        wait.until(lambda: d.metrics().get('t3probe_rtt_seconds_count{leg="hop"}', 0) > 2, what="heartbeats")
        self.assertNotIn("event=leg_down", d.log())

    def test_nobody_answers(self):
        """A listener whose queue is full answers nobody."""
        full = socket.socket()
        self.addCleanup(full.close)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        d = self.start(leg("probe_tcp", f"127.0.0.1:{port}"))
        line = d.wait_log(r"event=leg_attempt_failed .*plugin=hop.*reason=connect_timeout.*|event=leg_down .*plugin=hop.*reason=connect_timeout.*", 60).group(0)
        self.assertIn("step=connect", line)

    def test_its_own_address(self):
        _, port = self.listener()
        d = self.start(leg("probe_tcp", f"127.0.0.1:{port}", interface="192.0.2.7"))
        self.assertIn("reason=unreachable", d.wait_log(r"event=leg_attempt_failed .*plugin=hop.*").group(0))

    def test_what_cannot_be_asked(self):
        self.refused(leg("probe_tcp", "127.0.0.1"), 'address = "127.0.0.1": expected ADDRESS:PORT')
        self.refused(leg("probe_icmp", "127.0.0.1:7"), 'address = "127.0.0.1:7": expected an address without a port')


class Icmp(Case):
    @classmethod
    def setUpClass(cls):
        if not account.ROOT:
            raise unittest.SkipTest("only root may make a network namespace and say there who may send ICMP requests")
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise unittest.SkipTest(f"no network namespace of our own here: {os.strerror(ctypes.get_errno())}")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def sysctl(self, name, value):
        with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as f:
            f.write(value)

    def setUp(self):
        self.sysctl("ipv4/ping_group_range", "0 2147483647")
        self.sysctl("ipv4/icmp_echo_ignore_all", "0")

    def test_a_hop_falls_silent(self):
        d = self.start(leg("probe_icmp", "127.0.0.1", interval="100ms"))
        d.wait_log(r"event=leg_up .*plugin=hop")
        wait.until(lambda: d.metrics().get('t3probe_rtt_seconds_count{leg="hop"}', 0) > 2, what="heartbeats")
        self.assertEqual(d.metrics()['t3ops_icmp_lost_total{plugin="hop"}'], 0)
        self.sysctl("ipv4/icmp_echo_ignore_all", "1")
        d.wait_log(r"event=leg_late .*plugin=hop")
        self.assertIn("reason=heartbeat_timeout", d.wait_log(r"event=leg_down .*plugin=hop.*").group(0))
        self.assertIn("reason=connect_timeout", d.wait_log(r"event=leg_attempt_failed .*plugin=hop.*").group(0))
        wait.until(d.standing, what="a verdict")
        self.assertEqual(d.standing()[0]["segments"], ["lan"])
        self.assertGreater(d.metrics()['t3ops_icmp_lost_total{plugin="hop"}'], 5)
        self.sysctl("ipv4/icmp_echo_ignore_all", "0")
        d.wait_log(r"event=verdict_healed")

    def test_version_6(self):
        d = self.start(leg("probe_icmp", "::1"))
        d.wait_log(r"event=leg_up .*plugin=hop")
        wait.until(lambda: d.metrics().get('t3probe_rtt_seconds_count{leg="hop"}', 0) > 2, what="heartbeats")

    def test_no_way_there(self):
        d = self.start(leg("probe_icmp", "192.0.2.1"))
        self.assertIn("reason=unreachable", d.wait_log(r"event=leg_attempt_failed .*plugin=hop.*").group(0))

    def test_who_may_not(self):
        """It says which sysctl, and accuses nobody."""
        self.sysctl("ipv4/ping_group_range", "1 0")
        sections = leg("probe_icmp", "127.0.0.1")
        d = self.start(sections)
        line = d.wait_log(r"event=leg_attempt_failed .*plugin=hop.*").group(0)
        self.assertIn("reason=local", line)
        self.assertIn("net.ipv4.ping_group_range", line)
        code, said = checked(d.conf)
        self.assertEqual(code, 0)
        self.assertIn("no group may send ICMP requests here", said)
        self.assertEqual(d.standing(), [])


if __name__ == "__main__":
    unittest.main()

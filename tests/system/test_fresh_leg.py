#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fresh connections beside a leg: far ends that go on with the old ones and do to new ones what a test says."""
import struct
import threading
import unittest

from lab import wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from test_legs import HERE, HOST, Resolver, closes_reset, events, first, frame, frame_read, silent, upgrade

FRESH = {"heartbeat": "500ms", "late": "5s", "watchdog": "60s", "reconnect_min": "100ms", "reconnect_max": "400ms", "fresh": "200ms"}
OUTER = ["wan", "cloudflare", "tunnel", "traefik", "dispatch"]


class Far(Origin):
    """Echoes; new connections get `now` instead once it is set.  closed: codes of the close frames that came."""

    def __init__(self):
        self.now = None
        self.closed = []
        self.hang = threading.Event()
        super().__init__({"/echo": self._echo})

    def _echo(self, c, request):
        if self.now:
            return self.now(c, request)
        upgrade(c, request)
        while True:
            op, data = frame_read(c)
            if op == ws.CLOSE:
                self.closed.append(struct.unpack("!H", data[:2])[0] if data else None)
                c.send(frame(ws.CLOSE, data))
                return False
            if self.hang.is_set():
                silent(c)
            c.send(frame(op, data))


def status(line):
    def handler(c, _):
        c.send(answer(b"", line))
        return False
    return handler


def leg(name, far, segments, **options):
    return section("plugin", name, {"module": "probe_internal", "url": f"ws://{HOST}/echo", "address": f"127.0.0.1:{far.port}",
                                    "segments": segments, **FRESH, **options})


class FreshConnections(unittest.TestCase):
    def setUp(self):
        self.outer, self.inner = Far(), Far()
        self.addCleanup(self.outer.stop)
        self.addCleanup(self.inner.stop)

    def daemon(self, **options):
        return Daemon({}, leg("outer", self.outer, OUTER, edge="cloudflare", **options) + leg("inner", self.inner, ["traefik", "dispatch"], **options))

    def up(self, d):
        for name in ("outer", "inner"):
            first(d, name, "leg_up")
            wait.until(lambda: d.metrics().get(f't3ops_leg_fresh_seconds_count{{leg="{name}"}}', 0) >= 2, what=f"fresh connections of {name}")

    def test_they_are_made_and_closed_in_order(self):
        with self.daemon() as d:
            self.up(d)
            self.assertEqual(d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'], 1)
            wait.until(lambda: self.outer.closed[:2] == [1000, 1000])
            self.assertEqual([e["kind"] for e in events(d.log(), "outer")], ["leg_up"])  # all of it is no news

    def test_off(self):
        with self.daemon(fresh="0s") as d:
            first(d, "outer", "leg_up")
            wait.until(lambda: d.metrics().get('t3ops_leg_rtt_seconds_count{leg="outer"}', 0) >= 5)
            self.assertEqual(self.outer.connections, 1)
            self.assertNotIn('t3ops_leg_fresh_connected{leg="outer"}', d.metrics())

    def test_new_connections_fail_while_old_ones_live(self):
        for outer, inner, step, reason, code, suspect in (
                (status("530 Origin Error"), None, "http", "http_status", "530", "tunnel"),
                (status("502 Bad Gateway"), status("502 Bad Gateway"), "http", "http_status", "502", "dispatch"),
                (closes_reset, None, "http", "reset", None, "cloudflare or tunnel")):
            self.outer.now = self.inner.now = None
            with self.subTest(suspect), self.daemon() as d:
                self.up(d)
                self.outer.now, self.inner.now = outer, inner
                e = first(d, "outer", "leg_fresh_failed")
                self.assertEqual((e["step"], e["reason"], e.get("http_status")), (step, reason, code))
                self.assertTrue(e["duration_ms"])
                v = wait.until(lambda: (v := d.verdicts()) and v[0], what="a verdict")
                self.assertEqual(v["verdict"], suspect, v)
                self.assertIn("new connections fail, old ones live", v["text"])
                self.assertEqual({e["what"] for e in v["evidence"] if e.get("failed")}, {"fresh_connection"})
                self.assertEqual(d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'], 0)
                self.outer.now = self.inner.now = None
                d.process.wait_log(r"event=verdict_healed ")
                first(d, "outer", "leg_fresh_opened")
                self.assertNotIn("event=leg_down", d.log())

    def test_one_failure_is_no_fault(self):
        def once(c, request):
            self.outer.now = None
            return status("503 Service Unavailable")(c, request)
        with self.daemon() as d:
            self.up(d)
            self.outer.now = once
            wait.until(lambda: d.metrics().get('t3ops_leg_fresh_failures_total{leg="outer",reason="http_status"}') == 1)
            wait.until(lambda: d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'] == 1)
            self.assertNotIn("event=leg_fresh_failed", d.log())
            self.assertEqual(d.verdicts(), [])

    def test_missing_heartbeat_asks_for_one_at_once(self):
        with self.daemon(fresh="1h", late="1s") as d:
            first(d, "outer", "leg_up")
            self.assertEqual(self.outer.connections, 1)
            self.outer.now = status("530 Origin Error")
            self.outer.hang.set()
            e = first(d, "outer", "leg_fresh_failed")  # long before the watchdog
            self.assertEqual((e["step"], e["http_status"]), ("http", "530"))
            v = wait.until(lambda: (v := d.verdicts()) and v[-1], what="a verdict")
            self.assertEqual(v["verdict"], "tunnel", v)
            self.outer.hang.clear()


class LookingUp(unittest.TestCase):
    def test_each_looks_the_name_up(self):
        with Far() as far, Resolver([HERE]) as r:
            options = {"url": f"ws://{HOST}:{far.port}/echo", "resolver": f"http://127.0.0.1:{r.port}/dns-query", **FRESH, "heartbeat": "50s"}
            with Daemon({}, section("plugin", "probe_cloudflare", options)) as d:
                first(d, "probe_cloudflare", "leg_up")
                wait.until(lambda: far.connections >= 4)
                self.assertGreaterEqual(len(r.questions), 4)
                self.assertEqual(far.requests("/echo")[3].header("host"), f"{HOST}:{far.port}")


if __name__ == "__main__":
    unittest.main()

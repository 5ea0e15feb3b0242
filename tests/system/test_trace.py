#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How far a heartbeat got that is not answered: what the next hop acknowledged, and what the echo says of it over
another connection; and how long those took that are answered."""
import unittest

from lab import ports, wait
from lab.daemon import Daemon, section
from lab.relay import Relay
from lab.ws import WebSocket

LEG = {"module": "probe_internal", "url": "ws://t3.lab.test/probe/ws", "segments": ["wan", "dispatch"], "edge": "wan", "heartbeat": "200ms", "late": "400ms",
       "watchdog": "4s", "reconnect_min": "100ms", "reconnect_max": "200ms", "timeout": "1s", "fresh": "300ms", "large_beat": "0s"}
TRACED = r"event=leg_heartbeat_traced .*plugin=own .*detail=\"%s"


class Trace(unittest.TestCase):
    def setUp(self):
        port = ports.free()
        self.line = Relay(("127.0.0.1", port))
        self.addCleanup(self.line.close)
        self.d = Daemon({"listen": [f"127.0.0.1:{port}"], "ping_timeout": "600ms"},
                        'plugin "probe_echo" {}\n' + section("plugin", "own", {**LEG, "address": f"127.0.0.1:{self.line.address[1]}"}))
        self.addCleanup(self.d.stop)
        self.d.wait_log("event=leg_up .*plugin=own")
        wait.until(lambda: self.metric("t3ops_leg_residence_seconds_count") >= 3, what="heartbeats with stamps")

    def metric(self, name, more=""):
        return self.d.metrics().get(f'{name}{{leg="own"{more}}}', 0)

    def row(self):
        """What the verdict has of the leg's own connection."""
        verdict = wait.until(self.d.verdicts, what="a verdict")[0]
        return next(r for r in verdict["evidence"] if r["what"] == "leg" and r["failed"]), verdict

    def test_never_arrived(self):
        """The connection is dead from the relay on, and new ones work: the echo says over one of those what it got."""
        self.line.vanish()
        self.d.wait_log(TRACED % "the next hop that speaks TCP acknowledged it")
        self.d.wait_log(TRACED % "it never arrived at the echo")
        row, verdict = self.row()
        self.assertEqual((row["reason"], row["next_hop"]), ("late", "acknowledged"))
        shown = self.d.ctl("show", str(verdict["id"]))
        self.assertIn("its heartbeat: the next hop that speaks TCP acknowledged it", shown)
        self.assertIn("that is not answered: it never arrived at the echo", shown)

    def test_the_answer_was_lost(self):
        self.line.down.stall()
        self.d.wait_log("event=leg_down .*plugin=own .*reason=heartbeat_timeout")
        self.line.heal()
        self.d.wait_log(TRACED % "the echo received it and answered")
        self.assertNotRegex(self.d.log(), TRACED % "it never arrived")

    def test_one_way_is_slow(self):
        """Each way against its own best; clocks do not matter."""
        def slow(way):
            return self.metric("t3ops_leg_way_variation_seconds_count", f',way="{way}"') - self.metric("t3ops_leg_way_variation_seconds_bucket", f',way="{way}",le="0.1"')
        self.line.down.delay = 0.2
        wait.until(lambda: slow("back") >= 3, what="slow answers")
        self.line.heal()
        self.line.up.delay = 0.2
        wait.until(lambda: slow("out") >= 3, what="slow heartbeats")
        self.assertGreater(self.metric("t3ops_leg_residence_seconds_bucket", ',le="0.1"'), 3)

    def test_others_are_echoed(self):
        """Whoever shows no key gets the same back, and learns nothing of others' connections."""
        with WebSocket(self.d.proxy, "/probe/ws") as stranger:
            for text in ("beat 7 0123456789abcdef", "seen 0123456789abcdef"):
                stranger.send(text)
                self.assertEqual(stranger.text(), text)


if __name__ == "__main__":
    unittest.main()

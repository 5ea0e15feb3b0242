#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The leg to any URL: what it asks, what it takes for an answer, and which segments its failures accuse."""
import subprocess
import unittest

from lab import process, wait
from lab.daemon import Daemon, section
from lab.origin import Origin, answer

BRISK = {"heartbeat": "100ms", "late": "400ms", "watchdog": "3s", "timeout": "600ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}
EDGE = [("Server", "cloudflare")]


def says(body, status="200 OK", headers=()):
    return lambda c, r: c.send(answer(body, status, headers))


class Leg(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ready": says(b"all is well"), "/trace": says(b"colo=FRA\n")})
        self.addCleanup(self.origin.stop)

    def leg(self, name="http", path="/ready", **options):
        return section("plugin", name, {"module": "probe_http", "url": f"http://127.0.0.1:{self.origin.port}{path}",
                                        "segments": ["cloudflare", "tunnel"], "edge": "cloudflare", **BRISK, **options})

    def start(self, sections):
        d = Daemon({"ping_timeout": "400ms"}, sections)
        self.addCleanup(d.stop)
        return d

    def test_what_is_asked(self):
        d = self.start(self.leg() + self.leg("head", method="HEAD", status=["200"]) + self.leg("trace", "/trace", contains="colo="))
        for name in ("http", "head", "trace"):
            d.wait_log(rf"event=leg_up .*plugin={name}\b")
        wait.until(lambda: len(self.origin.requests("/trace")) > 2, what="heartbeats")
        self.assertEqual({r.method for r in self.origin.requests("/ready")}, {"GET", "HEAD"})

    def test_what_is_no_good_answer(self):
        for step, reason, code, words, handler in (
                ("http", "http_status", 503, "answered 503", says(b"no", "503 Service Unavailable")),
                ("http", "http_status", 200, "without", says(b"something else")),
                ("http", "http_status", 530, "no cloudflared", says(b"error code: 1033", "530 No", EDGE)),
                ("http", "protocol", 500, "a worker at the edge", says(b"error code: 1101", "500 No", EDGE)),
                ("http", "http_status", 500, "answered 500", says(b"our own", "500 No", EDGE)),
                ("http", "eof", None, "", lambda c, r: c.close())):
            with self.subTest(words=words, reason=reason):
                self.origin.handlers["/ready"] = says(b"all is well")
                d = self.start(self.leg(contains="all is well"))
                d.wait_log("event=leg_up .*plugin=http")
                self.origin.handlers["/ready"] = handler
                line = d.wait_log("event=leg_down .*plugin=http.*").group(0)
                self.assertIn(f"step={step} reason={reason}", line)
                self.assertIn(words, line)
                if code:
                    self.assertRegex(line, rf"\b{code}\b")
                d.stop()

    def test_who_is_accused(self):
        """What is behind the edge by its word, the edge by its own failure, if the other leg shows the rest to work."""
        inner = self.leg("inner", "/inner", segments=["tunnel"], edge="tunnel")
        self.origin.handlers["/inner"] = says(b"fine")
        for handler, accused in ((says(b"error code: 1033", "530 No", EDGE), ["tunnel"]),
                                 (says(b"error code: 1101", "500 No", EDGE), ["cloudflare"])):
            with self.subTest(accused=accused):
                self.origin.handlers["/ready"] = says(b"all is well")
                d = self.start(self.leg() + (inner if accused == ["cloudflare"] else ""))
                d.wait_log("event=leg_up .*plugin=http")
                self.origin.handlers["/ready"] = handler
                wait.until(d.standing, what="a verdict")
                self.assertEqual(d.standing()[0]["segments"], accused)
                d.stop()

    def test_what_cannot_be_asked(self):
        for options, said in (({"status": ["20"]}, 'status: "20": expected a status such as 200 or 2xx'),
                              ({"method": "POST"}, 'method = "POST": expected GET or HEAD'),
                              ({"method": "HEAD", "contains": "x"}, ": an answer to HEAD has no body")):
            d = Daemon({}, self.leg(**options), start=False)
            done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Certificates that legs are shown: good ones, those that expire soon, and those that have expired."""
import email.utils
import re
import shutil
import sys
import unittest

from lab import certs, process, timelapse, wait
from lab.daemon import Daemon, section
from lab.origin import answer
from test_legs import HANDLERS, HOST, TlsOrigin, first

FRESH = {"heartbeat": "500ms", "late": "5s", "watchdog": "60s", "reconnect_min": "100ms", "reconnect_max": "400ms", "fresh": "200ms",
         "large_beat": "0s"}


def tells_time(c, _request):
    c.send(answer(b"", headers=[("Date", email.utils.formatdate(usegmt=True))]))


class Certificates(unittest.TestCase):
    def setUp(self):
        self.ca = certs.Authority(process.folder())

    def far(self, name, days):
        cert, key, _ = self.ca.issue(name, "DNS:" + HOST, days=days)
        origin = TlsOrigin(cert, key, {**HANDLERS, "/": tells_time})
        self.addCleanup(origin.stop)
        return origin

    def leg(self, name, far, **options):
        return section("plugin", name, {"module": "probe_internal", "url": f"wss://{HOST}/echo", "address": f"127.0.0.1:{far.port}",
                                        "segments": ["tunnel", "traefik"], "edge": "traefik", "ca_file": self.ca.ca, **FRESH, **options})

    @staticmethod
    def events(d, name):
        return re.findall(rf"event=(certificate_\w+) plugin={name} segments=traefik expires=(\d{{4}}-\d\d-\d\dT\S+Z)", d.log())

    def days(self, d, name):
        key = f't3ops_leg_certificate_days{{leg="{name}"}}'
        return wait.until(lambda: d.metrics().get(key) is not None and d.metrics(), what=f"{key}")[key]

    def test_days_left(self):
        rows = (("good", 30, {}, []), ("soon", 5, {}, ["certificate_expiring"]), ("near", 5, {"certificate_days": 4}, []),
                ("expired", -1, {}, ["certificate_expired"]), ("untrusted", 30, {"ca_file": ""}, []),
                ("untrusted_soon", 5, {"ca_file": ""}, ["certificate_expiring"]))
        conf = "".join(self.leg(name, self.far(name, days), **options) for name, days, options, _ in rows)
        with Daemon({}, conf) as d:
            for name, days, options, kinds in rows:
                with self.subTest(name):
                    self.assertAlmostEqual(self.days(d, name), days, delta=0.1)
                    if options.get("ca_file") == "" or days < 0:
                        self.assertEqual(first(d, name, "leg_attempt_failed")["step"], "tls")
                        d.wait_log(f"event=leg_attempt_failed .*plugin={name} .*step=tls reason=tls ")  # it may be late at first
                    else:
                        first(d, name, "leg_up")
                        wait.until(lambda: d.metrics().get(f't3ops_leg_fresh_seconds_count{{leg="{name}"}}', 0) >= 2)
                    self.assertEqual([kind for kind, _ in self.events(d, name)], kinds)  # once a day, not once a connection

    def test_renewed_and_expired(self):
        far = self.far("far", 5)
        with Daemon({}, self.leg("far", far)) as d:
            first(d, "far", "leg_up")
            wait.until(lambda: self.events(d, "far"))
            for name, days in (("better", 60), ("worse", 3)):
                cert, key, _ = self.ca.issue(name, "DNS:" + HOST, days=days)
                far.context.load_cert_chain(cert, key)
                wait.until(lambda: abs(self.days(d, "far") - days) < 0.1, what=f"{days} days")
            self.assertEqual([kind for kind, _ in self.events(d, "far")], ["certificate_expiring", "certificate_renewed", "certificate_expiring"])
            cert, key, _ = self.ca.issue("over", "DNS:" + HOST, days=-1)
            far.context.load_cert_chain(cert, key)
            e = first(d, "far", "leg_fresh_failed")  # the leg's own connection lives
            self.assertEqual((e["step"], e["reason"]), ("tls", "tls"))
            wait.until(lambda: self.events(d, "far")[-1][0] == "certificate_expired")
            v = wait.until(lambda: (v := d.verdicts()) and v[0], what="a verdict")
            self.assertEqual(v["verdict"], "traefik")

    @unittest.skipIf(timelapse.missing(), "no clock can be set here")
    def test_clock_of_this_machine(self):
        """Whoever shows a certificate that only our clock finds fault with is not accused, nor said to be late with it."""
        lapse = timelapse.Timelapse(2)
        far, mute = self.far("far", 30), self.far("mute", 30)
        del mute.handlers["/"]  # its answer has no date
        with Daemon({}, self.leg("far", far) + self.leg("mute", mute), env=lapse.env()) as d:
            for name in ("far", "mute"):
                first(d, name, "leg_up")
            for years in (10, -10):
                mark = len(d.log())
                lapse.jump(realtime=years * 365 * 86400)
                for name in ("far", "mute"):
                    d.wait_log(rf"event=leg_fresh_failed plugin={name} step=tls reason=clock ", after=mark)
                lapse.jump(realtime=-years * 365 * 86400)
                for name in ("far", "mute"):
                    d.wait_log(rf"event=leg_fresh_opened plugin={name} ", after=mark)
            self.assertNotIn("event=certificate_expired", d.log())
            self.assertRegex(d.log(), r"event=leg_fresh_failed plugin=far [^\n]*but not by the server's own")
            self.assertEqual(d.verdicts(), [])


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("skipped, not installed: openssl")
        sys.exit(77)
    unittest.main()

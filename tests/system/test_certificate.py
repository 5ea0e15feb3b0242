#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Certificates that legs are shown: good ones, those that expire soon, and those that have expired."""
import re
import shutil
import sys
import unittest

from lab import certs, process, wait
from lab.daemon import Daemon, section
from test_legs import HANDLERS, HOST, TlsOrigin, first

FRESH = {"heartbeat": "500ms", "late": "5s", "watchdog": "60s", "reconnect_min": "100ms", "reconnect_max": "400ms", "fresh": "200ms",
         "large_beat": "0s"}


class Certificates(unittest.TestCase):
    def setUp(self):
        self.ca = certs.Authority(process.folder())

    def far(self, name, days):
        cert, key, _ = self.ca.issue(name, "DNS:" + HOST, days=days)
        origin = TlsOrigin(cert, key, HANDLERS)
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
                        e = first(d, name, "leg_attempt_failed")
                        self.assertEqual((e["step"], e["reason"]), ("tls", "tls"))
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


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("skipped, not installed: openssl")
        sys.exit(77)
    unittest.main()

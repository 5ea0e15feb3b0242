#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A leg of a plugin author's own, which fetches a page: the core tells the same truth of it as of ours."""
import shutil
import unittest

from lab import certs, ports, process, wait
from lab.daemon import Daemon, plugin_dir_with, section
from lab.origin import Origin, answer
from test_legs import BRISK, TIMEOUT, TlsOrigin, first, silent

CALM = {**BRISK, "late": "5s", "watchdog": "60s", "timeout": TIMEOUT}
PAGES = {
    "/page": lambda c, r: c.send(answer(b"hi")), "/busy": lambda c, r: c.send(answer(b"", "503 Service Unavailable")),
    "/sso": lambda c, r: c.send(answer(b"", "302 Found", [("Location", "https://sso.lab.test/")])),
    "/eof": lambda c, r: False, "/mute": lambda c, r: silent(c)}
ENDS = [  # path, step, reason, status
    ("busy", "http", "http_status", "503"), ("sso", "http", "walled_off", "302"), ("eof", "http", "eof", None),
    ("mute", "http", "http_timeout", None)]


class FetchingLeg(unittest.TestCase):
    def daemon(self, *legs):
        conf = "".join(section("plugin", name, {"module": "sample_http_leg", **CALM, **options}) for name, options in legs)
        return Daemon({"plugin_dir": plugin_dir_with("sample_http_leg")}, conf)

    def test_steps_and_reasons(self):
        with Origin(dict(PAGES)) as origin:
            legs = [(name, {"url": f"http://127.0.0.1:{origin.port}/{name}"}) for name, *_ in ENDS]
            legs += [("good", {"url": f"http://127.0.0.1:{origin.port}/page"}), ("refused", {"url": f"http://127.0.0.1:{ports.free()}/"}),
                     ("looks_up", {"url": "http://no-such-name.invalid/", "resolver_segments": ["wan", "dns"]}),
                     ("looks_nothing_up", {"url": "http://no-such-name.invalid/"})]
            with self.daemon(*legs) as d:
                first(d, "good", "leg_up")
                wait.until(lambda: d.metrics().get('t3ops_leg_rtt_seconds_count{leg="good"}', 0) >= 2)
                for name, step, reason, status in ENDS + [("refused", "connect", "refused", None), ("looks_up", "dns", "dns", None),
                                                          ("looks_nothing_up", "connect", "unreachable", None)]:
                    with self.subTest(name):
                        e = first(d, name, "leg_attempt_failed")
                        self.assertEqual((e["step"], e["reason"], e.get("http_status")), (step, reason, status))
                d.process.wait_log(r'event=page_failed plugin=refused message="at connect: refused"')

    def test_ends_of_an_established_leg(self):
        with Origin(dict(PAGES)) as origin, self.daemon(("page", {"url": f"http://127.0.0.1:{origin.port}/page"})) as d:
            first(d, "page", "leg_up")
            origin.handlers["/page"] = PAGES["/busy"]
            e = first(d, "page", "leg_down")
            self.assertEqual((e["step"], e["reason"], e["http_status"]), ("http", "http_status", "503"))
            self.assertEqual(d.metrics()['t3ops_leg_connected{leg="page"}'], 0)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_certificate(self):
        ca = certs.Authority(process.folder())
        cert, key, _ = ca.issue("far", "IP:127.0.0.1", days=5)
        with TlsOrigin(cert, key, PAGES) as origin:
            url = f"https://127.0.0.1:{origin.port}/page"
            with self.daemon(("trusted", {"url": url, "ca_file": ca.ca}), ("untrusted", {"url": url})) as d:
                first(d, "trusted", "leg_up")
                d.process.wait_log(r"event=certificate_expiring plugin=trusted segments=wan ")
                e = first(d, "untrusted", "leg_attempt_failed")
                self.assertEqual((e["step"], e["reason"]), ("tls", "tls"))


if __name__ == "__main__":
    unittest.main()

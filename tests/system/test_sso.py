#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The leg through the sign-in: the redirect to the SSO and the SSO's own page, or what is there instead."""
import re
import unittest

from lab import wait
from lab.daemon import Daemon, section
from lab.origin import Origin, answer

BRISK = {"heartbeat": "100ms", "late": "400ms", "watchdog": "3s", "timeout": "600ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}
REQUIRED = 't3ops_probe_sign_in_required{plugin="probe_sso"}'


def redirect(target, status="302 Found"):
    return lambda c, r: c.send(answer(b"", status, [("Location", target() if callable(target) else target)]))


def page(c, _):
    c.send(answer(b"<title>Sign in</title>", headers=[("Content-Type", "text/html")]))


def says(status):
    return lambda c, r: c.send(answer(b"no", status))


class Wall(unittest.TestCase):
    def setUp(self):
        self.sso = Origin({"/login": page, "/start": redirect("/login?rd=secret-query")})
        self.front = Origin({"/": redirect(f"http://127.0.0.1:{self.sso.port}/start?token=secret-query")})
        self.addCleanup(self.sso.stop)
        self.addCleanup(self.front.stop)
        self.daemon = None

    def start(self, sections="", ready="leg_up", **options):
        leg = {"url": f"http://127.0.0.1:{self.front.port}/", "location": f"http://127.0.0.1:{self.sso.port}/*",
               "segments": ["traefik", "sso"], **BRISK, **options}
        self.daemon = Daemon({"ping_timeout": "400ms"}, sections + section("plugin", "probe_sso", leg))
        self.addCleanup(self.daemon.process.kill)
        if ready:
            self.daemon.wait_log(rf"event={ready} .*plugin=probe_sso")
        return self.daemon

    def after(self, pattern, change):
        """What the log says of a change."""
        mark = len(self.daemon.log())
        change()
        return self.daemon.wait_log(pattern, after=mark).group(0)

    def fails(self, change):
        return self.after(r"event=leg_down .*plugin=probe_sso.*", change)

    def heals(self, change):
        return self.after(r"event=leg_up .*plugin=probe_sso.*", change)

    def test_redirects_to_a_page_that_answers(self):
        d = self.start()
        wait.until(lambda: len(self.front.requests("/")) >= 4, what="heartbeats")
        self.assertGreaterEqual(len(self.sso.requests("/login")), 3)
        self.assertEqual(self.front.seen[0].header("cookie"), None)
        self.assertEqual(d.metrics()[REQUIRED], 1)
        self.assertNotRegex(d.log(), r"event=(leg_down|leg_late|sign_in_skipped)")
        self.assertEqual(d.stop(), 0)

    def test_page_of_the_sso_is_down(self):
        """Another leg proves Traefik good: the verdict is the SSO's own segment."""
        other = section("plugin", "traefik_alone", {
            "module": "probe_sso", "url": f"http://127.0.0.1:{self.front.port}/401", "status": 401, "segments": ["traefik"], **BRISK})
        self.front.handlers["/401"] = says("401 Unauthorized")
        d = self.start(other)
        d.wait_log(r"event=leg_up .*plugin=traefik_alone")

        def broken():
            self.sso.handlers["/login"] = says("503 Service Unavailable")
        end = self.fails(broken)
        self.assertRegex(end, r"step=http")
        self.assertRegex(end, r"reason=http_status")
        self.assertRegex(end, r"close_code=503|http_status=503")
        self.assertIn(f"the page of the SSO http://127.0.0.1:{self.sso.port}/login: answered 503", end)
        self.assertEqual(wait.until(d.verdicts, what="a verdict")[0]["segments"], ["sso"])
        self.heals(lambda: self.sso.handlers.update({"/login": page}))
        d.wait_log(r"event=verdict_healed")
        self.assertNotIn("secret-query", d.log())
        self.assertEqual(d.stop(), 0)

    def test_sso_is_gone(self):
        self.start()
        end = self.fails(self.sso.stop)
        self.assertRegex(end, r"step=http .*reason=(refused|reset|eof)|reason=(refused|reset|eof) .*step=http")
        self.assertEqual(self.daemon.stop(), 0)

    def test_sso_hangs(self):
        d = self.start()
        gate = []
        end = self.fails(lambda: self.sso.handlers.update({"/login": lambda c, r: gate or c.read(1 << 20)}))
        self.assertRegex(end, r"reason=http_timeout")
        self.assertEqual(d.stop(), 0)

    def test_protected_path_fails(self):
        d = self.start()
        end = self.fails(lambda: self.front.handlers.update({"/": says("502 Bad Gateway")}))
        self.assertIn("the protected path", end)
        self.assertRegex(end, r"reason=http_status")
        self.heals(lambda: self.front.handlers.update({"/": redirect(f"http://127.0.0.1:{self.sso.port}/login")}))
        self.assertRegex(self.fails(self.front.stop), r"reason=(refused|reset|eof)")
        self.assertEqual(d.stop(), 0)

    def test_redirects_elsewhere(self):
        d = self.start(ready="leg_attempt_failed", location="https://auth.example.com/*")
        line = re.search(r"event=leg_attempt_failed .*", d.log()).group(0)
        self.assertIn(f"redirects to http://127.0.0.1:{self.sso.port}/start, expected https://auth.example.com/*", line)
        self.assertIn("reason=protocol", line)
        self.assertEqual(d.stop(), 0)

    def test_other_redirects_that_lead_nowhere(self):
        for target, why in (("", "redirects to nowhere"), ("ftp://x/", "redirects to nowhere")):
            with self.subTest(target):
                self.front.handlers["/"] = redirect(target)
                d = self.start(ready="leg_attempt_failed", location="")
                self.assertIn(why, d.log())
                d.stop()
        self.front.handlers["/"] = redirect(f"http://127.0.0.1:{self.sso.port}/login")
        self.sso.handlers["/login"] = redirect("/login")
        d = self.start(ready="leg_attempt_failed")
        self.assertIn("redirects again and again", d.log())
        self.assertEqual(d.stop(), 0)

    def test_open_wall(self):
        d = self.start()
        line = self.after(r"level=error .*event=sign_in_skipped .*", lambda: self.front.handlers.update({"/": page}))
        self.assertIn("http_status=200", line)
        self.assertIn("answers without a sign-in", line)
        wait.until(lambda: d.metrics()[REQUIRED] == 0, what=REQUIRED)
        asked = len(self.sso.requests("/start"))
        wait.until(lambda: len(self.sso.requests("/start")) > asked + 2, what="the SSO is looked at all the same")
        self.assertEqual(len(re.findall("event=sign_in_skipped", d.log())), 1)
        self.assertNotIn("event=leg_down", d.log())
        self.after(r"event=note .*asks for a sign-in again",
                   lambda: self.front.handlers.update({"/": redirect(f"http://127.0.0.1:{self.sso.port}/login")}))
        wait.until(lambda: d.metrics()[REQUIRED] == 1, what=REQUIRED)
        self.assertEqual(d.stop(), 0)

    def test_open_from_the_start(self):
        self.front.handlers["/"] = page
        d = self.start(ready="sign_in_skipped")
        d.wait_log(r"event=leg_up .*plugin=probe_sso")
        self.assertEqual(self.sso.seen, [])
        self.assertEqual(d.stop(), 0)


class Check(unittest.TestCase):
    def test_location_is_doubtful(self):
        d = Daemon({}, section("plugin", "probe_sso", {"url": "https://t3.example.com/", "segments": ["traefik", "sso"]}), start=False)
        d.start()
        self.assertRegex(d.log(), r"event=config_warning .*location.*a redirect to anywhere")
        self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
    unittest.main()

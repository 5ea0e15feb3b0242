#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reports of browsers (NEL): documents ask for them, /probe/nel/TOKEN takes them, verdicts show them."""
import json
import re
import socket
import unittest

from lab import browser, http, wait
from lab.daemon import Daemon
from lab.origin import Origin
from lab.stub import NEW, T3Stub

ALICE = ("X-authentik-username", "alice")
NAVIGATION = [ALICE, ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html")]
TYPE = ("Content-Type", "application/reports+json")
SECTIONS = 'plugin "probe_echo" {}\n'
LEGS = 'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n'


def report(kind="tcp.reset", age=0, url="https://t3.example.com/chat?q=secret-of-alice", **body):
    return {"age": age, "type": "network-error", "url": url, "user_agent": "Mozilla/5.0",
            "body": {"elapsed_time": 12, "method": "GET", "phase": "connection", "protocol": "h2", "referrer": "",
                     "sampling_fraction": 1.0, "server_ip": "192.0.2.1", "status_code": 0, "type": kind, **body}}


class Case(unittest.TestCase):
    def daemon(self, sections=SECTIONS, users=None, **options):
        d = Daemon({"browser_reports": True, "access_log": "logfmt", "public_paths": ["/probe"], **options}, sections, users=users)
        d.__enter__()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def token(self, d, user=ALICE):
        """As a document of the user names it."""
        answer = http.get(d.proxy, "/", [user, *NAVIGATION[1:]])
        group = json.loads(answer.header("report-to"))
        self.assertEqual(json.loads(answer.header("nel"))["report_to"], group["group"])
        return re.fullmatch(r"/probe/nel/([0-9a-f]{32})", group["endpoints"][0]["url"]).group(1)

    def post(self, d, token, body, headers=(TYPE,), method="POST"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return http.request(d.proxy, method, f"/probe/nel/{token}", list(headers), body)

    def counted(self, d, outcome):
        return d.metrics()[f't3ops_browser_reports_total{{outcome="{outcome}"}}']


class Requests(Case):
    def setUp(self):
        self.origin = Origin({})
        self.addCleanup(self.origin.stop)

    def both(self, **options):
        return self.daemon(users={"alice": self.origin.port, "bob": self.origin.port}, **options)

    def test_off(self):
        d = self.both(browser_reports=False)
        answer = http.get(d.proxy, "/", NAVIGATION)
        self.assertEqual((answer.header("nel"), answer.header("report-to")), (None, None))
        self.assertEqual(self.post(d, "0" * 32, [report()]).status, 404)

    def test_documents_only(self):
        d = self.both()
        for headers in ([ALICE], [ALICE, ("Sec-Fetch-Dest", "image")], NAVIGATION[1:]):
            self.assertIsNone(http.get(d.proxy, "/", headers).header("report-to"))

    def test_a_report(self):
        d = self.both()
        token = self.token(d)
        self.assertNotEqual(token, self.token(d, (ALICE[0], "bob")))
        self.assertEqual(self.post(d, token, [report(age=3000), report("dns.timed_out", phase="dns")]).status, 204)
        d.wait_log(r'event=browser_reported user=alice .*url_path=/chat .*detail="GET failed: tcp.reset \(connection\)"')
        d.wait_log(r"event=browser_reported user=alice .*dns.timed_out")
        self.assertEqual(self.counted(d, "taken"), 2)
        self.assertNotIn("secret-of-alice", d.log())
        self.assertNotIn(token, d.log())

    def test_refusals(self):
        d = self.both()
        token, good = self.token(d), [report()]
        self.assertEqual(self.post(d, "0" * 32, good).status, 404)
        self.assertEqual(self.post(d, token[:-1], good).status, 404)
        self.assertEqual(self.post(d, token + "/more", good).status, 404)
        self.assertEqual(self.counted(d, "unknown_token"), 3)
        self.assertEqual(self.post(d, token, good, [("Content-Type", "application/json")]).status, 415)
        self.assertEqual(self.post(d, token, good, []).status, 415)
        self.assertEqual(self.post(d, token, good, method="PUT").status, 405)
        self.assertEqual(self.post(d, token, b"no list").status, 400)
        self.assertEqual(self.post(d, token, b"[" + b" " * 20000 + b"]").status, 413)
        self.assertEqual(self.counted(d, "malformed"), 5)
        self.assertEqual(self.post(d, token, [report(), report("ok"), {}, 7]).status, 204)
        self.assertEqual((self.counted(d, "taken"), self.counted(d, "left_out")), (1, 3))
        self.assertNotIn(token, d.log())

    def test_rate(self):
        d = self.both(browser_reports_rate=5)
        token = self.token(d)
        said = [self.post(d, token, []).status for _ in range(12)]  # perhaps in two minutes
        self.assertEqual(said[:5], [204] * 5)
        self.assertIn(429, said)
        self.assertEqual(self.counted(d, "limited"), said.count(429))

    def test_in_pieces(self):
        d = self.both()
        body = json.dumps([report()]).encode()
        with socket.create_connection(d.proxy) as s:
            s.sendall(f"POST /probe/nel/{self.token(d)} HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE[1]}; charset=utf-8\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
            for at in range(10, len(body), 50):
                s.sendall(body[at:at + 50])
            self.assertIn(b" 204 ", s.recv(1000).split(b"\r\n")[0])
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")  # and the connection goes on
            self.assertIn(b" 200 ", s.recv(1000).split(b"\r\n")[0])
        d.wait_log("event=browser_reported user=alice")

    def test_one_that_never_ends(self):
        d = self.both(plugin_deadline="300ms")
        with socket.create_connection(d.proxy) as s:
            s.settimeout(30)
            s.sendall(f"POST /probe/nel/{self.token(d)} HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE[1]}\r\nContent-Length: 100\r\n\r\n[".encode())
            self.assertIn(b" 408 ", s.recv(1000).split(b"\r\n")[0])

    def test_chunked(self):
        d = self.both()
        answer = http.request(d.proxy, "POST", f"/probe/nel/{self.token(d)}", [TYPE, ("Transfer-Encoding", "chunked")], b"2\r\n[]\r\n0\r\n\r\n")
        self.assertEqual(answer.status, 411)

    def test_users_go(self):
        d = self.both()
        token = self.token(d)
        self.assertEqual(self.post(d, token, []).status, 204)
        d.write_users({"bob": self.origin.port})
        wait.until(lambda: self.post(d, token, []).status == 404, what="a token that is nobody's any more")


class Evidence(Case):
    def test_a_verdict_shows_it(self):
        """In the verdict, the story, and the user's own page; and the verdict is what it was."""
        stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(stub.process.kill)
        d = self.daemon(SECTIONS + LEGS, {"alice": stub.port})
        d.wait_log(r"event=leg_up .*user=alice")
        token = self.token(d)
        stub.stall()
        self.addCleanup(stub.resume)
        d.wait_log(r"event=verdict .*segments=serve\(alice\)")
        before = d.verdicts()[0]
        self.assertEqual(self.post(d, token, [report("http.error", age=500, phase="application", status_code=504)]).status, 204)
        shown = wait.until(lambda: d.verdicts()[0].get("browser"), what="a verdict with the report")[0]
        self.assertEqual((shown["user"], shown["path"], shown["status"], shown["same_address"]), ("alice", "/chat", 504, False))
        after = d.verdicts()[0]
        self.assertEqual({k: after[k] for k in ("segments", "revision", "evidence", "text")},
                         {k: before[k] for k in ("segments", "revision", "evidence", "text")})
        stub.resume()
        d.wait_log("event=verdict_healed")
        self.assertIn("the browser of alice reports: /chat: GET failed: http.error (application), HTTP 504",
                      " ".join(d.ctl("why", "alice").split()))
        page = http.get(d.proxy, "/t3ops/me", NAVIGATION).text()
        self.assertIn("Your browser reported: /chat: GET failed: http.error (application).", page)

    def test_nobody_is_convicted_by_it(self):
        origin = Origin({})
        self.addCleanup(origin.stop)
        d = self.daemon(users={"alice": origin.port})
        self.post(d, self.token(d), [report(age=n) for n in range(8)])
        d.wait_log("event=browser_reported")
        d.reload()
        self.assertEqual(d.verdicts(), [])


@unittest.skipIf(browser.why_not(), f"missing here: {browser.why_not()}")
class Chromium(browser.Case):
    """What a real one reports; docs/browser-reports.md has the whole table."""

    options = {"browser_reports": True, "access_log": "logfmt"}
    flags = ("--short-reporting-delay",)

    def reported(self):
        return re.findall(rf"event=browser_reported user={self.name} .*", self.world.daemon.log())

    def test_a_navigation_that_fails(self):
        tab = self.connected()
        self.line.cut()
        self.line.refuse()
        self.addCleanup(self.line.heal)
        tab.navigate("/")
        self.world.pause(browser.QUIET)
        self.assertEqual(self.reported(), [])  # nothing can come
        self.line.heal()
        tab.navigate("/")
        wait.until(self.reported, limit=120, what="the report of a navigation that failed")
        self.assertRegex(self.reported()[0], r'url_path=/ .*detail="GET failed: tcp\.\w+ \(connection\)"')

    def test_a_websocket_that_breaks(self):
        tab = self.connected()
        before = len(re.findall(rf"event=tunnel_dropped .*user={self.name}", self.world.daemon.log()))
        self.line.reset()
        wait.until(lambda: len(re.findall(rf"event=tunnel_dropped .*user={self.name}", self.world.daemon.log())) > before,
                   what="the drop")
        tab.wait_connected()
        self.world.pause(browser.QUIET)
        self.assertEqual([r for r in self.reported() if "/ws" in r], [])


if __name__ == "__main__":
    unittest.main()

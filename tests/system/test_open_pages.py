#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Open pages whose session has died: their next request is healed, once, and no t3 server is hurt by those that cannot
be."""
import socket
import time
import unittest

from lab import http, timelapse, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.stub import LATEST, NEW, OLD, T3Stub
from test_pairing import ALICE, PLUGINS, XHR, cookie_of, lab, pairs, script

PAIRS = script('print(\'{"credential": "ABCDEFGHJKLM"}\')')
SESSION = "/api/auth/session"


def says(authenticated):
    body = b'{"authenticated":%s,"auth":{"sessionCookieName":"t3_session"}}' % (b"true" if authenticated else b"false")
    return lambda c, r: c.send(answer(body))


def exchange(c, _):
    c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session=new; Path=/; HttpOnly")]))


def guarded(c, request):
    """200 for the new session, else 401."""
    if "t3_session=new" in (request.header("cookie") or ""):
        c.send(answer(b"welcome"))
    else:
        c.send(answer(b"no", "401 Unauthorized"))


class Healing(unittest.TestCase):
    def test_upgrade_with_a_dead_cookie(self):
        for version in (OLD, NEW, LATEST):
            with self.subTest(version=version), T3Stub(version, dead_ms=0) as stub, lab(stub) as d:
                dead = {"Cookie": stub.cookie()}
                stub.wipe()
                with ws.WebSocket(d.proxy, "/ws", {**ALICE, **dead}) as w:
                    self.assertEqual(w.response.status, 101)
                    fresh = cookie_of(w.response)
                    w.heartbeat()
                with ws.WebSocket(d.proxy, "/ws", {**ALICE, **dead}) as w:  # another tab, a moment later
                    self.assertEqual(cookie_of(w.response), fresh)
                self.assertEqual(pairs(d), 1)
                with ws.WebSocket(d.proxy, "/ws", {**ALICE, "Cookie": fresh}) as w:
                    self.assertIsNone(w.response.header("set-cookie"))
                stub.wipe()  # again, a moment later
                with ws.WebSocket(d.proxy, "/ws", {**ALICE, "Cookie": fresh}) as w:
                    self.assertEqual(w.response.status, 101)

    def origin(self, alive, **handlers):
        origin = Origin({SESSION: says(alive), "/api/auth/browser-session": exchange, "/x": guarded, **handlers})
        self.addCleanup(origin.stop)
        return origin

    def daemon(self, origin, mint=PAIRS):
        d = Daemon({}, mint + PLUGINS, users={"alice": origin.port})
        self.addCleanup(d.stop)
        return d

    def test_request_of_a_page(self):
        origin = self.origin(False)
        d = self.daemon(origin)
        for method in ("GET", "HEAD", "DELETE"):
            r = http.request(d.proxy, method, "/x", {**XHR, "Cookie": "t3_session=old", "User-Agent": method})
            self.assertEqual((r.status, cookie_of(r)), (200, "t3_session=new"))
        self.assertEqual(pairs(d), 3)

    def test_what_is_not_healed(self):
        origin = self.origin(False)
        d = self.daemon(origin)
        dead = {**XHR, "Cookie": "t3_session=old"}
        for what, method, headers, body in (
                ("a body has been sent", "POST", {}, b"text"),
                ("a credential of its own", "GET", {"Authorization": "Bearer x"}, b""),
                ("another site", "GET", {"Sec-Fetch-Site": "cross-site"}, b""),
                ("another origin", "GET", {"Sec-Fetch-Site": None, "Origin": "https://evil.example"}, b"")):
            with self.subTest(what=what):
                sent = {n: v for n, v in {**dead, **headers}.items() if v is not None}
                self.assertEqual(http.request(d.proxy, method, "/x", sent, body).status, 401)
        self.assertEqual(pairs(d), 0)

    def test_401_of_a_living_session_is_passed_on(self):
        origin = self.origin(True)
        d = self.daemon(origin)
        r = http.get(d.proxy, "/x", {**XHR, "Cookie": "t3_session=old"})
        self.assertEqual((r.status, r.body), (401, b"no"))
        self.assertEqual(len(origin.requests("/x")), 2)
        self.assertEqual(pairs(d), 0)

    def test_401_without_a_session_is_passed_on_as_it_came(self):
        origin = self.origin(False)
        d = self.daemon(origin, script("raise SystemExit(1)"))
        http.get(d.proxy, "/x", XHR)
        self.assertEqual(len(origin.requests("/x")), 1)

    def test_what_cannot_be_healed_is_not_passed_on_each_time(self):
        origin = self.origin(False)
        d = self.daemon(origin, script("raise SystemExit(1)"))
        dead = {**XHR, "Cookie": "t3_session=old"}
        answers = [http.get(d.proxy, "/x", dead) for _ in range(5)]
        answers += [http.get(d.proxy, "/x", {**dead, "Cookie": f"visit={n}; t3_session=old"}) for n in range(5)]
        self.assertEqual([r.status for r in answers], [503] * 10)
        self.assertTrue(answers[0].header("retry-after"))
        self.assertEqual(len(origin.requests("/x")), 1)

    def test_server_that_accepts_no_session_is_asked_with_pauses(self):
        origin = self.origin(False, **{"/y": lambda c, r: c.send(answer(b"no", "401 Unauthorized"))})
        d = self.daemon(origin)
        first = http.get(d.proxy, "/y", {**XHR, "Cookie": "t3_session=old"})
        self.assertEqual((first.status, cookie_of(first)), (401, "t3_session=new"))
        fresh = {**XHR, "Cookie": "t3_session=new"}
        self.assertEqual([http.get(d.proxy, "/y", fresh).status for _ in range(4)], [401] + [503] * 3)
        self.assertEqual(len(origin.requests("/y")), 5)
        self.assertEqual(pairs(d), 2)  # the first one may have been wiped; two that die at once mean that none is kept

    @unittest.skipIf(timelapse.missing(), "no timelapse here")
    def test_page_of_a_server_that_accepts_no_session_costs_few(self):
        made = []

        def exchange_anew(c, _):
            made.append(1)
            c.send(answer(b"{}", headers=[("Set-Cookie", f"t3_session={len(made)}; Path=/; HttpOnly")]))

        origin = self.origin(False, **{"/y": lambda c, r: c.send(answer(b"no", "401 Unauthorized")),
                                       "/api/auth/browser-session": exchange_anew})
        lapse = timelapse.Timelapse(60)
        d = Daemon({}, PAIRS + PLUGINS, users={"alice": origin.port}, env=lapse.env())
        self.addCleanup(d.stop)
        cookie, end = "t3_session=old", lapse.now() + 600
        while lapse.now() < end:
            r = http.get(d.proxy, "/y", {**XHR, "Cookie": cookie})
            cookie = cookie_of(r) if r.header("set-cookie") else cookie
            time.sleep(3 / 60)
        self.assertLessEqual(len(made), 10)  # two at 0, 1, 3, 7 minutes


class Servers(unittest.TestCase):
    """An older t3 dies of clients that leave refused upgrades."""

    def test_refused_upgrades_are_read_to_the_servers_end(self):
        failing = script("raise SystemExit(1)")
        for version in (OLD, NEW, LATEST):
            with self.subTest(version=version), T3Stub(version, dead_ms=0) as stub, \
                    Daemon({}, failing + 'plugin "auto_pair" {}\n', users={"alice": stub.port}) as d:
                for n in range(150):
                    with socket.create_connection(d.proxy) as c:
                        c.sendall(http.build("GET", "/ws", [*ALICE.items(), ("Connection", "Upgrade"),
                                                            ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                                            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                                                            ("Origin", "http://lab"), ("Cookie", "t3_session=dead")]))
                        if n % 2:
                            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                wait.until(lambda: http.get(d.proxy, SESSION, {**XHR, "Cookie": "t3_session=dead"}).status == 200)
                self.assertTrue(stub.process.alive())


if __name__ == "__main__":
    unittest.main()

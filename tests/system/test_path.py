#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's path without t3ops in it: name, TLS, identity, sign-in, and parts that stop and start."""
import ssl
import sys
import unittest

from lab import http, path, wait, ws
from lab.stub import LATEST, NEW, T3Stub
from lab.user import User


class PathTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stub = T3Stub(NEW, dead_ms=20, log=1)
        cls.path = path.Path().start()
        cls.path.connect(cls.stub.address)

    @classmethod
    def tearDownClass(cls):
        cls.path.stop()
        cls.stub.stop()

    def test_name_is_resolved_over_https(self):
        self.assertEqual(self.path.resolve(), "127.0.0.1")

    def test_identity_and_edge_headers_arrive(self):
        mark = len(self.stub.process.log())
        forged = {"Cookie": "authentik_session=alice", "X-authentik-username": "mallory", "CF-Connecting-IP": "6.6.6.6"}
        self.assertEqual(self.path.get("/", forged).status, 200)
        seen = self.stub.process.log()[mark:].lower()
        self.assertIn("x-authentik-username: alice", seen)
        self.assertNotIn("mallory", seen)
        self.assertIn("cf-connecting-ip: 127.0.0.1", seen)
        self.assertRegex(seen, r"cf-ray: \d+-fra")

    def test_wall(self):
        answer = self.path.get("/some/page")
        self.assertEqual(answer.status, 302)
        self.assertIn("/outpost.goauthentik.io/", answer.header("location"))
        self.assertEqual(self.path.get("/probe/healthz").status, 200)
        self.path.wall(True)
        self.assertEqual(self.path.get("/probe/healthz").status, 302)
        self.path.wall(False)
        self.assertEqual(self.path.get("/probe/healthz").status, 200)

    def test_traefik_directly(self):
        answer = http.get(("127.0.0.1", self.path.ports["traefik"]), "/probe/healthz", host=self.path.host, tls=self.path.tls)
        self.assertEqual(answer.status, 200)

    def test_user_goes_the_whole_way_and_comes_back(self):
        name, value = self.stub.cookie().split("=", 1)
        line = self.path.last_mile()
        user = User("alice", line.address, self.path.host, self.path.tls, factor=0.05 * wait.SLOW)
        user.cookies[name] = value
        user.start()
        try:
            user.wait_connected()
            for part in (self.path.edge, self.path.tunnel, self.path.traefik, line, self.stub.process):
                connects = user.connects
                part.stall() if part in (line, self.stub.process) else part.cut()
                wait.until(lambda: not user.connected, what="the user noticed")
                part.resume() if part is self.stub.process else part.heal()
                wait.until(lambda before=connects: user.connects > before, what="the user is back")
            user.wait_pong()
        finally:
            user.stop()

    def test_edge_and_tunnel_answer_for_what_is_gone(self):
        for part, status in ((self.path.tunnel, 530), (self.path.traefik, 502)):
            part.cut()
            try:
                self.assertEqual(self.path.get("/probe/healthz").status, status)
            finally:
                part.heal()
            self.assertEqual(self.path.get("/probe/healthz").status, 200)

    def test_websocket_offers_survive_the_path(self):
        headers = {"Cookie": self.stub.cookie() + "; authentik_session=alice", "Sec-WebSocket-Protocol": "chat"}
        with ws.WebSocket(self.path.edge_address, "/ws", headers, self.path.host, self.path.tls) as w:
            self.assertEqual(w.response.header("sec-websocket-protocol"), "chat")
            w.heartbeat()


class Segments(unittest.TestCase):
    """With a relay in every place, and HTTP/2 to the browser."""

    @classmethod
    def setUpClass(cls):
        cls.stub = T3Stub(LATEST, dead_ms=20, log=1)
        cls.path = path.Path(segments=True, http2=True, factor=0.1).start()
        cls.path.connect(cls.stub.address)

    @classmethod
    def tearDownClass(cls):
        cls.path.stop()
        cls.stub.stop()

    def user(self, http2, **more):
        line = self.path.last_mile(**more)
        user = User("alice", line.address, self.path.host, self.path.browser_tls(http2), version=LATEST, factor=0.05 * wait.SLOW,
                    http2=http2)
        name, value = self.stub.cookie().split("=", 1)
        user.cookies[name] = value
        self.addCleanup(user.stop)
        return user.start()

    def test_every_line_carries(self):
        user = self.user(False)
        user.wait_connected()
        for name in ("tunnel_line", "traefik_line", "dispatch_line"):
            self.assertGreater(self.path.lines[name].bytes, 1000, name)
        self.assertEqual(http.get(self.path.lines["wan_line"].address, "/probe/healthz", host=self.path.host,
                                  tls=self.path.tls).status, 200)
        self.assertEqual(http.get(self.path.lines["inner_line"].address, "/probe/healthz", host=self.path.host,
                                  tls=self.path.tls).status, 200)

    def test_http2(self):
        user = self.user(True)
        user.wait_connected()
        user.wait_pong()
        session = user.network.session
        self.assertEqual(len(user.ask("stub.bytes", {"bytes": 300000})), 300000)
        user.open()
        wait.until(lambda: user.connects == 2, what="a second tab")
        self.assertIs(user.network.session, session, "one connection for everything")
        self.assertIsNotNone(user.pages[0].messages.deflate)
        user.reload()
        wait.until(lambda: user.connects == 3, what="the reloaded page")
        self.assertEqual((user.drops, user.count("left")), (0, 1))

    def test_http2_gives_up(self):
        user = self.user(True)
        user.wait_connected()
        self.stub.mute()
        try:
            wait.until(lambda: user.count("gave_up"), what="the page gives up")
        finally:
            self.stub.mute(False)
        wait.until(lambda: user.connects == 2, what="it is back")

    def test_expired_certificates(self):
        self.path.expire("edge")
        try:
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.path.get("/probe/healthz")
        finally:
            self.path.expire("edge", False)
        self.assertEqual(self.path.get("/probe/healthz").status, 200)
        self.path.expire("traefik")
        try:
            self.assertEqual(self.path.get("/probe/healthz").status, 502, "the tunnel does not believe it")
        finally:
            self.path.expire("traefik", False)
        self.assertEqual(self.path.get("/probe/healthz").status, 200)

    def test_two_users_have_addresses_of_their_own(self):
        for address in ("127.0.0.31", "127.0.0.32"):
            self.user(False, source=address).wait_connected()
            self.assertIn("cf-connecting-ip: " + address, self.stub.process.log().lower())


if __name__ == "__main__":
    if path.missing():
        print("skipped, not installed:", " ".join(path.missing()))
        sys.exit(77)
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A t3 server that starts: for a moment it accepts requests and never answers them.  They wait, and none is sent twice."""
import getpass
import os
import threading
import unittest

from lab import http, ports, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.stub import NEW, T3Stub

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
QUESTION = "/.well-known/t3/environment"


class Starts:
    """Deaf to every request until it is ready, as t3 is; those that came before it never answers."""

    def __init__(self, port=0, path=None):
        self.ready = threading.Event()
        self.origin = Origin({target: self.serve for target in ("/", "/x", QUESTION)}, port=port, path=path)

    def serve(self, c, request):
        if not self.ready.is_set():
            c.read(1 << 30)
        c.send(answer(b"up"))

    def seen(self, path):
        return len(self.origin.requests(path))


class Readiness(unittest.TestCase):
    def setUp(self):
        self.port = ports.free()

    def daemon(self, **options):
        d = Daemon(options, ECHO, users={"alice": self.port})
        self.addCleanup(d.stop)
        return d

    def starts(self, path=None):
        server = Starts(self.port, path)
        self.addCleanup(server.origin.stop)
        self.addCleanup(server.ready.set)
        return server

    def ask(self, d, method="GET", body=None):
        c = http.Connection(d.proxy)
        self.addCleanup(c.close)
        c.send(http.build(method, "/x", ALICE, body))
        return c

    def test_requests_wait_for_a_t3_server_that_starts(self):
        d = self.daemon()
        for _ in range(2):
            self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 503)  # nobody listens
        server = self.starts()
        asked = [self.ask(d), self.ask(d, "POST", b"body"), self.ask(d, "DELETE")]
        wait.until(lambda: server.seen(QUESTION) > 2, what="the question, again and again")
        self.assertEqual(d.metrics()["t3ops_requests_held_total"], 4)  # the first one found out
        self.assertEqual(server.seen("/x"), 0)
        server.ready.set()
        self.assertEqual([c.response().status for c in asked], [200, 200, 200])
        self.assertEqual(server.seen("/x"), 3, "each was sent once")
        questions = server.seen(QUESTION)
        self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 200)
        self.assertEqual(server.seen(QUESTION), questions, "it is known to answer")

    def test_another_one_that_listens_in_its_place(self):
        """It was restarted while nobody asked."""
        d = self.daemon()
        with Origin({"/x": lambda c, _: c.send(answer(b"the first"))}, port=self.port) as first:
            self.assertEqual(http.get(d.proxy, "/x", ALICE).text(), "the first")
            self.assertEqual(first.requests(QUESTION), [])
        server = self.starts()
        c = self.ask(d)
        wait.until(lambda: server.seen(QUESTION) > 1, what="the question")
        server.ready.set()
        self.assertEqual((c.response().text(), server.seen("/x")), ("up", 1))

    def test_another_one_that_listens_at_its_path(self):
        folder = process.folder()
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "t3.sock")
        d = Daemon({}, ECHO, users=f"alice={getpass.getuser()}@unix:{path}\n")
        self.addCleanup(d.stop)
        for number in range(2):
            with Origin({"/x": lambda c, _: c.send(answer(b"the first"))}, path=path) as first:
                self.assertEqual(http.get(d.proxy, "/x", ALICE).text(), "the first")
                self.assertEqual(len(first.requests(QUESTION)), min(number, 1))
            os.unlink(path)
            server = self.starts(path)
            c = self.ask(d, "POST", b"body")
            wait.until(lambda s=server: s.seen(QUESTION) > 1, what="the question")
            server.ready.set()
            self.assertEqual((c.response().text(), server.seen("/x")), ("up", 1))
            server.origin.stop()
            os.unlink(path)

    def test_a_client_that_does_not_wait(self):
        d = self.daemon()
        self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 503)
        server = self.starts()
        self.ask(d).reset()
        c = self.ask(d)
        wait.until(lambda: d.metrics()["t3ops_client_connections"] == 1, what="the first one to be forgotten")
        server.ready.set()
        self.assertEqual((c.response().status, server.seen("/x")), (200, 1))

    def test_how_long_they_wait(self):
        d = self.daemon(first_byte_timeout="1s")
        self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 503)
        server = self.starts()
        asked = [self.ask(d), self.ask(d, "POST", b"body")]
        self.assertEqual([c.response().status for c in asked], [503, 504])
        self.assertEqual(server.seen("/x"), 0)

    def test_their_number_is_limited_as_that_of_others(self):
        d = self.daemon(max_requests_per_user=2)
        self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 503)
        server = self.starts()
        held = d.metrics().get("t3ops_requests_held_total", 0)
        asked = [self.ask(d), self.ask(d)]
        wait.until(lambda: d.metrics()["t3ops_requests_held_total"] == held + 2, what="both to wait")
        self.assertEqual(http.get(d.proxy, "/x", ALICE).status, 429)
        server.ready.set()
        self.assertEqual([c.response().status for c in asked], [200, 200])

    def test_the_dead_window_of_t3(self):
        """Pages that come back at once wait for it, and their WebSockets open."""
        with T3Stub(NEW, dead_ms=300) as stub:
            d = Daemon({}, ECHO, users={"alice": stub.port})
            self.addCleanup(d.stop)
            cookie = stub.cookie()
            for _ in range(3):
                stub.stop()
                got = []
                pages = [threading.Thread(target=self.come_back, args=(d, cookie, got), daemon=True) for _ in range(5)]
                for page in pages:
                    page.start()
                stub.start()
                for page in pages:
                    page.join(60)
                self.assertEqual(got, [101] * 5)

    @staticmethod
    def come_back(d, cookie, got):
        """As often as it is told that nobody is there."""
        while True:
            try:
                ws.WebSocket(d.proxy, "/ws", ALICE + [("Cookie", cookie)]).close(1000)
                got.append(101)
                return
            except ws.Refused as refused:
                if refused.status != 503:
                    got.append(refused.status)
                    return


if __name__ == "__main__":
    unittest.main()

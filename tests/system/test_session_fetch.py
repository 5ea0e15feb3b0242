#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions are checked over the proxy's own connections to the t3 server, one check for all who ask about a session
meanwhile, and however the t3 server answers."""
import concurrent.futures
import json
import socket
import threading
import time
import unittest

from lab import http, wait
from lab.daemon import Daemon, section
from lab.origin import Origin

SESSION = "/api/auth/session"
BODY = json.dumps({"authenticated": True, "auth": {"sessionCookieName": "t3_session"}}).encode()
PAGE = {"Accept": "text/html", "X-authentik-username": "alice", "Cookie": "t3_session=abc"}
PLUGINS = ('plugin "session_check" { trust = "0s" }\nplugin "auto_pair" { check_timeout = "1s" }\n'
           + section("command", "mint", {"argv": ["/bin/false"]}))


def whole(c, _request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)


def in_chunks(c, _request):
    c.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for at in range(0, len(BODY), 7):
        part = BODY[at:at + 7]
        c.send(b"%x\r\n%s\r\n" % (len(part), part))
        time.sleep(0.002)
    c.send(b"0\r\n\r\n")


def until_close(c, _request):
    c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY)
    c.sock.shutdown(socket.SHUT_WR)


def garbage(c, _request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY)


def cut(c, _request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + BODY)
    c.sock.shutdown(socket.SHUT_RDWR)


def silent(_c, _request):
    time.sleep(2)


def huge(c, _request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + b" " * 400000)


class Checks(unittest.TestCase):
    def start(self, check):
        self.check = check
        self.origin = Origin({SESSION: lambda c, r: self.check(c, r)})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({}, PLUGINS, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def visit(self):
        return http.get(self.daemon.proxy, "/chat", PAGE).status

    def checks(self, result):
        return self.daemon.metrics().get(f't3ops_session_checks_total{{plugin="session_check",result="{result}"}}', 0)

    def asked(self):
        return sum(SESSION in r.target for r in self.origin.seen)

    def test_needs_no_connection_of_its_own(self):
        self.start(whole)
        for _ in range(10):
            self.assertEqual(self.visit(), 200)
        self.assertEqual(self.checks("alive"), 10)
        self.assertEqual(self.origin.connections, 1)

    def test_whatever_is_an_answer(self):
        self.start(whole)
        for n, check in enumerate((in_chunks, until_close, whole), 1):
            with self.subTest(check.__name__):
                self.check = check
                self.assertEqual(self.visit(), 200)
                self.assertEqual(self.checks("alive"), n)

    def test_whatever_is_none(self):
        self.start(whole)
        for n, check in enumerate((garbage, cut, silent, huge), 1):
            with self.subTest(check.__name__):
                self.check = check
                self.assertEqual(self.visit(), 200)
                self.assertEqual(self.checks("unknown"), n)
        self.check = whole
        self.assertEqual(self.visit(), 200)
        self.assertEqual(self.checks("alive"), 1)

    def test_a_connection_that_ended_meanwhile_is_replaced(self):
        """Closed by the t3 server when the next check comes, without a word."""
        self.start(whole)
        self.assertEqual(self.visit(), 200)
        before = self.origin.connections

        def closes(c, r):
            self.check = whole
            c.sock.shutdown(socket.SHUT_RDWR)
        self.check = closes
        self.assertEqual(self.visit(), 200)
        self.assertEqual(self.checks("alive"), 2)
        self.assertEqual(self.checks("unknown"), 0)
        self.assertGreater(self.origin.connections, before)

    def test_one_for_all_who_ask(self):
        gate = threading.Event()

        def held(c, r):
            gate.wait(10)
            whole(c, r)
        self.start(held)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            visits = [pool.submit(self.visit) for _ in range(8)]
            wait.until(lambda: self.daemon.metrics().get("t3ops_requests_in_progress", 8) >= 8 and self.asked() == 1, what="all to wait")
            time.sleep(0.3)  # for those that would ask on their own
            gate.set()
            self.assertEqual({v.result() for v in visits}, {200})
        self.assertEqual(self.asked(), 1)
        self.assertEqual(self.checks("alive"), 8)


if __name__ == "__main__":
    unittest.main()

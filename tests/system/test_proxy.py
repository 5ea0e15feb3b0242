#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The proxy as a reverse proxy: what it passes, what it refuses, and how it behaves when a t3 server does not."""
import contextlib
import datetime
import hashlib
import json
import os
import pwd
import re
import signal
import socket
import struct
import threading
import unittest

from lab import account, http, wait, ws
from lab.daemon import Daemon
from lab.memory import FREED_IS_FREE, rss, slack
from lab.origin import Origin, answer
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = {"X-authentik-username": "alice"}
BROWSER = {"Accept": "text/html", **ALICE}


def own_address():
    """One of this machine that is no loopback address; None: there is none.  Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("203.0.113.1", 9))
        except OSError:
            return None
        return s.getsockname()[0]


def connect_as(uid, to, source):
    """A socket belongs to whoever made it."""
    os.seteuid(uid)
    try:
        s = socket.socket()
    finally:
        os.seteuid(0)
    s.bind((source, 0))
    s.connect(to)
    return s


def chunked(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n")


def until_close(c, request):
    c.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    return False


def truncated(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    return False


def digest(c, request):
    c.send(answer(hashlib.sha256(request.body).hexdigest().encode()))


def not_modified(c, request):
    c.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 77\r\n\r\n")


def early(c, request):
    """Answers before the body is there, and ends the connection."""
    c.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return False


def continues(c, request):
    c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    c.send(answer(c.read(int(request.header("content-length")))))


def hints(c, request):
    c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"after hints"))


def garbage(c, request):
    c.send(b"SMTP 220 hello\r\n\r\n")
    return False


class BadChunk:
    """Its head is good, and so is the first chunk."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, c, request):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        self.go.wait(30)
        c.send(b"zz\r\n")
        c.fill()  # only t3ops ends it


class Accepts:
    """Responds at once, then takes what of the body comes."""

    takes_body = True

    def __init__(self):
        self.taken = b""

    def __call__(self, c, request):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        while True:
            if not c.buffer:
                c.fill()
            self.taken += c.buffer
            c.buffer = b""


def two_lengths(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")
    return False


early.takes_body = continues.takes_body = True


class Flood:
    """Sends far more than anybody reads, and counts."""

    def __init__(self, total):
        self.total, self.sent = total, 0

    def __call__(self, c, request):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.total)
        block = b"x" * 65536
        while self.sent < self.total:
            c.send(block[:self.total - self.sent])
            self.sent += len(block)


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.flood = Flood(64 << 20)
        cls.accepts, cls.bad_chunk = Accepts(), BadChunk()
        cls.origin = Origin({"/chunked": chunked, "/until-close": until_close, "/truncated": truncated, "/digest": digest,
                             "/304": not_modified, "/early": early, "/continue": continues, "/hints": hints,
                             "/garbage": garbage, "/two-lengths": two_lengths, "/flood": cls.flood,
                             "/bad-chunk": cls.bad_chunk, "/accepts": cls.accepts,
                             "/silent": lambda c, r: c.read(1 << 30)})
        cls.daemon = Daemon({"header_timeout": "2s", "first_byte_timeout": "1s", "max_header_bytes": "8K",
                             "max_headers": 40, "identity_strip_domain": True}, ECHO, users={"alice": cls.origin.port},
                            env=FREED_IS_FREE)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.origin.stop()

    def get(self, target, headers=(), method="GET", body=None):
        return http.request(self.daemon.proxy, method, target, {**ALICE, **dict(headers)}, body)

    # ---- heads

    def test_head_for_the_t3_server(self):
        r = self.get("/mirror?a=b%20c", {"X-Keep": "1", "Connection": "close, X-Drop", "X-Drop": "1", "TE": "trailers",
                                         "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https",
                                         "Cookie": "a=1; b=2"}).json()
        got = {}
        for name, value in r["headers"]:
            got.setdefault(name.lower(), []).append(value)
        self.assertEqual(r["target"], "/mirror?a=b%20c")
        self.assertEqual(got["x-keep"], ["1"])
        self.assertEqual(got["cookie"], ["a=1; b=2"])
        self.assertEqual(got["x-forwarded-for"], ["203.0.113.9, 127.0.0.1"])
        self.assertEqual(got["x-forwarded-proto"], ["https"])
        self.assertEqual(got["via"], ["1.1 t3ops"])
        for name in ("x-drop", "te", "x-authentik-username"):
            self.assertNotIn(name, got)

    def test_absolute_form_becomes_a_path(self):
        r = self.get("http://lab/mirror?x", {"Host": "lab"})
        self.assertEqual(r.json()["target"], "/mirror?x")

    # ---- bodies

    def test_bodies_of_answers(self):
        for target, body in (("/chunked", b"hello world"), ("/until-close", b"all of it"), ("/hints", b"after hints")):
            with self.subTest(target=target):
                with http.Connection(self.daemon.proxy) as c:
                    r = c.request("GET", target, ALICE)
                    if r.status == 103:
                        self.assertEqual(r.header("link"), "</a>")
                        r = c.response()
                    self.assertEqual((r.status, r.body), (200, body))

    def test_answers_without_body(self):
        with http.Connection(self.daemon.proxy) as c:
            r = c.request("HEAD", "/mirror", ALICE)
            self.assertEqual((r.status, r.body), (200, b""))
            r = c.request("GET", "/304", ALICE)
            self.assertEqual((r.status, r.header("etag")), (304, '"1"'))
            self.assertEqual(c.request("GET", "/mirror", ALICE).status, 200)

    def test_large_bodies_arrive_whole(self):
        body = os.urandom(3 << 20)
        want = hashlib.sha256(body).hexdigest()
        self.assertEqual(self.get("/digest", method="POST", body=body).text(), want)
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("POST", "/digest", {**ALICE, "Transfer-Encoding": "chunked"}))
            for i in range(0, len(body), 100_000):
                block = body[i:i + 100_000]
                c.send(b"%x\r\n" % len(block) + block + b"\r\n")
            c.send(b"0\r\n\r\n")
            self.assertEqual(c.response().text(), want)
            self.assertEqual(c.request("GET", "/mirror", ALICE).status, 200)

    def test_expect_continue(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("POST", "/continue", {**ALICE, "Expect": "100-continue", "Content-Length": "4"}))
            self.assertEqual(c.response_head().status, 100)
            c.send(b"body")
            self.assertEqual(c.response().body, b"body")

    def test_answer_before_the_body(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("POST", "/early", {**ALICE, "Content-Length": "1000000"}) + b"some")
            self.assertEqual(c.response().status, 413)
            self.assertTrue(c.at_end())

    def test_half_an_answer_is_seen_to_be_half(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/truncated", ALICE))
            self.assertRaises(EOFError, c.response)

    def test_bad_chunk_of_a_response_cuts_it(self):
        failures = self.daemon.metrics()["t3ops_upstream_failures_total"]
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/bad-chunk", ALICE))
            self.assertEqual((c.response_head().status, c.read(10)), (200, b"5\r\nhello\r\n"))
            self.bad_chunk.go.set()
            self.assertEqual(c.read_to_end(), b"")
        self.assertEqual(self.daemon.metrics()["t3ops_upstream_failures_total"], failures + 1)
        self.assertEqual(len(self.origin.requests("/bad-chunk")), 1)

    def test_bad_chunk_of_a_request_is_rejected_while_there_is_no_response(self):
        """The first chunk was good and is at the t3 server already."""
        rejected = self.daemon.metrics()['t3ops_requests_rejected_total{reason="chunk"}']
        taken = threading.Event()
        self.origin.handlers["/takes"] = takes = lambda c, r: (c.read(10), taken.set(), c.fill())
        takes.takes_body = True
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("POST", "/takes", {**ALICE, "Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n")
            self.assertTrue(taken.wait(30))
            c.send(b"5;\nworld\r\n")
            r = c.response()
            self.assertEqual((r.status, r.header("connection")), (400, "close"))
            self.assertTrue(c.at_end())
        self.assertEqual(self.daemon.metrics()['t3ops_requests_rejected_total{reason="chunk"}'], rejected + 1)

    def test_bad_chunk_of_a_request_cuts_a_response_that_has_begun(self):
        """There is no second head to say it with."""
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("POST", "/accepts", {**ALICE, "Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n")
            self.assertEqual(c.response_head().status, 200)
            self.assertEqual(c.read(4), b"half")
            wait.until(lambda: self.accepts.taken == b"5\r\nhello\r\n", what="the first chunk")
            c.send(b"5\nworld\r\n")
            self.assertEqual(c.read_to_end(), b"")
        self.assertEqual(self.accepts.taken, b"5\r\nhello\r\n")

    def test_slow_reader_stops_the_t3_server(self):
        before = rss(self.daemon.processes()["proxy"])
        with http.Connection(self.daemon.proxy) as c:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            c.send(http.build("GET", "/flood", ALICE))
            wait.until(lambda: self.flood.sent > 1 << 20, what="the flood")
            marks = [-1]

            def stands_still():
                marks.append(self.flood.sent)
                return marks[-1] == marks[-2]

            wait.until(stands_still, what="the flood to stop")
            self.assertLess(self.flood.sent, self.flood.total // 2)
            self.assertLess(rss(self.daemon.processes()["proxy"]), before + slack(4 << 20))
            self.assertEqual(len(c.response().body), self.flood.total)

    # ---- connections

    def test_connections_are_kept_on_both_sides(self):
        with http.Connection(self.daemon.proxy) as c:
            for _ in range(3):
                self.assertEqual(c.request("GET", "/kept", ALICE).status, 200)
        self.assertEqual(len({r.connection for r in self.origin.requests("/kept")}), 1)

    def test_pipelined_requests_are_answered_in_order(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(b"".join(http.build("POST", f"/pipe?{i}", ALICE, b"b%d" % i) for i in range(5)))
            got = [c.response().json() for _ in range(5)]
        self.assertEqual([(r["target"], r["body"]) for r in got], [(f"/pipe?{i}", f"b{i}") for i in range(5)])

    def test_a_pooled_connection_that_ends_meanwhile_costs_nobody_anything(self):
        """The proxy learns of its end and of the next request at once, in either order."""
        proxy = self.daemon.processes()["proxy"]
        for n in range(1, 21):
            self.assertEqual(self.get("/mirror").status, 200)
            with http.Connection(self.daemon.proxy) as c:
                os.kill(proxy, signal.SIGSTOP)
                try:
                    self.origin.cut()
                    wait.until(lambda: not self.origin.open, what="the end of the t3 server's side")  # closed whole
                    c.send(http.build("GET", "/meanwhile", ALICE))
                finally:
                    os.kill(proxy, signal.SIGCONT)
                self.assertEqual(c.response().status, 200)
            self.assertEqual(len(self.origin.requests("/meanwhile")), n)

    def test_a_request_that_may_still_be_read_is_not_sent_again(self):
        """The t3 server says no more, and reads on; of that the proxy learns together with the next request."""
        proxy = self.daemon.processes()["proxy"]
        for n in range(1, 6):
            self.assertEqual(self.get("/mirror").status, 200)
            with http.Connection(self.daemon.proxy) as c:
                os.kill(proxy, signal.SIGSTOP)
                try:
                    for sock in list(self.origin.open):
                        with contextlib.suppress(OSError):  # one of the last round, about to be forgotten
                            sock.shutdown(socket.SHUT_WR)
                    c.send(http.build("GET", "/half", ALICE))
                finally:
                    os.kill(proxy, signal.SIGCONT)
                self.assertIn(c.response().status, (200, 502))  # in the other order it goes to a new connection
            wait.until(lambda n=n: len(self.origin.requests("/half")) >= n, what="the request")
        self.assertEqual(len(self.origin.requests("/half")), 5)

    def test_a_request_that_was_read_is_not_sent_again(self):
        """On a connection that served others before, too."""
        def reads(c, request):
            return False

        self.origin.handlers["/reads"] = reads
        self.assertEqual(self.get("/mirror").status, 200)
        self.assertEqual(self.get("/reads").status, 502)
        self.assertEqual(len(self.origin.requests("/reads")), 1)

    def test_http_1_0(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/mirror", ALICE, version="HTTP/1.0"))
            r = c.response()
            self.assertEqual((r.status, r.header("connection")), (200, "close"))
            self.assertTrue(c.at_end())

    # ---- refusals

    def test_requests_that_are_rejected(self):
        host = b"Host: lab\r\n"
        long = b"X: " + b"y" * 9000 + b"\r\n"
        table = (
            ("bare LF", b"GET /refused HTTP/1.1\n" + host + b"\r\n", 400),
            ("NUL", b"GET /refused HTTP/1.1\r\n" + host + b"X: a\0b\r\n\r\n", 400),
            ("folded", b"GET /refused HTTP/1.1\r\n" + host + b"X: a\r\n b\r\n\r\n", 400),
            ("space before colon", b"GET /refused HTTP/1.1\r\n" + host + b"X : a\r\n\r\n", 400),
            ("no host", b"GET /refused HTTP/1.1\r\n\r\n", 400),
            ("two hosts", b"GET /refused HTTP/1.1\r\n" + host + host + b"\r\n", 400),
            ("length twice", b"POST /refused HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("length no number", b"POST /refused HTTP/1.1\r\n" + host + b"Content-Length: +1\r\n\r\na", 400),
            ("length and coding", b"POST /refused HTTP/1.1\r\n" + host +
             b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("coding", b"POST /refused HTTP/1.1\r\n" + host + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            ("coding in 1.0", b"POST /refused HTTP/1.0\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("connect", b"CONNECT lab:1 HTTP/1.1\r\nHost: lab:1\r\n\r\n", 501),
            ("version", b"GET /refused HTTP/3.0\r\n" + host + b"\r\n", 505),
            ("method", b"BREW /refused HTTP/1.1\r\n" + host + b"\r\n", 501),
            ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
            ("large head", b"GET /refused HTTP/1.1\r\n" + host + long + b"\r\n", 431),
            ("many fields", b"GET /refused HTTP/1.1\r\n" + host + b"X: 1\r\n" * 50 + b"\r\n", 431),
            ("bad chunk", b"POST /chunk HTTP/1.1\r\n" + host + b"X-authentik-username: alice\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400),
            ("identity twice", b"GET /refused HTTP/1.1\r\n" + host +
             b"X-authentik-username: alice\r\nX-authentik-username: bob\r\n\r\n", 400),
            ("identity aliased", b"GET /refused HTTP/1.1\r\n" + host + b"X_authentik_username: alice\r\n\r\n", 400),
            ("identity in connection", b"GET /refused HTTP/1.1\r\n" + host +
             b"X-authentik-username: alice\r\nConnection: X-authentik-username\r\n\r\n", 400),
        )
        for case, raw, status in table:
            with self.subTest(case=case):
                with http.Connection(self.daemon.proxy) as c:
                    c.send(raw)
                    r = c.response()
                    self.assertEqual(r.status, status)
                    self.assertEqual(r.header("connection"), "close")
                    self.assertTrue(c.at_end())
                self.assertEqual([r for r in self.origin.seen if r.target.startswith("/refused")], [])

    def test_slow_head_is_answered_408(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(b"GET / HT")
            self.assertEqual(c.response().status, 408)
            self.assertTrue(c.at_end())

    # ---- who

    def test_nobody_and_unknown_users(self):
        for headers, status, word in (({"Accept": "text/html"}, 403, "Sign-in required"),
                                      ({"Accept": "text/html", "X-authentik-username": "mallory"}, 403, "no t3 server"),
                                      ({"X-authentik-username": "mallory"}, 403, '"error"'),
                                      ({"Accept": "text/html", "X-authentik-username": ""}, 403, "Sign-in required")):
            with self.subTest(headers=headers):
                r = http.get(self.daemon.proxy, "/", headers)
                self.assertEqual(r.status, status)
                self.assertIn(word, r.text())
                kind = "text/html" if "Accept" in headers else "application/json"
                self.assertTrue(r.header("content-type").startswith(kind))

    def test_domain_is_stripped(self):
        self.assertEqual(http.get(self.daemon.proxy, "/mirror", {"X-authentik-username": "alice@example.com"}).status, 200)

    def test_healthz_needs_nobody(self):
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").json(), {"status": "ok"})

    def test_healthz_as_checkers_ask(self):
        """Docker and Traefik with GET, haproxy with OPTIONS and HTTP/1.0 without a Host, others with HEAD."""
        for request, status, body in (
                (b"GET /healthz HTTP/1.0\r\n\r\n", 200, b'{"status":"ok"}\n'),
                (b"HEAD /healthz HTTP/1.0\r\n\r\n", 200, b""),
                (b"OPTIONS /healthz HTTP/1.0\r\n\r\n", 200, b""),
                (b"OPTIONS /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, b""),
                (b"GET /healthz?from=checker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, b'{"status":"ok"}\n'),
                (b"POST /healthz HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 405, b"")):
            with http.Connection(self.daemon.proxy) as c:
                c.send(request)
                r = c.response(request.split()[0].decode())
                self.assertEqual((r.status, r.body), (status, body), request)
                self.assertTrue(c.at_end(), request)
                if not request.startswith((b"GET", b"HEAD")):
                    self.assertEqual(r.header("allow"), "GET, HEAD, OPTIONS", request)

    def test_page_for_too_many_cookies(self):
        for cookies, why in (("c=" + "x" * 40000, "max_header_bytes"), (None, "max_headers")):
            more = [("Cookie", cookies)] if cookies else [(f"X-{i}", "1") for i in range(200)]
            r = http.get(self.daemon.proxy, "/", [("Accept", "text/html"), *more])
            self.assertEqual((r.status, r.header("content-type")), (431, "text/html; charset=utf-8"))
            self.assertIn("Delete the cookies of this site", r.text())
            self.assertIn(why, r.text(), "what the administrator needs to know")
            self.assertNotIn("xxx", r.text())
            r = http.get(self.daemon.proxy, "/", [("Accept", "application/json"), *more])
            self.assertEqual((r.status, r.header("content-type")), (431, "text/plain; charset=utf-8"))

    # ---- t3 servers that misbehave

    def test_broken_answers(self):
        for target in ("/garbage", "/two-lengths"):
            with self.subTest(target=target):
                r = self.get(target, BROWSER)
                self.assertEqual(r.status, 502)
                self.assertIn("broke the connection", r.text())

    def test_silent_t3_server_is_asked_once_then_explained(self):
        r = self.get("/silent", BROWSER)
        self.assertEqual((r.status, r.header("retry-after")), (503, "3"))
        self.assertIn("does not respond", r.text())
        self.assertEqual(len(self.origin.requests("/silent")), 1)
        self.assertEqual(self.get("/silent", method="POST", body=b"x").status, 504)
        self.assertEqual(len(self.origin.requests("/silent")), 2)


class Others(unittest.TestCase):
    def test_identity_of_an_untrusted_peer_is_ignored_and_reported(self):
        with Origin() as origin, Daemon({"trusted_proxies": ["10.0.0.0/8"]}, ECHO, users={"alice": origin.port}) as d:
            r = http.get(d.proxy, "/", {**ALICE, "X-Forwarded-For": "198.51.100.1"})
            self.assertEqual(r.status, 403)
            d.wait_log(r"event=identity_ignored .*peer=127\.0\.0\.1")
            self.assertEqual(origin.seen, [])

    def test_trusted_proxy_that_names_nobody_is_reported(self):
        with Daemon({}, ECHO, users={"alice": 1}) as d:
            for path in ("/", "/chat"):
                self.assertEqual(http.get(d.proxy, path).status, 403)
            d.wait_log(r"event=request_rejected .*http_status=403 .*the trusted proxy at 127\.0\.0\.1 sent no X-authentik-username")
            self.assertEqual(d.log().count("sent no X-authentik-username"), 1)

    def test_requests_that_are_not_http_are_reported_once_a_minute(self):
        with Daemon({}, ECHO) as d:
            for _ in range(20):
                with http.Connection(d.proxy) as c:
                    c.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
                    self.assertEqual(c.response().status, 400)
            self.assertIn(len(re.findall("level=info .*event=request_invalid .*reason=host", d.log())), (1, 2))  # a minute may pass

    def test_identity_from_an_account_that_is_not_trusted(self):
        uid = os.getuid()
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as origin:
            with Daemon({"trusted_local_users": []}, ECHO, users={"alice": origin.port}) as d:
                self.assertEqual(http.get(d.proxy, "/", ALICE).status, 403)
                d.wait_log(rf"event=identity_ignored .*peer=127\.0\.0\.1 .*uid {uid} .*trusted_local_users")
            self.assertEqual(origin.seen, [])
            with Daemon({"trusted_local_users": [str(uid)]}, ECHO, users={"alice": origin.port}) as d:
                self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")

    def test_identity_from_a_connection_that_is_closed_already(self):
        with Origin() as origin, Daemon({"workers": 1}, ECHO, users={"alice": origin.port}) as d:
            os.kill(d.pids("proxy")[0], signal.SIGSTOP)  # so that it is closed before it is accepted
            with socket.create_connection(d.proxy) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-authentik-username: alice\r\n\r\n")
            os.kill(d.pids("proxy")[0], signal.SIGCONT)
            d.wait_log(r"event=identity_ignored .*peer=127\.0\.0\.1 .*could not be determined")
            self.assertEqual(origin.seen, [])

    def test_identity_from_a_connection_whose_port_another_one_has(self):
        """Send and reset; before it is accepted, a process that is trusted connects from the same port."""
        with Origin() as origin, Daemon({"workers": 1}, ECHO, users={"alice": origin.port}) as d, \
                socket.socket() as first, socket.socket() as second:
            for s in (first, second):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            os.kill(d.pids("proxy")[0], signal.SIGSTOP)
            first.bind(("127.0.0.1", 0))
            here = first.getsockname()
            first.connect(d.proxy)
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-authentik-username: alice\r\n\r\n")
            first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            first.close()
            second.bind(here)
            second.connect(d.proxy)
            os.kill(d.pids("proxy")[0], signal.SIGCONT)
            d.wait_log(r"event=identity_ignored .*peer=127\.0\.0\.1 .*could not be determined")
            self.assertEqual(origin.seen, [])

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_identity_from_another_account(self):
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as origin, Daemon({}, ECHO, users={"alice": origin.port}) as d:
            child = os.fork()
            if child == 0:
                os.setgid(pwd.getpwnam(account.NAME).pw_gid)
                os.setuid(pwd.getpwnam(account.NAME).pw_uid)
                os._exit(http.get(d.proxy, "/", ALICE).status == 403)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 1)
            self.assertEqual(origin.seen, [])
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_identity_from_another_account_that_came_with_others(self):
        """Each is whose it is, also if the route to one of them had to be looked up among the questions."""
        here, other = own_address(), pwd.getpwnam(account.NAME).pw_uid
        if here is None:
            self.skipTest("this machine has loopback addresses alone")
        conf = {"workers": 1, "trusted_proxies": ["127.0.0.0/8", f"{here}/32"]}
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as origin, Daemon(conf, ECHO, users={"alice": origin.port}) as d, \
                contextlib.ExitStack() as held:
            rows = ((other, "127.0.0.1", 403), (other, here, 403), (0, "127.0.0.1", 200), (other, "127.0.0.1", 403),
                    (0, here, 200), (0, "127.0.0.1", 200), (other, "127.0.0.1", 403))
            os.kill(d.pids("proxy")[0], signal.SIGSTOP)  # so that they are accepted together
            connections = [held.enter_context(connect_as(uid, d.proxy, source)) for uid, source, _ in rows]
            for c in connections:
                c.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-authentik-username: alice\r\n\r\n")
            os.kill(d.pids("proxy")[0], signal.SIGCONT)
            self.assertEqual([int(c.recv(12).split()[1]) for c in connections], [status for _, _, status in rows])

    def test_whoever_is_refused_over_and_over_fills_no_log(self):
        eve, mallory = {"X-authentik-username": "eve"}, {"X-authentik-username": "mallory"}
        with Daemon({"trusted_proxies": ["127.0.0.0/8"]}, ECHO) as d:
            for who in (eve, mallory):
                for _ in range(50):
                    self.assertEqual(http.get(d.proxy, "/", who).status, 403)
            for who in ("eve", "mallory"):
                self.assertIn(len(re.findall(rf"event=request_rejected .*identity={who}\b", d.log())), (1, 2))  # a minute may pass
            wait.until(lambda: d.metrics()['t3ops_requests_total{class="4xx"}'] == 100, what="all of them to be counted")
        with Daemon({"trusted_proxies": ["10.0.0.0/8"]}, ECHO) as d, http.Connection(d.proxy) as c:
            for _ in range(200):
                self.assertEqual(c.request("GET", "/", ALICE).status, 403)
            self.assertEqual(d.metrics()["t3ops_identity_ignored_total"], 200)
            self.assertIn(len(re.findall("event=identity_ignored", d.log())), (1, 2))

    def test_t3_server_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        with Daemon({}, ECHO, users={"alice": port}) as d:
            r = http.get(d.proxy, "/", BROWSER)
            self.assertEqual((r.status, r.header("retry-after")), (503, "3"))
            self.assertIn("not running", r.text())
            self.assertIn("default-src 'none'", r.header("content-security-policy"))

    def test_t3_servers_with_an_ipv6_address(self):
        """In each form of the user table; :: means this machine, as 0.0.0.0 does."""
        with Origin({"/ws": RawEcho()}, host="::1") as o:
            tables = (f"alice=[::1]:{o.port}\n", f"alice=nobody@[::1]:{o.port}\n", f"alice=[::]:{o.port}\n",
                      json.dumps({"alice": {"os_user": "nobody", "host": "::1", "port": o.port}}))
            for table in tables:
                with self.subTest(table=table), Daemon({}, ECHO, users=table) as d:
                    self.assertEqual(http.get(d.proxy, "/mirror", ALICE).status, 200)
                    with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
                        w.send_frame(ws.TEXT, "six", mask=False)
                        self.assertEqual(w.text(), "six")
                        mark = len(d.log())
                        d.write_users(table.replace("alice", "bob"))  # who is not alice
                        d.wait_log("event=users_loaded", after=mark)
                        self.assertEqual(w.wait_close(), 1008)

    def test_t3_server_without_ipv6_listener_is_explained(self):
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as s:
            port = s.getsockname()[1]
        with Daemon({}, ECHO, users=f"alice=[::1]:{port}\n") as d:
            r = http.get(d.proxy, "/", BROWSER)
            self.assertEqual(r.status, 503)
            self.assertIn(f"(::1 port {port}) cannot be reached", r.text())

    def test_page_says_since_when_until_the_t3_server_answers(self):
        fails = [True]
        with Origin({"/": lambda c, r: False if fails[0] else c.send(answer(b"up"))}) as o, \
                Daemon({}, ECHO, users={"alice": o.port}) as d:
            page = http.get(d.proxy, "/", BROWSER)
            self.assertEqual(page.status, 502)
            since = re.search(r'First failed request at <time datetime="(.*?)">(.*?) UTC</time>, \d+ s ago', page.text())
            self.assertEqual(since.group(1)[11:19], since.group(2))
            later = self.another_second(d, since.group(1))
            self.assertIn(since.group(1), later.text())
            self.assertEqual(http.get(d.proxy, "/", ALICE).json()["since"], since.group(1))
            fails[0] = False
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "up")
            fails[0] = True
            again = http.get(d.proxy, "/", ALICE)
            self.assertEqual(again.status, 502)
            self.assertNotEqual(again.json()["since"], since.group(1))
            self.assertNotIn("since", http.get(d.proxy, "/", {"X-authentik-username": "mallory"}).json())

    @staticmethod
    def another_second(d, since):
        """The page as it is when the clock shows another second."""
        now = lambda: datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        wait.until(lambda: now() != since, what="the next second")
        return http.get(d.proxy, "/", BROWSER)

    def test_table_is_read_again_and_a_broken_one_changes_nothing(self):
        with Origin() as origin, Daemon({}, ECHO, users={"alice": origin.port}) as d:
            bob = {"X-authentik-username": "bob"}
            self.assertEqual(http.get(d.proxy, "/", bob).status, 403)
            d.write_users({"alice": origin.port, "bob": origin.port})
            wait.until(lambda: http.get(d.proxy, "/", bob).status == 200, what="bob")
            mark = len(d.log())
            d.write_users('{"alice": ')
            d.wait_log(r"event=users_broken", after=mark)
            self.assertEqual(http.get(d.proxy, "/", bob).status, 200)

    def test_connections_over_the_limit_are_closed(self):
        with Origin() as origin, Daemon({"max_connections": 16}, ECHO, users={"alice": origin.port}) as d:
            kept = [http.Connection(d.proxy) for _ in range(16)]
            for c in kept:
                self.assertEqual(c.request("GET", "/healthz").status, 200)
            with http.Connection(d.proxy) as late:
                self.assertTrue(late.at_end())
            kept.pop().close()
            wait.until(lambda: self.served(d), what="a free place")
            for c in kept:
                c.close()

    @staticmethod
    def served(d):
        try:
            return http.get(d.proxy, "/healthz").status == 200
        except (EOFError, OSError):
            return False

    def test_many_clients_at_once(self):
        with Origin() as origin, Daemon({}, ECHO, users={"alice": origin.port}) as d:
            failures = []

            def client(number):
                with http.Connection(d.proxy) as c:
                    for i in range(20):
                        r = c.request("POST", f"/m?{number}.{i}", ALICE, b"%d.%d" % (number, i))
                        if r.status != 200 or r.json()["body"] != f"{number}.{i}":
                            failures.append((number, i, r))

            threads = [threading.Thread(target=client, args=(n,)) for n in range(20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()

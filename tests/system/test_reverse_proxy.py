#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What RFC 9110 and 9112 ask of a reverse proxy, item by item: hop-by-hop fields, forwarding, interim
answers, trailers, answers without body, early answers, half-closed clients, bodies of any size."""
import contextlib
import email.utils
import hashlib
import itertools
import os
import select
import signal
import socket
import threading
import time
import unittest

from lab import http, wait
from lab.daemon import Daemon
from lab.memory import FREED_IS_FREE, rss, slack
from lab.origin import Origin, answer

ALICE = {"X-authentik-username": "alice"}
ECHO = 'plugin "probe_echo" {}\n'
CLOSES = {"Connection": "close", **ALICE}
LARGE = 64 << 20
SLACK = 4 << 20  # of memory, and of what the kernel buffers on the way


def hops(c, request):
    c.send(answer(b"", headers=[("Connection", "X-Drop"), ("X-Drop", "1"), ("Keep-Alive", "timeout=5"), ("X-Stay", "1"),
                                ("Proxy-Authenticate", "Basic"), ("Upgrade", "h2c"), ("Via", "1.1 inner"),
                                ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))


def trailers(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n")


def chunks(c, request):
    """Of sizes from 1 byte to some pages, in writes that end anywhere."""
    data, sizes, out = bytes(range(256)) * 4000, itertools.cycle((1, 17, 4096, 33333)), b""
    while data:
        size = min(next(sizes), len(data))
        out, data = out + b"%x;x=y\r\n%b\r\n" % (size, data[:size]), data[size:]
    out += b"0\r\nX-Sum: 6\r\n\r\n"
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(0, len(out), 1009):
        c.send(out[i:i + 1009])


def half_a_chunk(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
    return False


def bad_chunk(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n")


def head_chunked(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def interim(c, request):
    c.send(b"HTTP/1.1 102 Processing\r\n\r\n" b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Drop\r\nX-Drop: 1\r\n\r\n"
           + answer(b"final"))


def refuses(c, request):
    """The body is not wanted, and the connection goes with it."""
    c.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    return False


def announces(c, request):
    """The answer comes first, then the body is read."""
    c.send(answer(b"soon"))
    c.read(int(request.header("content-length")))
    request.body = b"all of it"


def head_with_length(c, request):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (b"" if request.method == "HEAD" else b"12345"))


def empty(c, request):
    c.send(b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n")


def raw_chunks(c, request):
    """Everything from the head on, up to the last chunk's end."""
    request.body = c.read_until(b"\r\n\r\n")
    c.send(answer(b"ok"))


refuses.takes_body = announces.takes_body = raw_chunks.takes_body = True


class Held:
    """Reads a body only when it is allowed to; then says what it was."""

    takes_body = True

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, c, request):
        left, digest = int(request.header("content-length")), hashlib.sha256()
        self.go.wait(60)
        while left > 0:
            if not c.buffer:
                c.fill()
            digest.update(c.buffer)
            left -= len(c.buffer)
            c.buffer = b""
        c.send(answer(digest.hexdigest().encode()))


class Silent:
    """Answers never, and notices when nobody waits any more."""

    def __init__(self):
        self.asked, self.left = threading.Event(), threading.Event()

    def __call__(self, c, request):
        self.asked.set()
        try:
            c.fill()
        except (EOFError, OSError):
            self.left.set()
        return False


class Pour(threading.Thread):
    """Sends a body and knows how far it came."""

    def __init__(self, connection, block, times):
        super().__init__(daemon=True)
        self.connection, self.block, self.times, self.sent = connection, block, times, 0

    def run(self):
        try:
            for _ in range(self.times):
                self.connection.send(self.block)
                self.sent += len(self.block)
        except OSError:
            pass


class ReverseProxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.held = Held()
        cls.origin = Origin({"/hops": hops, "/trailers": trailers, "/chunks": chunks, "/half-a-chunk": half_a_chunk, "/bad-chunk": bad_chunk,
                             "/head-chunked": head_chunked, "/interim": interim, "/refuses": refuses,
                             "/announces": announces, "/length": head_with_length, "/empty": empty, "/raw": raw_chunks,
                             "/held": cls.held})
        cls.daemon = Daemon({"first_byte_timeout": "120s"}, ECHO, users={"alice": cls.origin.port},
                            env=FREED_IS_FREE)

    @classmethod
    def tearDownClass(cls):
        cls.held.go.set()
        cls.daemon.stop()
        cls.origin.stop()

    def connect(self):
        return http.Connection(self.daemon.proxy)

    def stands_still(self, count):
        """Waits until a count moves no more, and returns it."""
        marks = [None, count()]

        def same():
            http.get(self.daemon.proxy, "/healthz")  # the proxy has had its turn
            marks.append(count())
            return marks[-1] == marks[-2] == marks[-3]

        wait.until(same, what="the bytes to stand still")
        return marks[-1]

    # ---- fields

    def test_fields_of_one_hop_stay_there(self):
        with self.connect() as c:
            r = c.request("GET", "/hops", ALICE)
        for name in ("x-drop", "keep-alive", "proxy-authenticate", "upgrade"):
            self.assertIsNone(r.header(name), name)
        self.assertEqual(r.all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(r.header("x-stay"), "1")
        self.assertEqual(r.all("via"), ["1.1 inner, 1.1 t3ops"])
        self.assertEqual(r.all("connection"), ["keep-alive"])

    def test_an_answer_without_date_gets_one(self):
        day = "Tue, 24 Nov 2026 02:58:49 GMT"
        self.origin.handlers["/dated"] = lambda c, r: c.send(answer(b"", headers=[("Date", day)]))
        with self.connect() as c:
            self.assertEqual(c.request("GET", "/dated", ALICE).all("date"), [day])
            date, = c.request("GET", "/mirror", ALICE).all("date")
            self.assertLess(abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()), 3600)

    def test_options_go_as_far_as_they_may(self):
        def forwarded(method, value):
            with self.connect() as c:
                r = c.request(method, "/mirror", {"Max-Forwards": value, **ALICE})
                if r.header("allow"):
                    return "answered here"
                return [v for n, v in r.json()["headers"] if n.lower() == "max-forwards"]

        seen = len(self.origin.seen)
        self.assertEqual(forwarded("OPTIONS", "0"), "answered here")
        self.assertEqual(len(self.origin.seen), seen)
        self.assertEqual(forwarded("OPTIONS", "1"), ["0"])
        self.assertEqual(forwarded("OPTIONS", "12"), ["11"])
        self.assertEqual(forwarded("OPTIONS", "many"), ["many"])
        self.assertEqual(forwarded("GET", "0"), ["0"])

    def test_forwarded_grows_where_the_proxy_began_it(self):
        def forwarded(*values):
            with self.connect() as c:
                c.send(http.build("GET", "/mirror", [("Forwarded", v) for v in values] + list(ALICE.items())))
                return [v for n, v in c.response().json()["headers"] if n.lower() == "forwarded"]

        self.assertEqual(forwarded(), [])
        self.assertEqual(forwarded("for=192.0.2.1;proto=https"), ["for=192.0.2.1;proto=https, for=127.0.0.1"])
        self.assertEqual(forwarded("for=192.0.2.1", 'for="[2001:db8::1]"'),
                         ['for=192.0.2.1, for="[2001:db8::1]", for=127.0.0.1'])

    def test_reason_phrase_of_any_registered_status(self):
        for status, reason in ((203, "Non-Authoritative Information"), (412, "Precondition Failed"),
                               (416, "Range Not Satisfiable"), (507, "Insufficient Storage")):
            self.origin.handlers[f"/{status}"] = lambda c, r, s=status: c.send(answer(b"", f"{s} Anything"))
            with self.subTest(status=status), self.connect() as c:
                r = c.request("GET", f"/{status}", ALICE)
                self.assertEqual((r.status, r.reason), (status, reason))

    def test_an_empty_field_leaves_the_next_one_alone(self):
        """Also where a plugin asks for it."""
        pairing = 'command "mint" { argv = {"/bin/false"} }\nplugin "session_check" {}\nplugin "auto_pair" {}\n'
        with Daemon({}, pairing, users={"alice": self.origin.port}) as d:
            for name in ("Accept", "Cookie", "Sec-Fetch-Dest", "User-Agent", "X-Forwarded-For", "Authorization"):
                for empty in ("", " ", "\t "):
                    with self.subTest(name=name, empty=empty), http.Connection(d.proxy) as c:
                        c.send(http.build("POST", "/mirror", [*ALICE.items(), (name, empty), ("Content-Length", "5")], b"hello"))
                        seen = c.response().json()
                        self.assertEqual(seen["body"], "hello")
                        self.assertIn("Content-Length", [n for n, _ in seen["headers"]])
                        c.send(http.build("GET", "/mirror", [*ALICE.items(), (name, empty), ("Accept-Language", "de")]))
                        self.assertIn(["Accept-Language", "de"], c.response().json()["headers"])

    # ---- messages without the usual body

    def test_interim_answers_pass_but_not_to_http_1_0(self):
        with self.connect() as c:
            c.send(http.build("GET", "/interim", ALICE))
            self.assertEqual(c.response_head().status, 102)
            hints = c.response_head()
            self.assertEqual((hints.status, hints.header("link"), hints.header("x-drop")), (103, "</a>", None))
            self.assertEqual(c.response().text(), "final")
        with self.connect() as c:
            c.send(http.build("GET", "/interim", ALICE, version="HTTP/1.0"))
            r = c.response_head()
            self.assertEqual((r.status, c.read_to_end()), (200, b"final"))

    def test_answers_without_body_leave_the_connection_in_step(self):
        with self.connect() as c:
            r = c.request("HEAD", "/length", ALICE)
            self.assertEqual((r.status, r.header("content-length"), r.body), (200, "5", b""))
            r = c.request("GET", "/empty", ALICE)
            self.assertEqual((r.status, r.header("content-length"), r.header("transfer-encoding")), (204, None, None))
            self.assertEqual(c.request("GET", "/length", ALICE).body, b"12345")
            self.assertEqual(c.request("HEAD", "/trailers", ALICE).body, b"")
            self.assertEqual(c.request("GET", "/length", ALICE).body, b"12345")

    def test_what_has_no_body_says_nothing_of_its_length(self):
        for head in (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                     b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                     b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"):
            self.origin.handlers["/nothing"] = lambda c, r, h=head: c.send(h)
            with self.subTest(head=head), self.connect() as c:
                c.send(http.build("GET", "/nothing", ALICE))
                r = c.response_head()
                while r.status != 204:
                    self.assertIsNone(r.header("content-length"))
                    r = c.response_head()
                self.assertEqual((r.header("content-length"), r.header("transfer-encoding")), (None, None))
                self.assertEqual(c.request("GET", "/length", ALICE).body, b"12345")
        with self.connect() as c:
            c.send(b"HEAD / HTTP/1.1\r\nHost: lab\r\nHost: lab\r\n\r\n")
            self.assertEqual((c.response_head().status, c.read_to_end()), (400, b""))

    def test_interim_answers_wait_for_the_client(self):
        """A t3 server that sends them without end, a client that does not read."""
        hint, sent = b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"a" * 80 + b">\r\n\r\n", [0]

        def floods(c, request):
            while sent[0] < LARGE:
                c.send(hint * 500)
                sent[0] += 500 * len(hint)
            c.send(answer(b"final"))

        self.origin.handlers["/floods"] = floods
        before = rss(self.daemon.processes()["proxy"])
        with self.connect() as c:
            c.send(http.build("GET", "/floods", ALICE))
            self.assertLess(self.stands_still(lambda: sent[0]), LARGE // 2)
            self.assertLess(rss(self.daemon.processes()["proxy"]), before + slack(SLACK))
            self.assertEqual(c.response().text(), "final")

    def test_trailers_pass_in_both_directions(self):
        with self.connect() as c:
            c.send(http.build("GET", "/trailers", CLOSES))
            self.assertEqual(c.response_head().header("trailer"), "X-Sum")
            self.assertEqual(c.read_to_end(), b"3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n")
        with self.connect() as c:
            body = b"3;a=b\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
            c.send(http.build("POST", "/raw", {"Transfer-Encoding": "chunked", "Trailer": "X-Sum", **ALICE}) + body)
            self.assertEqual(c.response().body, b"ok")
        self.assertEqual(self.origin.requests("/raw")[-1].body + b"\r\n\r\n", body)

    def test_chunks_are_not_for_http_1_0(self):
        """A client that knows no chunks gets what they hold, and sees at its end whether that was all."""
        for path, body in (("/trailers", b"abc"), ("/chunks", bytes(range(256)) * 4000)):
            with self.connect() as c:
                c.send(http.build("GET", path, ALICE, version="HTTP/1.0"))
                r = c.response()
                self.assertEqual((r.status, r.header("transfer-encoding"), r.header("trailer"), r.header("connection")),
                                 (200, None, None, "close"), path)
                self.assertEqual(r.body, body, path)
        for path in ("/half-a-chunk", "/bad-chunk"):
            with self.connect() as c:
                c.send(http.build("GET", path, ALICE, version="HTTP/1.0"))
                with self.assertRaises(ConnectionResetError, msg=path):
                    c.response()
        with self.connect() as c:
            c.send(http.build("HEAD", "/head-chunked", ALICE, version="HTTP/1.0"))
            r = c.response("HEAD")
            self.assertEqual((r.status, r.header("transfer-encoding")), (200, None))
            self.assertTrue(c.at_end())

    # ---- who ends when

    def test_half_closed_client_gets_its_answer(self):
        with self.connect() as c:
            self.assertEqual(c.request("GET", "/healthz").status, 200)  # accepted: a half-closed peer would not be trusted
            c.send(http.build("POST", "/mirror", ALICE, b"all I have to say"))
            c.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(c.response().json()["body"], "all I have to say")
            self.assertTrue(c.at_end())

    def test_broken_answer_is_seen_to_be_broken(self):
        """One that ends with its connection has no other way of saying so."""
        half = threading.Event()

        def breaks(c, request):
            c.send(b"HTTP/1.1 200 OK\r\n\r\nfirst half")
            half.wait(30)
            c.reset()
            return False

        self.origin.handlers["/breaks"] = breaks
        with self.connect() as c:
            c.send(http.build("GET", "/breaks", ALICE))
            self.assertEqual((c.response_head().status, c.read(10)), (200, b"first half"))
            half.set()
            with self.assertRaises(ConnectionResetError):
                c.read_to_end()

    def test_pooled_connection_that_is_reset_is_not_the_users_concern(self):
        """Found out while the request is sent, not while its answer is awaited."""
        gone, kept = threading.Event(), []

        def page(c, request):
            c.send(answer(b"ok"))
            if not kept:
                kept.append(c)
                gone.wait(30)
                c.reset()
                return False
            return True

        self.origin.handlers["/page"] = page
        with self.connect() as c:
            self.assertEqual(c.request("GET", "/page", ALICE).text(), "ok")
            pid = self.daemon.processes()["proxy"]
            os.kill(pid, signal.SIGSTOP)
            try:
                gone.set()
                wait.until(lambda: kept and kept[0].sock.fileno() < 0, what="the t3 server to reset it")
                c.send(http.build("GET", "/page", ALICE))
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(c.response().text(), "ok")

    def test_slow_t3_server_is_no_stalled_client(self):
        """It takes an upload more slowly than body_timeout, but takes it.  How time passes is told by the daemon's own
        header_timeout, a tenth of that."""
        block, size, tenths = 256 << 10, 4 << 20, []

        def sips(c, request):
            for _ in range(size // block):
                c.read(block)
                tenths.append(self.header_timeout_of(daemon))
            c.send(answer(b"done"))

        sips.takes_body = True
        with Origin({"/sips": sips}) as o, Daemon({"body_timeout": "1s", "header_timeout": "100ms"}, ECHO,
                                                  users={"alice": o.port}) as daemon:
            o.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
            with http.Connection(daemon.proxy) as c:
                c.send(http.build("POST", "/sips", {"Content-Length": str(size), **ALICE}))
                Pour(c, bytes(1 << 16), size >> 16).start()
                self.assertEqual(c.response().text(), "done")
        self.assertEqual(tenths, [408] * (size // block))

    @staticmethod
    def header_timeout_of(daemon):
        with http.Connection(daemon.proxy) as c:
            c.send(b"G")
            return c.response().status

    def test_empty_lines_buy_no_time(self):
        with Daemon({"header_timeout": "1s"}, ECHO, users={"alice": self.origin.port}) as d, http.Connection(d.proxy) as c:
            pieces, over = itertools.cycle((b"\r", b"\n")), []

            def ended():
                c.send(next(pieces))
                over.append(c.sock in select.select([c.sock], [], [], 0)[0])
                return over[-1]

            with contextlib.suppress(OSError):  # it may end between two of them
                wait.until(ended, what="the end of a client that sends nothing but empty lines")
                self.assertTrue(c.at_end())

    def test_next_request_waits_until_the_answer_is_read(self):
        """Answers of many sizes, so that the end of some is all that still waits in t3ops."""
        done = threading.Event()
        self.origin.handlers["/much"] = lambda c, r: (c.send(answer(b"m" * int(r.target.split("?")[1]))), done.set())
        for size in range(64 << 10, 6 << 20, 64 << 10):
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
                sock.settimeout(30)
                sock.connect(self.daemon.proxy)
                done.clear()
                c = http.Connection.over(sock)
                c.send(http.build("GET", f"/much?{size}", ALICE))
                done.wait(0.05)
                c.send(http.build("GET", "/mirror?next", ALICE))
                self.assertEqual(len(c.response().body), size)
                self.assertEqual(c.response().json()["target"], "/mirror?next", size)
        self.assertNotIn("event=process_exited", self.daemon.log())

    def test_client_that_resets_is_not_waited_for(self):
        """Neither after a request without body nor after the whole of one."""
        for method, body in (("GET", None), ("POST", b"all of it")):
            with self.subTest(method=method):
                silent = self.origin.handlers["/silent"] = Silent()
                c = self.connect()
                c.send(http.build(method, "/silent", ALICE, body))
                self.assertTrue(silent.asked.wait(30))
                c.reset()
                self.assertTrue(silent.left.wait(30))

    def test_refusal_overtakes_a_large_body(self):
        for _ in range(5):
            with self.connect() as c:
                c.send(http.build("POST", "/refuses", {"Content-Length": str(LARGE), **ALICE}))
                pour = Pour(c, bytes(1 << 20), 64)
                pour.start()
                self.assertEqual((c.response_head().status, c.read(2)), (413, b"no"))
                c.sock.shutdown(socket.SHUT_RDWR)
                pour.join(60)

    def test_early_answer_does_not_wait_for_the_body(self):
        with self.connect() as c:
            c.send(http.build("POST", "/announces", {"Content-Length": "10", **ALICE}) + b"12345")
            r = c.response()
            self.assertEqual((r.text(), r.header("connection")), ("soon", "close"))

    # ---- size

    def test_upload_waits_for_the_t3_server_in_constant_memory(self):
        block = os.urandom(1 << 20)
        before = rss(self.daemon.processes()["proxy"])
        with self.connect() as c:
            c.send(http.build("POST", "/held", {"Content-Length": str(LARGE), **ALICE}))
            pour = Pour(c, block, LARGE >> 20)
            pour.start()
            self.assertLess(self.stands_still(lambda: pour.sent), LARGE // 2)
            self.assertLess(rss(self.daemon.processes()["proxy"]), before + slack(SLACK))
            self.held.go.set()
            self.assertEqual(c.response().text(), hashlib.sha256(block * (LARGE >> 20)).hexdigest())
            self.assertLess(rss(self.daemon.processes()["proxy"]), before + slack(SLACK))
            pour.join(60)


if __name__ == "__main__":
    unittest.main()

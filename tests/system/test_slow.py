#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Slow and long responses: a stream lives as long as both ends, and what t3ops cuts it says."""
import subprocess
import threading
import unittest

from lab import http, wait
from lab.daemon import Daemon
from lab.origin import Origin

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


class Pauses:
    """Begins a response and goes on when it is told to."""

    def __init__(self, head, first, rest):
        self.head, self.first, self.rest, self.go = head, first, rest, threading.Event()

    def __call__(self, c, _request):
        c.send(self.head + self.first)
        self.go.wait(60)
        c.send(self.rest)
        return False


def probed(port):
    """Whether the kernel probes the daemon's end of a connection to that port while it is silent."""
    out = subprocess.run(["ss", "-Htno", f"dport = :{port}"], capture_output=True, text=True, check=True).stdout
    return "keepalive" in out


class Slow(unittest.TestCase):
    def daemon(self, handler, **options):
        origin = Origin({"/x": handler})
        self.addCleanup(origin.stop)
        d = Daemon({"body_timeout": "200ms", **options}, ECHO, users={"alice": origin.port})
        self.addCleanup(d.stop)
        self.addCleanup(handler.go.set)
        return d, origin

    def begin(self, d, head, first):
        c = http.Connection(d.proxy)
        self.addCleanup(c.close)
        c.send(http.build("GET", "/x", ALICE))
        self.assertEqual(c.response_head().status, 200)
        self.assertEqual(c.read(len(first)), first)
        return c

    def test_a_stream_may_be_silent(self):
        """Far longer than body_timeout: long enough for the kernel to have begun to ask instead."""
        for head, first, rest in ((CHUNKED, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"),
                                  (b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two")):
            handler = Pauses(head, first, rest)
            d, origin = self.daemon(handler)
            c = self.begin(d, head, first)
            wait.until(lambda o=origin: probed(o.port), what="keepalive probes of the kernel instead of a limit")
            wait.until(lambda p=d.proxy[1]: probed(c.sock.getsockname()[1]), what="the same towards the client")
            handler.go.set()
            self.assertEqual(c.read(len(rest)), rest)
            self.assertEqual(d.metrics()["t3ops_requests_cut_total"], 0)

    def test_stream_timeout_limits_it(self):
        handler = Pauses(CHUNKED, b"3\r\none\r\n", b"")
        d, _ = self.daemon(handler, stream_timeout="300ms", body_timeout="1h")
        c = self.begin(d, CHUNKED, b"3\r\none\r\n")
        self.assertEqual(c.read_to_end(), b"")
        d.wait_log(r"level=warning .*event=request_cut .*user=alice .*http_status=200 .*error=\"stream_timeout passed while the t3 server sent nothing more")
        self.assertEqual(d.metrics()['t3ops_requests_cut_total{option="stream_timeout"}'], 1)

    def test_a_response_of_known_length_that_stops_is_cut_and_reported(self):
        handler = Pauses(LENGTH, b"half", b"")
        d, _ = self.daemon(handler)
        for n in (1, 2):
            c = self.begin(d, LENGTH, b"half")
            self.assertEqual(c.read_to_end(), b"")
            wait.until(lambda n=n: d.metrics()['t3ops_requests_cut_total{option="body_timeout"}'] == n, what="the count")
        d.wait_log(r"event=request_cut .*error=\"body_timeout passed while the t3 server sent nothing more")
        self.assertEqual(d.log().count("event=request_cut"), 1, "once a minute")

    def test_a_client_that_takes_nothing_is_cut_and_reported(self):
        """A stream, too: it is not the t3 server that is silent."""
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        handler = Pauses(CHUNKED, b"", block * 500)
        handler.go.set()
        d, _ = self.daemon(handler)
        self.begin(d, CHUNKED, b"")
        d.wait_log(r"event=request_cut .*error=\"body_timeout passed while the client took nothing")


if __name__ == "__main__":
    unittest.main()

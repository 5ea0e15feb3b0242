#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The far end of the WebSocket legs."""
import contextlib
import os
import shutil
import subprocess
import unittest

from lab import http, timelapse, wait, ws
from lab.daemon import Daemon
from lab.memory import FREED_IS_FREE, rss, slack
from lab.origin import Origin

PINGS = (b"\x89\xfd" + bytes(4) + b"x" * 125) * 500


class Echo(unittest.TestCase):
    def test_echo(self):
        with Origin() as origin, Daemon({}, 'plugin "probe_echo" { connections = 2 idle = "1s" }\n',
                                        users={"alice": origin.port}) as d:
            with ws.WebSocket(d.proxy, "/probe/ws") as w, ws.WebSocket(d.proxy, "/probe/ws?x=1") as second:
                self.assertEqual(w.ask("hello"), "hello")
                w.send_frame(ws.BINARY, b"\0\1")
                self.assertEqual(w.message(), (ws.BINARY, b"\0\1"))
                w.ping(b"process_watchdog")
                self.assertEqual(w.message(), (ws.PONG, b"process_watchdog"))
                with self.assertRaises(ws.Refused) as third:
                    ws.WebSocket(d.proxy, "/probe/ws")
                self.assertEqual(third.exception.response.status, 503)
                second.send("x" * 2000)
                self.assertEqual(second.wait_close(), 1009)
                self.assertEqual(w.wait_close(), 1001)  # idle
            with ws.WebSocket(d.proxy, "/probe/ws") as w:
                w.close(1000)
            alice = {"X-authentik-username": "alice"}
            self.assertEqual(http.get(d.proxy, "/probe/healthz").json(), {"status": "ok"})
            for target, status in (("/probe/ws", 426), ("/probe/", 404), ("/probe/../x", 404), ("/probe/ws/x", 404)):
                self.assertEqual(http.get(d.proxy, target, alice).status, status, target)
            self.assertEqual(origin.seen, [])  # nothing below /probe/ reaches a t3 server

    @unittest.skipIf(timelapse.missing(), "no clock can be set here")
    def test_limits_know_no_wall_clock(self):
        """Set a day ahead it ends nothing at once; set back, no limit is a day late."""
        lapse = timelapse.Timelapse(2)
        with Daemon({}, 'plugin "probe_echo" { idle = "6s" }\n', users={"alice": 1}, env=lapse.env()) as d:
            with ws.WebSocket(d.proxy, "/probe/ws") as w:
                self.assertEqual(w.ask("1"), "1")
                for ahead in (86400, -2 * 86400):
                    lapse.jump(realtime=ahead)
                    for _ in range(4):
                        lapse.pause(0.5)
                        self.assertEqual(w.ask("2"), "2")
                self.assertEqual(w.wait_close(), 1001)

    def test_frames_that_break_the_rules_end_their_probe_only(self):
        table = (  # what, frames, close code; 1005: a close frame without one, all that wslay says to these
            ("unmasked", lambda w: w.send_frame(ws.TEXT, "x", mask=False), 1002),
            ("reserved bit", lambda w: w.send_frame(ws.TEXT, "x", rsv1=True), 1002),
            ("reserved op", lambda w: w.send_frame(3, "x"), 1002),
            ("a continuation of nothing", lambda w: w.send_frame(ws.CONTINUATION, "x"), 1002),
            ("a fragmented ping", lambda w: w.send_frame(ws.PING, "x", fin=False), 1005),
            ("a long ping", lambda w: w.send_frame(ws.PING, "x" * 126), 1005),
            ("no UTF-8", lambda w: w.send_frame(ws.TEXT, b"\xff\xfe"), 1007),
            ("large", lambda w: w.send_frame(ws.BINARY, b"x" * 1025), 1009),
            ("large in pieces", lambda w: [w.send_frame(ws.BINARY if n == 0 else ws.CONTINUATION, b"x" * 300, fin=False)
                                           for n in range(4)], 1009),
            ("a length that nobody has", lambda w: w.conn.send(b"\x82\xff" + b"\x7f" + b"\xff" * 7 + b"mask" + b"x"), 1009),
        )
        with Daemon({}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d, ws.WebSocket(d.proxy, "/probe/ws") as well:
            for what, act, code in table:
                with self.subTest(what=what), ws.WebSocket(d.proxy, "/probe/ws") as w:
                    act(w)
                    self.assertEqual(w.wait_close(), code)
                self.assertEqual(well.ask(what), what)
            self.assertEqual(d.metrics()["t3ops_probe_echo_connections"], 1)

    def test_pieces_are_put_together(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d, ws.WebSocket(d.proxy, "/probe/ws") as w:
            for n, piece in enumerate(("one ", "two ", "three")):
                w.send_frame(ws.TEXT if n == 0 else ws.CONTINUATION, piece, fin=n == 2)
                w.ping(b"between")
            got = [w.message() for _ in range(4)]
            self.assertEqual([g for g in got if g[0] == ws.TEXT], [(ws.TEXT, b"one two three")])

    def test_a_probe_that_sends_too_fast_is_ended(self):
        with Daemon({}, 'plugin "probe_echo" { rate = 5 }\n', users={"alice": 1}) as d:
            for send in (lambda w: w.send("x"), lambda w: w.ping(b"x")):
                with ws.WebSocket(d.proxy, "/probe/ws") as calm, ws.WebSocket(d.proxy, "/probe/ws") as w:
                    for _ in range(11):  # two seconds may share them
                        send(w)
                    self.assertEqual(w.wait_close(), 1008)
                    self.assertEqual(calm.ask("hello"), "hello")
            wait.until(lambda: d.metrics()["t3ops_probe_echo_connections"] == 0, what="the probes to end")
            self.assertEqual(d.metrics()["t3ops_probe_echo_too_fast_total"], 2)

    def test_a_probe_that_takes_no_echo_is_ended(self):
        most = 'plugin "probe_echo" { rate = 65536 max_frame = "64K" }\n'
        with Daemon({"log_level": "info"}, most, users={"alice": 1}, env=FREED_IS_FREE) as d:
            proxy = d.pids("proxy")[0]
            before = rss(proxy)
            with ws.WebSocket(d.proxy, "/probe/ws") as w, contextlib.suppress(OSError):
                for _ in range(4000):  # a quarter of a gigabyte, were it kept
                    w.send_frame(ws.BINARY, b"x" * 60000)
            wait.until(lambda: d.metrics()["t3ops_probe_echo_connections"] == 0, what="the probe to end")
            self.assertEqual(d.metrics()["t3ops_probe_echo_not_taken_total"], 1)
            self.assertLess(rss(proxy), before + slack(16 << 20))

    def test_a_probe_that_takes_no_pong_is_not_read(self):
        most = 'plugin "probe_echo" { rate = 65536 }\n'
        with Daemon({"log_level": "info"}, most, users={"alice": 1}, env=FREED_IS_FREE) as d:
            proxy = d.pids("proxy")[0]
            before = rss(proxy)
            with ws.WebSocket(d.proxy, "/probe/ws") as w:
                w.conn.sock.settimeout(2)
                with contextlib.suppress(OSError):  # what the sockets hold may be all that can be sent
                    for _ in range(1200):
                        w.conn.send(PINGS)
                for _ in range(20):
                    self.assertEqual(http.get(d.proxy, "/healthz").status, 200)
                    self.assertLess(rss(proxy), before + slack(8 << 20))

    def test_an_idle_probe_keeps_no_frames(self):
        most = 'plugin "probe_echo" { connections = 1000 per_address = 0 }\n'
        with Daemon({}, most, users={"alice": 1}, env=FREED_IS_FREE) as d, contextlib.ExitStack() as stack:
            proxy = d.pids("proxy")[0]
            for w in [stack.enter_context(ws.WebSocket(d.proxy, "/probe/ws")) for _ in range(40)]:
                self.assertEqual(w.ask("hello"), "hello")  # what every process needs once
            before = rss(proxy)
            for w in [stack.enter_context(ws.WebSocket(d.proxy, "/probe/ws")) for _ in range(300)]:
                self.assertEqual(w.ask("hello"), "hello")
            self.assertLess(rss(proxy), before + slack(300 * 2048))

    def test_frames_in_pieces_and_fragments(self):
        """What is missing is kept, however the bytes come."""
        with Daemon({}, 'plugin "probe_echo" { rate = 65536 }\n', users={"alice": 1}) as d, ws.WebSocket(d.proxy, "/probe/ws") as w:
            for size in (0, 1, 125, 126, 1000):
                frame = ws.frame_bytes(ws.BINARY, b"y" * size)
                for at in sorted({1, 2, 3, 5, 6, 7, len(frame) - 1}):
                    w.conn.send(frame[:at])
                    self.assertEqual(http.get(d.proxy, "/probe/healthz").status, 200)  # it has been read meanwhile
                    w.conn.send(frame[at:])
                    self.assertEqual(w.message(), (ws.BINARY, b"y" * size))
            w.send_frame(ws.TEXT, "one ", fin=False)
            self.assertEqual(http.get(d.proxy, "/probe/healthz").status, 200)
            w.ping(b"between")
            self.assertEqual(w.message(), (ws.PONG, b"between"))
            w.send_frame(ws.CONTINUATION, "two")
            self.assertEqual(w.message(), (ws.TEXT, b"one two"))

    def test_an_echo_costs_three_system_calls(self):
        if not shutil.which("strace"):
            self.skipTest("there is no strace")
        with Daemon({}, 'plugin "probe_echo" { rate = 65536 }\n', users={"alice": 1}) as d, ws.WebSocket(d.proxy, "/probe/ws") as w:
            trace = subprocess.Popen(["strace", "-qq", "-e", "trace=sendto,recvfrom,epoll_wait,epoll_pwait2,epoll_pwait,epoll_ctl",
                                      "-o", f"{d.dir}/calls", "-p", str(d.pids("proxy")[0])], stderr=subprocess.PIPE)
            self.addCleanup(trace.communicate)
            self.addCleanup(trace.kill)
            wait.until(lambda: self.traced(d, trace, w), what="strace to attach")
            before = self.calls(d)
            for _ in range(500):
                self.assertEqual(w.ask("hello"), "hello")
            trace.terminate()
            trace.wait()
            self.assertLess((self.calls(d) - before) / 500, 3.5)

    def traced(self, d, trace, w):
        if trace.poll() is not None:
            self.skipTest(f"strace cannot attach here: {trace.communicate()[1].decode().strip()[:200]}")
        w.ask("hello")
        return self.calls(d) > 0

    @staticmethod
    def calls(d):
        if not os.path.exists(f"{d.dir}/calls"):
            return 0
        with open(f"{d.dir}/calls", encoding="utf-8") as f:
            return len(f.readlines())

    def test_whoever_takes_its_echoes_may_send_ahead(self):
        most = 'plugin "probe_echo" { rate = 65536 max_frame = "64K" }\n'
        with Daemon({}, most, users={"alice": 1}) as d, ws.WebSocket(d.proxy, "/probe/ws") as w:
            for _ in range(20):
                for _ in range(12):
                    w.send_frame(ws.BINARY, b"x" * 60000)
                self.assertEqual([len(w.message()[1]) for _ in range(12)], [60000] * 12)
            w.conn.send(PINGS)
            self.assertEqual([w.message() for _ in range(500)], [(ws.PONG, b"x" * 125)] * 500)

    def test_handshakes_that_cannot_be_completed(self):
        key, version = ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Version", "13")
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        table = (
            ([key], 426), ([key, ("Sec-WebSocket-Version", "8")], 426), ([key, ("Sec-WebSocket-Version", "13, 8")], 426),
            ([key, version, version], 426), ([version, key, key], 400), ([version, ("Sec-WebSocket-Key", "")], 400),
            ([version, ("Sec-WebSocket-Key", "x")], 400), ([version, ("Sec-WebSocket-Key", "A" * 24)], 400),
            ([version, ("Sec-WebSocket-Key", "A" * 21 + "!==")], 400), ([version, ("Sec-WebSocket-Key", "A" * 300)], 400),
        )
        with Daemon({}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d:
            for headers, status in table:
                with self.subTest(headers=headers), http.Connection(d.proxy) as c:
                    r = c.request("GET", "/probe/ws", upgrade + headers)
                    self.assertEqual(r.status, status)
                    self.assertEqual(r.header("sec-websocket-version"), "13" if status == 426 else None)
                    self.assertEqual(c.request("GET", "/probe/healthz").status, 200)
            r = http.get(d.proxy, "/probe/ws")
            self.assertEqual((r.status, r.header("upgrade")), (426, "websocket"))
            self.assertIn("upgrade", r.header("connection").lower().split(", "))
            self.assertEqual(d.metrics().get("t3ops_probe_echo_refused_total", 0), 0)
            with ws.WebSocket(d.proxy, "/probe/ws") as w:
                self.assertEqual(w.ask("hello"), "hello")

    def probe(self, d, client):
        """One that stays, or the status that refused it."""
        try:
            w = ws.WebSocket(d.proxy, "/probe/ws", {"CF-Connecting-IP": client})
        except ws.Refused as e:
            return e.status
        self.addCleanup(w.drop)
        return w

    def test_nobody_takes_the_places_of_all(self):
        with Daemon({}, 'plugin "probe_echo" { per_address = 2 connections = 100 }\n', users={"alice": 1}) as d:
            for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"):
                first, second, third = [self.probe(d, client) for _ in range(3)]
                self.assertIsInstance(first, ws.WebSocket)
                self.assertIsInstance(second, ws.WebSocket)
                self.assertEqual(third, 503)
            self.assertEqual(self.probe(d, "2001:db8:0:1::abcd"), 503)
            first.drop()
            wait.until(lambda: self.probe(d, "2001:db8:0:1::abcd") != 503, what="a place")
            self.assertEqual(self.probe(d, "2001:db8:0:1::1"), 503)

    def test_whoever_is_no_proxy_is_one_client(self):
        with Daemon({"trusted_proxies": ["10.0.0.0/8"]}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d:
            got = [self.probe(d, f"192.0.2.{n}") for n in range(9)]
            self.assertEqual([n for n, w in enumerate(got) if w == 503], [8])

    def test_share_may_be_without_limit(self):
        with Daemon({}, 'plugin "probe_echo" { per_address = 0 }\n', users={"alice": 1}) as d:
            got = [self.probe(d, "192.0.2.1") for _ in range(65)]
            self.assertEqual([n for n, w in enumerate(got) if w == 503], [64])


if __name__ == "__main__":
    unittest.main()

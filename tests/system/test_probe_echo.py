#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The far end of the WebSocket legs."""
import unittest

from lab import http, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin


class Echo(unittest.TestCase):
    def test_echo(self):
        with Origin() as origin, Daemon({}, 'plugin "probe_echo" { connections = 2 idle = "1s" }\n',
                                        users={"alice": origin.port}) as d:
            with ws.WebSocket(d.front, "/probe/ws") as w, ws.WebSocket(d.front, "/probe/ws?x=1") as second:
                self.assertEqual(w.ask("hello"), "hello")
                w.send_frame(ws.BINARY, b"\0\1")
                self.assertEqual(w.message(), (ws.BINARY, b"\0\1"))
                w.ping(b"beat")
                self.assertEqual(w.message(), (ws.PONG, b"beat"))
                with self.assertRaises(ws.Refused) as third:
                    ws.WebSocket(d.front, "/probe/ws")
                self.assertEqual(third.exception.response.status, 503)
                second.send("x" * 2000)
                self.assertEqual(second.wait_close(), 1009)
                self.assertEqual(w.wait_close(), 1001)  # idle
            with ws.WebSocket(d.front, "/probe/ws") as w:
                w.close(1000)
            alice = {"X-authentik-username": "alice"}
            self.assertEqual(http.get(d.front, "/probe/healthz").json(), {"status": "ok"})
            for target, status in (("/probe/ws", 426), ("/probe/", 404), ("/probe/../x", 404), ("/probe/ws/x", 404)):
                self.assertEqual(http.get(d.front, target, alice).status, status, target)
            self.assertEqual(origin.seen, [])  # nothing below /probe/ reaches an instance

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
        with Daemon({}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d, ws.WebSocket(d.front, "/probe/ws") as well:
            for what, act, code in table:
                with self.subTest(what=what), ws.WebSocket(d.front, "/probe/ws") as w:
                    act(w)
                    self.assertEqual(w.wait_close(), code)
                self.assertEqual(well.ask(what), what)
            self.assertEqual(d.metrics()["t3ops_probe_echo_connections"], 1)

    def test_pieces_are_put_together(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={"alice": 1}) as d, ws.WebSocket(d.front, "/probe/ws") as w:
            for n, piece in enumerate(("one ", "two ", "three")):
                w.send_frame(ws.TEXT if n == 0 else ws.CONTINUATION, piece, fin=n == 2)
                w.ping(b"between")
            got = [w.message() for _ in range(4)]
            self.assertEqual([g for g in got if g[0] == ws.TEXT], [(ws.TEXT, b"one two three")])

    def test_a_probe_that_sends_too_fast_is_ended(self):
        with Daemon({}, 'plugin "probe_echo" { rate = 5 }\n', users={"alice": 1}) as d:
            for send in (lambda w: w.send("x"), lambda w: w.ping(b"x")):
                with ws.WebSocket(d.front, "/probe/ws") as calm, ws.WebSocket(d.front, "/probe/ws") as w:
                    for _ in range(11):  # two seconds may share them
                        send(w)
                    self.assertEqual(w.wait_close(), 1008)
                    self.assertEqual(calm.ask("hello"), "hello")
            wait.until(lambda: d.metrics()["t3ops_probe_echo_connections"] == 0, what="the probes to end")
            self.assertEqual(d.metrics()["t3ops_probe_echo_too_fast_total"], 2)


if __name__ == "__main__":
    unittest.main()

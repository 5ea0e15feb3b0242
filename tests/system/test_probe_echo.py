#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The far end of the WebSocket legs."""
import unittest

from lab import http, ws
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
            self.assertEqual(http.get(d.front, "/probes", alice).status, 200)


if __name__ == "__main__":
    unittest.main()

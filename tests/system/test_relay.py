#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's relay carries, stalls, delays, loses, limits, cuts and heals, in each direction."""
import json
import threading
import time
import unittest

from lab import http, ws
from lab.origin import Origin, answer
from lab.relay import Relay
from lab.stub import NEW, T3Stub
from lab.user import Browser


class RelayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stub = T3Stub(NEW, dead_ms=20)
        cls.cookie = {"Cookie": cls.stub.cookie()}

    @classmethod
    def tearDownClass(cls):
        cls.stub.stop()

    def setUp(self):
        self.line = Relay(self.stub.address)
        self.ws = ws.WebSocket(self.line.address, "/ws", self.cookie)
        self.ws.heartbeat()

    def tearDown(self):
        self.ws.conn.close()
        self.line.close()

    def test_carries_much(self):
        text = "x" * 300000
        answer = self.ws.ask(json.dumps({"_tag": "Request", "id": "1", "tag": "stub.echo", "payload": text}))
        self.assertEqual(json.loads(answer)["exit"]["value"], text)
        self.assertGreater(self.line.bytes, 600000)

    def test_passes_the_end_on(self):
        self.ws.close()
        answer = Browser(self.line.address, "lab").navigate("/")
        self.assertEqual(answer.status, 200)

    def test_cut_resets_and_refuses(self):
        self.line.cut()
        self.assertEqual(self.ws.wait_close(), -1)
        self.assertRaises(ConnectionRefusedError, ws.WebSocket, self.line.address, "/ws", self.cookie)
        self.line.heal()
        with ws.WebSocket(self.line.address, "/ws", self.cookie) as again:
            again.heartbeat()

    def test_reset_lets_the_next_one_through(self):
        self.line.reset()
        self.assertEqual(self.ws.wait_close(), -1)
        with ws.WebSocket(self.line.address, "/ws", self.cookie) as again:
            again.heartbeat()

    def test_no_handshake_over_a_distant_line_that_is_silent(self):
        with Relay(self.stub.address, distant=True) as line:
            for direction in (line.up, line.down):
                direction.stall()
                with self.assertRaises(TimeoutError):
                    ws.WebSocket(line.address, "/ws", self.cookie, timeout=0.3)
                line.heal()
                with ws.WebSocket(line.address, "/ws", self.cookie) as again:
                    again.heartbeat()

    def test_stall_holds_and_loses_nothing(self):
        self.line.stall()
        self.ws.send('{"_tag":"Ping"}')
        self.assertFalse(self.ws.readable(0.3))
        self.line.heal()
        self.assertEqual(self.ws.text(), '{"_tag":"Pong"}')

    def seconds(self, action):
        begun = time.monotonic()
        action()
        return time.monotonic() - begun

    def echo(self, size):
        text = "x" * size
        self.assertEqual(json.loads(self.ws.ask(json.dumps({"_tag": "Request", "id": "1", "tag": "stub.echo",
                                                            "payload": text})))["exit"]["value"], text)

    def test_delay_and_bandwidth(self):
        self.line.slow(delay=0.15)
        self.assertGreaterEqual(self.seconds(self.ws.heartbeat), 0.3)
        self.line.heal()
        self.line.down.delay = 0.2
        self.assertGreaterEqual(self.seconds(self.ws.heartbeat), 0.2)
        self.line.heal()
        self.line.slow(bandwidth=50000)
        self.assertGreaterEqual(self.seconds(lambda: self.echo(20000)), 0.4)

    def test_delay_is_no_bandwidth(self):
        """Pieces are in transit together."""
        self.line.down.delay = 1
        for _ in range(10):
            self.ws.send('{"_tag":"Ping"}')
            time.sleep(0.01)
        self.assertLess(self.seconds(lambda: [self.ws.text() for _ in range(10)]), 5)

    def test_jitter_and_loss_keep_the_order(self):
        self.line.slow(jitter=0.02, loss=0.3)
        self.line.up.rto = self.line.down.rto = 0.02
        for size in (1, 20000, 5, 100000):
            self.echo(size)

    def test_one_direction(self):
        for direction in (self.line.up, self.line.down):
            direction.stall()
            self.ws.send('{"_tag":"Ping"}')
            self.assertFalse(self.ws.readable(0.2))
            direction.resume()
            self.assertEqual(self.ws.text(), '{"_tag":"Pong"}')

    def test_large_messages_die(self):
        self.line.up.largest = 4000
        self.ws.heartbeat()
        self.ws.send(json.dumps({"_tag": "Request", "id": "1", "tag": "stub.echo", "payload": "x" * 10000}))
        self.ws.send('{"_tag":"Ping"}')
        self.assertFalse(self.ws.readable(0.2), "nothing passes what is stuck")
        with ws.WebSocket(self.line.address, "/ws", self.cookie) as other:
            other.heartbeat()
        self.line.heal()
        self.assertEqual(len(json.loads(self.ws.text())["exit"]["value"]), 10000)

    def test_new_connections_alone(self):
        self.line.refuse()
        with self.assertRaises((ConnectionError, EOFError)):
            ws.WebSocket(self.line.address, "/ws", self.cookie)
        self.ws.heartbeat()
        self.line.hang()
        with self.assertRaises(TimeoutError):
            ws.WebSocket(self.line.address, "/ws", self.cookie, timeout=0.3)
        self.ws.heartbeat()
        self.line.heal()
        with ws.WebSocket(self.line.address, "/ws", self.cookie) as other:
            other.heartbeat()

    def test_vanishes_for_ever(self):
        self.line.vanish()
        self.line.heal()
        self.ws.send('{"_tag":"Ping"}')
        self.assertFalse(self.ws.readable(0.2))
        with ws.WebSocket(self.line.address, "/ws", self.cookie) as other:
            other.heartbeat()

    def test_address_of_the_user(self):
        with Origin({}) as origin, Relay(("127.0.0.1", origin.port), source="127.0.0.77") as line:
            peers = []
            origin.handlers["/"] = lambda c, r: peers.append(c.sock.getpeername()[0]) or c.send(answer(b""))
            http.get(line.address, "/")
            self.assertEqual(peers, ["127.0.0.77"])

    def test_a_slow_line_is_felt_at_the_other_end(self):
        """What the line does not take stays with the sender."""
        sent = threading.Event()

        def much(c, _request):
            c.send(answer(b"x" * 30_000_000))
            sent.set()

        with Origin({"/": much}) as origin, Relay(("127.0.0.1", origin.port)) as line:
            line.down.stall()
            with http.Connection(line.address) as c:
                c.send(http.build("GET", "/"))
                self.assertFalse(sent.wait(0.5))
                line.heal()
                self.assertEqual(len(c.response().body), 30_000_000)
            self.assertTrue(sent.wait(30))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's relay carries, stalls, delays, limits, cuts and heals."""
import json
import time
import unittest

from lab import ws
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

    def test_stall_holds_and_loses_nothing(self):
        self.line.stall()
        self.ws.send('{"_tag":"Ping"}')
        self.assertFalse(self.ws.readable(0.3))
        self.line.heal()
        self.assertEqual(self.ws.text(), '{"_tag":"Pong"}')

    def test_delay_and_bandwidth(self):
        self.line.delay = 0.15
        begun = time.monotonic()
        self.ws.heartbeat()
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.line.heal()
        self.line.bandwidth = 50000
        begun = time.monotonic()
        self.ws.ask(json.dumps({"_tag": "Request", "id": "1", "tag": "stub.echo", "payload": "x" * 20000}))
        self.assertGreaterEqual(time.monotonic() - begun, 0.4)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's user does on the wire what the measured pages do."""
import json
import threading
import time
import unittest

from lab import http, page, wait, ws
from lab.origin import Origin, answer
from lab.relay import Relay
from lab.stub import COOKIELESS, LATEST, NEW, NEXT, OLD, RENAMED, T3Stub
from lab.user import User

FACTOR = 0.04 * wait.SLOW  # a Ping every 0.2 s
VERSIONS = (OLD, NEW, LATEST, NEXT)


def client_frame(c):
    """The next frame of a client as (op, data)."""
    first, second = c.read(2)
    size = second & 0x7f
    if size >= 126:
        size = int.from_bytes(c.read(2 if size == 126 else 8), "big")
    key, data = c.read(4), c.read(size)
    return first & 15, bytes(b ^ key[i % 4] for i, b in enumerate(data))


class Server(Origin):
    """Plays t3's server as far as the test wants, and keeps every frame with its time."""

    def __init__(self):
        super().__init__({"/": lambda c, r: c.send(answer(b"page")), "/ws": self.websocket,
                          "/api/auth/session": lambda c, r: c.send(answer(b"{}"))})
        self.answers = True  # Pings
        self.hangs = False  # upgrades
        self.frames = []  # one list a connection: (time, op, data)
        self.live = []

    def websocket(self, c, request):
        frames = []
        self.frames.append(frames)
        if self.hangs:
            self.ended(c, frames)
            return False
        c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
               f"{ws.accept_value(request.header('sec-websocket-key'))}\r\n\r\n".encode())
        self.live.append(c)
        self.ended(c, frames)
        return False

    def ended(self, c, frames):
        try:
            while True:
                op, data = client_frame(c)
                frames.append((time.monotonic(), op, data))
                if op == ws.TEXT and json.loads(data)["_tag"] == "Ping" and self.answers:
                    self.say('{"_tag":"Pong"}', c)
        except (EOFError, OSError) as e:
            frames.append((time.monotonic(), None, type(e).__name__))

    def say(self, text, c=None):
        (c or self.live[-1]).send(ws.frame_bytes(ws.TEXT, text, mask=False))

    def texts(self, n=-1):
        return [json.loads(d) for _, op, d in list(self.frames[n]) if op == ws.TEXT]

    def times(self, n=-1, tag="Ping"):
        return [t for t, op, d in list(self.frames[n]) if op == ws.TEXT and json.loads(d)["_tag"] == tag]

    def close_codes(self, n):
        return [int.from_bytes(d[:2], "big") for _, op, d in list(self.frames[n]) if op == ws.CLOSE]

    def wait_end(self, n=0):
        wait.until(lambda: self.frames[n] and self.frames[n][-1][1] is None, what=f"the end of connection {n}")


class Wire(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)

    def user(self, version=NEW, **more):
        user = User("alice", ("127.0.0.1", self.server.port), "lab", version=version, factor=FACTOR, **more)
        self.addCleanup(user.stop)
        return user.start()

    def test_heartbeat(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                user = self.user(version)
                user.wait_connected()
                wait.until(lambda: len(self.server.times()) >= 4, what="four Pings")
                times = self.server.times()
                self.assertGreater(times[3] - times[0], 3 * 5 * FACTOR * 0.8)
                wait.until(lambda u=user: u.pongs >= 4, what="four Pongs")
                user.stop()

    def test_first_messages(self):
        for version, number in ((OLD, "1"), (NEW, "1"), (LATEST, 1), (NEXT, 1)):
            with self.subTest(version=version):
                user = self.user(version)
                wait.until(lambda: self.server.frames and len(self.server.texts()) >= (1 if version in (OLD, NEW) else 2),
                           what="requests")
                tags = [m["tag"] for m in self.server.texts() if m["_tag"] == "Request"]
                self.assertEqual("server.reportClientActivity" in tags, version in (LATEST, NEXT))
                self.assertEqual(self.server.texts()[0]["id"], number)
                user.stop()

    def test_acknowledges_chunks(self):
        self.user()
        wait.until(lambda: self.server.live, what="a connection")
        self.server.say('{"_tag":"Chunk","requestId":"7","values":[1]}')
        wait.until(lambda: {"_tag": "Ack", "requestId": "7"} in self.server.texts(), what="the Ack")

    def test_gives_up_politely_and_comes_back(self):
        """Pings go on; 1000 after 10 or 20 s without an answer; back after a second."""
        for version, patience in ((OLD, 10), (NEW, 10), (LATEST, 20), (NEXT, 20)):
            with self.subTest(version=version):
                first = len(self.server.frames)
                self.server.answers = False
                user = self.user(version)
                wait.until(lambda: user.count("gave_up"), what="the page gives up")
                self.server.wait_end(first)
                self.server.answers = True
                self.assertEqual(self.server.close_codes(first), [1000])
                pings, close = self.server.times(first), self.server.frames[first][-2][0]
                self.assertIn(len(pings), (patience // 5 - 1, patience // 5))  # the last one races with the end
                self.assertGreater(close - pings[0], (patience - 5) * FACTOR * 0.8)
                user.wait_connected()
                self.assertEqual((user.count("loaded"), user.count("connected"), user.drops), (1, 2, 1))
                user.stop()

    def test_abandons_a_hanging_upgrade(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                first = len(self.server.frames)
                self.server.hangs = True
                user = self.user(version)
                wait.until(lambda: user.count("abandoned"), what="the upgrade is abandoned")
                self.server.wait_end(first)
                self.assertEqual(len(self.server.frames[first]), 1, "nothing was sent")
                self.server.hangs = False
                user.wait_connected()
                self.assertEqual(user.drops, 0)
                user.stop()

    def test_backs_off(self):
        user = self.user()
        user.wait_connected()
        self.server.handlers["/ws"] = lambda c, r: False
        for c in self.server.live:
            c.reset()
        wait.until(lambda: user.count("unreachable") >= 4, what="four tries")
        tries = [e.when for e in user.pages[0].events if e.what == "unreachable"]
        pauses = [(b - a) / FACTOR for a, b in zip(tries, tries[1:])]
        for pause, least in zip(pauses, page.BACK_OFF[1:]):
            self.assertGreaterEqual(pause, least * 0.9, pauses)
        self.assertEqual(user.count("loaded"), 1, "no navigation")

    def test_reload_and_closed_tab(self):
        user = self.user()
        user.wait_connected()
        user.reload()
        wait.until(lambda: user.connects == 2, what="connected again")
        user.close()
        for n in (0, 1):
            self.server.wait_end(n)
            self.assertEqual(self.server.close_codes(n), [1001])
        self.assertEqual((user.count("loaded"), user.count("left"), user.drops), (2, 2, 0))

    def test_replaces_its_connection(self):
        user = self.user()
        user.wait_connected()
        user.replace()
        wait.until(lambda: user.connects == 2, what="connected again")
        self.server.wait_end(0)
        self.assertEqual((self.server.close_codes(0), user.count("loaded"), user.drops), ([1000], 1, 0))

    def test_crash_of_the_browser(self):
        user = self.user()
        user.wait_connected()
        user.crash()
        self.server.wait_end(0)
        self.assertEqual(self.server.close_codes(0), [])

    def test_sleeps(self):
        """Nothing comes from a device that sleeps; it wakes, finds its patience over, and closes."""
        user = self.user(OLD)
        wait.until(lambda: user.pongs, what="a Pong")
        user.sleep()
        time.sleep(12 * FACTOR)
        asleep = len(self.server.times(0))
        time.sleep(12 * FACTOR)
        self.assertEqual(len(self.server.times(0)), asleep)
        self.server.answers = False  # what was in transit when the lid closed may have been answered
        user.wake()
        self.server.wait_end(0)
        self.assertEqual(self.server.close_codes(0), [1000])

    def test_moves(self):
        with Relay(("127.0.0.1", self.server.port)) as old, Relay(("127.0.0.1", self.server.port)) as new:
            user = User("alice", old.address, "lab", factor=FACTOR).start()
            user.wait_connected()
            old.stall()
            user.move(new.address)
            wait.until(lambda: user.connects == 2, what="connected again")
            self.assertEqual(self.server.close_codes(0), [])
            if self.server.frames[0]:  # a late machine has had no Ping of it yet
                self.assertNotEqual(self.server.frames[0][-1][1], None, "the server was told nothing")
            self.assertEqual((user.count("moved"), user.count("loaded"), user.drops), (1, 1, 0))
            user.stop()

    def test_tabs_share_their_cookies_private_windows_do_not(self):
        self.server.handlers["/"] = lambda c, r: c.send(answer(b"page", headers=[("Set-Cookie", "t3_session=x; Path=/")]))
        user = self.user()
        user.wait_connected()
        user.open()
        wait.until(lambda: user.connects == 2, what="two tabs")
        user.open(private=True)
        wait.until(lambda: user.connects == 3, what="three tabs")
        jars = [r.header("cookie") for r in self.server.requests("/")]
        self.assertEqual([("t3_session" in jar) for jar in jars], [False, True, False])


class WithStub(unittest.TestCase):
    def test_each_version(self):
        for version in (OLD, NEW, LATEST, NEXT, RENAMED, COOKIELESS):
            with self.subTest(version=version), T3Stub(version, dead_ms=20, time=FACTOR) as stub:
                user = User("alice", stub.address, "lab", version=version, factor=FACTOR)
                if version != COOKIELESS:
                    name, value = stub.cookie().split("=", 1)
                    user.cookies[name] = value
                user.start()
                try:
                    if version == COOKIELESS:
                        wait.until(lambda u=user: u.count("refused"), what="it is refused")
                        continue
                    user.wait_connected()
                    user.wait_pong()
                    self.assertEqual(len(user.ask("stub.bytes", {"bytes": 100000})), 100000)
                    self.assertEqual(user.pages[0].messages.deflate is not None, version in (LATEST, NEXT, RENAMED))
                    stub.stop()
                    wait.until(lambda u=user: u.count("lost"), what="the goodbye")
                    self.assertEqual([e.detail for e in user.pages[0].events if e.what == "lost"], [1005])
                finally:
                    user.stop()

    def test_a_dead_cookie_is_refused_for_ever(self):
        with T3Stub(LATEST, dead_ms=20, log=1) as stub:
            name, value = stub.cookie().split("=", 1)
            user = User("alice", stub.address, "lab", version=LATEST, factor=FACTOR)
            user.cookies[name] = value
            user.start()
            user.wait_connected()
            stub.wipe()
            stub.refuse()
            stub.accept()
            wait.until(lambda: user.count("refused") >= 3, what="three refusals")
            self.assertEqual(user.count("loaded"), 1)
            self.assertIn("GET /api/orchestration/shell", stub.process.log())
            user.stop()
            self.assertEqual(http.get(stub.address, "/").status, 200)


if __name__ == "__main__":
    unittest.main()

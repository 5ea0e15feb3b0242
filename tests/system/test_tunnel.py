#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Users' WebSockets: passed untouched, and their ends told apart."""
import os
import re
import signal
import socket
import struct
import threading
import unittest

from lab import http, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.process import state
from lab.stub import LATEST, NEW, T3Stub

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]


def upgrade(c, request):
    c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Extra: kept\r\n"
           f"Sec-WebSocket-Accept: {ws.accept_value(request.header('sec-websocket-key'))}\r\n\r\n".encode())


def echo(c, request):
    """Raw bytes back, frames or not."""
    upgrade(c, request)
    while True:
        if not c.buffer:
            c.fill()
        data, c.buffer = c.buffer, b""
        c.send(data)


def ends(how):
    """Waits for the first bytes, then ends the connection in that way."""
    def handler(c, request):
        upgrade(c, request)
        c.fill()
        how(c)
        return False
    return handler


def reset(c):
    c.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: RST


def freeze_after_its_wait(proxy, speak):
    """Stops the proxy as it returns from the wait of its loop, having heard of nothing but what speak() sends."""
    before, cpu = os.sched_getaffinity(0), min(os.sched_getaffinity(proxy))
    os.sched_setscheduler(proxy, os.SCHED_BATCH, os.sched_param(0))  # it does not preempt this test
    for who in (proxy, 0):
        os.sched_setaffinity(who, {cpu})
    os.kill(proxy, signal.SIGSTOP)
    speak()
    os.sched_setaffinity(0, before)
    wait.until(lambda: state(proxy) == "T", what="the frozen proxy")
    os.sched_setaffinity(proxy, before)
    os.sched_setscheduler(proxy, os.SCHED_OTHER, os.sched_param(0))


class Tunnel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin({
            "/echo": echo, "/mute": ends(lambda c: c.read(1 << 30)), "/eof": ends(lambda c: None), "/reset": ends(reset),
            "/close1000": ends(lambda c: c.send(b"\x88\x02\x03\xe8")),
            "/close1001": ends(lambda c: c.send(b"\x88\x02\x03\xe9")),
            "/no": lambda c, r: c.send(answer(b"missing_credential", "401 Unauthorized")),
            "/greets": lambda c, r: (upgrade(c, r), c.send(b"\x81\x02hi"), c.read(1 << 30))})
        cls.daemon = Daemon({"page_heartbeat": "200ms"}, ECHO, users={"alice": cls.origin.port})

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.origin.stop()

    def open(self, target, headers=()):
        self.mark = len(self.daemon.log())
        return ws.WebSocket(self.daemon.proxy, target, ALICE + list(headers))

    def ended(self, kind, reason):
        line = self.daemon.wait_log(rf"event={kind} .*reason={reason}\b.*", after=self.mark).group(0)
        self.assertIn("user=alice", line)
        return line

    def test_head_passes_untouched(self):
        offer = "permessage-deflate; client_max_window_bits"
        with self.open("/echo", [("Sec-WebSocket-Extensions", offer), ("Sec-WebSocket-Protocol", "a, b")]) as w:
            self.assertEqual(w.response.header("x-extra"), "kept")
            self.assertEqual(w.response.header("connection"), "Upgrade")
            seen = self.origin.requests("/echo")[-1]
            self.assertEqual(seen.header("sec-websocket-extensions"), offer)
            self.assertEqual(seen.header("sec-websocket-protocol"), "a, b")
            self.assertEqual(seen.header("connection"), "Upgrade")
            w.send_frame(ws.TEXT, b"\xaa\x00", rsv1=True, mask=False)  # a compressed frame is nothing to us
            self.assertEqual(w.frame(), (ws.TEXT, b"\xaa\x00", True, True))

    def test_bytes_sent_with_the_request(self):
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/echo", ALICE + [("Connection", "Upgrade"), ("Upgrade", "websocket"),
                              ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                              ("Origin", "http://lab")])
                   + b"\x81\x05early")
            self.assertEqual(c.response_head().status, 101)
            self.assertEqual(c.read(7), b"\x81\x05early")

    def test_bytes_sent_with_the_101(self):
        with self.open("/greets") as w:
            self.assertEqual(w.text(), "hi")

    def test_refused_upgrade_is_an_ordinary_answer(self):
        with self.assertRaises(ws.Refused) as caught:
            self.open("/no")
        self.assertEqual((caught.exception.response.status, caught.exception.response.body), (401, b"missing_credential"))

    def test_much_in_both_directions(self):
        with self.open("/echo") as w:
            block = bytes(range(256)) * 256
            sender = threading.Thread(target=lambda: [w.send_frame(ws.BINARY, block, mask=False) for _ in range(200)])
            sender.start()
            for _ in range(200):
                self.assertEqual(w.frame()[1], block)
            sender.join()

    def test_ends(self):
        table = (  # target, what the client does then, kind, reason, close code
            ("/echo", lambda w: w.close(1000), "tunnel_closed", "client_closed", 1000),
            ("/echo", lambda w: w.drop(), "tunnel_closed", "client_eof", None),  # whether it broke shows in what the page does next
            ("/echo", lambda w: w.reset(), "tunnel_closed", "client_reset", None),
            ("/mute", lambda w: (waits_in_vain(w), w.close(1000)), "tunnel_dropped", "client_gave_up", 1000),
            ("/mute", lambda w: (waits_in_vain(w), w.drop()), "tunnel_dropped", "client_gave_up", None),
            ("/eof", lambda w: self.assertIsNone(w.wait_close()), "tunnel_dropped", "upstream_eof", None),
            ("/reset", lambda w: self.assertEqual(w.wait_close(), -1), "tunnel_dropped", "upstream_reset", None),
            ("/close1001", lambda w: self.assertEqual(w.wait_close(), 1001), "tunnel_dropped", "upstream_closed", 1001),
            ("/close1000", lambda w: self.assertEqual(w.wait_close(), 1000), "tunnel_closed", "upstream_closed", 1000),
        )
        for target, act, kind, reason, code in table:
            with self.subTest(target=target, reason=reason):
                w = self.open(target)
                w.send('{"_tag":"Ping"}')
                if target == "/echo":
                    w.frame()
                act(w)
                line = self.ended(kind, reason)
                if code:
                    self.assertIn(f"close_code={code}", line)
                for word in ("duration_ms=", "idle_client_ms=", "idle_upstream_ms=", "bytes_up="):
                    self.assertIn(word, line)

    def last_words(self, freeze):
        """What a server said before it reset, while the proxy was frozen with bytes of the client for it."""
        server = []
        self.origin.handlers["/dies"] = lambda c, r: (upgrade(c, r), server.append(c), c.read(1 << 30))
        with self.open("/dies") as w:
            wait.until(lambda: server, what="the t3 server's side")
            c, proxy = server.pop(), self.daemon.processes()["proxy"]
            freeze(proxy, lambda: w.send("too late"))
            c.send(b"\x81\x07goodbye")
            reset(c)
            c.sock.shutdown(socket.SHUT_RD)  # its thread ends, and closes it
            self.assertTrue(c.sock.fileno() < 0 or wait.until(lambda s=c.sock: s.fileno() < 0, what="the reset"))
            os.kill(proxy, signal.SIGCONT)
            return w.text()

    def test_last_words_of_a_server_that_resets_are_passed_on(self):
        """Though the same turn of the proxy's loop finds that the client's bytes cannot be sent there any more."""
        def freeze(proxy, speak):
            os.kill(proxy, signal.SIGSTOP)
            speak()

        for _ in range(5):
            self.assertEqual(self.last_words(freeze), "goodbye")

    def test_last_words_are_read_though_only_the_client_was_heard(self):
        for _ in range(5):
            self.assertEqual(self.last_words(freeze_after_its_wait), "goodbye")

    def test_a_close_frame_counts_though_the_server_was_heard_first(self):
        """A tab that is closed resets what still comes for it: it left, and broke nothing."""
        server = []
        self.origin.handlers["/talks"] = lambda c, r: (upgrade(c, r), server.append(c), c.read(1 << 30))
        for _ in range(5):
            w = self.open("/talks")
            wait.until(lambda: server, what="the t3 server's side")
            c, proxy = server.pop(), self.daemon.processes()["proxy"]
            freeze_after_its_wait(proxy, lambda c=c: c.send(b"\x81\x04more"))
            w.send_frame(ws.CLOSE, b"\x03\xe9")
            reset(w.conn)
            w.conn.close()
            os.kill(proxy, signal.SIGCONT)
            self.assertIn("close_code=1001", self.ended("tunnel_closed", "client_closed"))

    def test_address_and_location_come_from_the_trusted_proxy(self):
        with self.open("/echo", [("CF-Connecting-IP", "203.0.113.7"), ("CF-Ray", "8a1b2c3d4e5f6a7b-FRA")]):
            self.daemon.wait_log(r"event=tunnel_opened .*client=203\.0\.113\.7 .*colo=FRA", after=self.mark)


class Floods:
    """Sends frames until nobody takes them any more."""

    def __init__(self):
        self.ended = threading.Event()

    def __call__(self, c, request):
        upgrade(c, request)
        c.sock.settimeout(None)
        try:
            while True:
                c.send(b"\x82\x7f" + struct.pack("!Q", 65536) + bytes(65536))
        except OSError:
            self.ended.set()
        return False


class Deaf:
    """Accepts the WebSocket and reads nothing."""

    def __init__(self):
        self.over = threading.Event()

    def __call__(self, c, request):
        upgrade(c, request)
        self.over.wait(60)
        return False


def waits_in_vain(w):
    """A page whose heartbeats are on time, and not answered."""
    for _ in range(4):
        w.readable(0.2)
        w.send('{"_tag":"Ping"}')


class SendTimeout(unittest.TestCase):
    """tunnel_send_timeout: a side that takes nothing for so long ends the tunnel, and is named."""

    def setUp(self):
        self.floods, self.deaf = Floods(), Deaf()
        self.addCleanup(self.deaf.over.set)
        self.origin = Origin({"/floods": self.floods, "/deaf": self.deaf, "/echo": echo})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"tunnel_send_timeout": "300ms"}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def gone(self):
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnel to end")

    def test_client_that_takes_nothing(self):
        with ws.WebSocket(self.daemon.proxy, "/floods", ALICE):
            self.daemon.wait_log(r"event=tunnel_closed .*reason=client_timeout\b")
            self.assertTrue(self.floods.ended.wait(30))
            self.gone()

    def test_t3_server_that_takes_nothing(self):
        with ws.WebSocket(self.daemon.proxy, "/deaf", ALICE) as w:
            w.conn.sock.settimeout(30)
            with self.assertRaises(OSError):
                while True:
                    w.send_frame(ws.BINARY, bytes(65536), mask=False)
            self.daemon.wait_log(r"event=tunnel_dropped .*reason=upstream_timeout\b")
            self.gone()

    def test_side_that_does_not_follow_a_fin(self):
        """Nobody half-closes a WebSocket and goes on: the other side has as long to close, too."""
        with ws.WebSocket(self.daemon.proxy, "/deaf", ALICE) as w:
            w.conn.sock.shutdown(socket.SHUT_WR)
            self.daemon.wait_log(r"event=tunnel_closed .*reason=client_eof\b")
            self.gone()
            self.assertTrue(w.conn.at_end())

    def test_silence_is_no_timeout(self):
        """Nothing waits to be taken: a tunnel may rest as long as it wants."""
        with ws.WebSocket(self.daemon.proxy, "/echo", ALICE) as rests, ws.WebSocket(self.daemon.proxy, "/floods", ALICE):
            self.daemon.wait_log(r"event=tunnel_closed .*reason=client_timeout\b")
            rests.send_frame(ws.TEXT, "still here", mask=False)
            self.assertEqual(rests.text(), "still here")


class WithT3(unittest.TestCase):
    def test_compression_is_negotiated_end_to_end(self):
        with T3Stub(LATEST, host="0.0.0.0") as stub, Daemon({}, ECHO, users={"alice": stub.port}) as d:
            cookie = [("Cookie", stub.cookie()), ("Sec-WebSocket-Extensions", "permessage-deflate")]
            with ws.WebSocket(d.proxy, "/ws", ALICE + cookie) as w:
                self.assertIn("permessage-deflate", w.response.header("sec-websocket-extensions"))

    def test_client_of_a_removed_user_is_closed_with_1008(self):
        with T3Stub(NEW) as stub, Daemon({}, ECHO, users={"alice": stub.port, "bob": stub.port}) as d:
            cookie = [("Cookie", stub.cookie())]
            with ws.WebSocket(d.proxy, "/ws", ALICE + cookie) as gone, \
                    ws.WebSocket(d.proxy, "/ws", [("X-authentik-username", "bob")] + cookie) as stays:
                gone.heartbeat()
                d.write_users({"bob": stub.port})
                self.assertEqual(gone.wait_close(), 1008)
                d.wait_log(r"event=tunnel_closed .*user=alice .*reason=local")
                stays.heartbeat()

    def test_crash_of_the_t3_server(self):
        with T3Stub(NEW) as stub, Daemon({}, ECHO, users={"alice": stub.port}) as d:
            with ws.WebSocket(d.proxy, "/ws", ALICE + [("Cookie", stub.cookie())]) as w:
                w.heartbeat()
                stub.crash()
                self.assertIn(w.wait_close(), (None, -1))
            self.assertTrue(re.search("upstream_(eof|reset)", d.wait_log(r"event=tunnel_dropped .*").group(0)))


if __name__ == "__main__":
    unittest.main()

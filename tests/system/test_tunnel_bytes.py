#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many tunnels at once, each side with a stream of its own in pieces of any size, and any end: what arrives is the
beginning of what was sent, and all of it where that ended in order.  Also while proxies are killed and replaced."""
import itertools
import os
import random
import signal
import socket
import struct
import threading
import time
import unittest

from lab import http, wait, ws
from lab.daemon import Daemon

ALICE = [("X-authentik-username", "alice")]
TUNNELS, SPAN = 40, 8
PIECES = (1, 2, 10, 125, 500, 2047, 2048, 2049, 4096, 30000, 200000)
TOTALS = (0, 1, 100, 2048, 5000, 50000, 500000)
PATTERN = random.Random(1).randbytes(1 << 20)


def stream(number, at, n):
    """n bytes of that stream from there on; none is like another."""
    start = number * 4999 % (len(PATTERN) // 2) + at
    return PATTERN[start:start + n]


class Side:
    """One end: sends, checks what comes, ends in its way."""

    def __init__(self, sock, sends, hears, rng):
        sock.setblocking(False)
        self.sock, self.sends, self.hears, self.rng = sock, sends, hears, rng
        self.total, self.end = rng.choice(TOTALS), rng.choice(("fin", "fin", "fin", "reset", "close"))
        self.eager = rng.choice((1, 1, .5, .1))  # how often it reads
        self.sent = self.heard = 0
        self.heard_end = None  # "fin", "reset"
        self.ended = self.over = False

    def step(self):
        if not self.over and self.heard_end is None and self.rng.random() < self.eager:
            self.hear()
        if not self.over and not self.ended:
            self.send()
        if not self.over and self.ended and self.heard_end:
            self.close()

    def hear(self):
        try:
            data = self.sock.recv(self.rng.choice((1, 100, 2048, 65536)))
        except BlockingIOError:
            return
        except OSError:
            self.heard_end = "reset"
            self.close()
            return
        if not data:
            self.heard_end = "fin"
        elif data != stream(self.hears, self.heard, len(data)):
            raise AssertionError(f"stream {self.hears}: wrong bytes from {self.heard} on")
        self.heard += len(data)

    def send(self):
        try:
            if self.sent < self.total:
                self.sent += self.sock.send(stream(self.sends, self.sent, min(self.rng.choice(PIECES), self.total - self.sent)))
            elif self.end == "fin":
                self.sock.shutdown(socket.SHUT_WR)
                self.ended = True
            else:
                if self.end == "reset":
                    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self):
        self.over = True
        self.sock.close()

    def check(self, other):
        if self.heard_end == "fin" and other.end == "fin" and other.ended and self.heard != other.total:
            raise AssertionError(f"stream {self.hears}: an end in order after {self.heard} of {other.total} bytes")


class Server:
    """Whose sockets the test has."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.opened = {}
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            c = http.Connection.over(sock)
            try:
                lines = c.read_until(b"\r\n\r\n").decode().split("\r\n")
                key = next(line.split(": ", 1)[1] for line in lines if line.lower().startswith("sec-websocket-key"))
                c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       f"Sec-WebSocket-Accept: {ws.accept_value(key)}\r\n\r\n".encode())
            except (EOFError, OSError):  # of a proxy that was killed
                sock.close()
                continue
            self.opened[lines[0].split(" ")[1]] = sock


class TunnelBytes(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.listener.close)
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, 'plugin "probe_echo" {}\n',
                             users={"alice": self.server.port})
        self.addCleanup(self.daemon.stop)
        self.rng = random.Random(7)
        self.numbers = itertools.count(1)

    def open(self, may_fail):
        target = f"/{next(self.numbers)}"
        try:
            w = ws.WebSocket(self.daemon.proxy, target, ALICE)
        except (OSError, EOFError, ws.Refused):
            if may_fail:
                return None
            raise
        far = wait.until(lambda: self.server.opened.pop(target, None), what="the t3 server's side")
        number = 2 * int(target[1:])
        return (Side(w.conn.sock, number, number + 1, self.rng), Side(far, number + 1, number, self.rng), w)

    def play(self, disturb=None):
        pairs, until = [], time.monotonic() + SPAN
        again = time.monotonic() + 1
        limit = until + 60 * wait.SLOW
        while pairs or time.monotonic() < until:
            now = time.monotonic()
            self.assertLess(now, limit, "a tunnel never ends")
            if now < until and len(pairs) < TUNNELS:
                pairs += [p for p in [self.open(disturb is not None)] if p]
            if disturb and again < now < until:
                again = now + 1
                disturb()
            for near, far, _ in pairs:
                near.step()
                far.step()
            for near, far, _ in [p for p in pairs if p[0].over and p[1].over]:
                near.check(far)
                far.check(near)
            pairs = [p for p in pairs if not (p[0].over and p[1].over)]
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")

    def test_every_byte_in_its_place(self):
        self.play()

    def test_a_proxy_that_is_held_up(self):
        """So that much is ready at once, in both directions."""
        def hold_up():
            proxy = self.daemon.processes()["proxy"]
            os.kill(proxy, signal.SIGSTOP)
            time.sleep(.05)
            os.kill(proxy, signal.SIGCONT)
        self.play(hold_up)

    def test_proxies_that_are_killed(self):
        def kill():
            for pid in self.daemon.pids("proxy"):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.play(kill)

    def test_proxies_that_are_replaced(self):
        self.play(lambda: self.daemon.process.send_signal(self.rng.choice((signal.SIGHUP, signal.SIGUSR2))))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tunnels move: reloads and upgrades under open WebSockets lose, repeat and reorder nothing, and leave no
old process behind."""
import os
import selectors
import signal
import socket
import struct
import threading
import unittest

from lab import wait, ws
from lab.daemon import Daemon
from lab.origin import Origin

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
TUNNELS, ROUNDS, WINDOW = 200, 40, 4


class RawEcho:
    """The instance: answers the upgrade, then one thread echoes the bytes of all connections."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ)
        self.fresh = []
        self.done = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __call__(self, c, request):
        c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {ws.accept_value(request.header('sec-websocket-key'))}\r\n\r\n".encode())
        gone = threading.Event()
        self.fresh.append((c, gone))
        self.wake.send(b"x")
        gone.wait()
        return False

    def run(self):
        while not self.done:
            for key, _ in self.selector.select(1):
                if key.fileobj is self.woken:
                    self.woken.recv(64)
                    while self.fresh:
                        c, gone = self.fresh.pop()
                        if c.buffer:
                            c.send(c.buffer)
                        self.selector.register(c.sock, selectors.EVENT_READ, gone)
                    continue
                try:
                    data = key.fileobj.recv(65536)
                except OSError:
                    data = b""
                if data:
                    key.fileobj.sendall(data)
                else:
                    self.selector.unregister(key.fileobj)
                    key.data.set()


class Talker(threading.Thread):
    """A user who always has some numbered frames under way, and checks each echo."""

    def __init__(self, address, number):
        super().__init__(daemon=True)
        self.w = ws.WebSocket(address, "/ws", ALICE)
        self.w.conn.sock.settimeout(60)
        self.number, self.sent, self.heard, self.over, self.error = number, 0, 0, False, None

    def frame(self, n):
        return struct.pack("!II", self.number, n) + bytes([n % 251]) * (n * 37 % 3000)

    def run(self):
        try:
            while not self.over:
                while self.sent < self.heard + WINDOW:
                    self.w.send_frame(ws.BINARY, self.frame(self.sent), mask=False)
                    self.sent += 1
                self.hear()
            while self.heard < self.sent:
                self.hear()
        except (OSError, ws.Closed, AssertionError) as e:
            self.error = e

    def hear(self):
        _, data, fin, _ = self.w.frame()
        if not fin or data != self.frame(self.heard):
            raise AssertionError(f"tunnel {self.number}: frame {self.heard} is not what came")
        self.heard += 1


class Handover(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info"}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def fronts(self):
        names = []
        for pid in self.daemon.children():
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    names.append(f.read().strip())
            except OSError:
                continue
        return names.count("front")

    def replace(self, number):
        """Reloads and upgrades in turn."""
        mark = len(self.daemon.log())
        if number % 2:
            self.daemon.process.send_signal(signal.SIGUSR2)
            self.daemon.wait_log("event=upgraded", after=mark)
        else:
            self.daemon.options["gave_up_after"] = f"{10 + number}s"
            self.daemon.write_conf()
            self.assertIn("event=reloaded", self.daemon.reload())

    def test_nothing_is_lost_and_nobody_lingers(self):
        talkers = [Talker(self.daemon.front, n) for n in range(TUNNELS)]
        for t in talkers:
            t.start()
        for number in range(ROUNDS):
            heard = [t.heard for t in talkers]
            self.replace(number)
            wait.until(lambda: self.fronts() == 1, what="the old front to leave")
            wait.until(lambda h=heard: all(t.error or t.heard > n for t, n in zip(talkers, h)), what="every tunnel to go on")
        for t in talkers:
            t.over = True
        for t in talkers:
            t.join(60)
        self.assertEqual([t.error for t in talkers if t.error], [])
        self.assertEqual(self.daemon.metrics()["t3ops_tunnels"], TUNNELS)
        self.assertNotIn("event=tunnel_drop", self.daemon.log())
        self.assertNotIn("event=tunnel_closed", self.daemon.log())
        talkers[0].w.close(1000)
        self.daemon.wait_log("event=tunnel_closed .*reason=client_closed")
        for t in talkers[1:]:
            t.w.drop()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")
        self.assertEqual(self.daemon.metrics()["t3ops_tunnels_opened_total"], TUNNELS)

    def test_bytes_that_wait_move_along(self):
        """A user who does not read, with more on the way than sockets hold."""
        with ws.WebSocket(self.daemon.front, "/ws", ALICE) as w:
            w.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            total = 5000
            sender = threading.Thread(target=lambda: [w.send_frame(ws.BINARY, struct.pack("!I", n) * 500, mask=False)
                                                      for n in range(total)], daemon=True)
            sender.start()
            self.replace(0)
            for n in range(total):
                self.assertEqual(w.frame()[1], struct.pack("!I", n) * 500)
            sender.join(60)
            wait.until(lambda: self.fronts() == 1, what="the old front to leave")

    def test_user_who_is_gone_meanwhile_does_not_move_in(self):
        with ws.WebSocket(self.daemon.front, "/ws", ALICE) as w:
            self.daemon.options["users"] = self.daemon.users_file + ".other"
            with open(self.daemon.options["users"], "w", encoding="utf-8") as f:
                f.write('{"bob": {"os_user": "bob", "port": 1}}')
            os.chmod(self.daemon.options["users"], 0o644)
            self.daemon.write_conf()
            self.assertIn("event=reloaded", self.daemon.reload())
            self.assertEqual(w.wait_close(), 1008)
            self.daemon.wait_log("event=tunnel_closed .*reason=local")


if __name__ == "__main__":
    unittest.main()

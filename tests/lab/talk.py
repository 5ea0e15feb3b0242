# SPDX-License-Identifier: MIT
"""Users who talk all the time over a WebSocket, and the instance that echoes them: whoever loses, repeats or
reorders a byte between them is found out."""
import selectors
import socket
import struct
import threading

from lab import ws

WINDOW = 4  # numbered frames under way


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
                    key.fileobj.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    self.selector.unregister(key.fileobj)
                    key.data.set()


class Talker(threading.Thread):
    """A user who always has some numbered frames under way, and checks each echo."""

    def __init__(self, address, headers, number):
        super().__init__(daemon=True)
        self.w = ws.WebSocket(address, "/ws", headers)
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

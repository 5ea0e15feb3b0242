# SPDX-License-Identifier: MIT
"""Users who talk all the time over a WebSocket, and the server that echoes them: whoever loses, repeats or
reorders a byte between them is found out."""
import collections
import selectors
import socket
import struct
import threading

from lab import ws

WINDOW = 4  # numbered frames in transit


class RawEcho:
    """The server: answers the upgrade, then one thread echoes the bytes of all connections."""

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
    """A user who always has some numbered frames in transit, and checks each echo."""

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


class Member:
    """One of a crowd: what it sent and has not heard back."""

    def __init__(self, w, number):
        self.sock, self.number = w.conn.sock, number
        self.sock.setblocking(False)
        self.sent = self.heard = 0  # messages
        self.pending, self.sizes = bytearray(), collections.deque()
        self.error = None

    def message(self):
        """Masked, in two frames, with its number in front."""
        key = struct.pack("!I", 0x9e3779b1 * (self.sent + 1) & 0xffffffff)
        number = bytes(a ^ b for a, b in zip(struct.pack("!II", self.number, self.sent), key * 2))
        rest = bytes([self.sent % 251]) * (126 + self.sent * 37 % 3000)
        return b"\x02\x88" + key + number + b"\x80\xfe" + struct.pack("!H", len(rest)) + key + rest

    def talk(self):
        while self.sent < self.heard + WINDOW:
            m = self.message()
            if self.sock.send(m) != len(m):
                raise OSError("the socket did not take a small message")
            self.pending += m
            self.sizes.append(len(m))
            self.sent += 1

    def hear(self):
        data = self.sock.recv(65536)
        if not data:
            raise OSError("closed")
        if not self.pending.startswith(data):
            raise AssertionError(f"member {self.number}: after message {self.heard} something else came")
        del self.pending[:len(data)]
        waiting = len(self.pending)
        while self.sizes and waiting <= sum(self.sizes) - self.sizes[0]:
            self.sizes.popleft()
            self.heard += 1


class Crowd(threading.Thread):
    """Many users on one thread, each with numbered, masked, fragmented messages in transit all the time.  The
    server echoes bytes, so that what comes back must be what was sent, to the byte."""

    def __init__(self, address, headers, size):
        super().__init__(daemon=True)
        self.sockets = [ws.WebSocket(address, "/ws", headers) for _ in range(size)]
        self.members = [Member(w, n) for n, w in enumerate(self.sockets)]
        self.over = False

    def run(self):
        with selectors.DefaultSelector() as selector:
            for m in self.members:
                selector.register(m.sock, selectors.EVENT_READ, m)
                m.talk()
            while not self.over or any(m.pending and not m.error for m in self.members):
                for key, _ in selector.select(0.1):
                    self.turn(selector, key.data)

    def turn(self, selector, member):
        try:
            member.hear()
            if not self.over:
                member.talk()
        except (OSError, AssertionError) as e:
            member.error = e
            selector.unregister(member.sock)

    def errors(self):
        return [m.error for m in self.members if m.error]

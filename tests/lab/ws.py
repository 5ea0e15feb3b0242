# SPDX-License-Identifier: MIT
"""A small WebSocket client, honest by default and able to lie: frames can be sent as wanted."""
import base64
import hashlib
import os
import select
import socket
import struct
import time
import zlib

from lab import http
from lab.wait import SLOW

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The upgrade was answered with something other than 101."""

    def __init__(self, response):
        super().__init__(f"upgrade answered {response!r}")
        self.response = response
        self.status = response.status


class Closed(Exception):
    """The peer ended it.  code: of its close frame (1005 without one in the frame), None at a bare
    FIN, -1 at a reset."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


def accept_value(key):
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def frame_bytes(op, data=b"", fin=True, rsv1=False, mask=True):
    if isinstance(data, str):
        data = data.encode()
    first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | op
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, bit | len(data))
    elif len(data) < 65536:
        head = struct.pack("!BBH", first, bit | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, bit | 127, len(data))
    if mask:
        key = os.urandom(4)
        whole = (key * (len(data) // 4 + 1))[:len(data)]
        data = (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(data), "big")
        head += key
    return head + data


def frame_parse(buffer):
    """The server's frame at the head of the buffer as (op, data, fin, rsv1, bytes taken); None: not whole yet."""
    if len(buffer) < 2:
        return None
    size, head = buffer[1] & 0x7f, 2
    if size >= 126:
        head = 4 if size == 126 else 10
        if len(buffer) < head:
            return None
        size = int.from_bytes(buffer[2:head], "big")
    if len(buffer) < head + size:
        return None
    first = buffer[0]
    return first & 0x0f, bytes(buffer[head:head + size]), bool(first & 0x80), bool(first & 0x40), head + size


def close_parse(data):
    """(code, reason) of a close frame's payload."""
    return (struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005), data[2:].decode("utf-8", "replace")


class Deflate:
    """permessage-deflate with context takeover, as Chrome does it."""

    OFFER = "permessage-deflate; client_max_window_bits"

    def __init__(self):
        self._packer = zlib.compressobj(wbits=-15)
        self._unpacker = zlib.decompressobj(wbits=-15)

    def pack(self, data):
        return (self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def unpack(self, data):
        return self._unpacker.decompress(data + b"\0\0\xff\xff")


class WebSocket:
    def __init__(self, address, target="/ws", headers=(), host="lab", tls=None, timeout=30, deflate=False):
        """deflate: offers permessage-deflate as Chrome does, and compresses every message if it is taken."""
        self.conn = http.Connection(address, tls, host, timeout)
        self.response = None
        self.deflate = None
        if deflate:
            headers = {**dict(headers), "Sec-WebSocket-Extensions": Deflate.OFFER}
        try:
            self._upgrade(target, headers, host)
        except BaseException:
            self.conn.close()
            raise

    def _upgrade(self, target, headers, host):
        key = base64.b64encode(os.urandom(16)).decode()
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        pairs = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                 ("Sec-WebSocket-Key", key)] + pairs
        if "origin" not in [n.lower() for n, _ in pairs]:
            pairs.append(("Origin", f"http://{host}"))  # as a browser does
        pairs = [(n, v) for n, v in pairs if v is not None]
        self.conn.send(http.build("GET", target, pairs, None, host))
        self.response = self.conn.response()
        if self.response.status != 101:
            raise Refused(self.response)
        got = self.response.header("sec-websocket-accept")
        if got != accept_value(key):
            raise AssertionError(f"wrong Sec-WebSocket-Accept {got!r}")
        if "permessage-deflate" in self.response.header("sec-websocket-extensions", ""):
            self.deflate = Deflate()

    # ---- sending

    def send_frame(self, op, data=b"", fin=True, rsv1=False, mask=True):
        self.conn.send(frame_bytes(op, data, fin, rsv1, mask))

    def send(self, text):
        """A text message; returns the size of its payload on the wire."""
        data = text.encode()
        if self.deflate:
            data = self.deflate.pack(data)
        self.send_frame(TEXT, data, rsv1=bool(self.deflate))
        return len(data)

    def ping(self, data=b""):
        self.send_frame(PING, data)

    # ---- receiving

    def readable(self, seconds):
        """Whether something arrives within that time."""
        pending = getattr(self.conn.sock, "pending", lambda: 0)
        return bool(self.conn.buffer or pending() or select.select([self.conn.sock], [], [], seconds)[0])

    def frame(self):
        """The next frame as (op, data, fin, rsv1).  Raises Closed when the peer ends it."""
        try:
            while not (found := frame_parse(self.conn.buffer)):
                self.conn.fill()
        except EOFError:
            raise Closed(None) from None
        except ConnectionResetError:
            raise Closed(-1) from None
        op, data, fin, rsv1, taken = found
        self.conn.buffer = self.conn.buffer[taken:]
        if op == CLOSE:
            raise Closed(*close_parse(data))
        return op, data, fin, rsv1

    def message(self, limit=30):
        """The next whole data message or pong as (op, data); pings are answered on the way."""
        op, whole, packed, end = None, b"", False, time.monotonic() + limit * SLOW
        while True:
            if not self.readable(max(0, end - time.monotonic())):
                raise TimeoutError(f"no message within {limit * SLOW:g} s")
            kind, data, fin, rsv1 = self.frame()
            if kind == PING:
                self.send_frame(PONG, data)
            elif kind == PONG:
                return PONG, data
            else:
                if kind != CONTINUATION:
                    op, packed = kind, rsv1
                whole += data
                if fin:
                    return op, self.deflate.unpack(whole) if packed else whole

    def text(self, limit=30):
        op, data = self.message(limit)
        if op != TEXT:
            raise AssertionError(f"expected text, got op {op}: {data!r}")
        return data.decode()

    def ask(self, text, limit=30):
        """Sends a text and returns the next one."""
        self.send(text)
        return self.text(limit)

    def heartbeat(self, limit=30):
        """The application's own heartbeat, as the t3 client does it."""
        answer = self.ask('{"_tag":"Ping"}', limit)
        if answer.replace(" ", "") != '{"_tag":"Pong"}':
            raise AssertionError(f"expected a Pong, got {answer!r}")

    def wait_close(self, limit=30):
        """Reads until the peer ends it; returns what Closed says.  The socket is closed."""
        self.conn.sock.settimeout(limit * SLOW)
        try:
            while True:
                self.frame()
        except Closed as c:
            return c.code
        finally:
            self.conn.close()

    # ---- ending

    def close(self, code=1000):
        """A proper close; tolerates a peer that is gone."""
        try:
            self.send_frame(CLOSE, struct.pack("!H", code) if code else b"")
            self.conn.sock.settimeout(5)
            while True:
                self.frame()
        except (Closed, OSError):
            pass
        self.conn.close()

    def drop(self):
        """FIN without a close frame."""
        try:
            self.conn.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.conn.close()

    def reset(self):
        self.conn.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()


def polite_visit(address, headers):
    """A page that comes and goes.  Its browser says goodbye (1001), so that from now on a connection of that user that ends
    without was cut; of whom nothing is known, one over HTTP/2 may have ended it."""
    with WebSocket(address, "/ws", headers) as w:
        w.heartbeat()
        w.close(1001)

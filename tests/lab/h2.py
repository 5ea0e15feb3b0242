# SPDX-License-Identifier: MIT
"""The client's side of HTTP/2 (RFC 9113) with WebSockets over it (RFC 8441), as far as a browser in the lab
needs it: no sockets here, bytes in and bytes out.  Header fields are sent as plain literals; of what the
peer sends, Huffman coding is not understood (haproxy sends none)."""
import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, PRIORITIZED, ACK = 1, 4, 8, 32, 1
HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE, ENABLE_CONNECT_PROTOCOL = 1, 2, 4, 8
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 1 << 24
FRAME_MAX = 16384

_STATIC = """:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204
:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language
accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition
content-encoding|content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect
expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location
max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie
strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate"""
STATIC = [tuple((row.split(" ", 1) + [""])[:2]) for row in _STATIC.replace("\n", "|").split("|")]


class ProtocolError(Exception):
    pass


def _integer(value, bits, first=0):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out = [first | limit]
    value -= limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def encode(fields):
    """A header block of literals that are never indexed."""
    block = b""
    for name, value in fields:
        name, value = name.lower().encode("latin-1"), value.encode("latin-1")
        block += b"\x10" + _integer(len(name), 7) + name + _integer(len(value), 7) + value
    return block


class _Block:
    """Reads a header block of a peer that keeps no dynamic table."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def integer(self, bits):
        limit = (1 << bits) - 1
        value = self.data[self.at] & limit
        self.at += 1
        shift = 0
        while value >= limit:
            byte = self.data[self.at]
            self.at += 1
            value += (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        return value

    def string(self):
        huffman = self.data[self.at] & 128
        size = self.integer(7)
        text = self.data[self.at:self.at + size]
        self.at += size
        if huffman:
            raise ProtocolError("a Huffman string")
        return text.decode("latin-1")

    def static(self, index):
        if not 1 <= index <= len(STATIC):
            raise ProtocolError(f"header {index} of a dynamic table that was not agreed on")
        return STATIC[index - 1]

    def fields(self):
        while self.at < len(self.data):
            first = self.data[self.at]
            if first & 128:
                yield self.static(self.integer(7))
            elif first & 0xe0 == 0x20:
                self.integer(5)  # size of the dynamic table
            else:
                index = self.integer(6 if first & 64 else 4)
                name = self.static(index)[0] if index else self.string()
                yield name, self.string()


class Stream:
    def __init__(self, number, window):
        self.number = number
        self.window = window
        self.waiting = b""  # for the peer's window


class Connection:
    """receive() takes bytes and returns events: ("headers", stream, fields, ended), ("data", stream, bytes,
    ended), ("reset", stream, code), ("settings",), ("goaway", last stream).  What is to be sent is in `out`."""

    def __init__(self):
        self.out = bytearray(PREFACE)
        self.buffer = b""
        self.streams = {}
        self.next = 1
        self.window = 65535
        self.initial = 65535
        self.websockets = None  # whether the peer speaks RFC 8441; None: it has not said anything yet
        self.block = None
        settings = struct.pack("!HIHIHI", HEADER_TABLE_SIZE, 0, ENABLE_PUSH, 0, INITIAL_WINDOW_SIZE, WINDOW)
        self._frame(SETTINGS, 0, 0, settings)
        self._frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", WINDOW))

    def _frame(self, kind, flags, stream, payload=b""):
        self.out += struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload

    # ---- sending

    def request(self, fields, end=True):
        """Opens a stream and returns its number."""
        number = self.next
        self.next += 2
        self.streams[number] = Stream(number, self.initial)
        self._frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), number, encode(fields))
        return number

    def send(self, number, data):
        stream = self.streams[number]
        stream.waiting += data
        self._flush(stream)

    def _flush(self, stream):
        while stream.waiting and min(stream.window, self.window) > 0:
            part = stream.waiting[:min(stream.window, self.window, FRAME_MAX)]
            stream.waiting = stream.waiting[len(part):]
            stream.window -= len(part)
            self.window -= len(part)
            self._frame(DATA, 0, stream.number, part)

    def end(self, number):
        self._frame(DATA, END_STREAM, number)

    def reset(self, number, code=CANCEL):
        if self.streams.pop(number, None):
            self._frame(RST_STREAM, 0, number, struct.pack("!I", code))

    # ---- receiving

    def receive(self, data):
        self.buffer += data
        events = []
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            kind, flags, number = struct.unpack("!BBI", self.buffer[3:9])
            payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
            events += self._take(kind, flags, number & 0x7fffffff, payload)
        return events

    def _take(self, kind, flags, number, payload):
        take = {DATA: self._data, HEADERS: self._headers, CONTINUATION: self._headers, RST_STREAM: self._reset,
                SETTINGS: self._settings, PING: self._ping, GOAWAY: self._goaway, WINDOW_UPDATE: self._window_update}.get(kind)
        return take(flags, number, payload) if take else []

    @staticmethod
    def _unpadded(flags, payload):
        return payload[1:len(payload) - payload[0]] if flags & PADDED else payload

    def _data(self, flags, number, payload):
        if payload:
            for target in (0, number) if number in self.streams else (0,):
                self._frame(WINDOW_UPDATE, 0, target, struct.pack("!I", len(payload)))
        return [("data", number, self._unpadded(flags, payload), bool(flags & END_STREAM))]

    def _headers(self, flags, number, payload):
        if self.block is None:  # not a continuation
            payload = self._unpadded(flags, payload)
            self.block = (payload[5:] if flags & PRIORITIZED else payload, bool(flags & END_STREAM))
        else:
            self.block = (self.block[0] + payload, self.block[1])
        if not flags & END_HEADERS:
            return []
        (block, ended), self.block = self.block, None
        return [("headers", number, list(_Block(block).fields()), ended)]

    def _reset(self, _flags, number, payload):
        self.streams.pop(number, None)
        return [("reset", number, struct.unpack("!I", payload)[0])]

    def _settings(self, flags, _number, payload):
        if flags & ACK:
            return []
        for at in range(0, len(payload), 6):
            name, value = struct.unpack("!HI", payload[at:at + 6])
            if name == INITIAL_WINDOW_SIZE:
                for stream in self.streams.values():
                    stream.window += value - self.initial
                self.initial = value
            elif name == ENABLE_CONNECT_PROTOCOL:
                self.websockets = value == 1
        self.websockets = bool(self.websockets)
        self._frame(SETTINGS, ACK, 0)
        return [("settings",)]

    def _ping(self, flags, _number, payload):
        if not flags & ACK:
            self._frame(PING, ACK, 0, payload)
        return []

    @staticmethod
    def _goaway(_flags, _number, payload):
        return [("goaway", struct.unpack("!I", payload[:4])[0] & 0x7fffffff)]

    def _window_update(self, _flags, number, payload):
        more = struct.unpack("!I", payload)[0]
        if number == 0:
            self.window += more
            for stream in list(self.streams.values()):
                self._flush(stream)
        elif number in self.streams:
            self.streams[number].window += more
            self._flush(self.streams[number])
        return []

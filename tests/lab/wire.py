# SPDX-License-Identifier: MIT
"""How a browser of the lab reaches the public name: HTTP/1.1 with a connection for each request and WebSocket,
or HTTP/2 with one connection for everything, WebSockets over RFC 8441 among it.  For lab/loop.py."""
import asyncio
import base64
import os
import socket
import ssl

from lab import confidential, h2, http, ws


def reset(writer):
    """Closes with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


class Tunnel:
    """A WebSocket's bytes on a connection of its own."""

    tells_leaving = True  # whether a page that goes away can still send its close frame

    def __init__(self, reader, writer, response, first=b""):
        self.reader = reader
        self.writer = writer
        self.response = response
        self.first = first

    def send(self, data):
        self.writer.write(data)

    async def read(self):
        """What arrived; b"" at the end.  ConnectionResetError when it was reset."""
        if self.first:
            data, self.first = self.first, b""
            return data
        try:
            return await self.reader.read(65536)
        except ssl.SSLError:
            raise ConnectionResetError from None

    def close(self):
        """FIN behind what was sent; waits for nothing."""
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()

    def reset(self):
        reset(self.writer)


class _Stream:
    """What arrived on one HTTP/2 stream."""

    def __init__(self):
        self.queue = asyncio.Queue()  # bytes; b"": the end; None: reset
        self.headers = asyncio.get_running_loop().create_future()


class StreamTunnel:
    """A WebSocket's bytes on a stream of HTTP/2.  A page that goes away only cancels its stream."""

    tells_leaving = False

    def __init__(self, session, number, stream, response):
        self.session = session
        self.number = number
        self.stream = stream
        self.response = response

    def send(self, data):
        if self.number in self.session.h2.streams:
            self.session.h2.send(self.number, data)
            self.session.flush()

    async def read(self):
        data = await self.stream.queue.get()
        if data is None:
            raise ConnectionResetError
        return data

    def close(self):
        self.abort()

    def abort(self):
        self.session.cancel(self.number)

    reset = abort


class Session:
    """One HTTP/2 connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.h2 = h2.Connection()
        self.streams = {}
        self.ready = asyncio.get_running_loop().create_future()
        self.dead = False
        self.flush()
        self.task = asyncio.ensure_future(self._run())

    def flush(self):
        if self.h2.out and not self.writer.is_closing():
            self.writer.write(bytes(self.h2.out))
        self.h2.out.clear()

    async def _run(self):
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive(data):
                    self._take(*event)
                self.flush()
        except (OSError, ssl.SSLError, h2.ProtocolError):
            pass
        finally:
            self._die()

    def _die(self):
        self.dead = True
        for number in list(self.streams):
            self._reset(number)
        if not self.ready.done():
            self.ready.set_exception(ConnectionResetError("HTTP/2 connection ended"))
            self.ready.exception()
        self.writer.transport.abort()

    def _reset(self, number, *_):
        stream = self.streams.pop(number, None)
        if not stream:
            return
        stream.queue.put_nowait(None)
        if not stream.headers.done():
            stream.headers.set_exception(ConnectionResetError("stream was reset"))
            stream.headers.exception()

    def _take(self, kind, *words):
        if kind == "settings":
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind == "goaway":
            self.dead = True
        elif kind == "reset":
            self._reset(*words)
        elif words[0] in self.streams:
            self._deliver(kind, *words)

    def _deliver(self, kind, number, content, ended):
        stream = self.streams[number]
        if kind == "headers" and not stream.headers.done():
            stream.headers.set_result(content)
        elif kind == "data" and content:
            stream.queue.put_nowait(content)
        if ended:
            stream.queue.put_nowait(b"")

    def open(self, fields, end):
        number = self.h2.request(fields, end)
        self.streams[number] = _Stream()
        self.flush()
        return number, self.streams[number]

    def cancel(self, number):
        self.streams.pop(number, None)
        self.h2.reset(number)
        self.flush()


def _response(fields):
    headers = [(n, v) for n, v in fields if not n.startswith(":")]
    confidential.message(headers)
    return http.Response("HTTP/2", int(dict(fields)[":status"]), "", headers)


class Network:
    """Where a browser is attached."""

    def __init__(self, address, host, tls=None, http2=False):
        self.address = address
        self.host = host
        self.tls = tls
        self.http2 = http2
        self.session = None
        self.sessions = []  # all that there were

    async def _connect(self):
        return await asyncio.open_connection(*self.address, ssl=self.tls, server_hostname=self.host if self.tls else None)

    def move(self, address):
        """Another way to the same place; whoever still uses the old one has lost it."""
        self.address = address
        self.session = None

    async def close(self):
        """Ends what is left of HTTP/2."""
        sessions, self.sessions, self.session = self.sessions, [], None
        for session in sessions:
            session.task.cancel()
        await asyncio.gather(*(session.task for session in sessions), return_exceptions=True)

    # ---- HTTP/2

    async def _session(self):
        if not self.session or self.session.dead:
            self.session = Session(*await self._connect())
            self.sessions.append(self.session)
        await self.session.ready
        return self.session

    def _fields(self, method, target, headers):
        pairs = [(n.lower(), v) for n, v in headers if n.lower() not in ("connection", "upgrade", "host") and v]
        confidential.message(pairs, target)
        return [(":method", method), (":scheme", "https"), (":authority", self.host), (":path", target)] + pairs

    async def _fetch2(self, method, target, headers, body):
        session = await self._session()
        number, stream = session.open(self._fields(method, target, headers), end=body is None)
        try:
            if body is not None:
                session.h2.send(number, body)
                session.h2.end(number)
                session.flush()
            response = _response(await stream.headers)
            while data := await stream.queue.get():
                response.body += data
        finally:
            session.streams.pop(number, None)
        return response

    async def _upgrade2(self, target, headers):
        session = await self._session()
        if not session.h2.websockets:
            return await self._upgrade1(target, headers)
        fields = self._fields("CONNECT", target, headers)
        fields.insert(1, (":protocol", "websocket"))
        number, stream = session.open(fields, end=False)
        try:
            response = _response(await stream.headers)
        except asyncio.CancelledError:
            session.cancel(number)
            raise
        if response.status != 200:
            session.cancel(number)
            raise ws.Refused(response)
        return StreamTunnel(session, number, stream, response)

    # ---- HTTP/1.1

    @staticmethod
    async def _head(reader):
        try:
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("closed before an answer") from None
        return http.head_parse(text[:-4])

    @staticmethod
    async def _body(reader, response):
        try:
            if (response.header("transfer-encoding") or "").lower() == "chunked":
                while size := int((await reader.readline()).split(b";")[0], 16):
                    response.body += (await reader.readexactly(size + 2))[:-2]
            elif response.header("content-length") is not None:
                response.body = await reader.readexactly(int(response.header("content-length")))
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("closed within an answer") from None

    async def _fetch1(self, method, target, headers, body):
        reader, writer = await self._connect()
        try:
            writer.write(http.build(method, target, list(headers) + [("Connection", "close")], body, self.host))
            response = await self._head(reader)
            await self._body(reader, response)
            return response
        finally:
            writer.close()

    async def _upgrade1(self, target, headers):
        reader, writer = await self._connect()
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            pairs = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", key)] + list(headers)
            writer.write(http.build("GET", target, pairs, None, self.host))
            response = await self._head(reader)
            if response.status != 101:
                await self._body(reader, response)
                raise ws.Refused(response)
            return Tunnel(reader, writer, response)
        except BaseException:
            writer.transport.abort()
            raise

    # ---- what a browser calls

    async def fetch(self, method, target, headers=(), body=None):
        return await (self._fetch2 if self.http2 else self._fetch1)(method, target, headers, body)

    async def upgrade(self, target, headers=()):
        """A Tunnel; ws.Refused when the answer was another."""
        pairs = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Extensions", ws.Deflate.OFFER)] + list(headers)
        return await (self._upgrade2 if self.http2 else self._upgrade1)(target, pairs)

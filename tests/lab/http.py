# SPDX-License-Identifier: MIT
"""HTTP/1.1 as raw as a test wants it: what is sent is exactly what the test wrote."""
import json
import socket
import sys

from lab import confidential


class Response:
    def __init__(self, version, status, reason, headers):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers  # list of (name, value), as received
        self.body = b""

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name, fallback=None):
        return (self.all(name) or [fallback])[0]

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


def head_parse(text):
    """The head of an answer, without the empty line behind it."""
    lines = text.split("\r\n")
    version, status, reason = (lines[0].split(" ", 2) + [""])[:3]
    headers = [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
    confidential.message(headers)
    return Response(version, int(status), reason, headers)


class Connection:
    """One TCP (or TLS) connection and the bytes received but not yet read."""

    def __init__(self, address, tls=None, name=None, timeout=30):
        self.sock = socket.create_connection(address, timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name or address[0])
        self.buffer = b""

    @classmethod
    def over(cls, sock):
        """Over a socket that is connected already."""
        c = cls.__new__(cls)
        c.sock, c.buffer = sock, b""
        return c

    def send(self, data):
        self.sock.sendall(data)

    def fill(self, size=0):
        """Waits for more bytes, until there are so many."""
        parts, there = [self.buffer], len(self.buffer)
        try:
            while len(parts) == 1 or there < size:
                parts.append(self.sock.recv(65536))
                if not parts[-1]:
                    raise EOFError("the peer closed the connection")
                there += len(parts[-1])
        finally:
            self.buffer = b"".join(parts)

    def read(self, size):
        if len(self.buffer) < size:
            self.fill(size)
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        data, self.buffer = self.buffer.split(mark, 1)
        return data

    def read_to_end(self):
        try:
            self.fill(sys.maxsize)
        except EOFError:
            data, self.buffer = self.buffer, b""
            return data

    def at_end(self):
        """True if the peer closes without sending anything more."""
        return self.read_to_end() == b""

    def response_head(self):
        return head_parse(self.read_until(b"\r\n\r\n").decode("latin-1"))

    def response(self, method="GET"):
        """The next response, its body included; 1xx but 101 are skipped."""
        while True:
            r = self.response_head()
            if r.status == 101 or r.status >= 200:
                break
        if method == "HEAD" or r.status in (101, 204, 304):
            return r
        if (r.header("transfer-encoding") or "").lower() == "chunked":
            r.body = self._chunked()
        elif r.header("content-length") is not None:
            r.body = self.read(int(r.header("content-length")))
        else:
            r.body = self.read_to_end()
        return r

    def _chunked(self):
        parts = []
        while True:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self.read_until(b"\r\n"):
                    pass
                return b"".join(parts)
            parts.append(self.read(size))
            self.read(2)

    def request(self, method, target, headers=(), body=None, host="lab"):
        self.send(build(method, target, headers, body, host))
        return self.response(method)

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def build(method, target, headers=(), body=None, host="lab", version="HTTP/1.1"):
    """The bytes of a request.  headers: list of pairs or dict."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {n.lower() for n, _ in pairs}
    if host and "host" not in names:
        pairs.insert(0, ("Host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    confidential.message(pairs, target)
    head = f"{method} {target} {version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs) + "\r\n"
    return head.encode("latin-1") + (body or b"")


def request(address, method, target, headers=(), body=None, host="lab", tls=None, timeout=30):
    """One request on a connection of its own."""
    with Connection(address, tls, host, timeout) as c:
        return c.request(method, target, headers, body, host)


def get(address, target, headers=(), **more):
    return request(address, "GET", target, headers, **more)

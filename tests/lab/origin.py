# SPDX-License-Identifier: MIT
"""A t3 server whose every byte the test chooses: a server on a port of its own, a thread a connection.

    def page(c, head, body):         # c: Connection of lab.http, head: lines of the request
        c.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")

    with Origin({"/page": page}) as o: ...

A handler that returns False ends the connection.  Unknown paths answer with the request itself as
JSON."""
import json
import os
import socket
import threading

from lab import http


class Seen:
    """A request as it arrived."""

    def __init__(self, connection, lines, body):
        self.connection = connection  # number of the connection it came on
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        self.body = body

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        return (self.all(name) or [None])[0]


def answer(body, status="200 OK", headers=()):
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers)
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Origin:
    def __init__(self, handlers=None, port=0, host="127.0.0.1", path=None):
        """path: a Unix socket that everybody may connect to, instead of a port."""
        self.handlers = handlers or {}
        self.seen = []
        self.connections = 0
        self.lock = threading.Lock()
        self.open = set()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
            self.listener.listen(100)
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.create_server((host, port), family=family)
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        c = http.Connection.over(sock)
        self.open.add(sock)
        try:
            while self._one(c, number):
                pass
        except (EOFError, OSError):
            pass
        finally:
            sock.close()
            self.open.discard(sock)  # whoever waits for that may rely on its being closed

    def _one(self, c, number):
        lines = c.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        request = Seen(number, lines, b"")
        handler = self.handlers.get(request.target.split("?")[0], self._mirror)
        with self.lock:
            self.seen.append(request)
        if not getattr(handler, "takes_body", False):
            request.body = self._body(c, request)
        return handler(c, request) is not False

    @staticmethod
    def _body(c, request):
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            return c._chunked()
        return c.read(int(request.header("content-length") or 0))

    @staticmethod
    def _mirror(c, request):
        body = json.dumps({"method": request.method, "target": request.target, "headers": request.headers,
                           "body": request.body.decode("latin-1")}).encode()
        c.send(answer(b"" if request.method == "HEAD" else body, headers=[("Content-Type", "application/json")]))

    def requests(self, path):
        return [r for r in self.seen if r.target.split("?")[0] == path]

    def refuse(self):
        """Takes no new connections from here on; a close alone would wait for the accept in progress."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def cut(self):
        """The connections that there are; some of them may be over by themselves just then."""
        for sock in list(self.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.refuse()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

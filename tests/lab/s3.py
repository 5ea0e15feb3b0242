# SPDX-License-Identifier: MIT
"""An S3 store, the npm package s3rver, which checks signatures; and a wire before it that can break."""
import contextlib
import hashlib
import os
import re
import shutil
import socket
import threading
from http import server as http_server

from lab import account, http, process

KEY = SECRET = "S3RVER"
BUCKET = "vault"
START = """
const S3rver = require('@20minutes/s3rver');
const buckets = [{name: '%s'}];
new S3rver({port: 0, address: '127.0.0.1', silent: false, directory: process.argv[1], configureBuckets: buckets})
  .run().then(a => console.log('listening on', a.port));
""" % BUCKET


def folder():
    """Where scripts/install-packages test puts what npm has."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("T3OPS_NPM") or os.path.join(cache, "t3ops/npm")


def credentials(key=KEY, secret=SECRET, mode=0o600):
    """The file with a key of the store, which the account may read."""
    path = os.path.join(process.folder(), "s3")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"[default]\n# of the vault\naws_access_key_id = {key}\naws_secret_access_key={secret}\n")
    os.chmod(account.give(path), mode)
    return path


def missing():
    """Why there is no store; None: there is one."""
    if not shutil.which("node"):
        return "no node"
    if not os.path.isdir(os.path.join(folder(), "node_modules/@20minutes/s3rver")):
        return f"no s3rver in {folder()}: scripts/install-packages test installs it"
    return None


class Store:
    def __init__(self):
        self.dir = process.folder()
        env = {"NODE_PATH": os.path.join(folder(), "node_modules")}
        self.process = process.Process(["node", "-e", START, self.dir], "s3rver", env)
        self.port = int(self.process.wait_log(r"listening on (\d+)", 60).group(1))

    def objects(self):
        """Names below the bucket, without the store's own files."""
        root = os.path.join(self.dir, BUCKET)
        found = [os.path.relpath(os.path.join(at, f), root) for at, _, files in os.walk(root) for f in files]
        return sorted(f[:-len("._S3rver_object")] for f in found if f.endswith("._S3rver_object"))

    def path(self, name):
        return os.path.join(self.dir, BUCKET, name + "._S3rver_object")

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.process.stop()


class Books:
    """An S3 store, the Python package moto, which keeps books of uploads in parts and can be told to drop them; it checks
    no signatures."""

    def __init__(self):
        from moto.server import ThreadedMotoServer  # pylint: disable=import-outside-toplevel
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.address = self.server.get_host_and_port()
        self.port = self.address[1]
        self.get("PUT", f"/{BUCKET}")

    def get(self, method, target):
        return http.request(self.address, method, target, {"Host": "s3.amazonaws.com"}).body.decode()

    def uploads(self):
        """Ids of those that are neither over nor dropped."""
        return re.findall("<UploadId>(.*?)</UploadId>", self.get("GET", f"/{BUCKET}?uploads"))

    def objects(self):
        return sorted(re.findall("<Key>(.*?)</Key>", self.get("GET", f"/{BUCKET}")))

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.server.stop()


class Requests:
    """What one client said on one connection: each request with the digest it signed and that of what it sent."""

    def __init__(self, found):
        self.data, self.found = b"", found

    def feed(self, data):
        self.data += data
        while b"\r\n\r\n" in self.data:
            head, rest = self.data.split(b"\r\n\r\n", 1)
            length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [b"", b"0"])[1])
            if len(rest) < length:
                return
            signed = re.search(rb"(?i)\r\nx-amz-content-sha256: *(\S+)", head)
            method, target = head.decode().split(" ")[:2]
            self.found.append((method, target, signed[1].decode() if signed else None,
                               hashlib.sha256(rest[:length]).hexdigest()))
            self.data = rest[length:]


class Wire:
    """Passes connections on to a port, keeps what clients said, and breaks after so many parts of an upload."""

    def __init__(self, port):
        self.target = port
        self.said = b""
        self.requests = []  # (method, target, SHA-256 that was signed, SHA-256 of the body)
        self.parts_left = None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.socket.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.connect, args=(client, server), daemon=True).start()

    def connect(self, client, server):
        with client, server:
            back = threading.Thread(target=self.carry, args=(server, client, False), daemon=True)
            back.start()
            self.carry(client, server, True)
            back.join()

    def is_broken(self, data):
        if self.parts_left is None:
            return False
        self.parts_left -= len(re.findall(rb"PUT /\S+partNumber=", data))
        return self.parts_left < 0

    def carry(self, one, other, heard):
        requests = Requests(self.requests)
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if heard:
                    requests.feed(data)
                    self.said += re.match(rb"(?s)(.*?\r\n\r\n)?", data).group(0)
                    if self.is_broken(data):
                        break
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Liar:
    """A store that answers what `answer(method, path)` says, (status, headers, body), whatever it is asked; body: bytes, or
    an iterable of them that may never end.  asked: what it was."""

    def __init__(self, answer):
        liar = self
        self.asked = []

        class Handler(http_server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                with contextlib.suppress(OSError):
                    super().handle_one_request()

            def serve(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                liar.asked.append((self.command, self.path, dict(self.headers)))
                status, headers, body = answer(self.command, self.path)
                self.send_response(status)
                if isinstance(body, bytes):
                    headers = {"Content-Length": len(body), **headers}
                else:
                    self.close_connection = True
                for name, value in headers.items():
                    self.send_header(name, str(value))
                self.end_headers()
                for part in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(part)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

            def log_message(self, *_):
                pass

        self.server = http_server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.server.shutdown()
        self.server.server_close()

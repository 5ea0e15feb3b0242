# SPDX-License-Identifier: MIT
"""A receiver of OTLP/HTTP on loopback, which can misbehave; and OpenTelemetry's own definitions of what it is sent
(lab/otlp.js)."""
import http.server
import json
import os
import shutil
import ssl
import subprocess
import threading
import time

from lab import process
from lab.s3 import folder

SCRIPT = os.path.join(process.source_dir(), "tests/lab/otlp.js")


def missing():
    """Why requests cannot be checked against the definitions; None: they can be."""
    if not shutil.which("node"):
        return "no node"
    if not os.path.isdir(os.path.join(folder(), "node_modules/@opentelemetry/otlp-transformer")):
        return f"no @opentelemetry/otlp-transformer in {folder()}: scripts/install-packages test installs it"
    return None


def faults(requests):
    """What is wrong with them by the definitions: [] if nothing is."""
    requests = list(requests)  # more may come meanwhile
    lines = "".join(json.dumps({"signal": r["signal"], "body": r["body"]}) + "\n" for r in requests)
    done = subprocess.run(["node", SCRIPT], input=lines, capture_output=True, text=True, timeout=120, check=True,
                          env={**os.environ, "NODE_PATH": os.path.join(folder(), "node_modules")})
    answers = done.stdout.splitlines()
    assert len(answers) == len(requests), done.stderr
    return [a for a in answers if a != "ok"]


class Answer:
    """What the receiver does with a request.  hang: seconds before it answers; close: it does not, and closes."""

    def __init__(self, status=200, headers=(), body=b"{}", hang=0, close=False):
        self.status, self.headers, self.body, self.hang, self.close = status, list(headers), body, hang, close


class Receiver:
    """receiver.answers: the next answers, one for each request; then every one is taken."""

    def __init__(self, certificate=None):
        """certificate: (certificate, key) files; it then speaks TLS."""
        self.answers = []
        self.requests = []  # {"signal", "headers", "body", "time", "status"}
        self.ended = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                answer = receiver.answers.pop(0) if receiver.answers else Answer()
                receiver.requests.append({"signal": self.path.rpartition("/v1/")[2], "headers": dict(self.headers), "body": body,
                                          "time": time.monotonic(), "status": 0 if answer.close else answer.status})
                receiver.ended.wait(answer.hang)
                self.close_connection = answer.close or self.close_connection
                if answer.close:
                    return
                self.send_response(answer.status)
                for name, value in [*answer.headers, ("Content-Length", str(len(answer.body)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # those who close early
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = "%s://127.0.0.1:%d" % ("https" if certificate else "http", self.port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self, signal):
        """Requests that were answered with success."""
        return [r for r in list(self.requests) if r["signal"] == signal and r["status"] == 200]

    def logs(self, name=None):
        """Log records that were taken, of all events or of one kind."""
        found = [record for r in self.taken("logs") for resource in json.loads(r["body"])["resourceLogs"]
                 for scope in resource["scopeLogs"] for record in scope["logRecords"]]
        return [record for record in found if name in (None, record["eventName"])]

    def spans(self):
        return [span for r in self.taken("traces") for resource in json.loads(r["body"])["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def attributes(record):
    """{name: value}, numbers as such."""
    found = {}
    for row in record["attributes"]:
        (kind, value), = row["value"].items()
        found[row["key"]] = int(value) if kind == "intValue" else value
    return found

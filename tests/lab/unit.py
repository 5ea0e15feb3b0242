# SPDX-License-Identifier: MIT
"""What stops, starts and restarts a t3 server of the lab, as systemd does, for commands that t3ops has run as the user."""
import contextlib
import os
import socket
import threading

from lab import process
from lab.daemon import section

CLIENT = """import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(100)
    s.connect(sys.argv[1])
    s.sendall(sys.argv[2].encode())
    sys.exit(0 if s.recv(16) == b"done" else 1)
"""


class Unit:
    """unit.done: what it was asked; words in unit.broken fail; on_word is told of the others."""

    def __init__(self, stub):
        self.stub = stub
        folder = process.folder()
        self.path = os.path.join(folder, "unit")
        self.client = os.path.join(folder, "client.py")
        with open(self.client, "w", encoding="utf-8") as f:
            f.write(CLIENT)
        self.done = []
        self.broken = set()
        self.on_word = None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def command(self, name, word):
        return section("command", name, {"argv": ["/usr/bin/env", "python3", self.client, self.path, word], "timeout": "60s"})

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            with connection:
                word = connection.recv(16).decode()
                self.done.append(word)
                if word not in self.broken:
                    getattr(self, word)()
                    if self.on_word:
                        self.on_word(word)
                    with contextlib.suppress(BrokenPipeError):  # who asked was killed meanwhile
                        connection.sendall(b"done")

    def stop(self):
        self.stub.stop()

    def start(self):
        self.stub.start()

    def restart(self):
        self.stub.crash()
        self.stub.start()

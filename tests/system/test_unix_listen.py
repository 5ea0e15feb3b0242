#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""etc/t3-serve/unix-listen.cjs under a real Node: a server that knows TCP only answers on a Unix socket, too."""
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon

HERE = os.path.dirname(os.path.abspath(__file__))
PRELOAD = os.path.abspath(f"{HERE}/../../etc/t3-serve/unix-listen.cjs")
SERVER = os.path.abspath(f"{HERE}/../lab/late_server.cjs")
ALICE = {"X-authentik-username": "alice"}
NODE = shutil.which("node")


class Server:
    """The server under the preload; its port is its own, as is what it says on stderr."""

    def __init__(self, path, options=f"--require={PRELOAD}", word="serve"):
        self.child = subprocess.Popen([NODE, SERVER, word, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env={**os.environ, "NODE_OPTIONS": options, "T3_SOCKET": path})
        self.port = int(self.child.stdout.readline())

    def end(self, how=signal.SIGTERM):
        self.child.send_signal(how)
        said = self.child.communicate(timeout=60)[1]
        return self.child.returncode, said


@unittest.skipUnless(NODE, "there is no node")
class Listens(unittest.TestCase):
    def setUp(self):
        self.folder = process.folder()
        if account.ROOT:  # as the unit's runtime directory
            os.chown(self.folder, 0, pwd.getpwnam(account.NAME).pw_gid)
            os.chmod(self.folder, 0o2750)
        self.path = f"{self.folder}/t3.sock"

    def server(self, **how):
        server = Server(self.path, **how)
        self.addCleanup(lambda: server.child.poll() is None and server.end(signal.SIGKILL))
        return server

    def wait_for_socket(self):
        wait.until(lambda: os.path.exists(self.path), what="the socket")

    def daemon(self, server):
        return Daemon({}, 'plugin "probe_echo" {}\n', users=f"alice=unix:{self.path},127.0.0.1:{server.port}\n")

    def ask(self, target):
        """At the socket itself."""
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(60)
        s.connect(self.path)
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while part := s.recv(65536):
            got += part
        s.close()
        return got.partition(b"\r\n\r\n")[2].decode()

    def test_the_socket_means_ready(self):
        for _ in range(5):
            server = self.server()
            while not os.path.exists(self.path):
                self.assertIsNone(server.child.poll())
            self.assertIn("hello", self.ask("/"))
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
            self.assertEqual(server.end()[0], 130)
            self.assertEqual(os.listdir(self.folder), [])

    def test_requests_and_websockets_through_t3ops(self):
        server = self.server()
        self.wait_for_socket()
        with self.daemon(server) as daemon:
            self.assertEqual(http.get(daemon.proxy, "/peer", ALICE).body, b"undefined")
            w = ws.WebSocket(daemon.proxy, "/ws", ALICE)
            sent = ws.frame_bytes(2, os.urandom(200_000))
            w.conn.send(sent)
            self.assertEqual(w.conn.read(len(sent)), sent)
            w.conn.close()
            server.end(signal.SIGKILL)

    def test_the_port_is_taken_where_the_socket_cannot_be(self):
        self.path = f"{self.folder}/missing/t3.sock"
        server = self.server()
        wait.until(lambda: self.answers(server.port), what="an answer of the port")
        with self.daemon(server) as daemon:
            self.assertEqual(http.get(daemon.proxy, "/peer", ALICE).body, b"127.0.0.1")
        status, said = server.end()
        self.assertEqual(status, 130)
        self.assertRegex(said, rf"\Aunix-listen: cannot listen at {self.path}: listen E.*; only the port is served\n\Z")

    def test_children_inherit_nothing(self):
        for options, rest in ((f"--require={PRELOAD}", None), (f"--no-warnings --require={PRELOAD}", "--no-warnings"),
                              (f"--require {PRELOAD} --no-warnings", "--no-warnings"), (f"-r {PRELOAD}", None)):
            with self.subTest(options):
                server = self.server(options=options)
                self.wait_for_socket()
                self.assertEqual(json.loads(re.search(r"\[.*\]", self.ask("/env"))[0]), [rest, None])
                server.end()

    def test_other_commands_of_t3_are_left_alone(self):
        server = self.server(word="auth")
        wait.until(lambda: self.answers(server.port), what="an answer")
        self.assertEqual(os.listdir(self.folder), [])
        server.end(signal.SIGKILL)

    @staticmethod
    def answers(port):
        with socket.create_connection(("127.0.0.1", port), 1) as s, contextlib.suppress(TimeoutError):
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return s.recv(10) != b""
        return False

    def test_a_killed_server_leaves_no_obstacle(self):
        self.server().end(signal.SIGKILL)
        server = self.server()
        self.wait_for_socket()
        server.end(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.path))
        inode = os.stat(self.path).st_ino
        self.server()
        wait.until(lambda: os.stat(self.path).st_ino != inode, what="the new socket")
        self.assertIn("hello", self.ask("/"))

    def test_another_servers_socket_stays(self):
        first = self.server()
        self.wait_for_socket()
        inode = os.stat(self.path).st_ino
        self.server()
        wait.until(lambda: os.stat(self.path).st_ino != inode, what="the second server's socket")
        self.assertEqual(first.end()[0], 130)
        self.assertIn("hello", self.ask("/"))

    def test_a_refused_upgrade_that_is_reset_ends_nobody(self):
        server = self.server()
        self.wait_for_socket()
        wait.until(lambda: self.answers(server.port), what="an answer")
        for _ in range(20):
            s = self.refused(server.port)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        last = self.refused(server.port)  # its answer comes after all others
        self.assertIn(b" 401 ", last.recv(65536))
        last.close()
        self.assertIn("hello", self.ask("/"))

    @staticmethod
    def refused(port):
        s = socket.create_connection(("127.0.0.1", port), 60)
        s.sendall(b"GET /refused HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        return s


if __name__ == "__main__":
    unittest.main()

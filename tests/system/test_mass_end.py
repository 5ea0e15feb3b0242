#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Very many tunnels lose their server at once: every user is in one verdict, nothing that the proxy says of them is lost, and
the work is done in small pieces."""
import collections
import json
import re
import resource
import socket
import unittest

from bench.scale import Backend, Healthz
from lab import wait
from lab.daemon import Daemon

MANY = 1500
SLICE = 64 + 32  # pieces of work that a turn of a loop does at most: LOOP_SLICE, and what the last one may have over


class MassEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < 4 * MANY:
            raise unittest.SkipTest(f"this account may open no more than {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def setUp(self):
        self.backend = Backend()
        self.addCleanup(self.backend.kill)
        self.daemon = Daemon({"log_level": "info", "max_connections": MANY + 200}, 'plugin "probe_echo" {}\n',
                             users={f"u{i}": self.backend.port for i in range(MANY)})
        self.addCleanup(self.daemon.stop)
        self.held = [self.tunnel(f"u{i}") for i in range(MANY)]
        self.addCleanup(lambda: [s.close() for s in self.held])
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == MANY, what="all tunnels")

    def tunnel(self, user):
        s = socket.create_connection(self.daemon.proxy)
        s.sendall(f"GET /ws HTTP/1.1\r\nHost: t3\r\nOrigin: http://t3\r\nX-authentik-username: {user}\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 101 "))
        return s

    def slice(self, process):
        return self.daemon.metrics()[f't3ops_loop_slice_largest{{process="{process}"}}']

    def explained(self):
        """How many users each verdict has, with those that it does not list."""
        return [len(v["users"]) + v.get("users_omitted", 0) for v in self.daemon.standing()]

    def healthz(self):
        """Asks all the time; what it returns says how often in vain."""
        asked = Healthz(self.daemon)
        self.addCleanup(asked.end)
        return lambda: asked.end()[1]

    def test_a_server_ends(self):
        failed = self.healthz()
        self.backend.kill()
        for s in self.held:
            self.assertEqual(s.recv(1), b"")
            s.close()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="all tunnels to end")
        wait.until(lambda: self.explained() == [MANY], 60, what="one verdict with every user")
        page = self.daemon.metrics()
        self.assertEqual(page['t3ops_tunnel_drops_total{page="server_ended"}'], MANY)
        self.assertEqual(page["t3ops_messages_dropped_total"], 0)
        self.assertIn(self.slice("proxy"), range(1, SLICE + 1))
        self.assertEqual(failed(), 0)

    def test_pages_come_back(self):
        """Each is reported to have ended before it is to be open again, even where the ends wait for their turn."""
        for s in self.held:
            s.close()
        back = [self.tunnel(f"u{i}") for i in reversed(range(MANY))]
        self.addCleanup(lambda: [s.close() for s in back])
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == MANY, what="the old tunnels to end")
        said = collections.defaultdict(list)
        for event, user in re.findall(r" event=tunnel_(\w+) .*\buser=(u\d+)\b", self.daemon.log()):
            said[user].append(event)
        self.assertEqual(len(said), MANY)
        for user, events in said.items():
            self.assertEqual((events[0], events[2:], len(events)), ("opened", ["opened"], 3), (user, events))

    def test_a_table_loses_its_users(self):
        failed = self.healthz()
        with open(self.daemon.users_file, "w", encoding="utf-8") as f:
            f.write(f"u0=127.0.0.1:{self.backend.port}\n")
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 1, 30, what="the tunnels of all others to end")
        self.assertIn(self.slice("proxy"), range(1, SLICE + 1))
        self.assertEqual(self.daemon.metrics()["t3ops_messages_dropped_total"], 0)
        self.assertEqual(failed(), 0)

    def test_the_lists_of_the_monitor(self):
        wait.until(lambda: len(json.loads(self.daemon.get("/users").text())) == MANY, 30, what="the census")
        self.assertEqual(len(json.loads(self.daemon.ctl("-j", "users"))), MANY)
        self.assertIn(self.slice("monitor"), range(1, SLICE + 1))


if __name__ == "__main__":
    unittest.main()

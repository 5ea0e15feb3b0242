#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connections between two requests: a reload or an upgrade takes no request from a client that keeps them."""
import signal
import unittest

from lab import http, wait
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.poster import GoPoster, Nginx, NodePoster, Poster

ALICE = [("X-authentik-username", "alice")]
ROUNDS = 10


class Keepalive(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/post": lambda c, _: c.send(answer(b"fine"))})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info"}, 'plugin "probe_echo" {}\n', users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def replace(self, number):
        self.daemon.replace(number)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def test_an_idle_connection_goes_on_in_the_next_proxy(self):
        with http.Connection(self.daemon.proxy) as used, http.Connection(self.daemon.proxy) as unused:
            self.assertEqual(used.request("GET", "/post", ALICE).status, 200)
            for number in range(4):
                self.replace(number)
                self.assertEqual(used.request("GET", "/post", ALICE).status, 200)
            self.assertEqual(self.daemon.metrics()["t3ops_client_connections"], 2)
            self.assertEqual(unused.request("GET", "/post", ALICE).status, 200)
        wait.until(lambda: self.daemon.metrics()["t3ops_client_connections"] == 0, what="the connections to end")

    def go_through_replacements(self, posters):
        for number in range(ROUNDS):
            heard = [p.sent for p in posters]
            self.replace(number)
            wait.until(lambda h=heard: all(p.sent > n or p.lost for p, n in zip(posters, h)), what="every client to go on")
        for p in posters:
            p.over = True
        for p in posters:
            p.join(60)
        self.assertEqual([p.lost for p in posters], [[]] * len(posters))

    def test_no_post_is_lost(self):
        posters = [Poster(self.daemon.proxy, pause) for pause in (0, 0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2)]
        self.go_through_replacements(posters)
        self.assertEqual(len(self.origin.requests("/post")), sum(p.sent for p in posters), "each was served once")

    def test_no_post_of_node_is_lost(self):
        if not NodePoster.is_there():
            self.skipTest("there is no node")
        self.pool_goes_through_replacements(NodePoster)

    def test_no_post_of_go_is_lost(self):
        if not GoPoster.is_there():
            self.skipTest("there is no go")
        GoPoster.program()
        self.pool_goes_through_replacements(GoPoster)

    def pool_goes_through_replacements(self, kind):
        client = kind(self.daemon.proxy, 20)
        self.addCleanup(client.kill)
        for number in range(ROUNDS):
            before = len(self.origin.requests("/post"))
            self.replace(number)
            wait.until(lambda n=before: len(self.origin.requests("/post")) > n + 8, what="the client to go on")
        self.assertRegex(client.end(), r"\Asent \d+\n\Z")

    def test_no_post_through_nginx_is_lost(self):
        if not Nginx.path():
            self.skipTest("there is no nginx")
        nginx = Nginx(self.daemon.proxy)
        self.addCleanup(nginx.kill)
        posters = [Poster(nginx.address, pause) for pause in (0, 0.001, 0.003, 0.01, 0.1)]
        self.go_through_replacements(posters)
        self.assertEqual(nginx.log(), "")


if __name__ == "__main__":
    unittest.main()

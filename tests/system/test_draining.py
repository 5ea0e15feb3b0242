#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Old proxies, each held by one slow request, do not pile up without end: there is a bound, which is said."""
import threading
import unittest

from lab import http, wait
from lab.daemon import Daemon
from lab.origin import Origin, answer

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
MOST = 3


class Draining(unittest.TestCase):
    def setUp(self):
        self.go = threading.Event()
        self.origin = Origin({"/slow": self.slow})
        self.addCleanup(self.origin.stop)
        self.addCleanup(self.go.set)
        self.daemon = Daemon({"max_draining": MOST}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def slow(self, c, _request):
        self.go.wait(60 * wait.SLOW)
        c.send(answer(b"at last"))

    def request(self, n):
        """One that holds the proxy of now."""
        c = http.Connection(self.daemon.proxy)
        self.addCleanup(c.close)
        c.send(http.build("GET", "/slow", ALICE))
        wait.until(lambda: len(self.origin.requests("/slow")) == n + 1, what="the request at the t3 server")
        return c

    def replace(self, n):
        self.daemon.options["first_byte_timeout"] = f"{100 + n}s"
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())

    def gauge(self):
        return self.daemon.metrics()["t3ops_proxies_draining"]

    def test_the_oldest_gives_way(self):
        d, held = self.daemon, []
        self.assertEqual((self.gauge(), d.metrics()["t3ops_drains_cut_total"]), (0, 0))
        for n in range(MOST):
            held.append(self.request(n))
            self.replace(n)
            wait.until(lambda n=n: self.gauge() == n + 1, what="the old one to drain: it takes no request any more")
        self.assertNotIn("event=drain_cut", d.log())
        oldest = d.pids("proxy")
        for n in range(MOST, MOST + 2):
            held.append(self.request(n))
            self.replace(n)
            wait.until(lambda: self.gauge() == MOST, what="the bound")
        self.assertEqual(d.metrics()["t3ops_drains_cut_total"], 2)
        self.assertRegex(d.log(), r'level=warning .*event=drain_cut pid=\d+ error="option max_draining: 3 old proxies drain already')
        wait.until(lambda: d.ctl("events", "-k", "drain_cut").count("drain_cut") == 2, what="the events in the journal")
        wait.until(lambda: len(d.pids("proxy")) == MOST + 1, what="the oldest to be gone")
        self.assertEqual(len(set(oldest) - set(d.pids("proxy"))), 2)
        self.assertEqual(http.get(d.proxy, "/healthz").status, 200)
        self.go.set()
        for c in held[2:]:
            self.assertEqual(c.response("GET").text(), "at last")
        for c in held[:2]:
            with self.assertRaises((EOFError, OSError)):
                c.response("GET")
        wait.until(lambda: self.gauge() == 0, what="nobody to drain")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/t3ops/me: what a user learns of their own connection, and of nobody else's."""
import os
import re
import sqlite3
import time
import unittest

from lab import http, ports, wait, ws
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')


def of(user, *more):
    return [("X-authentik-username", user), *more]


class MyPage(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port, "bob": ports.free(), 'e<b>"': self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def page(self, user):
        answer = http.request(self.daemon.proxy, "GET", "/t3ops/me", of(user))
        self.assertEqual((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.header("content-security-policy"))
        self.assertEqual(answer.header("cache-control"), "no-store")
        return answer.text()

    def words(self, user):
        return re.sub(r"<[^>]*>", "", self.page(user))

    def drop(self):
        cookie = ("Cookie", self.stub.cookie())
        ws.polite_visit(self.daemon.proxy, of("alice", cookie))
        with ws.WebSocket(self.daemon.proxy, "/ws", of("alice", cookie)) as w:
            w.heartbeat()
            w.drop()
        with ws.WebSocket(self.daemon.proxy, "/ws", of("alice", cookie)) as w:
            w.heartbeat()
            w.close(1001)

    def test_nothing_happened(self):
        words = self.words("alice")
        self.assertIn("No page of yours is connected.", words)
        self.assertIn("None that we know of.", words)
        self.assertNotIn("For a ticket", words)

    def test_connected(self):
        with ws.WebSocket(self.daemon.proxy, "/ws", of("alice", ("Cookie", self.stub.cookie()))) as w:
            w.heartbeat()
            wait.until(lambda: "1 connection, the oldest since" in self.words("alice"), what="the connection")
            w.close(1001)

    def test_a_drop_in_plain_words(self):
        self.drop()
        wait.until(lambda: "For a ticket" in self.words("alice"), what="the drop")
        words = self.words("alice")
        self.assertIn("Yours or ours: it cannot be told apart.", words)
        self.assertRegex(words, r"User alice, disconnected at \d{4}-\d\d-\d\dT[\d:.]+Z for .*t3ops verdict 1: last_mile or wan or .*The page: cut")
        self.assertIn("None that we know of.", self.words("bob"))
        self.assertNotIn("alice", self.page("bob"))

    def test_a_drop_that_no_verdict_is_about(self):
        """As the journal has it, from an earlier monitor."""
        self.daemon.stop()
        now = int(time.time() * 1e6)
        rows = [(now - 3600_000_000, "tunnel_dropped", "alice", 'event=tunnel_dropped detail="it was <cut>"'),
                (now - 3592_000_000, "tunnel_opened", "alice", "event=tunnel_opened"),
                (now - 1800_000_000, "tunnel_dropped", "bob", "event=tunnel_dropped"),
                (now - 9 * 86400_000_000, "tunnel_dropped", "alice", "event=tunnel_dropped")]
        db = sqlite3.connect(os.path.join(self.daemon.state_dir, "journal.sqlite"))
        with db:
            db.executemany("INSERT INTO events(time_us, kind, process, plugin, user, id, line) VALUES(?, ?, 'proxy', '', ?, 7, ?)", rows)
        db.close()
        self.daemon.start()
        page = self.page("alice")
        self.assertEqual(page.count("Cause not proven."), 1)
        self.assertIn("</time>, for 8.0 s</small><br>A connection of yours was lost: it was &lt;cut&gt;. None of our probes failed around that moment", page)

    def test_while_the_t3_server_is_down(self):
        """And the page that says so leads there."""
        answer = http.request(self.daemon.proxy, "GET", "/", of("bob", ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")))
        self.assertEqual(answer.status, 503)
        self.assertIn('<a href="/t3ops/me">', answer.text())
        wait.until(lambda: "Your t3 server does not answer us" in self.words("bob"), what="the state of bob's server")

    def test_the_page_of_a_server_that_is_down_says_the_verdict(self):
        ask = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]

        def text(user, *headers):
            answer = http.request(self.daemon.proxy, "GET", "/", of(user, *headers))
            self.assertIn(answer.status, (502, 503))
            return answer.text()

        self.stub.process.kill()
        wait.until(lambda: "What t3ops has found:</b> Your t3 server. It stalled, stopped or was restarted." in text("alice", *ask), what="the verdict in the page")
        self.assertIn('"verdict":"Your t3 server.', text("alice"))
        self.assertNotIn("What t3ops has found", text("bob", *ask) + text("bob", *ask))  # what is alice's is not bob's

    def test_who_may(self):
        self.assertEqual(http.request(self.daemon.proxy, "GET", "/t3ops/me").status, 403)
        self.assertEqual(http.request(self.daemon.proxy, "GET", "/t3ops/me", of("stranger")).status, 403)
        self.assertEqual(http.request(self.daemon.proxy, "POST", "/t3ops/me", of("alice"), body=b"x").status, 405)
        answer = http.request(self.daemon.proxy, "HEAD", "/t3ops/me", of("alice"))
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_two_on_one_connection(self):
        with http.Connection(self.daemon.proxy) as c:
            for _ in range(3):
                c.send(b"GET /t3ops/me HTTP/1.1\r\nHost: lab\r\nX-authentik-username: alice\r\n\r\n")
                self.assertEqual(c.response().status, 200)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Very many users: all of them are there, nothing is left out for want of room, and nobody's loop stands still."""
import json
import re
import unittest

from lab import wait
from lab.daemon import Daemon, section
from lab.origin import Origin, answer

MANY = 20000
LISTED = 500  # metrics_per_user by default
LEG = {"fresh": "0s", "websocket": False, "heartbeat": "100ms", "late": "2s", "watchdog": "5s", "reconnect_min": "100ms", "reconnect_max": "200ms"}


def table(n):
    """Servers that nobody runs."""
    return "".join(f"u{i}=127.1.{i // 250}.{i % 250 + 1}:9\n" for i in range(n))


class ManyUsers(unittest.TestCase):
    def test_all_are_there(self):
        with Daemon({"log_level": "info", "trusted_upstreams": ["127.0.0.0/8"]}, section("plugin", "probe_echo", {})
                    + section("plugin", "probe_t3serve", {"fresh": "0s", "websocket": False, "reconnect_min": "5m", "reconnect_max": "5m"}),
                    users=table(MANY)) as d:
            down = 't3ops_legs{leg="probe_t3serve",state="down"}'
            wait.until(lambda: d.metrics().get(down) == MANY, 180, what="every user to have a leg")
            wait.until(lambda: len({leg["user"] for leg in json.loads(d.get("/status").text())["legs"]}) == MANY, 240,
                       what="the monitor to know every leg")
            page = d.get("/metrics").text()
            self.assertIn("\nt3ops_metrics_dropped_total 0\n", page)
            self.assertIn(f"\nt3ops_users {MANY}\n", page)
            self.assertEqual(len(re.findall(r"^t3ops_leg_connected\{", page, re.M)), LISTED)
            self.assertIn(f't3ops_legs_unlisted{{leg="probe_t3serve"}} {MANY - LISTED}\n', page)
            d.reload()
            self.assertEqual(d.metrics()[down], MANY)
            if "event=cpu_starved" not in d.log():
                self.assertNotIn("event=loop_lag", d.log())


class WhoIsListed(unittest.TestCase):
    def setUp(self):
        session = {"/api/auth/session": lambda c, r: c.send(answer(b'{"authenticated":false}', headers=[("Content-Type", "application/json")]))}
        self.origins = {f"u{i}": Origin(session) for i in range(6)}
        for o in self.origins.values():
            self.addCleanup(o.stop)

    def start(self, limit):
        d = Daemon({"metrics_per_user": limit}, section("plugin", "probe_t3serve", LEG), users={n: o.port for n, o in self.origins.items()})
        self.addCleanup(d.stop)
        wait.until(lambda: d.metrics().get('t3ops_legs{leg="probe_t3serve",state="up"}') == 6, what="all legs to be up")
        return d

    def listed(self, d):
        return {m.group(1): v for k, v in d.metrics().items() if (m := re.match(r't3ops_leg_connected\{.*user="(\w+)"', k))}

    def test_trouble_comes_first(self):
        d = self.start("2")
        calm = self.listed(d)
        self.assertEqual(list(calm.values()), [1, 1])
        troubled = next(n for n in self.origins if n not in calm)
        self.origins[troubled].stop()
        wait.until(lambda: self.listed(d).get(troubled) == 0, what="the one in trouble to be listed")
        self.assertEqual(len(self.listed(d)), 2)
        self.assertEqual(d.metrics()['t3ops_legs{leg="probe_t3serve",state="down"}'], 1)
        self.assertEqual(d.metrics()['t3ops_legs_unlisted{leg="probe_t3serve"}'], 4)

    def test_all_and_none(self):
        self.assertEqual(len(self.listed(self.start("all"))), 6)
        self.assertEqual(self.listed(self.start("none")), {})


if __name__ == "__main__":
    unittest.main()

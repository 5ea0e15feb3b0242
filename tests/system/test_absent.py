#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A user who never ran t3 is no fault: no leg at 0, no failed backup, no verdict; an ordinary user from the first answer
of the server on."""
import json
import os
import re
import sqlite3
import unittest

from lab import account, ports, process, wait
from lab.daemon import Daemon, section
from lab.stub import NEW, T3Stub

SHIM = "tests/plugins/slow_accounts.so"
BRISK = {"fresh": "0s", "heartbeat": "100ms", "late": "2s", "watchdog": "5s", "timeout": "700ms", "reconnect_min": "100ms",
         "reconnect_max": "300ms", "websocket": False}


class Absent(unittest.TestCase):
    def setUp(self):
        self.dir = process.folder()
        self.homes, self.envs = os.path.join(self.dir, "homes"), os.path.join(self.dir, "envs")
        os.mkdir(self.homes)
        os.mkdir(self.envs)
        for name in ("slowalice", "slowbob"):
            os.mkdir(os.path.join(self.homes, name), 0o700)
            account.give(os.path.join(self.homes, name))
        self.alice = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.alice.process.kill)
        self.port = ports.free()
        self.database("alice")

    def database(self, name):
        home = os.path.join(self.homes, f"slow{name}")
        userdata = os.path.join(home, ".t3/userdata")
        os.makedirs(userdata)
        with sqlite3.connect(os.path.join(userdata, "state.sqlite")) as db:
            db.execute("CREATE TABLE events(body)")
        db.close()
        for made in (os.path.join(home, ".t3"), userdata, os.path.join(userdata, "state.sqlite")):
            account.give(made)

    def start(self):
        env = {"LD_PRELOAD": account.copied(os.path.dirname(process.program(SHIM))) + "/slow_accounts.so", "SLOW_ACCOUNTS_AS": account.NAME,
               "SLOW_ACCOUNTS_HOMES": self.homes, "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
        users = {"alice": {"os_user": "slowalice", "port": self.alice.port}, "bob": {"os_user": "slowbob", "port": self.port}}
        d = Daemon({"upstream_env": self.envs + "/%u.env"}, section("plugin", "probe_t3serve", BRISK)
                   + section("plugin", "backup", {"to": os.path.join(self.dir, "to")}), users=users, env=env)
        self.addCleanup(d.stop)
        return d

    def state(self, d, user):
        return next((leg["state"] for leg in json.loads(d.ctl("-j", "legs")) if leg.get("user") == user), None)

    def reaches(self, d, user, state):
        wait.until(lambda: self.state(d, user) == state, what=f"the leg of {user} to be {state}")

    def gauges(self, d, user, name):
        return [v for k, v in d.metrics().items() if re.match(rf'{name}{{.*user="{user}"', k)]

    def test_is_no_fault(self):
        d = self.start()
        self.reaches(d, "alice", "up")
        self.reaches(d, "bob", "absent")
        self.assertIn("absent", d.ctl("legs"))
        self.assertEqual(len(re.findall("event=leg_absent .*user=bob", d.log())), 1)
        for name in ("t3ops_leg_connected", "t3probe_connected"):
            self.assertEqual(self.gauges(d, "bob", name), [])
            self.assertEqual(self.gauges(d, "alice", name), [1])
        self.assertEqual(self.gauges(d, "bob", "t3ops_leg_absent"), [1])
        self.assertIn("1 of 2 done, 1 never ran t3", d.ctl("backup", "now"))
        d.wait_log("level=info process=jobs event=job_absent plugin=backup user=bob .*never ran t3")
        self.assertEqual(d.metrics()['t3ops_job_runs_total{task="backup",outcome="absent"}'], 1)
        self.assertEqual(d.metrics()['t3ops_job_runs_total{task="backup",outcome="failed"}'], 0)
        self.assertEqual(self.gauges(d, "bob", "t3ops_job_last_success_timestamp_seconds"), [])
        self.assertEqual(len(self.gauges(d, "alice", "t3ops_job_last_success_timestamp_seconds")), 1)
        self.assertEqual(d.verdicts(), [])
        self.assertEqual(self.state(d, "bob"), "absent", "still")

    def test_is_ordinary_from_the_first_answer_on(self):
        d = self.start()
        self.reaches(d, "bob", "absent")
        with T3Stub(NEW, dead_ms=0, port=self.port):
            self.reaches(d, "bob", "up")
            self.assertEqual(self.gauges(d, "bob", "t3probe_connected"), [1])
            self.assertEqual(self.gauges(d, "bob", "t3ops_leg_absent"), [0])
            self.database("bob")
            self.assertIn("2 of 2 done", d.ctl("backup", "now"))
        self.reaches(d, "bob", "down")
        self.assertEqual(self.gauges(d, "bob", "t3probe_connected"), [0])

    def test_who_has_something_of_t3_is_missed(self):
        """An env file, or a backup, says that there was a server, or is to be one."""
        with open(self.envs + "/slowbob.env", "w", encoding="ascii") as f:
            f.write(f"T3_PORT={self.port}\n")
        d = self.start()
        self.reaches(d, "bob", "down")
        self.assertEqual(self.gauges(d, "bob", "t3probe_connected"), [0])
        d.ctl("backup", "now", check=False)
        d.wait_log("event=job_failed .*user=bob .*not there")

    def test_a_lost_database_is_a_failure(self):
        self.database("bob")
        d = self.start()
        self.assertIn("2 of 2 done", d.ctl("backup", "now"))
        os.unlink(os.path.join(self.homes, "slowbob/.t3/userdata/state.sqlite"))
        d.stop()
        d.start()  # whose first look sees that nothing is left
        d.ctl("backup", "now", check=False)
        d.wait_log("event=job_failed .*user=bob .*not there")


if __name__ == "__main__":
    unittest.main()

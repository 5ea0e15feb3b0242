#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Accounts from a slow directory service, and directories that are replaced or come later: the user table is followed,
and nobody waits for it."""
import os
import tempfile
import time
import unittest

from lab import account, http, process, wait
from lab.daemon import Daemon, section
from lab.origin import Origin, answer

SLOW_MS = 1000
SHIM = "tests/plugins/slow_accounts.so"
ECHO = 'plugin "probe_echo" {}\n'


def slow_env():
    return {"LD_PRELOAD": account.copied(os.path.dirname(process.program(SHIM))) + "/slow_accounts.so", "SLOW_ACCOUNTS_MS": str(SLOW_MS),
            "SLOW_ACCOUNTS_AS": account.NAME, "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}


def status(d, name):
    return http.get(d.proxy, "/p", [("X-authentik-username", name)]).status


class SlowAccounts(unittest.TestCase):
    """20 users, a second for each: a watchdog of a second would end whoever waits for them."""

    def setUp(self):
        self.origin = Origin({})
        self.addCleanup(self.origin.stop)

    def table(self, n=20):
        return {f"u{i}": {"os_user": f"slow{i:02}", "port": self.origin.port} for i in range(n)}

    def assert_never_waited(self, d, answers):
        """answers: status, and whether it came before an account could have been looked up.  On a machine without CPU for it
        t3ops is late, too, and says so."""
        starved = "event=cpu_starved" in d.log()
        self.assertEqual({status for status, _ in answers}, {200}, "while the table is read")
        self.assertTrue(starved or all(quick for _, quick in answers), answers)
        for event in ("process_killed", "process_exited", "process_stuck", *(() if starved else ("loop_lag",))):
            self.assertNotIn(f"event={event}", d.log())

    def test_no_loop_waits(self):
        d = Daemon({"process_watchdog": "3s", "log_level": "info"},
                   ECHO + section("plugin", "probe_t3serve", {"websocket": False})
                   + section("plugin", "backup", {"to": account.give(process.folder()), "every": "1h"}), users=self.table(), env=slow_env(), start=False)
        self.addCleanup(d.stop)
        d.start(limit=60 * wait.SLOW)
        self.assertEqual(status(d, "u0"), 200)
        self.assertEqual(status(d, "new"), 403)
        pids = d.processes()
        mark = len(d.log())
        d.write_users({**self.table(), "new": {"os_user": "slow99", "port": self.origin.port}})
        since, answers = time.monotonic(), []
        while status(d, "new") != 200 and time.monotonic() - since < 60 * wait.SLOW:
            before = time.monotonic()
            answers.append((status(d, "u1"), time.monotonic() - before < SLOW_MS / 1000 * wait.SLOW))
        self.assertEqual(status(d, "new"), 200)
        d.wait_log("event=users_loaded .*users=21", after=mark)
        d.options["first_byte_timeout"] = "9s"
        d.write_conf()
        self.assertIn("event=reloaded", d.reload(limit=90 * wait.SLOW))
        self.assertEqual(status(d, "new"), 200)
        after = d.processes()
        self.assertEqual({p: after[p] for p in after if p != "proxy"}, {p: pids[p] for p in pids if p != "proxy"})
        self.assert_never_waited(d, answers)

    def test_who_crashes_goes_on_with_the_last_table(self):
        d = Daemon({"process_watchdog": "1s"}, ECHO, users=self.table(60), env=slow_env(), start=False)
        self.addCleanup(d.stop)
        d.start(limit=60 * wait.SLOW)
        mark = len(d.log())
        os.kill(d.processes()["proxy"], 9)
        d.wait_log("event=process_started .*child=proxy", after=mark)
        wait.until(lambda: status(d, "u59") == 200, what="the proxy to serve")
        self.assertNotRegex(d.log()[mark:], "event=users_broken")

    def test_a_long_reading_is_reported(self):
        d = Daemon({"process_watchdog": "1s"}, ECHO, users=self.table(200), env=slow_env(), start=False)
        self.addCleanup(d.stop)
        d.start(limit=60 * wait.SLOW)
        self.assertRegex(d.log(), r'event=users_slow .*hint="are accounts looked up in a slow directory')
        self.assertRegex(d.log(), "event=users_read ")
        self.assertEqual(status(d, "u0"), 200)
        self.assertRegex(d.log(), "event=config_warning .*accounts could not be looked up within 5 s")


class Directories(unittest.TestCase):
    """What the sandbox saw at its start may be another directory now, or not have been there."""

    def setUp(self):
        self.dir = process.folder()
        self.origins = [Origin({"/p": lambda c, request, n=n: c.send(answer(n.encode()))}) for n in ("first", "second")]
        for o in self.origins:
            self.addCleanup(o.stop)

    def path(self, *words):
        return os.path.join(self.dir, *words)

    def fill(self, path, name, text):
        """A directory with one file in it."""
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        with open(os.path.join(path, name), "w", encoding="ascii") as f:
            f.write(text)

    def fill_env(self, path, origin, name=f"{account.NAME}.env"):
        self.fill(path, name, f"T3_PORT={self.origins[origin].port}\n")

    def start(self, **options):
        d = Daemon(options, ECHO, users=f"alice={account.NAME}\n", start=False)
        self.addCleanup(d.stop)
        d.start()
        return d

    def follows(self, d, text):
        def served():
            r = http.get(d.proxy, "/p", [("X-authentik-username", "alice")])
            return r.text() if r.status == 200 else str(r.status)
        wait.until(lambda: served() == text, what=f"{text} to be served")

    def replace(self, path, make):
        """What a package or a deployment does: the old one moves away, the new one into its place."""
        make(path + ".new")
        os.rename(path, tempfile.mkdtemp(dir=self.dir) + "/old")
        os.rename(path + ".new", path)

    def test_env_directory(self):
        d = self.start(upstream_env=self.path("made/later/%u.env"))
        self.follows(d, "403")
        self.fill_env(self.path("made/later"), 0)
        self.follows(d, "first")
        self.replace(self.path("made/later"), lambda p: self.fill_env(p, 1))
        self.follows(d, "second")
        self.replace(self.path("made"), lambda p: self.fill_env(p + "/later", 0))
        self.follows(d, "first")
        self.fill_env(self.path("made/later"), 1)
        self.follows(d, "second")

    def test_home_directory(self):
        home = self.path("homes", account.NAME)
        self.fill_env(home, 0, "t3.env")
        d = self.start(upstream_env=self.path("homes/%u/t3.env"))
        self.follows(d, "first")
        self.replace(home, lambda p: self.fill_env(p, 1, "t3.env"))
        self.follows(d, "second")

    def test_directory_of_the_table(self):
        self.fill_env(self.path("env"), 0)
        self.fill(self.path("etc"), "users", "# nobody yet\n")
        d = self.start(upstream_env=self.path("env/%u.env"), users=self.path("etc/users"))
        self.follows(d, "403")
        self.replace(self.path("etc"), lambda p: self.fill(p, "users", f"alice={account.NAME}\n"))
        self.follows(d, "first")
        self.replace(self.path("etc"), lambda p: self.fill(p, "users", f"alice=127.0.0.1:{self.origins[1].port}\n"))
        self.follows(d, "second")


if __name__ == "__main__":
    unittest.main()

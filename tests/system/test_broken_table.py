#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The user table breaks, and meanwhile a proxy is to be replaced, or dies: nobody is dropped for it."""
import os
import signal
import unittest

from lab import http, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
FAULT = r"line 2, column \d+: "


class BrokenTable(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.good = {"alice": self.origin.port}

    def daemon(self, **more):
        d = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, ECHO, **more)
        self.addCleanup(d.stop)
        return d

    def break_table(self, d):
        mark = len(d.log())
        d.write_users('{"alice": {"port": 1},\nthis is broken\n')
        d.wait_log(f"event=users_broken .*{FAULT}.*; the last valid table stays active", after=mark)

    @staticmethod
    def ask(w, text):
        w.send_frame(ws.TEXT, text, mask=False)
        return w.text()

    def status(self, d):
        return http.get(d.proxy, "/p", ALICE).status

    def kill_front(self, d):
        http.get(d.proxy, "/healthz")  # it has finished what it was at: whoever is idle now is clean
        mark = len(d.log())
        os.kill(d.processes()["proxy"], signal.SIGKILL)
        d.wait_log("event=process_started .*child=proxy", after=mark)
        return mark

    def test_replacement_is_refused_and_a_crash_changes_nothing(self):
        d = self.daemon(users=self.good)
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertEqual(self.ask(w, "before"), "before")
            proxy = d.pids("proxy")
            self.break_table(d)
            d.options["first_byte_timeout"] = "9s"
            d.write_conf()
            log = d.reload()
            self.assertRegex(log, f"event=users_broken .*{FAULT}")
            self.assertRegex(log, f"event=reload_refused .*process proxy did not get ready: .*{FAULT}")
            mark = len(d.log())
            d.process.send_signal(signal.SIGUSR2)
            d.wait_log("event=reload_refused", after=mark)
            wait.until(lambda: d.pids("proxy") == proxy, what="the new proxy to be gone")
            self.assertEqual((self.ask(w, "still"), self.status(d)), ("still", 200))
            for n in range(2):  # the second one has only been handed it
                mark = self.kill_front(d)
                self.assertRegex(d.log()[mark:], f"event=users_broken .*{FAULT}.*the table of the previous process stays active")
                self.assertEqual((self.ask(w, f"crash {n}"), self.status(d)), (f"crash {n}", 200))
            self.assertEqual(d.metrics()["t3ops_users"], 1)
            d.write_users(self.good)
            self.assertIn("event=reloaded", d.reload())
            self.assertEqual((self.ask(w, "good again"), self.status(d)), ("good again", 200))
            self.assertEqual(d.metrics()["t3ops_users_broken"], 0)

    def test_without_any_table_nobody_is_known_and_nobody_unknown(self):
        d = self.daemon(users="this is broken\n")
        self.assertEqual(self.status(d), 503)
        self.assertIn("the user table cannot be read", http.get(d.proxy, "/p", ALICE).text())
        self.kill_front(d)
        self.assertEqual(self.status(d), 503)
        d.write_users(self.good)
        wait.until(lambda: self.status(d) == 200, what="the table to be read")
        d.write_users({"bob": self.origin.port})
        wait.until(lambda: self.status(d) == 403, what="the user to be gone")

    def test_missing_env_file_costs_its_user_only(self):
        d = self.daemon(users=self.good)
        env = os.path.join(d.dir, "%u.env")
        d.options["upstream_env"] = env
        d.write_users(f"bob=nobody-here\nalice=127.0.0.1:{self.origin.port}\n")
        d.write_conf()
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            log = d.reload()
            self.assertIn("event=reloaded", log)
            self.assertRegex(log, r"event=users_partial .*line 1: no port for nobody-here: .*nobody-here\.env: No such file")
            self.assertEqual((self.ask(w, "still"), self.status(d)), ("still", 200))
            self.assertEqual(http.get(d.proxy, "/p", {"X-authentik-username": "bob"}).status, 403)
            self.assertEqual(d.metrics()["t3ops_users_broken"], 0)
            with open(env.replace("%u", "nobody-here"), "w", encoding="ascii") as f:
                f.write(f"T3_PORT={self.origin.port}\n")
            wait.until(lambda: http.get(d.proxy, "/p", {"X-authentik-username": "bob"}).status == 200, what="the file to be read")
            mark = len(d.log())
            d.write_users(self.good)  # the two share a port, which is a doubt
            d.wait_log("level=notice process=proxy event=users_recovered", after=mark)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What t3opsctl shows on a terminal: top, whatever ends it; tables of 80 columns; one rule for times."""
import json
import os
import signal
import subprocess
import termios
import unittest

from lab import process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin
from lab.talk import RawEcho
from lab.terminal import LEAVE, Terminal

ECHO = section("plugin", "probe_echo", {})


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin({"/ws": RawEcho()})
        cls.origin.__enter__()
        cls.daemon = Daemon({}, ECHO + section("plugin", "probe_t3serve", {"heartbeat": "1s"}),
                            users={"alice": cls.origin.port, "a.user.with.a.very.long.name@subsidiary.example.com": cls.origin.port})

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.origin.__exit__(None, None, None)

    def terminal(self, *words, **more):
        t = Terminal(self.daemon, *words, **more)
        self.addCleanup(t.close)
        return t


class Top(Case):
    def test_rates(self):
        with ws.WebSocket(self.daemon.proxy, "/ws", [("X-authentik-username", "alice")]) as tunnel:
            def alice():
                tunnel.send("x" * 100000)
                users = json.loads(self.daemon.ctl("-j", "top", "--once", "--interval", "1.2"))["users"]
                return next((u for u in users if u["user"] == "alice" and u.get("bytes_up_per_second", 0) > 1000), None)

            found = wait.until(alice, limit=60, what="alice's rate")
            self.assertEqual(found["tunnels"], 1)
            self.assertGreater(found["bytes_down_per_second"], 0)
            text = self.daemon.ctl("top", "--once", "--interval", "0.1")
            self.assertRegex(text, r"(?m)^\S+ \S+ \S+  1 of \d+ users, 1 tunnel, .* up, .* down$")
            self.assertRegex(text, r"(?m)^alice +1 +\S+ \S+ +\S+ \S+ ")

    def test_nobody(self):
        self.assertIn("nobody is connected", self.daemon.ctl("top", "--once", "--interval", "0.1"))

    def test_q(self):
        t = self.terminal("top", "--interval", "0.2")
        t.shows(rb"of \d+ users")
        self.assertNotEqual(termios.tcgetattr(t.slave), t.before)
        t.key(b"t")
        t.key(b"q")
        self.assertEqual(t.end(), 0)
        self.assertTrue(t.is_as_before(), t.out)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                t = self.terminal("top")
                t.shows(rb"of \d+ users")
                t.process.send_signal(number)
                self.assertEqual(t.end(), -number)
                self.assertTrue(t.is_as_before(), t.out)

    def test_a_signal_that_is_ignored(self):
        t = self.terminal("top", "--interval", "0.2", ignores=("HUP",))
        t.shows(rb"of \d+ users")
        t.process.send_signal(signal.SIGHUP)
        before = len(t.read())
        wait.until(lambda: t.read()[before:].count(b" users") > 1, what="two more pictures")
        self.assertNotIn(LEAVE, t.out)
        t.key(b"q")
        self.assertEqual(t.end(), 0)

    def test_stopped_and_continued(self):
        t = self.terminal("top", "--interval", "0.2")
        t.shows(rb"of \d+ users")
        t.process.send_signal(signal.SIGTSTP)
        wait.until(lambda: process.state(t.process.pid) == "T", what="it stops")
        t.read()
        self.assertTrue(t.is_as_before(), t.out)
        t.process.send_signal(signal.SIGCONT)
        t.shows(rb"(?s)\033\[\?1049l.*\033\[\?1049h.*of \d+ users")
        t.key(b"q")
        self.assertEqual(t.end(), 0)

    def test_wrong(self):
        for words, why in ((("--sort", "x"), "--sort takes rate, tunnels, heartbeat or user, not x"), (("x",), "unexpected argument: x"),
                           (("--interval", "0"), "--interval takes 0.1 to 3600 seconds, not 0")):
            done = subprocess.run([process.program("core/t3opsctl"), "top", *words], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"t3opsctl: top: {why}\nTry: t3opsctl top --help\n"))
        done = subprocess.run([process.program("core/t3opsctl"), "-s", "/tmp/no/such", "top", "--once"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "t3opsctl: /tmp/no/such: t3ops does not listen there; is it running?\n"))


class Width(Case):
    def test_status_fits(self):
        wait.until(lambda: len(self.daemon.status()["legs"]) == 2, what="the legs")
        t = self.terminal("status")
        self.assertEqual(t.end(), 0)
        lines = t.lines()
        self.assertLessEqual(max(len(line) for line in lines), 80, lines)
        heads = [line.split() for line in lines if line[:1].isupper()]
        self.assertIn(["PROCESS", "PID", "STATE", "SINCE", "(CET)", "RESTARTS"], heads)
        self.assertIn(["LEG", "USER", "STATE", "SINCE", "(CET)", "ANSWER"], heads)
        self.assertTrue(any("\u2026" in line for line in lines), "the long name is cut")
        self.assertIn("a.user.with.a.very.long.name@subsidiary.example.com", self.daemon.ctl("status"))


class Times(Case):
    def ctl(self, *words, zone="Asia/Tokyo"):
        done = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, *words], capture_output=True, text=True,
                              timeout=60, check=True, env={**os.environ, "TZ": zone})
        return done.stdout

    def test_one_rule(self):
        for command in ("status", "legs", "users", "events", "top --once --interval 0.1"):
            with self.subTest(command):
                wait.until(lambda: "JST" in self.ctl(*command.split()), what="an answer with a zone")
                local, utc = self.ctl(*command.split()), self.ctl("--utc", *command.split())
                self.assertIn("JST", local)
                self.assertNotIn("UTC", local)
                self.assertIn("UTC", utc)
                self.assertNotIn("JST", utc)
                self.assertEqual(self.ctl(*command.split(), "--utc").split()[:1], utc.split()[:1])
                self.assertNotRegex(local.split("event=")[0], r"\d\d:\d\d:\d\d\.?\d*Z")

    def test_the_same_moment(self):
        row = json.loads(self.ctl("-j", "status"))["processes"][0]
        self.assertIn(row["since"][:19].replace("T", " "), self.ctl("--utc", "status"))

    def test_typed(self):
        """What is typed is of the same zone: midnight there is another moment than here."""
        asked = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, "verdicts", "--since", "nonsense", "--utc"],
                               capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(asked.returncode, 2)
        self.assertIn("nonsense: expected a time", asked.stderr)


if __name__ == "__main__":
    unittest.main()

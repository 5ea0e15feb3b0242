#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log level at run time: t3opsctl log-level, who keeps the level and what brings it back; the log as JSON; the log in a
real systemd journal, with a field for each pair."""
import json
import os
import re
import signal
import subprocess
import unittest

from lab import journald, process, wait
from lab.daemon import Daemon, section

ECHO = section("plugin", "probe_echo", {})


class LogLevel(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, ECHO)
        self.addCleanup(self.daemon.stop)

    def levels(self, *words):
        return json.loads(self.daemon.ctl("-j", "log-level", *words))["processes"]

    def pid(self, name):
        return next(p["pid"] for p in self.daemon.status()["processes"] if p["process"] == name and p["state"] == "ready")

    def test_set_and_reset(self):
        d = self.daemon
        self.assertEqual(set(self.levels().values()), {"info"})
        self.assertNotIn("log level", d.ctl("status"))
        self.assertEqual(self.levels("debug", "--process", "proxy"), {**{name: "info" for name in self.levels()}, "proxy": "debug"})
        self.assertRegex(d.log(), r"process=supervisor event=log_level_set .*\bchild=proxy\b.* value=debug\b")
        self.assertRegex(d.ctl("log-level"), r"(?m)^proxy +debug  \(configured: info\)$")
        self.assertIn("\nlog level: proxy debug until the next reload; configured is info\n", d.ctl("status"))
        self.assertEqual(set(self.levels("error").values()), {"error"})
        mark = len(d.log())
        self.assertEqual(set(self.levels("configured").values()), {"info"})
        self.assertRegex(d.log()[mark:], r"event=log_level_set .*\bchild=all\b.* value=configured\b")

    def test_it_decides_what_is_logged(self):
        d = self.daemon
        self.levels("error", "--process", "supervisor")
        mark = len(d.log())
        d.process.send_signal(signal.SIGUSR1)  # a notice of the supervisor: signal_ignored
        self.levels("notice", "--process", "supervisor")
        d.process.send_signal(signal.SIGUSR1)
        d.wait_log("event=signal_ignored", after=mark)
        self.levels("info")
        self.assertEqual(len(re.findall("event=signal_ignored", d.log()[mark:])), 1)

    def test_a_process_that_is_started_again_has_it(self):
        before = self.pid("proxy")
        self.levels("debug", "--process", "proxy")
        os.kill(before, signal.SIGKILL)
        wait.until(lambda: [p for p in self.daemon.status()["processes"]
                            if p["process"] == "proxy" and p["pid"] != before and p["state"] == "ready"], what="the next proxy")
        self.assertEqual(self.levels()["proxy"], "debug")

    def test_a_reload_brings_it_back_and_a_refused_one_does_not(self):
        d = self.daemon
        self.levels("debug")
        d.write_conf("nonsense = 1\n")
        self.assertIn("event=reload_refused", d.reload())
        self.assertEqual(set(self.levels().values()), {"debug"})
        d.write_conf()
        monitor = self.pid("monitor")
        self.assertIn("event=reloaded", d.reload())
        self.assertEqual(self.pid("monitor"), monitor, "it was left alone, and told")
        self.assertEqual(set(self.levels().values()), {"info"})

    def test_refused(self):
        for words, why in ((("loud",), 'no such level: "loud"; there are'), (("info", "--process", "x"), 'no such process: "x"; there are')):
            with self.subTest(words):
                done = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, "log-level", *words],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(why, done.stderr)
        self.assertEqual(set(self.levels().values()), {"info"})


class Json(unittest.TestCase):
    def test_every_line(self):
        with Daemon({"log_format": "json", "log_level": "debug"}, ECHO) as d:
            self.assertIn('"event":"reloaded"', d.reload())
        told = [json.loads(line) for line in d.log().splitlines()]
        self.assertIn("ready", [line["event"] for line in told])
        self.assertGreaterEqual({line["process"] for line in told}, {"supervisor", "proxy", "monitor"})
        for line in told:
            self.assertRegex(line["time"], r"^20\d\d-.*Z$")
            self.assertIn(line["level"], ("error", "warning", "notice", "info", "debug"))


class Journal(unittest.TestCase):
    def test_fields(self):
        why = journald.why_not()
        if why:
            self.skipTest(why)
        d = Daemon({"log_level": "info"}, ECHO, start=False)
        with journald.Journald() as j:
            p = j.start([process.program("core/t3ops"), "-c", d.conf], "t3ops")
            try:
                wait.until(lambda: j.entries("T3OPS_EVENT=ready"), what="the entry of ready")
                d.ctl("log-level", "debug", "--process", "proxy")
                wait.until(lambda: j.entries("T3OPS_EVENT=log_level_set"), what="the entry of log_level_set")
            finally:
                p.stop(signal.SIGTERM, 30)
            [entry] = j.entries("T3OPS_EVENT=log_level_set")
            self.assertEqual({k: entry[k] for k in ("PRIORITY", "SYSLOG_IDENTIFIER", "T3OPS_PROCESS", "T3OPS_CHILD", "T3OPS_VALUE", "_TRANSPORT")},
                             {"PRIORITY": "5", "SYSLOG_IDENTIFIER": "t3ops", "T3OPS_PROCESS": "supervisor", "T3OPS_CHILD": "proxy",
                              "T3OPS_VALUE": "debug", "_TRANSPORT": "journal"})
            self.assertRegex(entry["MESSAGE"], "^level=notice process=supervisor event=log_level_set ")
            for name in ("proxy", "monitor"):
                self.assertTrue(j.entries(f"T3OPS_PROCESS={name}"), name)


if __name__ == "__main__":
    unittest.main()

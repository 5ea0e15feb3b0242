#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checking a configuration takes nothing from anybody: a check that hangs is beside everything else, and whoever
asked for the reload learns the reason of its end."""
import os
import re
import signal
import subprocess
import unittest

from lab import http, process, wait
from lab.daemon import Daemon, plugin_dir_with, section

HANG = 'plugin "sample_hang" {}\n'


class Hanging(unittest.TestCase):
    """A plugin whose constructor does not return until the test lets it."""

    def setUp(self):
        self.plugins = plugin_dir_with("sample_hang")
        backup = section("plugin", "backup", {"to": process.folder(), "every": "1h"})
        self.daemon = Daemon({"restart_pause_max": "100ms", "process_watchdog": "1s", "plugin_dir": self.plugins},
                             'plugin "probe_echo" {}\n' + backup, users={})
        self.addCleanup(self.daemon.stop)
        self.mark = len(self.daemon.log())

    def start_anew(self):
        self.daemon.stop()
        os.remove(f"{self.plugins}/sample_hang.so.go")
        self.daemon.sections = self.daemon.sections.replace(HANG, "")
        self.daemon.write_conf()
        self.daemon.start()
        self.mark = len(self.daemon.log())

    def let_it_load(self):
        with open(f"{self.plugins}/sample_hang.so.go", "w", encoding="ascii"):
            pass

    def hang(self, ask=None):
        """A reload whose check hangs; the pid of the child that makes it."""
        self.daemon.sections += HANG
        self.daemon.write_conf()
        if ask:
            ask()
        else:
            self.daemon.process.send_signal(signal.SIGHUP)
        return self.wait_check(self.daemon)

    @staticmethod
    def wait_check(daemon, but=None):
        """The child that is no process, for it has the name of the daemon itself, once it loads the plugin."""
        def loads(pid):
            try:
                with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
                    return "sample_hang.so" in f.read()
            except OSError:
                return False

        return wait.until(lambda: [p for p in daemon.pids("t3ops") if p != but and loads(p)], what="the check")[0]

    def wait_log(self, pattern):
        return self.daemon.wait_log(pattern, after=self.mark)

    def ctl_reload(self):
        """t3opsctl reload, in the background."""
        words = [process.program("core/t3opsctl"), "-s", self.daemon.control, "reload"]
        p = process.Process(words, "t3opsctl")
        self.addCleanup(p.kill)
        return p

    def count(self, event):
        return len(re.findall(rf"\bevent={event}\b", self.daemon.log()[self.mark:]))

    def test_everything_goes_on_meanwhile(self):
        check = self.hang()
        for name in ("proxy", "monitor", "jobs"):
            (pid,) = self.daemon.pids(name)
            os.kill(pid, signal.SIGKILL)
            wait.until(lambda n=name, p=pid: self.daemon.processes().get(n) not in (None, p), what=f"a new {name}")
        (pid,) = self.daemon.pids("jobs")
        os.kill(pid, signal.SIGSTOP)
        self.wait_log("event=process_killed .*jobs")
        wait.until(lambda: self.daemon.processes().get("jobs") not in (None, pid), what="a new jobs")
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        self.assertIn("no user of the table", subprocess.run(
            [process.program("core/t3opsctl"), "-s", self.daemon.control, "backup", "now"],
            capture_output=True, text=True, timeout=60, check=False).stderr)
        self.assertIn(check, self.daemon.children(), "the check was to hang all the while")
        self.let_it_load()
        self.wait_log("event=reloaded")
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)

    def test_plugins_that_are_checked_see_no_shared_memory(self):
        check = self.hang()
        with open(f"/proc/{check}/maps", encoding="utf-8") as f:
            maps = f.read()
        self.assertIn("sample_hang.so", maps)
        self.assertNotRegex(maps, r"memfd:t3ops|\brw-s\b")

    def test_a_signal_meanwhile_is_another_reload_later(self):
        self.hang()
        self.daemon.sections = self.daemon.sections.replace(HANG, "")
        self.daemon.options["first_byte_timeout"] = "9s"
        self.daemon.write_conf()
        for _ in range(3):
            self.daemon.process.send_signal(signal.SIGHUP)
        self.wait_log("event=reload_queued")
        self.let_it_load()
        wait.until(lambda: self.count("reloaded") == 2, what="both reloads")
        self.assertEqual(self.count("reload_refused"), 0)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the proxies of the first one to leave")

    def test_who_asks_meanwhile_waits_or_is_refused(self):
        check = self.hang()
        waits = self.ctl_reload()
        self.wait_log("event=reload_queued")
        refused = self.ctl_reload()
        self.assertEqual(refused.wait(), 1)
        self.assertIn("a reload is in progress and another one waits", refused.log())
        os.kill(check, signal.SIGKILL)
        self.wait_check(self.daemon, but=check)
        self.let_it_load()
        self.assertEqual(waits.wait(), 0, waits.log())
        self.assertEqual((self.count("reload_refused"), self.count("reloaded")), (1, 1))

    def test_who_asked_learns_what_the_check_died_of(self):
        asked = []
        os.kill(self.hang(lambda: asked.append(self.ctl_reload())), signal.SIGKILL)
        self.assertEqual(asked[0].wait(), 1)
        self.assertRegex(asked[0].log(), r"t3ops\.conf:\d+: plugin sample_hang: loading \S+/sample_hang\.so ended with signal 9")
        self.wait_log("event=reload_refused")

    def test_an_upgrade_meanwhile_waits(self):
        """A reload that waits, too, is done with it, whichever signal comes last."""
        for first, last in ((signal.SIGUSR2, signal.SIGHUP), (signal.SIGHUP, signal.SIGUSR2)):
            with self.subTest(last=last):
                self.hang()
                for number in (first, last):
                    mark = len(self.daemon.log())
                    self.daemon.process.send_signal(number)
                    self.daemon.wait_log("event=(upgrade|reload)_queued", after=mark)
                self.assertEqual(self.count("reload_refused"), 0)
                self.let_it_load()
                self.wait_log("event=upgraded")
                self.assertEqual((self.count("reloaded"), self.count("upgraded"), self.count("reload_refused")), (1, 1, 0))
                self.start_anew()

    def test_who_waits_for_a_reload_is_answered_by_the_upgrade(self):
        check = self.hang()
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.wait_log("event=upgrade_queued")
        asks = self.ctl_reload()
        self.wait_log("event=reload_queued")
        os.kill(check, signal.SIGKILL)  # the monitor who was asked must not be replaced by that reload
        self.daemon.wait_log("event=reload_refused", after=self.mark)
        self.let_it_load()
        self.assertEqual(asks.wait(), 0, asks.log())
        self.assertIn("the new configuration is active", asks.log())
        self.wait_log("event=upgraded")

    def test_the_end_waits_for_no_check(self):
        check = self.hang()
        asks = self.ctl_reload()
        self.wait_log("event=reload_queued")
        self.assertEqual(self.daemon.stop(limit=10), 0)
        self.assertIsNone(process.state(check))
        self.assertEqual(asks.wait(), 1)

    def test_a_start_that_hangs_can_be_ended(self):
        d = Daemon({"plugin_dir": self.plugins}, HANG, start=False)
        d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
        self.addCleanup(d.process.kill)
        self.wait_check(d)
        d.process.send_signal(signal.SIGTERM)
        self.assertEqual(d.process.wait(10), 0)


class Reasons(unittest.TestCase):
    """t3opsctl reload says what the log says."""

    def setUp(self):
        self.daemon = Daemon({}, 'plugin "probe_echo" {}\n', users={})
        self.addCleanup(self.daemon.stop)

    def refused(self):
        done = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, "reload"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_no_file(self):
        os.rename(self.daemon.conf, self.daemon.conf + ".away")
        self.assertIn(f"{self.daemon.conf}: No such file or directory", self.refused())

    def test_an_address_that_is_taken(self):
        host, port = self.daemon.monitor
        self.daemon.options["listen"] = ["127.0.0.1:0", f"{host}:{port}"]
        self.daemon.write_conf()
        self.assertIn(f"cannot listen on {host}:{port}: Address already in use", self.refused())

    def test_what_keeps_a_process_from_starting(self):
        self.daemon.write_users("a table of tomorrow")
        self.daemon.options["first_byte_timeout"] = "9s"
        self.daemon.write_conf()
        self.assertRegex(self.refused(), f"process proxy did not get ready: .*{self.daemon.users_file}: line 1")

    def test_a_plugin_that_hangs_when_it_starts(self):
        self.daemon.options |= {"process_watchdog": "1s", "plugin_dir": plugin_dir_with("sample_pause")}
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        self.daemon.sections += 'plugin "sample_pause" {}\n'
        self.daemon.write_conf()
        self.assertIn("process proxy did not get ready: plugin sample_pause does not return from its callback start",
                      self.refused())

    def test_an_error_in_the_file(self):
        self.daemon.sections += "no_such_option = 1\n"
        self.daemon.write_conf()
        self.assertRegex(self.refused(), r't3ops\.conf:\d+: unknown option "no_such_option"')


class Monitor(unittest.TestCase):
    """A monitor that replaces another one knows as much."""

    def setUp(self):
        self.daemon = Daemon({}, 'plugin "probe_echo" {}\n', users={})
        self.addCleanup(self.daemon.stop)

    def states(self):
        return {(p["process"], p["pid"], p["state"]) for p in self.daemon.status()["processes"]}

    def replaced(self, old):
        wait.until(lambda: self.daemon.pids("monitor") not in ([], old) and len(self.daemon.pids("monitor")) == 1,
                   what="a new monitor alone")

    def check(self):
        pids = {name: self.daemon.pids(name)[0] for name in ("proxy", "monitor")}
        expected = {(name, pid, "ready") for name, pid in pids.items()}
        wait.until(lambda: self.states() == expected, what="the monitor to know the processes, and no others")
        for name, pid in pids.items():
            self.assertRegex(self.daemon.ctl("status"), rf"(?m)^{name} +{pid} +ready ")

    def test_after_a_reload(self):
        old = self.daemon.pids("monitor")
        self.daemon.options["journal_retain"] = "9d"
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        self.replaced(old)
        self.check()
        wait.until(lambda: "reloaded" in self.daemon.ctl("events", "-k", "reloaded"), what="the event in the journal")

    def test_after_an_upgrade(self):
        old, mark = self.daemon.pids("monitor"), len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.daemon.wait_log("event=upgraded", after=mark)
        self.replaced(old)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
        self.check()
        wait.until(lambda: "upgraded" in self.daemon.ctl("events", "-k", "upgraded"), what="the event in the journal")


if __name__ == "__main__":
    unittest.main()

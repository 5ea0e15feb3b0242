#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""t3opsctl against a running daemon, and against none."""
import json
import os
import re
import socket
import subprocess
import threading
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, quote, section


class Ctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(sections=section("plugin", "probe_echo", {}))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def run_it(self, *words, control=None):
        return subprocess.run([process.program("core/t3opsctl"), "-s", control or self.daemon.control, *words],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_status(self):
        out = self.daemon.ctl("status")
        self.assertRegex(out, r"(?m)^proxy +\d+ +ready ")
        self.assertRegex(out, r"(?m)^monitor +\d+ +ready ")
        told = json.loads(self.daemon.ctl("-j", "status"))
        self.assertIn("proxy", [process["process"] for process in told["processes"]])

    def test_empty_lists(self):
        self.assertEqual(self.daemon.ctl("verdicts"), "no verdict yet\n")
        self.assertEqual(self.daemon.ctl("verdicts", "--standing"), "no verdict stands\n")
        self.assertEqual(self.daemon.ctl("legs"), "no leg has reported yet\n")
        self.assertEqual(json.loads(self.daemon.ctl("-j", "verdicts", "-n", "3")), [])

    def test_events(self):
        wait.until(lambda: "proxy" in self.daemon.ctl("events", "-k", "process_started"), what="the journal has the proxy")
        self.assertEqual(len(self.daemon.ctl("events", "-n", "1").splitlines()), 1)
        done = self.run_it("events", "-k", "nonsense")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, 't3opsctl: events: no such kind of event: "nonsense"; t3ops-events(7) lists them\n')

    def leaving(self, times):
        """A socket where a monitor that leaves answers so many times, and then the next one; and who asked."""
        path = os.path.join(process.folder(), "control.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        self.addCleanup(listener.close)
        asked = []

        def serve():
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError:
                    return
                with conn, conn.makefile("rb") as lines:
                    asked.append(json.loads(lines.readline()))
                    answer = {"ok": True, "result": "applied"} if len(asked) > times else {
                        "ok": False, "error": "t3ops is being reloaded or stopped, nothing was done; try again", "again": True}
                    conn.sendall(json.dumps(answer).encode() + b"\n")

        threading.Thread(target=serve, daemon=True).start()
        return path, asked

    def test_a_monitor_that_leaves_is_asked_again(self):
        path, asked = self.leaving(3)
        done = self.run_it("reload", control=path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "applied\n", ""))
        self.assertEqual([a["command"] for a in asked], ["reload"] * 4)

    def test_but_not_for_ever(self):
        path, asked = self.leaving(10 ** 6)
        done = self.run_it("reload", control=path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing was done; try again", done.stderr)
        self.assertGreater(len(asked), 2)

    def test_metrics(self):
        self.assertIn("# TYPE ", self.daemon.ctl("metrics"))

    def test_reload(self):
        self.assertEqual(self.run_it("reload").returncode, 0)
        with open(self.daemon.conf, encoding="utf-8") as f:
            good = f.read()
        try:
            self.daemon.write_conf(good + "# a comment\nnonsense = 1\n")
            done = self.run_it("reload")
        finally:
            self.daemon.write_conf(good)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r't3ops\.conf:\d+: unknown option "nonsense"')

    def test_a_refused_reload_names_every_error_whole(self):
        good = "".join(f"{k} = {quote(v)}\n" for k, v in self.daemon.options.items())
        values = [f"{i}_" + "x" * 40 for i in range(40)]
        try:
            self.daemon.write_conf(good + "".join(f'no_option_{v} = "{v}"\n' for v in values))
            done = self.run_it("reload")
        finally:
            self.daemon.write_conf()
        self.assertEqual(done.returncode, 1)
        for v in values:
            self.assertRegex(done.stderr, rf'(?m)t3ops\.conf:\d+: unknown option "no_option_{v}".*$')
        mark = self.daemon.log().rindex("event=reload_refused")
        self.assertRegex(self.daemon.log()[mark:], r'error=".*no_option_0.* \(and 39 more\)"')

    def test_a_reload_with_doubts_prints_them(self):
        trusted, self.daemon.options["trusted_proxies"] = self.daemon.options["trusted_proxies"], ["0.0.0.0/0"]
        self.daemon.write_conf()
        self.daemon.options["trusted_proxies"] = trusted
        done, told = self.run_it("reload"), self.run_it("-j", "reload")
        self.daemon.write_conf()
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "the new configuration is active")
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[1], r't3ops\.conf:\d+: warning: trusted_proxies: "0.0.0.0/0": every address')
        self.assertRegex(lines[2], r't3ops\.conf:\d+: warning: trusted_upstreams: "127.0.0.0/8" contains this machine')
        self.assertEqual(json.loads(told.stdout).splitlines(), lines)

    def test_backup_without_a_section(self):
        done = self.run_it("backup", "now")
        self.assertEqual((done.returncode, done.stderr), (1, 't3opsctl: backup: no such job "backup"; there is none\n'))
        done = self.run_it("run", "probe_echo")
        self.assertEqual((done.returncode, done.stderr), (1, 't3opsctl: run: no such job "probe_echo"; there is none\n'))

    def test_json_of_a_text(self):
        self.assertIn("# TYPE ", json.loads(self.daemon.ctl("-j", "metrics")))

    def test_a_job_for_a_user_of_no_table(self):
        with Daemon(sections=section("plugin", "backup", {"to": process.folder(), "every": "1h"})) as d:
            done = self.run_it("backup", "now", "bob", control=d.control)
            self.assertEqual((done.returncode, done.stderr), (1, 't3opsctl: backup: no such user in the user table: "bob"\n'))

    def test_a_journal_that_cannot_be_read(self):
        d = Daemon({}, section("plugin", "probe_echo", {}), start=False)
        with open(os.path.join(d.state_dir, "journal.sqlite"), "w", encoding="ascii") as f:
            f.write("this is no database\n" * 1000)
        account.give(f.name)
        d.start()
        self.addCleanup(d.stop)
        done = self.run_it("events", control=d.control)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "t3opsctl: events: the journal cannot be read; the line journal_failed of the log says why\n")
        wait.until(lambda: "the journal lacks" in d.ctl("status"), what="the rows that are lost")

    def test_nobody_there(self):
        done = self.run_it("status", control="/tmp/no/such/socket")
        self.assertEqual(done.returncode, 1)
        self.assertIn("t3ops does not listen there", done.stderr)

    def complete(self, *words):
        """What the shell offers for the last of the words."""
        script = f'source {process.source_dir()}/etc/completion/bash/t3opsctl\nCOMP_WORDS=(t3opsctl "$@")\nCOMP_CWORD=$#\n' \
                 '_t3opsctl\nprintf "%s\\n" "${COMPREPLY[@]}"'
        folder = os.path.dirname(process.program("core/t3opsctl"))
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=60, check=True,
                              env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion(self):
        commands = set(re.findall(r"^ {7}([a-z-]+)", self.run_it("--help").stdout, re.M))
        self.assertIn("why", commands)
        self.assertEqual({w for w in self.complete("") if not w.startswith("-")}, commands)
        with open(os.path.join(process.source_dir(), "etc/completion/zsh/_t3opsctl"), encoding="utf-8") as f:
            self.assertEqual(set(re.findall(r"^\t\t'([a-z-]+):", f.read(), re.M)), commands)
        self.assertEqual(self.complete("verdicts", "--se"), ["--segment"])
        self.assertEqual(self.complete("-s", "somewhere", "verdicts", "--segment", "tr"), ["traefik"])
        with Daemon({}, section("plugin", "probe_t3serve", {}), users={"alice": 1, "albert": 2, "bob": 3}) as d:
            wait.until(lambda: len(json.loads(d.ctl("-j", "users"))) == 3, what="the users")
            self.assertEqual(self.complete("-s", d.control, "why", "al"), ["albert", "alice"])
            self.assertEqual(self.complete("-s", d.control, "verdicts", "--user", "b"), ["bob"])

    def test_usage(self):
        for words, why in (((), "a command is missing"), (("nonsense",), "no such command: nonsense;.*"),
                           (("status", "more"), "status takes no argument: more"), (("backup",), "no such command: backup; of a plugin, say an action, too: backup now"),
                           (("run",), "run needs a job"),
                           (("run", "a", "b", "c"), "unexpected argument: c"), (("a", "now", "b", "c"), "unexpected argument: c"),
                           (("verdicts", "-n", "x"), "-n x: expected a number above 0"), (("status", "-f"), "status takes no -f"),
                           (("verdicts", "-k", "x"), "verdicts takes no -k"), (("events", "--standing"), "events takes no --standing"),
                           (("backup", "now", "-n", "3"), "now takes no -n"), (("log-level", "info", "debug"), "unexpected argument: debug"),
                           (("log-level", "--process", "proxy"), "--process goes with a level"),
                           (("status", "--process", "proxy"), "status takes no --process")):
            with self.subTest(words=words):
                done = self.run_it(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertRegex(done.stderr, f"^t3opsctl: {why}\nTry: t3opsctl --help\n$")
        self.assertEqual(self.run_it("-x").returncode, 2)
        self.assertIn("usage: t3opsctl", self.run_it("--help").stdout)
        self.assertRegex(self.run_it("--version").stdout, r"^t3opsctl \d")


if __name__ == "__main__":
    unittest.main()

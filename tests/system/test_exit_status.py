#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every row of the two tables of exit statuses, in t3opsctl(8) and t3ops(8), played here; a row without a play fails."""
import os
import re
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, plugin_dir, section
from lab.fresh import init

RECORDING = "alices-server-flaps.txt"
MAN = f"{process.build_dir()}/docs/man"
CTL, T3OPS = process.program("core/t3opsctl"), process.program("core/t3ops")


def rows(page):
    """{(command, status)} of the table."""
    with open(f"{MAN}/{page}", encoding="utf-8") as f:
        part = re.search(r"(?ms)^\.Sh EXIT STATUS\n(.*?)^\.Sh ", f.read()).group(1)
    found = re.findall(r"(?m)^\.It (.*?) Ta (\d) Ta ", part)
    return {(re.sub(r"\b(Cm|Ar|Fl) ", "", command).replace(" ,", ",").replace("\\-", "-"), int(status)) for command, status in found}


class Played:
    """plays: {(command, status): [words or a function of the test, ...]}; elsewhere: rows that another test plays, or none can."""
    page, plays, elsewhere = "", {}, set()

    def test_all(self):
        self.assertEqual(set(self.plays) | self.elsewhere, rows(self.page), "the table, and what is played here")
        for (command, status), lines in self.plays.items():
            for line in lines:
                with self.subTest(command=command, line=line):
                    self.assertEqual(line(self) if callable(line) else self.run_it(*line), status)

    def run_program(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
        if done.returncode == 2:
            self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 2), done.stderr)
            self.assertRegex(done.stderr.splitlines()[1], r"^Try: t3ops(ctl)? .*--help$")
        elif done.returncode == 1:
            self.assertNotEqual(done.stderr + done.stdout, "")
        return done.returncode


def refused_reload(test):
    try:
        test.daemon.write_conf("nonsense = 1\n")
        return test.run_it("reload")
    finally:
        test.daemon.write_conf()


def follows_to_the_end(*words):
    def play(test):
        with Daemon({}, section("plugin", "probe_echo", {})) as d:
            p = subprocess.Popen([CTL, "-s", d.control, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            wait.until(lambda: connections(p.pid) > 0, what="it is connected")
            d.stop()
            with p.stderr:
                test.assertIn(b"closed the connection", p.stderr.read())
            return p.wait(60 * wait.SLOW)
    return play


def connections(pid):
    return sum(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:") for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2)


def init_again(test):
    """With another host name: its files are there with another text."""
    root, answers = process.folder(), ("--yes", "--account", account.NAME, "--proxy", "nginx", "--sign-in", "authentik", "--users", "alice")
    test.assertEqual(init(root, *answers, "--host", "t3.example.com")[0], 0)
    return init(root, *answers, "--host", "t4.example.com")[0]


def doctor(*more):
    return lambda test: test.run_program(CTL, "doctor", "-s", test.daemon.control, "--daemon", T3OPS, *more)


class Ctl(Played, unittest.TestCase):
    page, elsewhere = "t3opsctl.8", {("doctor", 0), ("doctor", 3)}  # test_doctor.py, of a whole installation

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon({}, section("plugin", "probe_echo", {}) + section("plugin", "backup", {"to": process.folder()}),
                            users={"alice": 1})

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def run_it(self, *words):
        return self.run_program(CTL, "-s", self.daemon.control, *words)

    plays = {
        ("any", 0): [["status"], ["legs"], ["events"], ["metrics"], ["users"], ["log-level"], ["-j", "status"], ["--help"], ["--version"]],
        ("any", 1): [["-s", "/tmp/no/such/socket", "status"], ["why", "nobody"], ["show", "999"], ["incident", "export", "999"],
                     ["events", "-k", "x"], ["log-level", "loud"], ["verdicts", "--user", "nobody"], ["run", "nothing"]],
        ("any", 2): [[], ["nonsense"], ["status", "x"], ["-x"], ["why", "a", "b"], ["show"], ["show", "x"], ["incident"], ["verdicts", "-n", "0"],
                     ["run"], ["log-level", "--process", "proxy"], ["top", "x"], ["why", "--at", "x"]],
        ("why", 0): [["why", "alice"]],
        ("verdicts", 0): [["verdicts"], ["verdicts", "--since", "1h"], ["verdicts", "--standing"]],
        ("reload", 1): [refused_reload],
        ("run, now", 1): [["run", "backup", "nobody"], ["backup", "now"], ["backup", "now", "alice"]],
        ("plugin action", 1): [["backup", "verify", "nobody"]],
        ("watch, f", 1): [follows_to_the_end("watch"), follows_to_the_end("events", "-f")],
        ("top", 0): [["top", "--once", "--interval", "0.1"]],
        ("top", 1): [["-s", "/tmp/no/such/socket", "top", "--once"], ["-s", "/tmp/no/such/socket", "-j", "top"]],
        ("init", 1): [init_again],
        ("doctor", 1): [doctor("-c", "/no/such/file")],
    }


def stopped(test):
    d = Daemon({}, section("plugin", "probe_echo", {}))
    test.addCleanup(d.process.kill)
    return d.stop()


def cannot_start(test):
    with open(f"{process.folder()}/t3ops.conf", "w", encoding="ascii") as f:
        f.write("nonsense = 1\n")
    return test.run_it("-c", f.name)


def checked(text):
    def play(test):
        with open(f"{process.folder()}/t3ops.conf", "w", encoding="ascii") as f:
            f.write(f'user = "{account.NAME}"\nplugin_dir = "{plugin_dir()}"\n{text}\n')
        return test.run_it("-t", "-c", f.name)
    return play


class T3ops(Played, unittest.TestCase):
    page = "t3ops.8"

    def run_it(self, *words):
        return self.run_program(T3OPS, *words)

    plays = {
        ("any", 2): [["-x"], ["nonsense"], ["replay"], ["replay", "a", "b", "c"]],
        ("the daemon", 0): [stopped],
        ("the daemon", 1): [cannot_start, ["-c", "/no/such/file"]],
        ("t", 0): [checked('plugin "probe_echo" {}')],
        ("t", 1): [checked("nonsense = 1"), ["-t", "-c", "/no/such/file"]],
        ("t -plugin", 0): [["-t", "--plugin", f"{plugin_dir()}/probe_echo.so"]],
        ("t -plugin", 1): [["-t", "--plugin", "/no/such/file.so"]],
        ("-explain", 0): [["--explain", "log_level"], ["--explain", "command"]],
        ("-explain", 1): [["--explain", "nonsense"], ["--explain", "command.nonsense"]],
        ("replay", 0): [["replay", f"{process.source_dir()}/tests/recordings/{RECORDING}"]],
        ("replay", 1): [["replay", "/no/such/file"], ["replay", "/dev/null"],
                        ["replay", f"{process.source_dir()}/tests/recordings/{RECORDING}", "999"]],
        ("-end-service", 0): [["--end-service"]],
    }
    elsewhere = {("t -plugin", 3),  # a plugin of doubtful make: the plugin kit's test
                 ("-end-service", 1)}  # a process that SIGKILL does not end cannot be made here


if __name__ == "__main__":
    unittest.main()

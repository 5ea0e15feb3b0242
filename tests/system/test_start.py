#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starting: what a daemon finds in its way, and must neither take from another one nor wait for."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, plugin_dir_with, section

ECHO = 'plugin "probe_echo" {}\n'
UNIT = os.path.join(process.source_dir(), "etc/systemd/t3ops.service.in")


def unit_capabilities():
    """Words before the command that leave it what CapabilityBoundingSet of the shipped unit does."""
    if os.geteuid() != 0:
        return []
    with open(UNIT, encoding="utf-8") as f:
        names = re.search(r"^CapabilityBoundingSet=(.*)", f.read(), re.M).group(1).split()
    kept = ",".join("+" + n.removeprefix("CAP_").lower() for n in names)
    return [shutil.which("setpriv"), f"--bounding-set=-all,{kept}", "--inh-caps=-all"]


def full_socket(path):
    """A server that accepts nobody and whose queue is full, with the connections that fill it."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(0)
    clients = []
    while True:
        c = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        c.setblocking(False)
        clients.append(c)
        try:
            c.connect(path)
        except BlockingIOError:
            return [server, *clients]


def failed_start(daemon, wrap=()):
    """Its log; it must not start."""
    daemon.process = process.Process([*wrap, process.program("core/t3ops"), "-c", daemon.conf], "t3ops")
    status = daemon.process.wait()
    if status != 1:
        raise AssertionError(f"exit status {status}\n{daemon.log()}")
    return daemon.log()


class AnotherDaemon(unittest.TestCase):
    """With the capabilities of the shipped unit, in a state directory as it makes it."""

    def setUp(self):
        self.wrap = unit_capabilities()
        self.first = Daemon({}, ECHO, users={}, start=False, wrap=self.wrap)
        os.chmod(self.first.state_dir, 0o750)
        self.first.start()
        self.addCleanup(self.first.stop)

    def second(self, **options):
        return Daemon(options, ECHO, users={}, start=False)

    def test_a_state_dir_is_locked(self):
        self.assertNotIn("event=state_lock_failed", self.first.log())
        for name in glob.glob(self.first.state_dir + "/*.lock"):
            os.unlink(name)
        log = failed_start(self.second(state_dir=self.first.state_dir), self.wrap)
        self.assertIn(f"state_dir {self.first.state_dir}: another t3ops uses it, pid {self.first.pid}; give each its own", log)

    def test_a_long_reason_is_whole_for_who_asks_and_in_words_for_the_journal(self):
        long = os.path.join(self.first.dir, *(["a-directory-with-a-name"] * 11))
        os.makedirs(long)
        account.give(long)
        self.first.options["state_dir"] = long
        self.first.write_conf()
        self.assertIn("event=reloaded", self.first.reload())
        with self.second() as d:
            d.options["state_dir"] = long
            d.start()
            d.write_conf()
            done = subprocess.run([process.program("core/t3opsctl"), "-s", d.control, "reload"], capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual(done.stderr, f"t3opsctl: reload: state_dir {long}: another t3ops uses it, pid {self.first.pid}; give each its own\n")
            line = d.wait_log('event=reload_refused error="(.*)"').group(1)
            whole = done.stderr.removeprefix("t3opsctl: reload: ").split()
            self.assertEqual(line.split(), whole[:len(line.split()) - 1] + ["..."])
            self.assertGreater(len(line), 280)

    def test_a_control_socket_is_not_taken_away(self):
        log = failed_start(self.second(control=self.first.control), self.wrap)
        self.assertRegex(log, f"event=start_failed .*cannot listen on {self.first.control}: Address already in use; another t3ops")
        self.assertIn("proxy", self.first.ctl("status"))

    def test_what_a_killed_daemon_left_is_replaced(self):
        left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        second = self.second()
        second.wrap = self.wrap
        left.bind(second.control)
        left.close()
        second.start()
        self.assertIn("proxy", second.ctl("status"))
        self.assertEqual(second.stop(), 0)
        self.assertFalse(os.path.exists(second.control))

    def test_the_socket_of_another_one_stays_at_the_end(self):
        second = self.second()
        second.start()
        os.rename(second.control, second.control + ".moved")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(second.control)
            self.assertEqual(second.stop(), 0)
            self.assertTrue(os.path.exists(second.control))


class NothingWaits(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon({"restart_pause_max": "100ms"}, ECHO, users={})
        self.addCleanup(self.daemon.stop)

    def served(self, mark):
        """The supervisor goes on: a killed proxy comes back."""
        (proxy,) = self.daemon.pids("proxy")
        os.kill(proxy, signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)

    def test_for_a_config_that_nobody_writes(self):
        mark = len(self.daemon.log())
        os.unlink(self.daemon.conf)
        os.mkfifo(self.daemon.conf)
        why = f"{self.daemon.conf}: expected a regular file, which a reload can read again"
        self.assertIn(why, self.daemon.reload())
        self.served(mark)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", self.daemon.conf], capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, why + "\n"))

    def test_for_a_control_socket_whose_queue_is_full(self):
        mark = len(self.daemon.log())
        path = os.path.join(self.daemon.dir, "other.sock")
        held = full_socket(path)
        self.addCleanup(lambda: [s.close() for s in held])
        self.daemon.options["control"] = path
        self.daemon.write_conf()
        self.assertIn(f"cannot listen on {path}: Address already in use", self.daemon.reload())
        self.served(mark)
        done = subprocess.run([process.program("core/t3opsctl"), "-s", path, "status"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, f"t3opsctl: {path}: no answer in time\n"))
        other = Daemon({"control": path}, ECHO, users={}, start=False)
        self.assertIn(f"cannot listen on {path}: Address already in use", failed_start(other))


class CheckingChild(unittest.TestCase):
    """It loads plugins, and one of them never returns."""

    def setUp(self):
        self.directory = plugin_dir_with("sample_hang")

    def checking(self, pid):
        def read():
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                return [int(p) for p in f.read().split() if self.is_hanging(int(p))]

        return wait.until(read, what="the child that checks")

    def is_hanging(self, pid):
        """It has come to the plugin, and to its account, if it was to have one."""
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
                return "sample_hang.so" in f.read()
        except OSError:
            return False

    def assert_gone(self, pids):
        wait.until(lambda: all(process.state(p) in (None, "Z") for p in pids), what=f"the end of {pids}")

    def test_ends_with_a_check_that_is_stopped(self):
        d = Daemon({"plugin_dir": self.directory}, ECHO + 'plugin "sample_hang" {}\n', start=False)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                check = process.Process([process.program("core/t3ops"), "-t", "-c", d.conf])
                children = self.checking(check.pid)
                check.send_signal(number)
                check.wait()
                self.assert_gone(children)

    def test_ends_with_a_supervisor_that_is_killed(self):
        d = Daemon({"plugin_dir": self.directory}, ECHO, users={})
        d.sections += 'plugin "sample_hang" {}\n'
        d.write_conf()
        d.process.send_signal(signal.SIGHUP)
        children = self.checking(d.pid)
        d.process.send_signal(signal.SIGKILL)
        self.assert_gone(children)
        d.process.kill()


class HungStart(unittest.TestCase):
    def test_ends_with_a_supervisor_that_is_killed(self):
        """A process whose plugin stands still before it is ready cannot see that the supervisor is gone."""
        d = Daemon({"plugin_dir": plugin_dir_with("sample_pause")}, ECHO, users={})
        ready = d.children()
        d.sections += 'plugin "sample_pause" {}\n'
        d.write_conf()
        d.process.send_signal(signal.SIGHUP)
        (hung,) = wait.until(lambda: [p for p in d.pids("proxy") if process.state(p) == "T"], what="the new proxy")
        d.process.send_signal(signal.SIGKILL)
        wait.until(lambda: all(process.state(p) in (None, "Z") for p in [hung, *ready]), what="the end of all of them")
        d.process.kill()


class TooLarge(unittest.TestCase):
    def test_start_and_check_say_the_same(self):
        d = Daemon({}, ECHO + "# " + "x" * (1 << 20) + "\n", users={}, start=False)
        why = f"{d.conf}: larger than 1 MiB, expected a config file"
        self.assertRegex(failed_start(d), f'event=start_failed error="{why}"\n')
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, why + "\n"))


class Signals(unittest.TestCase):
    def test_those_without_a_meaning_end_nobody(self):
        with Daemon({}, ECHO, users={}) as d:
            before = d.children()
            for number in (signal.SIGUSR1, signal.SIGQUIT, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO,
                           signal.SIGPWR, signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMIN + 7, signal.SIGRTMAX):
                with self.subTest(signal=number):
                    mark = len(d.log())
                    d.process.signal_group(number)
                    d.wait_log(rf"level=notice process=supervisor event=signal_ignored signal={int(number)}\b", after=mark)
            self.assertEqual(d.children(), before)


class Capabilities(unittest.TestCase):
    KEPT = {"CHOWN": 0, "DAC_READ_SEARCH": 2, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10}

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root has capabilities to drop")

    def held(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return {name: int(mask, 16) for name, mask in re.findall(r"^Cap(\w+):\s*([0-9a-f]+)$", f.read(), re.M)}

    def expect(self, daemon, supervisor):
        helper = supervisor & ~(1 << self.KEPT["NET_BIND_SERVICE"])
        self.assertEqual(self.held(daemon.pid), {"Inh": 0, "Prm": supervisor, "Eff": supervisor, "Bnd": supervisor, "Amb": 0})
        self.assertIn("helper", daemon.processes())
        for name, pid in daemon.processes().items():
            mine = helper if name == "helper" else 0
            with self.subTest(process=name):
                self.assertEqual(self.held(pid), {"Inh": 0, "Prm": mine, "Eff": mine, "Bnd": supervisor, "Amb": 0})

    def run_with(self, wrap, supervisor):
        sections = ECHO + section("command", "held", {"argv": ["/bin/true"]})
        with Daemon({}, sections, users={}, wrap=wrap) as d:
            self.expect(d, supervisor)
            mark = len(d.log())
            d.process.send_signal(signal.SIGUSR2)
            d.wait_log("event=upgraded", after=mark)
            self.expect(d, supervisor)

    def test_of_root_few_stay(self):
        self.run_with([], sum(1 << bit for bit in self.KEPT.values()))

    def test_of_the_unit_all_stay(self):
        self.run_with(unit_capabilities(), sum(1 << bit for name, bit in self.KEPT.items() if name != "NET_BIND_SERVICE"))

    def test_a_check_has_those_of_the_daemon(self):
        theirs = account.give(process.folder())
        d = Daemon({"control": os.path.join(theirs, "control.sock")}, ECHO, users={}, start=False)
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf't3ops\.conf:\d+: control = "{theirs}/control.sock": .*Permission denied')

    def test_the_manual_names_them(self):
        with open(os.path.join(process.source_dir(), "docs/man/t3ops.8.in"), encoding="utf-8") as f:
            self.assertEqual(set(re.findall(r"\bCAP_(\w+)", f.read())), set(self.KEPT) | {"SYS_RESOURCE"})  # for the start

    def test_of_an_unprivileged_start_only_the_supervisor_keeps_the_port(self):
        port = 1 << self.KEPT["NET_BIND_SERVICE"]
        account_words = ["--reuid", account.NAME, "--clear-groups", "--inh-caps=-all,+net_bind_service",
                         "--ambient-caps=-all,+net_bind_service"]
        d = Daemon({}, ECHO, users={}, start=False, wrap=[shutil.which("setpriv"), *account_words])
        account.give(d.dir)
        with d:
            d.start()
            self.assertEqual(self.held(d.pid)["Eff"], port)
            for pid in d.children():
                self.assertEqual({k: v for k, v in self.held(pid).items() if k != "Bnd"}, {"Inh": 0, "Prm": 0, "Eff": 0, "Amb": 0})


class LogLevel(unittest.TestCase):
    """Of the supervisor, too, from the first line on and through a reload and the end."""

    def run_at(self, level, **options):
        d = Daemon({"log_level": level, **options}, ECHO, users={}, start=False)
        d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
        wait.until(lambda: os.path.exists(d.control) and d.ctl("status", check=False), what="an answer of the monitor")
        d.ctl("reload")
        self.assertEqual(d.stop(), 0)
        return set(re.findall(r"\blevel=(\w+)", d.log()))

    def test_nothing_below_it_is_logged(self):
        doubtful = {"trusted_proxies": ["0.0.0.0/0"]}
        self.assertEqual(self.run_at("error", **doubtful), set())
        self.assertEqual(self.run_at("warning", **doubtful), {"warning"})
        self.assertEqual(self.run_at("notice", trusted_upstreams=[]), {"notice"})


if __name__ == "__main__":
    unittest.main()

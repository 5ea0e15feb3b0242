#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades in place that go wrong, or come at a bad moment: what the earlier binary knew is not forgotten."""
import os
import shutil
import signal
import socket
import threading
import unittest

from lab import http, process, wait
from lab.daemon import Daemon
from lab.origin import Origin

ECHO = 'plugin "probe_echo" {}\n'


class Upgrade(unittest.TestCase):
    def start(self, options=None, users=None, wrap=()):
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms", **(options or {})}, ECHO, users=users, wrap=wrap)
        self.addCleanup(self.daemon.stop)

    def upgrade(self):
        """SIGUSR2; the event that it ended with."""
        mark = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        return self.daemon.wait_log("event=(upgraded|reload_refused)", after=mark).group(1)

    def take_an_address(self):
        """A configuration that passes the check, but whose address cannot be bound."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.daemon.options["listen"] = ["127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"]
        self.daemon.write_conf()

    def test_processes_are_restarted_after_one_that_could_not_bind(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                self.start({"workers": workers})
                self.take_an_address()
                self.assertEqual(self.upgrade(), "reload_refused")
                for process in ("proxy", "monitor"):
                    for pid in self.daemon.pids(process):
                        mark = len(self.daemon.log())
                        os.kill(pid, signal.SIGKILL)
                        self.daemon.wait_log(f"event=process_started .*child={process}", after=mark)
                self.assertEqual(len(self.daemon.pids("proxy")), workers)
                self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
                self.assertEqual(len(self.daemon.children()), workers + 1)

    def test_process_that_was_down_meanwhile_comes_back(self):
        self.start()
        self.take_an_address()
        os.kill(self.daemon.pid, signal.SIGSTOP)  # it finds both signals at once
        os.kill(self.daemon.pids("proxy")[0], signal.SIGKILL)
        self.daemon.process.send_signal(signal.SIGUSR2)
        mark = len(self.daemon.log())
        self.daemon.process.resume()
        self.daemon.wait_log("event=reload_refused", after=mark)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        self.assertEqual(len(self.daemon.children()), 2)

    def test_binary_that_cannot_go_on_is_refused_before_it_is_too_late(self):
        real = process.program("core/t3ops")
        binary = os.path.join(process.folder(), "t3ops")
        shutil.copy(real, binary)
        self.start(wrap=["/bin/sh", "-c", f'shift; exec {binary} "$@"', "sh"])
        before = self.daemon.children()
        for script, words in ((f'exec {real} "$@" --take-over-from 0', "cannot go on from the one that runs"),
                              (f'exec {real} --a-question-of-tomorrow "$@"', "cannot go on from the one that runs"),
                              ("echo f:7: nonsense >&2; exit 1", "was not started, .* accept the configuration: f:7: nonsense"),
                              ("kill -KILL $$", r"was not started: .* it ended with signal 9 \(Killed\)"),
                              ("exit 3", "was not started: .* it exited with 3"),
                              ("exit 1", "was not started: .* it exited with 1"),
                              ("echo no such library >&2; exit 127", "was not started: .* it exited with 127: no such library"),
                              (f'{real} "$@"; exit 3', "was not started: .* it exited with 3"),
                              (f'exec {real} "$@" --take-over-from -1', "was not started: it does not answer as a t3ops"),
                              ("exit 0", "was not started: it does not answer as a t3ops that can take over"),
                              (f'exec {real} "$@" < /dev/null', "cannot go on from the one that runs"),
                              ("\0", "cannot be started: Exec format error")):
            with self.subTest(script=script):
                with open(binary + ".new", "w", encoding="utf-8") as f:
                    f.write(script if script == "\0" else f"#!/bin/sh\n{script}\n")
                os.chmod(binary + ".new", 0o755)
                os.rename(binary + ".new", binary)
                mark = len(self.daemon.log())
                self.assertEqual(self.upgrade(), "reload_refused")
                self.assertRegex(self.daemon.log()[mark:], f"event=reload_refused .*{binary} {words}")
                self.assertEqual(self.daemon.children(), before)

    def test_a_binary_that_does_not_answer_holds_nobody_up(self):
        binary = os.path.join(process.folder(), "t3ops")
        shutil.copy(process.program("core/t3ops"), binary)
        self.start(wrap=["/bin/sh", "-c", f'shift; exec {binary} "$@"', "sh"])
        with open(binary + ".new", "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nread line < {binary}.go\nexit 1\n")
        os.mkfifo(binary + ".go")
        os.chmod(binary + ".new", 0o755)
        os.rename(binary + ".new", binary)
        mark = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        wait.until(lambda: len(self.daemon.children()) == 3, what="the binary that is asked")
        (proxy,) = self.daemon.pids("proxy")
        os.kill(proxy, signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_log("event=reload_queued", after=mark)
        self.assertNotIn("event=reload_refused", self.daemon.log()[mark:])
        with open(binary + ".go", "w", encoding="ascii") as f:
            f.write("go\n")
        self.daemon.wait_log("event=reload_refused", after=mark)
        self.daemon.wait_log("event=reloaded", after=mark)

    def test_old_proxy_has_no_more_time_than_it_had(self):
        never = threading.Event()
        origin = Origin({"/slow": lambda c, r: never.wait()})
        self.addCleanup(origin.stop)
        self.addCleanup(never.set)
        self.start({"drain_timeout": "2s"}, {"alice": origin.port})
        (old,) = self.daemon.pids("proxy")
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/slow", [("X-authentik-username", "alice")]))
            wait.until(lambda: origin.requests("/slow"), what="the request that keeps the old proxy")
            self.daemon.options["first_byte_timeout"] = "9s"
            self.daemon.write_conf()
            self.assertIn("event=reloaded", self.daemon.reload())
            self.assertEqual(self.upgrade(), "upgraded")
            self.daemon.wait_log(rf"event=drain_timeout .*\bpid={old}\b")
            wait.until(lambda: old not in self.daemon.children(), what="the old proxy to leave")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades in place that go wrong, or come at a bad moment: what the earlier binary knew is not forgotten."""
import os
import re
import shutil
import signal
import socket
import threading
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin
from lab.service import Service
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]


class Upgrade(unittest.TestCase):
    def start(self, options=None, users=None, wrap=()):
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms", **(options or {})}, ECHO, users=users, wrap=wrap)
        self.addCleanup(self.daemon.stop)

    def upgrade(self):
        """SIGUSR2; the event that it ended with."""
        return re.search("event=(upgraded|reload_refused)", self.daemon.upgrade()).group(1)

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


class Binary(unittest.TestCase):
    """One that passes the check, and then?  Nobody is lost, and nothing waits for it."""

    def start(self, service):
        self.real = process.program("core/t3ops")
        self.binary = os.path.join(process.folder(), "t3ops")
        shutil.copy(self.real, self.binary)
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, ECHO, users={"alice": self.origin.port},
                             wrap=["/bin/sh", "-c", f'shift; exec {self.binary} "$@"', "sh"], service=service)
        self.addCleanup(self.daemon.stop)
        self.page = ws.WebSocket(self.daemon.proxy, "/ws", ALICE)
        self.addCleanup(self.page.drop)

    def replace(self, script):
        """What it does when it is started to take over: $n tells how often that has happened."""
        with open(self.binary + ".new", "w", encoding="utf-8") as f:
            f.write(f"""#!/bin/sh
case " $* " in *" -t "*) exec {self.real} "$@";; esac
echo x >> {self.binary}.starts
n=$(wc -l < {self.binary}.starts)
{script}
""")
        os.chmod(self.binary + ".new", 0o755)
        os.rename(self.binary + ".new", self.binary)
        if os.path.exists(self.binary + ".starts"):
            os.remove(self.binary + ".starts")

    def serves(self):
        self.page.send_frame(ws.TEXT, "here", mask=False)
        self.assertEqual(self.page.text(), "here")
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)

    def refused(self, script, words):
        self.replace(script)
        pid, children, mark = self.daemon.pid, self.daemon.children(), len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.daemon.wait_log(f"level=error .*event=reload_refused .*{self.binary} {words}", 60, after=mark)
        self.serves()
        self.assertEqual((self.daemon.pid, self.daemon.children()), (pid, children))

    def test_it_exits(self):
        for service in (process.Process, Service):
            with self.subTest(service=service):
                self.start(service)
                self.refused("exit 7", "does not start: it exited with 7")
                self.refused("echo no such thing >&2; exit 1", "does not start: it exited with 1: no such thing")
                self.refused("exit 0", "does not start: it exited before it was ready")
                self.refused("kill -SEGV $$", r"does not start: it ended with signal 11 \(Segmentation fault\)")

    def test_it_exits_when_it_matters(self):
        self.start(Service)
        again = f'[ $n = 1 ] && exec {self.real} "$@"\n'
        self.refused(again + "exit 7", "did not take over: it exited with 7")
        self.refused(again + "kill -KILL $$", r"did not take over: it ended with signal 9 \(Killed\)")
        self.assertEqual([said for said in self.daemon.process.told if "MAINPID" in said
                          and said["MAINPID"] != str(self.daemon.pid)], [])

    def test_it_hangs(self):
        """A process that dies meanwhile is started again."""
        self.start(Service)
        self.replace("exec sleep 1000")
        pid, mark = self.daemon.pid, len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        wait.until(lambda: os.path.exists(self.binary + ".starts"), what="the binary to be tried")
        os.kill(self.daemon.processes()["proxy"], signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        self.serves()
        self.assertNotIn("event=reload_refused", self.daemon.log()[mark:])
        self.daemon.wait_log("event=reload_refused .*does not start: it was not ready in time, and was killed", after=mark)
        self.assertEqual(self.daemon.pid, pid)
        self.serves()

    def test_it_hangs_when_it_matters(self):
        self.start(Service)
        self.refused(f'[ $n = 1 ] && exec {self.real} "$@"\nexec sleep 1000', "did not take over in time, and was killed")

    def test_a_service_follows_to_another_process(self):
        self.start(Service)
        for _ in range(3):
            old, mark = self.daemon.pid, len(self.daemon.log())
            self.daemon.process.send_signal(signal.SIGUSR2)
            self.daemon.wait_log("event=upgraded", after=mark)
            self.assertRegex(self.daemon.log()[mark:], rf"event=handed_over pid={self.daemon.pid}\b")
            self.assertNotEqual(self.daemon.pid, old)
            wait.until(lambda p=old: process.state(p) is None, what="the earlier one to end")
            self.serves()
            wait.until(lambda: len(self.daemon.children()) == 2, what="the old processes to leave")
        self.assertEqual(self.daemon.process.starts, 1)

    def test_signals_that_come_meanwhile_are_the_next_ones(self):
        self.start(Service)
        self.replace(f'[ $n = 1 ] || read line < {self.binary}.go\nexec {self.real} "$@"')
        os.mkfifo(self.binary + ".go")
        old, mark = self.daemon.pid, len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        with open(self.binary + ".go", "w", encoding="ascii") as f:  # it has started for good
            os.kill(old, signal.SIGHUP)
            f.write("go\n")
        self.daemon.wait_log("event=upgraded", after=mark)
        self.daemon.wait_log("event=reloaded", after=mark)
        self.serves()

    @unittest.skipUnless(account.ROOT, "SKIP: a PID namespace is root's")
    def test_the_first_process_of_a_container_stays_itself(self):
        self.real = process.program("core/t3ops")
        d = Daemon({}, ECHO, wrap=["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
                   env={"NOTIFY_SOCKET": os.path.join(process.folder(), "nobody")})
        self.addCleanup(d.process.kill)
        for _ in range(2):
            mark = len(d.log())
            (first,) = d.children()
            os.kill(first, signal.SIGUSR2)
            d.wait_log("event=upgraded", after=mark)
            self.assertEqual(d.children(), [first])
            self.assertEqual(http.get(d.proxy, "/healthz").status, 200)
        os.kill(first, signal.SIGTERM)
        d.wait_log("event=stopped")


if __name__ == "__main__":
    if not account.ROOT:
        print("SKIP: test_the_first_process_of_a_container_stays_itself: a PID namespace is root's")
    unittest.main()

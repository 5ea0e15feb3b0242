#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A proxy of several processes: connections are dealt out among them, tunnels move whatever their number, and
one that dies takes nobody along."""
import concurrent.futures
import os
import re
import signal
import unittest

from lab import http, process, wait, ws
from lab.daemon import Daemon, plugin_dir_with
from lab.origin import Origin
from lab.talk import RawEcho, Talker

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
TUNNELS = 40


def waits(pid):
    """In its loop: it has nothing in its hands."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "S"


class Workers(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "workers": 3, "restart_pause_max": "100ms"}, ECHO,
                             users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def per_worker(self):
        metrics = self.daemon.metrics()
        return {k: v for k, v in metrics.items() if re.match(r"t3ops_tunnels\{", k) and v}

    def set_workers(self, n):
        self.daemon.options["workers"] = n
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        wait.until(lambda: len(self.daemon.pids("proxy")) == n, what=f"{n} workers")

    def test_tunnels_go_on_whatever_the_number_of_workers(self):
        self.assertEqual(len(self.daemon.pids("proxy")), 3)
        talkers = [Talker(self.daemon.proxy, ALICE, n) for n in range(TUNNELS)]
        for t in talkers:
            t.start()
        self.assertEqual(len(self.per_worker()), 3, "a worker got none of forty connections")
        for n in (1, 4, 2, 2, 3):
            self.set_workers(n)
            heard = [t.heard for t in talkers]
            wait.until(lambda h=heard: all(t.error or t.heard > n for t, n in zip(talkers, h)), what="every tunnel to go on")
        mark = len(self.daemon.log())
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.daemon.wait_log("event=upgraded", after=mark)
        for t in talkers:
            t.over = True
        for t in talkers:
            t.join(60)
        self.assertEqual([t.error for t in talkers if t.error], [])
        self.assertEqual(self.daemon.metrics()["t3ops_tunnels"], TUNNELS)
        for t in talkers:
            t.w.drop()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")

    def test_worker_that_dies_takes_nobody_along(self):
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(TUNNELS)]
        self.addCleanup(lambda: [w.drop() for w in idle])
        wait.until(lambda: sum(self.per_worker().values()) == TUNNELS, what="the gauges")
        for pid in self.daemon.pids("proxy"):
            mark = len(self.daemon.log())
            wait.until(lambda p=pid: waits(p), what="the worker to be done with what was said last")
            os.kill(pid, signal.SIGKILL)
            for w in idle:
                w.send_frame(ws.TEXT, "still here", mask=False)
                self.assertEqual(w.text(), "still here")
            self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == TUNNELS, what="the gauges")
        wait.until(lambda: self.daemon.metrics()['t3ops_process_up{process="proxy"}'] == 1, what="all workers")

    def test_limits_of_a_user_are_those_of_all_workers_together(self):
        d = Daemon({"workers": 3, "max_tunnels_per_user": 6}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        opened = []
        for _ in range(60):
            try:
                opened.append(ws.WebSocket(d.proxy, "/ws", ALICE))
            except ws.Refused as refused:
                self.assertEqual(refused.status, 429)
        self.assertEqual(len(opened), 6, "sixty attempts reach every worker")
        for w in opened:
            w.drop()

    def test_users_of_a_worker_whose_reload_is_refused_go_on(self):
        """One of the new workers was ready, and got users, before the next one failed."""
        d = Daemon({"log_level": "info", "workers": 2, "plugin_dir": plugin_dir_with("sample_pause")}, ECHO,
                   users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        old, mark = d.pids("proxy"), len(d.log())
        d.sections += 'plugin "sample_pause" {}\n'
        d.write_conf()
        d.process.send_signal(signal.SIGHUP)

        def paused():
            return [p for p in d.pids("proxy") if p not in old and process.state(p) == "T"]

        (ready,) = wait.until(paused, what="the first worker")
        os.kill(ready, signal.SIGCONT)
        wait.until(lambda: paused() not in ([], [ready]), what="the second worker")
        (failing,) = paused()
        for pid in old:
            os.kill(pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(TUNNELS) as pool:
            users = [pool.submit(ws.WebSocket, d.proxy, "/ws", ALICE) for _ in range(TUNNELS)]
            d.wait_log("event=tunnel_opened", after=mark)
            for pid in old:
                os.kill(pid, signal.SIGCONT)
            users = [u.result() for u in users]
        os.kill(failing, signal.SIGKILL)
        d.wait_log("event=reload_refused", after=mark)
        wait.until(lambda: sorted(d.pids("proxy")) == sorted(old), what="the attempt to leave")
        for w in users:
            w.send_frame(ws.TEXT, "still here", mask=False)
            self.assertEqual(w.text(), "still here")
        self.assertNotRegex(d.log(), "event=tunnel_(closed|drop)")
        for w in users:
            w.drop()

    def test_address_of_another_is_not_joined(self):
        host, port = self.daemon.proxy
        other = Daemon({"listen": [f"{host}:{port}"], "workers": 2}, ECHO, users={"alice": self.origin.port}, start=False)
        self.addCleanup(other.stop)
        with self.assertRaises(AssertionError):
            other.start()
        self.assertIn("Address already in use", other.log())
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The proxy dies: users who are idle do not notice, those who talk are cut or go on, and nobody ever gets a
wrong byte."""
import os
import random
import signal
import time
import unittest

from lab import http, process, wait, ws
from lab.daemon import Daemon, plugin_dir_with
from lab.origin import Origin
from lab.talk import RawEcho, Talker

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
KILLS, UPGRADES = 100, 20


class FrontCrash(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    @staticmethod
    def ask(w, text):
        """A frame and its echo; unmasked, for the instance echoes bytes."""
        w.send_frame(ws.TEXT, text, mask=False)
        return w.text()

    def kill_front(self):
        http.get(self.daemon.proxy, "/healthz")  # it has finished what it was at: whoever is idle now is clean
        pid = self.daemon.processes()["proxy"]
        mark = len(self.daemon.log())
        os.kill(pid, signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)

    def test_idle_user_does_not_notice_a_killed_front(self):
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(20)]
        for n, w in enumerate(idle):
            self.assertEqual(self.ask(w, f"{n}"), f"{n}")
        for kill in range(KILLS):
            self.kill_front()
            for n, w in enumerate(idle):
                self.assertEqual(self.ask(w, f"{n} {kill}"), f"{n} {kill}")
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == len(idle), what="the gauge")
        for w in idle:
            w.drop()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")
        wait.until(lambda: not [c for c in self.origin.open if c.fileno() >= 0], what="the instance to see every end")

    def test_nor_one_killed_while_the_binary_is_replaced(self):
        """At any moment of it: the old proxy, the new one or both."""
        chance = random.Random(7)
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(20)]
        for n in range(UPGRADES):
            for w in idle:
                self.assertEqual(self.ask(w, f"{n}"), f"{n}")
            http.get(self.daemon.proxy, "/healthz")
            mark = len(self.daemon.log())
            self.daemon.process.send_signal(signal.SIGUSR2)
            time.sleep(chance.random() * 0.7)
            for pid in self.daemon.pids("proxy"):
                os.kill(pid, signal.SIGKILL)
            self.daemon.wait_log("event=(upgraded|reload_refused)", after=mark)
            wait.until(self.serves, what="a proxy that serves")
        for w in idle:
            self.assertEqual(self.ask(w, "last"), "last")
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == len(idle), what="the gauge")

    def serves(self):
        try:
            return http.get(self.daemon.proxy, "/healthz").status == 200
        except OSError:
            return False

    def test_busy_user_is_cut_or_goes_on_but_never_gets_a_wrong_byte(self):
        talkers = [Talker(self.daemon.proxy, ALICE, n) for n in range(20)]
        for t in talkers:
            t.start()
        for _ in range(5):
            wait.until(lambda: all(t.error or t.heard > 5 for t in talkers), what="some talk")
            self.kill_front()
        for t in talkers:
            t.over = True
        for t in talkers:
            t.join(60)
            t.w.drop()
        for t in talkers:
            self.assertNotIsInstance(t.error, AssertionError)
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")

    def test_last_words_of_a_front_are_heard_before_its_death(self):
        """By a supervisor that is late and finds both at once."""
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(150)]
        proxy, mark = self.daemon.processes()["proxy"], len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGSTOP)
        os.kill(proxy, signal.SIGTERM)
        wait.until(lambda: process.state(proxy) == "Z", what="the end of the proxy")
        os.kill(self.daemon.pid, signal.SIGCONT)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        log = self.daemon.log()[mark:]
        self.assertEqual(log.count("event=tunnel_closed"), len(idle))
        self.assertNotIn("the proxy died", log)
        for w in idle:
            self.assertEqual(w.wait_close(), 1001)
            w.drop()

    def test_plugin_that_never_returns_is_ended_and_named(self):
        d = Daemon({"plugin_dir": plugin_dir_with("sample_stuck"), "process_watchdog": "1s"}, 'plugin "sample_stuck" {}\n', users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        self.assertEqual(http.get(d.proxy, "/slow", ALICE).status, 200)
        d.wait_log("event=callback_slow .*plugin=sample_stuck")
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w, http.Connection(d.proxy) as c:
            self.assertEqual(self.ask(w, "before"), "before")
            c.send(http.build("GET", "/stuck", ALICE))
            d.wait_log(r"event=process_killed .*plugin=sample_stuck callback=on_request .*child=proxy")
            self.assertEqual(self.ask(w, "after"), "after")
            self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 200)


if __name__ == "__main__":
    unittest.main()

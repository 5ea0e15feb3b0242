#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The proxy dies: users who are idle do not notice, those who talk are cut or go on, and nobody ever gets a
wrong byte."""
import contextlib
import os
import re
import signal
import threading
import time
import unittest

from lab import http, process, wait, ws
from lab.daemon import Daemon, plugin_dir_with
from lab.origin import Origin
from lab.talk import RawEcho, Talker

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
KILLS, UPGRADES, ROUNDS = 100, 20, 10


class ProxyCrash(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms"}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    @staticmethod
    def ask(w, text):
        """A frame and its echo; unmasked, for the t3 server echoes bytes."""
        w.send_frame(ws.TEXT, text, mask=False)
        return w.text()

    def kill_proxy(self):
        http.get(self.daemon.proxy, "/healthz")  # it has finished what it was at: whoever is idle now is clean
        pid = self.daemon.processes()["proxy"]
        mark = len(self.daemon.log())
        os.kill(pid, signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)

    def test_idle_user_does_not_notice_a_killed_proxy(self):
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(20)]
        for n, w in enumerate(idle):
            self.assertEqual(self.ask(w, f"{n}"), f"{n}")
        for kill in range(KILLS):
            self.kill_proxy()
            for n, w in enumerate(idle):
                self.assertEqual(self.ask(w, f"{n} {kill}"), f"{n} {kill}")
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == len(idle), what="the gauge")
        for w in idle:
            w.drop()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")
        wait.until(lambda: not [c for c in self.origin.open if c.fileno() >= 0], what="the t3 server to see every end")

    def test_nor_one_killed_while_the_binary_is_replaced(self):
        """At any moment of it, as the log tells them: the old proxy, the new one or both."""
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(20)]
        for n in range(UPGRADES):
            for w in idle:
                self.assertEqual(self.ask(w, f"{n}"), f"{n}")
            http.get(self.daemon.proxy, "/healthz")
            mark = len(self.daemon.log())
            self.daemon.process.send_signal(signal.SIGUSR2)
            wait.until(lambda m=mark, n=n: self.lines_since(m) >= n // 2 or self.is_over(m), what="that moment")
            for pid in self.daemon.pids("proxy"):
                with contextlib.suppress(ProcessLookupError):  # one that was on its way out
                    os.kill(pid, signal.SIGKILL)
            self.daemon.wait_log("event=(upgraded|reload_refused)", after=mark)
            wait.until(self.serves, what="a proxy that serves")
        for w in idle:
            self.assertEqual(self.ask(w, "last"), "last")
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == len(idle), what="the gauge")

    def lines_since(self, mark):
        return self.daemon.log().count("\n", mark)

    def is_over(self, mark):
        return re.search("event=(upgraded|reload_refused)", self.daemon.log()[mark:])

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
            self.kill_proxy()
        for t in talkers:
            t.over = True
        for t in talkers:
            t.join(60)
            t.w.drop()
        for t in talkers:
            self.assertNotIsInstance(t.error, AssertionError)
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")

    def test_one_tunnel_at_most_is_cut_when_all_talk_at_once(self):
        """What was received of the others and not sent yet is held in the table, and the next proxy sends it."""
        everybody = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(20)]
        for kill in range(1, ROUNDS + 1):
            proxy, mark = self.daemon.processes()["proxy"], len(self.daemon.log())
            os.kill(proxy, signal.SIGSTOP)
            for n, w in enumerate(everybody):
                with contextlib.suppress(OSError):  # one that was cut behind its last answer
                    w.send_frame(ws.TEXT, f"{n} {kill}", mask=False)
            os.kill(proxy, signal.SIGCONT)
            time.sleep(kill / ROUNDS / 500)  # somewhere in its turn
            os.kill(proxy, signal.SIGKILL)
            self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
            everybody = [w for n, w in enumerate(everybody) if self.hears(w, f"{n} {kill}")]
            self.assertGreaterEqual(len(everybody), 20 - kill)
        self.assertLessEqual(self.daemon.metrics()['t3ops_orphaned_tunnels_total{fate="cut"}'], ROUNDS)
        for w in everybody:
            w.drop()

    def hears(self, w, text):
        """Exactly that, or nothing at all any more."""
        try:
            heard = w.text()
        except ws.Closed:
            w.drop()
            return False
        self.assertEqual(heard, text)
        return True

    def test_tunnel_with_bytes_in_the_hands_of_a_killed_proxy_is_cut(self):
        """Its client does not read: what the proxy has taken from the t3 server and not passed on is lost with it."""
        sent, over = [0], threading.Event()

        def floods(c, request):
            c.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                   f"{ws.accept_value(request.header('sec-websocket-key'))}\r\n\r\n".encode())
            try:
                while True:
                    sent[0] += c.sock.send(bytes(65536))
            except OSError:
                over.set()
            return False

        self.origin.handlers["/floods"] = floods
        idle = ws.WebSocket(self.daemon.proxy, "/ws", ALICE)
        with ws.WebSocket(self.daemon.proxy, "/floods", ALICE) as stuck:
            marks = [-2, -1]

            def stands_still():
                time.sleep(.2)  # on a busy machine the one who floods has to get his turn, too
                http.get(self.daemon.proxy, "/healthz")  # the proxy has had its turn
                marks.append(sent[0])
                return sent[0] > 0 and marks[-1] == marks[-2] == marks[-3]

            wait.until(stands_still, what="the proxy to hold bytes that nobody takes")
            mark = len(self.daemon.log())
            self.kill_proxy()
            line = self.daemon.wait_log(r"event=tunnel_dropped .*", after=mark).group(0)
            self.assertIn("reason=local", line)
            self.assertIn("the proxy died while bytes of it were in transit", line)
            self.assertTrue(over.wait(30), "the t3 server's side stays open")
            stuck.conn.sock.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                while stuck.conn.sock.recv(1 << 20):
                    pass
        self.assertEqual(self.ask(idle, "still here"), "still here")
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 1, what="the gauge")
        metrics = self.daemon.metrics()
        self.assertEqual(metrics['t3ops_orphaned_tunnels_total{fate="cut"}'], 1)
        self.assertEqual(metrics['t3ops_tunnel_drops_total{page="lost_by_us"}'], 1)
        wait.until(self.daemon.standing, what="a verdict")
        verdict = self.daemon.standing()[0]
        self.assertEqual((verdict["segments"], verdict["users"]), (["dispatch"], ["alice"]))
        self.assertIn("the proxy died while bytes of it were in transit", verdict["text"])
        idle.drop()

    def test_last_events_of_a_proxy_are_read_before_its_death(self):
        """By a supervisor that is late and finds both at once."""
        idle = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(3)]  # whose ends, a few messages each, fit into its socket: it holds ten
        wait.until(lambda: len(re.findall("tunnel_opened", self.daemon.ctl("events", "-n", "1000"))) >= len(idle),
                   what="room in that socket: the supervisor has passed on that they were opened")
        proxy, mark = self.daemon.processes()["proxy"], len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGSTOP)
        for w in idle:
            w.drop()
        wait.until(lambda: len(re.findall("event=tunnel_(?:dropped|closed)", self.daemon.log()[mark:])) == len(idle),
                   what="the ends of all tunnels")
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the end of what they hold")
        http.get(self.daemon.proxy, "/healthz")  # it has finished what it was at
        os.kill(proxy, signal.SIGKILL)
        wait.until(lambda: process.state(proxy) == "Z", what="the end of the proxy")
        os.kill(self.daemon.pid, signal.SIGCONT)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        self.assertNotIn("the proxy died", self.daemon.log()[mark:])
        self.assertNotIn("event=tunnels_preserved", self.daemon.log()[mark:])
        wait.until(lambda: len(self.ends()) == len(idle), what="all of them in the journal")

    def ends(self):
        return re.findall(r"tunnel_(?:dropped|closed)", self.daemon.ctl("events", "-n", "1000"))

    def test_sigterm_alone_is_the_supervisors_to_answer(self):
        """A proxy takes no order from anybody else: without an answer it goes on."""
        w = ws.WebSocket(self.daemon.proxy, "/ws", ALICE)
        proxy, mark = self.daemon.processes()["proxy"], len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGSTOP)
        os.kill(proxy, signal.SIGTERM)
        for n in range(30):
            self.assertEqual(self.ask(w, f"{n}"), f"{n}")
            time.sleep(0.1)
        os.kill(self.daemon.pid, signal.SIGCONT)
        self.assertEqual(w.wait_close(), 1001)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)

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

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The supervisor dies, and a service manager starts the next one: the proxies and their users do not notice."""
import functools
import os
import re
import signal
import socket
import unittest

from lab import http, ports, process, soak, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin
from lab.service import Service
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
PAGES = 10


class Killed(unittest.TestCase):
    def start(self, options=None, sections=ECHO, **service):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "restart_pause_max": "100ms", **(options or {})}, sections,
                             users={"alice": self.origin.port}, service=functools.partial(Service, **service))
        self.addCleanup(self.daemon.stop)
        self.pages = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(PAGES)]
        for page in self.pages:
            self.addCleanup(page.drop)

    def talk(self, pages=None):
        for n, page in enumerate(pages or self.pages):
            page.send_frame(ws.TEXT, f"{n}", mask=False)
            self.assertEqual(page.text(), f"{n}")

    def kill(self):
        wait.until(lambda: process.state(self.daemon.pid), what="a supervisor to kill")
        mark = len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGKILL)
        return mark

    def kill_alone(self):
        """No supervisor lives when it returns."""
        old = self.daemon.pid
        mark = self.kill()
        wait.until(lambda: process.state(old) is None, what="its end")
        return mark

    def back(self, mark, workers=1):
        self.daemon.wait_log("event=ready", after=mark)
        wait.until(lambda: len(self.daemon.pids("proxy")) == workers, what="the old proxies to leave")

    def kept(self, kind):
        return [n for n in self.daemon.process.names() if n.startswith(kind + ",")]

    def test_nobody_notices(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                self.start({"workers": workers})
                for _ in range(5):
                    before = set(self.daemon.children())
                    mark = self.kill()
                    self.talk()
                    self.back(mark, workers)
                    self.talk()
                    self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
                    wait.until(lambda: len(self.daemon.children()) == workers + 1, what="no more processes than before")
                    self.assertFalse(before & set(self.daemon.children()))
                    self.assertIn(f'event=supervisor_replaced detail="{workers} prox', self.daemon.log()[mark:])
                    wait.until(lambda: len(self.kept("proxy")) == workers, what="the store to forget the old proxies")
                wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == PAGES, what="the gauge")
                self.assertNotRegex(self.daemon.log(), "event=tunnel_(dropped|closed)")
                self.assertEqual(len(self.kept("listener")), workers + 2)
                wait.until(lambda: "supervisor_replaced" in self.daemon.ctl("events", "-k", "supervisor_replaced"),
                           what="the event in the journal")

    def test_kills_at_random_moments(self):
        """make soak plays this for long."""
        lines, lost = soak.kills("supervisor", soak.kill_supervisor, 4, 40, period=1, service=Service)
        self.assertEqual(lost, 0, lines)

    def test_every_other_process_is_started_anew(self):
        self.start(sections=ECHO + 'plugin "probe_t3serve" { websocket = false }\n'
                   + section("plugin", "backup", {"to": process.folder(), "every": "1h"})
                   + section("command", "nothing", {"argv": ["/bin/true"]}))
        before = self.daemon.processes()
        self.assertEqual(set(before), {"proxy", "prober", "jobs", "monitor", "helper"})
        self.back(self.kill())
        wait.until(lambda: set(self.daemon.processes()) == set(before) and len(self.daemon.children()) == len(before),
                   what="all processes")
        self.assertFalse(set(before.values()) & set(self.daemon.processes().values()))
        self.talk()

    def test_while_there_is_none(self):
        """Requests are answered, WebSockets open and close, and the next monitor knows."""
        self.start(restart_s=2)
        proxy = self.daemon.processes()["proxy"]
        mark = self.kill_alone()
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        fresh = ws.WebSocket(self.daemon.proxy, "/ws", ALICE)
        self.talk([fresh])
        self.pages.pop().drop()
        os.kill(proxy, signal.SIGTERM)
        self.talk()
        self.assertNotIn("event=ready", self.daemon.log()[mark:], "the next one came too early for this test")
        self.back(mark)
        self.talk([fresh, *self.pages])
        closed = re.search(r"event=tunnel_(?:closed|dropped) tunnel=(\d+)", self.daemon.log()[mark:]).group(1)
        wait.until(lambda: closed in self.daemon.ctl("events"), what="the end in the journal")
        fresh.drop()

    def test_killed_again_before_it_is_ready(self):
        self.start()
        for n in range(8):
            mark = self.kill_alone()
            self.daemon.wait_log(("event=process_adopted", "event=process_started .*monitor", "event=process_started .*proxy",
                                  "event=tunnels_sent")[n % 4], after=mark)
        self.back(self.kill())
        self.talk()
        self.assertNotRegex(self.daemon.log(), "event=tunnel_(dropped|closed)")

    def test_one_that_cannot_start_takes_nobody_along(self):
        local = os.path.join(process.folder(), "t3ops.sock")
        self.start({"listen": ["127.0.0.1:0", f"unix:{local}"], "listen_mode": "0666"})
        good, self.daemon.sections = self.daemon.sections, "no_such_option = 1\n"
        self.daemon.write_conf()
        mark = self.kill()
        for _ in range(3):
            tries = self.daemon.log()[mark:].count("event=start_failed")
            wait.until(lambda t=tries: self.daemon.log()[mark:].count("event=start_failed") > t, what="another attempt")
            self.talk()
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(local)
        self.daemon.sections = good
        self.daemon.write_conf()
        self.back(mark)
        self.talk()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(local)
        self.assertNotRegex(self.daemon.log(), "event=tunnel_(dropped|closed)")

    def test_another_configuration(self):
        self.start()
        old, names = self.daemon.proxy, self.kept("listener")
        self.daemon.options["listen"] = ["127.0.0.2:0"]
        self.daemon.write_conf()
        self.back(self.kill())
        self.assertNotEqual(self.daemon.address("proxy"), old)
        self.assertEqual(http.get(self.daemon.address("proxy"), "/healthz").status, 200)
        with self.assertRaises(ConnectionRefusedError):
            http.get(old, "/healthz")
        self.talk()
        self.assertEqual({n.split(",")[2] for n in self.kept("listener")}, {n.split(",")[2] for n in names})
        self.assertEqual(len(self.kept("listener")), len(names))

    def test_a_user_table_that_cannot_be_read(self):
        self.start()
        self.daemon.write_users("a table of tomorrow")
        self.daemon.wait_log("event=users_broken")
        self.back(self.kill())
        self.talk()
        self.assertNotRegex(self.daemon.log(), "event=tunnel_(dropped|closed)")

    def test_a_proxy_that_dies_meanwhile_takes_its_own_along(self):
        self.start(restart_s=1)
        proxy = self.daemon.processes()["proxy"]
        mark = self.kill_alone()
        os.kill(proxy, signal.SIGKILL)
        for page in self.pages:
            with self.assertRaises((OSError, ws.Closed)):
                page.text()
        self.back(mark)
        self.assertNotIn("event=process_adopted", self.daemon.log()[mark:])
        self.pages = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE)]
        self.talk()

    def test_without_a_store(self):
        """Nobody could find the proxies: they end in order."""
        self.start(store_max=0)
        mark = self.kill()
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)
        self.back(mark)
        self.assertNotIn("event=process_adopted", self.daemon.log()[mark:])

    def test_killed_with_all_others(self):
        self.start(kill_mode="control-group")
        before = self.daemon.children()
        self.back(self.kill())
        self.assertFalse(set(before) & set(self.daemon.children()))
        self.pages = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE)]
        self.talk()

    def test_what_is_not_its_own_is_not_taken(self):
        """Names that mean nothing, sockets whose other end is gone, processes that are none."""
        self.start(restart_s=1)
        gone, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        alive, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (good,) = self.kept("proxy")
        words = good.split(",")
        mark = self.kill_alone()
        with self.daemon.process.lock:
            for name, s in (("something", alive), (",".join([*words[:3], "900", "1"]), gone), ("listener,0,proxy,127.0.0.1%3A0", alive),
                            (",".join([*words[:2], "99", "901", words[4]]), alive), (good, alive), ("users,1", alive)):
                self.daemon.process.store.append((name, os.dup(s.fileno())))
        peer.close()
        self.back(mark)
        self.talk()
        self.assertEqual(self.daemon.log()[mark:].count("event=process_adopted"), 1)
        wait.until(lambda: "something" not in self.daemon.process.names(), what="what is not wanted to go")
        for s in (gone, alive, there):
            s.close()

    def test_a_proxy_of_another_version(self):
        self.start(restart_s=1)
        mark = self.kill_alone()
        with self.daemon.process.lock:
            self.daemon.process.store = [(re.sub("^proxy,[0-9]+", "proxy,1", n), fd) for n, fd in self.daemon.process.store]
        self.daemon.wait_log("event=process_not_adopted", after=mark)
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)
        self.back(mark)

    def test_a_second_one_meanwhile(self):
        """Somebody starts it by hand: it finds the address in use, and harms nothing."""
        self.start({"listen": [f"127.0.0.1:{ports.free()}"]}, restart_s=2)
        mark = self.kill_alone()
        second = process.Process([process.program("core/t3ops"), "-c", self.daemon.conf], "t3ops")
        self.addCleanup(second.kill)
        self.assertEqual(second.wait(), 1)
        self.assertIn("Address already in use", second.log())
        self.talk()
        self.back(mark)
        self.talk()

    def test_a_stop_ends_everything(self):
        """Also of a supervisor that does not answer."""
        self.start(stop_s=1)
        os.kill(self.daemon.pid, signal.SIGSTOP)
        self.assertEqual(self.daemon.process.stop(), -signal.SIGKILL)
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)

    def test_a_stop_while_there_is_none(self):
        self.start(restart_s=1)
        self.kill_alone()
        self.talk()
        self.daemon.process.stop()
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)


if __name__ == "__main__":
    unittest.main()

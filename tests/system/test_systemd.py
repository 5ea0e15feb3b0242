#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shipped unit under a real systemd: nobody notices that the supervisor dies, or that the binary is replaced, and a stop
ends everything."""
import functools
import os
import signal
import sys
import unittest

from lab import http, process, systemd, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
WHY_NOT = systemd.why_not()


@unittest.skipIf(WHY_NOT, f"SKIP: {WHY_NOT}")
class Unit(unittest.TestCase):
    def start(self, **extra):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info"}, ECHO, users={"alice": self.origin.port},
                             service=functools.partial(systemd.Unit, RestartSec="200ms", **extra))
        self.addCleanup(self.stop)
        self.pages = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(10)]
        for page in self.pages:
            self.addCleanup(page.drop)

    def stop(self):
        if not self.daemon.process.stopped:
            self.daemon.stop()

    def talk(self):
        for n, page in enumerate(self.pages):
            page.send_frame(ws.TEXT, f"{n}", mask=False)
            self.assertEqual(page.text(), f"{n}")
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)

    def kill(self):
        mark = len(self.daemon.log())
        os.kill(self.daemon.pid, signal.SIGKILL)
        self.talk()
        self.daemon.wait_log("event=ready", after=mark)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
        self.talk()

    def test_nobody_notices(self):
        self.start()
        self.kill()
        n = int(self.daemon.process.show("NFileDescriptorStore"))
        for _ in range(3):
            self.kill()
            wait.until(lambda: int(self.daemon.process.show("NFileDescriptorStore")) == n, what="the store to forget what is gone")
        old, mark = self.daemon.pid, len(self.daemon.log())
        os.kill(old, signal.SIGUSR2)
        self.daemon.wait_log("event=upgraded", after=mark)
        wait.until(lambda: self.daemon.pid not in (0, old), what="systemd to follow")
        wait.until(lambda: process.state(old) is None, what="the earlier one to end")
        self.talk()
        self.kill()
        self.assertNotRegex(self.daemon.log(), "event=tunnel_(dropped|closed)")
        self.assertEqual(self.daemon.stop(), 0)
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)

    def test_a_stop_ends_what_does_not_answer(self):
        """Neither the supervisor nor its proxy does."""
        self.start(TimeoutStopSec="1s")
        pids = [self.daemon.pid, *self.daemon.children()]
        for pid in (self.daemon.pid, *self.daemon.pids("proxy")):
            os.kill(pid, signal.SIGSTOP)
        self.daemon.process.stop()
        self.assertEqual([p for p in pids if process.state(p)], [])


if __name__ == "__main__":
    if WHY_NOT:
        print(f"SKIP: the shipped unit under a real systemd: {WHY_NOT}", file=sys.stderr)
    unittest.main()

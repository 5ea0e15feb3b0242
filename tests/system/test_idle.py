#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A daemon with nothing to do sleeps: what wakes its processes is counted, not timed.  But it never sleeps through a
freeze while a user or a leg may be hurt by it."""
import os
import re
import signal
import threading
import time
import unittest

from lab import wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin
from test_legs import echo, first, frame_read, leg, upgrade
from test_tunnel import ALICE

SPAN = 10
FROZEN = 4
REST = 1  # seconds between two looks at the clock in a process that is at rest while somebody owes an answer
QUIET = 2  # and while nobody does
ROUNDS_EVERY = 10 / 3  # process_watchdog, three times in its limit: the supervisor looks whether all sleep


def wakes(pid):
    """How often it went to sleep by itself so far."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("voluntary_ctxt_switches")).split()[1])


class Idle(unittest.TestCase):
    def test_processes_sleep(self):
        """A process that sleeps is pinged once a minute: with the supervisor's answers that is all.  The monitor looks at the host
        now and then, but each second, and a tick follows, where the machine is under pressure."""
        with Daemon({"log_level": "info"}, section("plugin", "probe_echo", {}) + section("command", "mint", {"argv": ["/bin/false"]})
                    + section("plugin", "auto_pair", {}), users={"alice": 9}) as d:
            wait.until(lambda: "proxy" in d.processes(), what="the proxy")
            time.sleep(3)  # what the start stirred up
            pids = {**d.processes(), "supervisor": d.pid}
            before, began = {n: wakes(p) for n, p in pids.items()}, time.monotonic()
            time.sleep(SPAN)
            span = time.monotonic() - began
            found = {n: wakes(p) - before[n] for n, p in pids.items()}
            for name, n in found.items():
                own = {"monitor": 4 * (span + 1), "supervisor": len(pids) + span / ROUNDS_EVERY + 1}.get(name, 0)
                self.assertLessEqual(n, own + 4, f"{name} of {found}")

    def test_a_sleeper_that_is_stopped_is_found(self):
        """It shows that it sleeps, and the kernel says that it does not."""
        with Daemon({"process_watchdog": "600ms"}, section("plugin", "probe_echo", {}), users={"alice": 9}) as d:
            wait.until(lambda: "proxy" in d.processes(), what="the proxy")
            time.sleep(1)
            pid = d.processes()["proxy"]
            os.kill(pid, signal.SIGSTOP)
            d.wait_log(rf"event=process_killed pid={pid} ")
            wait.until(lambda: d.processes().get("proxy", pid) != pid, what="the next proxy")

    def lags(self, d, mark=0):
        """Of each process: by how much it was late, in seconds."""
        return {p: float(ms) / 1000 for p, ms in re.findall(r"process=(\w+) event=loop_lag duration_ms=([\d.]+)", d.log()[mark:])}

    def far(self, beat=echo):
        far = Origin({"/echo": beat})
        self.addCleanup(far.stop)
        return far

    def legs(self, far, count=1, **more):
        """With heartbeats so rare that none comes unless the test says otherwise."""
        quiet = {"heartbeat": "60s", "watchdog": "900s", "late": "800s", "fresh": "0s", "large_beat": "0s", "address": f"127.0.0.1:{far.port}", **more}
        return "".join(leg(f"leg{n}", f"ws://127.0.0.1:{far.port}/echo", **quiet) for n in range(count))

    def freeze(self, d):
        """All of it stands still, the supervisor as well: nobody else's clock goes on.  By how much each process was late then."""
        mark = len(d.log())
        everything = [d.pid] + d.children()
        for pid in everything:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        for pid in everything:
            os.kill(pid, signal.SIGCONT)
        wait.until(lambda: {"proxy", "prober"} <= set(self.lags(d, mark)), what="loop_lag of proxy and prober")
        return self.lags(d, mark)

    def test_a_prober_at_rest_looks_at_the_clock_now_and_then(self):
        far = self.far()
        with Daemon({}, self.legs(far, count=3) + section("plugin", "probe_echo", {}), users={"alice": far.port}) as d:
            for n in range(3):
                first(d, f"leg{n}", "leg_up")
            time.sleep(2 * QUIET)
            pid, began = d.processes()["prober"], time.monotonic()
            before = wakes(pid)
            time.sleep(2 * SPAN)
            self.assertLessEqual(wakes(pid) - before, (time.monotonic() - began) / QUIET + 4)

    def test_a_freeze_is_measured_at_rest(self):
        far = self.far()
        with Daemon({}, self.legs(far) + section("plugin", "probe_echo", {}), users={"alice": far.port}) as d:
            first(d, "leg0", "leg_up")
            with ws.WebSocket(d.proxy, "/echo", ALICE):
                for _ in range(2):  # and again, after it did something
                    time.sleep(2 * QUIET)
                    lags = self.freeze(d)
                    self.assertGreaterEqual(lags["proxy"], FROZEN - REST - 0.2)
                    self.assertGreaterEqual(lags["prober"], FROZEN - QUIET - 0.2)

    def test_a_freeze_is_measured_closely_while_an_answer_is_owed(self):
        """Whenever it begins: a leg whose far end never answers waits for it."""
        asked = threading.Event()

        def mute(connection, request):
            upgrade(connection, request)
            while frame_read(connection)[0] != ws.CLOSE:
                asked.set()
            return False

        far = self.far(mute)
        with Daemon({}, self.legs(far, heartbeat="1s") + section("plugin", "probe_echo", {}), users={"alice": far.port}) as d:
            first(d, "leg0", "leg_up")
            with ws.WebSocket(d.proxy, "/echo", ALICE):
                self.assertTrue(asked.wait(30))
                for _ in range(3):
                    time.sleep(2.7 * REST)
                    self.assertGreaterEqual(self.freeze(d)["prober"], FROZEN - REST - 0.2)


if __name__ == "__main__":
    unittest.main()

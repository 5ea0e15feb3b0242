#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A daemon with nothing to do sleeps: what wakes its processes is counted, not timed.  But it never sleeps through a
freeze while a user or a leg may be hurt by it."""
import os
import re
import signal
import time
import unittest

from lab import wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin
from test_legs import echo, first, leg
from test_tunnel import ALICE

SPAN = 10
FROZEN = 4
REST = 1  # seconds between two looks at the clock in a process that is at rest
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

    def test_a_freeze_is_measured_at_rest(self):
        """All of it stands still, the supervisor as well: nobody else's clock goes on."""
        far = Origin({"/echo": echo})
        self.addCleanup(far.stop)
        quiet = {"heartbeat": "60s", "watchdog": "90s", "fresh": "0s", "large_beat": "0s", "address": f"127.0.0.1:{far.port}"}
        sections = leg("leg", f"ws://127.0.0.1:{far.port}/echo", **quiet) + section("plugin", "probe_echo", {})
        with Daemon({}, sections, users={"alice": far.port}) as d:
            first(d, "leg", "leg_up")
            with ws.WebSocket(d.proxy, "/echo", ALICE):
                for _ in range(2):  # and again, after it did something
                    time.sleep(4 * REST)
                    mark = len(d.log())
                    everything = [d.pid] + d.children()
                    for pid in everything:
                        os.kill(pid, signal.SIGSTOP)
                    time.sleep(FROZEN)
                    for pid in everything:
                        os.kill(pid, signal.SIGCONT)
                    wait.until(lambda m=mark: {"proxy", "prober"} <= set(self.lags(d, m)), what="loop_lag of proxy and prober")
                    for process in ("proxy", "prober"):
                        self.assertGreaterEqual(self.lags(d, mark)[process], FROZEN - REST - 0.2)


if __name__ == "__main__":
    unittest.main()

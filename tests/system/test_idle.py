#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A daemon with nothing to do sleeps: what wakes its processes is counted, not timed."""
import time
import unittest

from lab import wait
from lab.daemon import Daemon, section

SPAN = 10
PINGS_EVERY = 10 / 3  # process_watchdog, three times in its limit


def wakes(pid):
    """How often it went to sleep by itself so far."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("voluntary_ctxt_switches")).split()[1])


class Idle(unittest.TestCase):
    def test_processes_sleep(self):
        """A process answers pings, and ticks no more often.  The monitor also looks at the host once a second, and each time a tick or
        two follow; the supervisor hears each answer."""
        with Daemon({"log_level": "info"}, section("plugin", "probe_echo", {}) + section("command", "mint", {"argv": ["/bin/false"]})
                    + section("plugin", "auto_pair", {}), users={"alice": 9}) as d:
            wait.until(lambda: "proxy" in d.processes(), what="the proxy")
            time.sleep(3)  # what the start stirred up
            pids = {**d.processes(), "supervisor": d.pid}
            before, began = {n: wakes(p) for n, p in pids.items()}, time.monotonic()
            time.sleep(SPAN)
            span = time.monotonic() - began
            found = {n: wakes(p) - before[n] for n, p in pids.items()}
            pings = span / PINGS_EVERY + 1
            for name, n in found.items():
                own = {"monitor": 4 * (span + 1), "supervisor": len(pids) * pings}.get(name, 0)
                self.assertLessEqual(n, own + 3 * pings + 2, f"{name} of {found}")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs whose time runs faster agree on it, on every clock and in every wait."""
import os
import subprocess
import sys
import time
import unittest

from lab.daemon import Daemon
from lab.timelapse import Timelapse, missing

SPEED = 50
CLOCKS = "import time\nprint(*[time.clock_gettime(c) for c in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)])"
WAITS = """
import select, time
for wait in (lambda s: time.sleep(s), lambda s: select.select([], [], [], s), lambda s: select.epoll().poll(s),
             lambda s: select.poll().poll(s * 1000)):
    begun, wall = time.monotonic(), time.time()
    wait(20)
    print(time.monotonic() - begun, time.time() - wall)
"""


def python(script, lapse):
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **lapse.env()}, capture_output=True, text=True,
                          check=True)
    return [[float(w) for w in line.split()] for line in done.stdout.splitlines()]


class TimelapseTest(unittest.TestCase):
    def test_waits_are_short_and_seem_long(self):
        begun = time.monotonic()
        for mine in python(WAITS, Timelapse(SPEED)):
            for seconds in mine:
                self.assertGreaterEqual(seconds, 20)
        self.assertLess(time.monotonic() - begun, 60)

    def test_processes_agree(self):
        lapse = Timelapse(SPEED)
        before = lapse.now()
        first, second = python(CLOCKS, lapse)[0], python(CLOCKS, lapse)[0]
        after = lapse.now()
        self.assertLessEqual(before, first[0])
        self.assertLessEqual(second[0], after)
        passed = [b - a for a, b in zip(first, second)]
        for seconds in passed:
            self.assertAlmostEqual(seconds, passed[0], delta=0.1)

    def test_clocks_jump(self):
        lapse = Timelapse(SPEED)
        before = python(CLOCKS, lapse)[0]
        lapse.jump(realtime=3600, monotonic=-1000)
        lapse.jump(monotonic=-1000, boottime=500)
        after = python(CLOCKS, lapse)[0]
        for passed, step in zip((b - a for a, b in zip(before, after)), (3600, -2000, 500)):
            self.assertAlmostEqual(passed, step, delta=300)
            self.assertGreater(passed, step)

    def test_the_daemon(self):
        lapse = Timelapse(SPEED)
        with Daemon({"log_level": "info"}, users={}, env=lapse.env()) as d:
            first = d.status()["uptime_seconds"]
            time.sleep(0.5)
            self.assertGreaterEqual(d.status()["uptime_seconds"] - first, 0.4 * SPEED)

    def test_speed_1_is_time_as_it_is(self):
        self.assertEqual(Timelapse(1).env(), {})


if __name__ == "__main__":
    if missing():
        print("skipped, missing here:", " ".join(missing()))
        sys.exit(77)
    unittest.main()

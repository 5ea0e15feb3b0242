# SPDX-License-Identifier: MIT
"""Time that runs faster for the programs that are started with env(): see timelapse.c."""
import os
import time

from lab import process


class Timelapse:
    def __init__(self, speed):
        """speed: seconds of theirs in one of ours."""
        self.speed = speed
        self.began = [time.clock_gettime(c) for c in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)]

    def env(self):
        if self.speed == 1:
            return {}
        library = process.program("tests/lab/.libs/timelapse.so")
        return {"LD_PRELOAD": library, "T3OPS_TIMELAPSE": " ".join([f"{self.speed:.9g}"] + [f"{b:.9f}" for b in self.began])}

    def now(self):
        """time.time() of theirs."""
        return self.theirs(time.time())

    def theirs(self, ours):
        return self.began[0] + (ours - self.began[0]) * self.speed

    def pause(self, seconds):
        """Waits for so many seconds of theirs."""
        time.sleep(seconds / self.speed)


def missing():
    """Words that say why time cannot be sped up here; empty: it can."""
    if not os.access(os.path.join(process.build_dir(), "tests/lab/.libs/timelapse.so"), os.X_OK):
        return ["tests/lab/timelapse.la"]
    with open(process.program("core/t3ops"), "rb") as f:
        # A sanitizer's library has to be the first that is loaded, before any preload.
        return ["a build without sanitizers"] if b"libasan.so" in f.read() else []

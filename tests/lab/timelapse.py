# SPDX-License-Identifier: MIT
"""Time that runs faster for the programs that are started with env(), and clocks that jump: see timelapse.c."""
import mmap
import os
import struct
import time

from lab import process


class Timelapse:
    def __init__(self, speed):
        """speed: seconds of theirs in one of ours."""
        self.speed = speed
        self.steps = [0, 0, 0]  # nanoseconds by which the clocks were set ahead
        self.ahead = {0.0}  # seconds by which CLOCK_REALTIME was ahead at any time
        self.file = os.path.join(process.folder(), "steps")
        with open(self.file, "w+b") as f:
            f.write(bytes(24))
            f.flush()
            self.shared = mmap.mmap(f.fileno(), 24)
        self.began = [time.clock_gettime(c) for c in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)]

    def env(self):
        if self.speed == 1:
            return {}
        library = process.program("tests/lab/timelapse.so")
        return {"LD_PRELOAD": library, "T3OPS_TIMELAPSE": " ".join([f"{self.speed:.9g}"] + [f"{b:.9f}" for b in self.began]),
                "T3OPS_TIMELAPSE_STEPS": self.file}

    def jump(self, realtime=0.0, monotonic=0.0, boottime=0.0):
        """Sets their clocks ahead by so many seconds of theirs (back if negative).  A machine that was suspended finds its
        monotonic clock behind by that."""
        self.steps = [step + round(seconds * 1e9) for step, seconds in zip(self.steps, (realtime, monotonic, boottime))]
        self.ahead.add(self.steps[0] / 1e9)
        self.shared[:] = struct.pack("=3q", *self.steps)

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
    if not os.access(os.path.join(process.build_dir(), "tests/lab/timelapse.so"), os.X_OK):
        return ["tests/lab/timelapse.so"]
    with open(process.program("core/t3ops"), "rb") as f:
        # A sanitizer's library has to be the first that is loaded, before any preload.
        return ["a build without sanitizers"] if b"libasan.so" in f.read() else []

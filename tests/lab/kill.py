# SPDX-License-Identifier: MIT
"""Processes of t3ops that are killed at a chosen moment of their work."""
import contextlib
import json
import os
import signal
import threading
import time

from lab import wait


def jobs(daemon):
    """Pids of the processes of runs: children of the helper."""
    found = []
    helpers = daemon.pids("helper")
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                mine = b"--run-job" in f.read()
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            if mine and parent in helpers:
                found.append(pid)
    return found


def value(path, key):
    """Of a JSON file that is replaced at once; None: there is none."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f).get(key)
    except (OSError, ValueError):
        return None


class Hunter:
    """Kills the processes that `pids()` gives when `now()` is one of the words, once for each; `words`: those that are left."""

    def __init__(self, words, now, pids):
        self.words, self.now, self.pids = list(words), now, pids
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over and self.words:
            word = self.now()
            pids = self.pids() if word in self.words else []
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if pids:  # none: they are being started again
                self.words.remove(word)
            time.sleep(0.002)

    def stop(self):
        self.over = True
        self.thread.join()


class Stepper:
    """Lets a process go on in slices of some microseconds, and kills it once `at()` is true between two of them, and
    `more` slices later.  Called while the process waits for somebody; ends in a thread."""

    def __init__(self, pid, at, more=0, limit=60):
        self.pid, self.at, self.more = pid, at, more
        self.until = time.monotonic() + limit * wait.SLOW
        self.killed = threading.Event()
        os.kill(pid, signal.SIGSTOP)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(ProcessLookupError):
            while not self.at() and time.monotonic() < self.until:
                self.step()
            reached = self.at()
            for _ in range(self.more):
                self.step()
            os.kill(self.pid, signal.SIGKILL)
            if reached:
                self.killed.set()

    def step(self):
        os.kill(self.pid, signal.SIGCONT)
        os.kill(self.pid, signal.SIGSTOP)

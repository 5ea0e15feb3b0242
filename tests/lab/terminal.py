# SPDX-License-Identifier: MIT
"""t3opsctl as a person runs it: on a terminal."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from lab import process, wait

LEAVE = b"\033[?25h\033[?1049l"


class Terminal:
    """t3opsctl on a terminal of that size."""

    def __init__(self, daemon, *words, columns=80, rows=24, zone="Europe/Berlin", ignores=()):
        """ignores: names of signals; all others do to it what they do by default, whatever they do to the test."""
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.out = b""
        signals = ["--default-signal", *(f"--ignore-signal={name}" for name in ignores)]
        self.process = subprocess.Popen(["env", *signals, process.program("core/t3opsctl"), "-s", daemon.control, *words],
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        env={**os.environ, "TERM": "xterm", "TZ": zone})

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            self.out += os.read(self.master, 65536)
        return self.out

    def shows(self, what, limit=20):
        end = time.monotonic() + limit * wait.SLOW
        while not re.search(what, self.read()):
            if time.monotonic() > end:
                raise AssertionError(f"the terminal does not show {what}: {self.out}")

    def key(self, key):
        os.write(self.master, key)

    def end(self, limit=20):
        """The exit status, once all of the output is read."""
        status = self.process.wait(limit * wait.SLOW)
        self.read()
        return status

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before and self.out.endswith(LEAVE)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def lines(self):
        return re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", self.out).decode().replace("\r", "").split("\n")

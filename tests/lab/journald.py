# SPDX-License-Identifier: MIT
"""A real systemd-journald in a mount namespace of its own, and programs whose standard error is connected to it, as a
service's is.

    with Journald() as j:
        p = j.start([t3ops, "-c", conf], "t3ops")
        j.entries("T3OPS_EVENT=ready")

As a program: journald.py STREAM_SOCKET PROGRAM [ARGUMENT]...  runs PROGRAM so.
"""
import json
import os
import shutil
import socket
import subprocess
import sys

if __name__ != "__main__":
    from lab import account, process, wait

PROGRAM = "/usr/lib/systemd/systemd-journald"
BEGIN = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && exec \"$0\""


def why_not():
    """Why there can be none here; None: there can."""
    if not account.ROOT:
        return "a mount namespace is root's"
    if not os.access(PROGRAM, os.X_OK) or not shutil.which("journalctl") or not shutil.which("nsenter"):
        return "systemd-journald is not installed"
    if not os.path.exists("/etc/machine-id"):
        return "this machine has no /etc/machine-id, without which journald does not start"
    return None


class Journald:
    def __init__(self):
        self.process = process.Process(["unshare", "--mount", "sh", "-c", BEGIN, PROGRAM], "journald")
        self.root = f"/proc/{self.process.pid}/root"
        wait.until(lambda: os.path.exists(f"{self.root}/run/systemd/journal/socket"), what="the journal's socket")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()

    def start(self, argv, name):
        return process.Process(["nsenter", "--mount", f"--target={self.process.pid}", sys.executable, os.path.abspath(__file__),
                                "/run/systemd/journal/stdout", *argv], name)

    def entries(self, *matches):
        done = subprocess.run(["journalctl", "-D", f"{self.root}/run/log/journal", "-o", "json", "--no-pager", *matches],
                              capture_output=True, text=True, timeout=60, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(sys.argv[1])
    stream.sendall(b"t3ops\n\n6\n1\n0\n0\n0\n")  # name, unit, level, levels as <N>, forwarding: none
    st = os.fstat(stream.fileno())
    os.dup2(stream.fileno(), 2)
    os.environ["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

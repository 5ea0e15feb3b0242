# SPDX-License-Identifier: MIT
"""What the runbooks tell people to type, run as they would: indented lines are commands, ```promql blocks are queries."""
import os
import re
import stat
import subprocess

from lab import process, wait

FOLDER = os.path.join(process.source_dir(), "docs/runbooks")
AGAIN = "ask again when it is over"  # of t3opsctl, while something else goes on with a user


def text_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return f.read()


def commands(text):
    outside = re.sub(r"```.*?```", "", text, flags=re.S)
    return re.findall(r"^ {4}(\S.*)$", outside, re.M)


def queries(text):
    return [" ".join(q.split()) for q in re.findall(r"```promql\n(.*?)```", text, re.S)]


def sections(name):
    """{heading: its text}, of the second level."""
    parts = re.split(r"^## (.*)$", text_of(name), flags=re.M)
    return dict(zip(parts[1::2], (re.split(r"^# ", p, flags=re.M)[0] for p in parts[2::2])))


class Shell:
    """A shell on the machine of that daemon: t3opsctl speaks to it, journalctl prints its log, systemctl repeats what it is
    asked."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.bin = process.folder()
        control = f'exec {process.program("core/t3opsctl")} -s {daemon.control} "$@"'
        for name, text in (("t3opsctl", control), ("journalctl", f"cat {daemon.process.log_path}"), ("systemctl", 'echo "$@"')):
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\n{text}\n")
            os.chmod(path, stat.S_IRWXU)

    def run(self, command, **words):
        """What it prints; words: what stands in the runbook in place of those of here."""
        for there, here in words.items():
            command = re.sub(rf"\b{there}\b", here, command)
        done = wait.until(lambda: self.ran(command), 120, f"the turn of {command}")
        if done.returncode or not done.stdout.strip():
            raise AssertionError(f"$ {command}\n{done.stdout}{done.stderr}exit status {done.returncode}")
        return done.stdout

    def ran(self, command):
        """None: it is to be run again, as t3opsctl says."""
        done = subprocess.run(["/bin/sh", "-c", command], env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"},
                              capture_output=True, text=True, timeout=60 * wait.SLOW, check=False)
        return None if done.returncode and AGAIN in done.stderr else done

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command of docs/runbooks/version-bump.md, from top to bottom, does what the page says."""
import os
import re
import shlex
import subprocess
import unittest

from lab import process
from lab.installation import Installation
from lab.registry import Registry
from lab.stub import LATEST, OLD


def commands():
    """[words] behind `t3opsctl upgrade`, of the indented lines."""
    with open(os.path.join(process.source_dir(), "docs/runbooks/version-bump.md"), encoding="utf-8") as f:
        return re.findall(r"^ {4,}t3opsctl upgrade (.*)$", f.read(), re.M)


class Runbook(unittest.TestCase):
    def test_commands(self):
        registry = Registry(latest=LATEST)
        versions = os.path.join(process.folder(), "versions")
        with Installation(OLD, ("alice", "bob"), channel="latest", versions=versions, **registry.options()) as lab:
            done = []
            for command in commands():
                line = command.replace("/opt/t3/0.0.32", lab.prefixes[LATEST])
                said = subprocess.run([process.program("core/t3opsctl"), "-s", lab.daemon.control, "upgrade", *shlex.split(line)],
                                      capture_output=True, text=True, timeout=180, check=False)
                self.assertEqual(said.returncode, 0, f"{command}: {said.stdout}{said.stderr}")
                done.append(command.split()[0])
                if command.startswith("run --to"):
                    self.assertEqual(lab.wait_idle(), "done: 1 moved, 0 had it already, 1 frozen")
                    self.assertEqual(lab.versions(), {"alice": LATEST, "bob": OLD})
            self.assertEqual(lab.versions(), {"alice": OLD, "bob": OLD})  # the page ends with the way back
            self.assertEqual(set(done), {"check", "freeze", "run", "progress", "unfreeze", "rollback"})
            self.assertEqual(registry.asked, [LATEST, LATEST])  # for each of them, once


if __name__ == "__main__":
    unittest.main()

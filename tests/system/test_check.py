#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/check: the last line counts the results, the exit status is 0 only if nothing failed."""
import os
import shutil
import subprocess
import unittest

from lab import process

MAKEFILE = """\
check:
	@for result in {results}; do \\
		echo ":global-test-result: $$result" >{build}/$$result.trs; \\
		echo "what $$result said" >{build}/$$result.log; \\
	done; exit {status}
"""


def script(path, body):
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\nset -eu\n{body}\n")
    os.chmod(path, 0o755)


class Check(unittest.TestCase):
    """The real script in a tree whose build and tests are made up."""

    def setUp(self):
        self.tree = process.folder()
        os.makedirs(f"{self.tree}/scripts")
        shutil.copy(f"{process.source_dir()}/scripts/check", f"{self.tree}/scripts/check")
        script(f"{self.tree}/scripts/install-packages", "")

    def check(self, results, status=0, *options):
        recipe = MAKEFILE.format(results=results, status=status, build="$(CURDIR)").replace("$", r"\$")
        script(f"{self.tree}/scripts/build", f'mkdir -p "$1"; cat >"$1/Makefile" <<END\n{recipe}END')
        done = subprocess.run(["scripts/check", *options], cwd=self.tree, capture_output=True, text=True, timeout=60,
                              check=False)
        lines = done.stdout.splitlines()
        return done.returncode, lines[-1] if lines else "", done.stdout + done.stderr

    def test_all_passed(self):
        status, last, said = self.check("PASS")
        self.assertEqual((status, last), (0, "1 passed, 0 failed, 0 skipped"), said)

    def test_skipped(self):
        status, last, said = self.check("PASS SKIP")
        self.assertEqual((status, last), (0, "1 passed, 0 failed, 1 skipped"), said)

    def test_both_builds(self):
        status, last, said = self.check("PASS", 0, "--all")
        self.assertEqual((status, last), (0, "2 passed, 0 failed, 0 skipped"), said)

    def test_a_failure_is_shown(self):
        status, last, said = self.check("PASS FAIL", 1)
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"), said)
        self.assertIn("what FAIL said", said)
        self.assertNotIn("what PASS said", said)

    def test_make_stops_early(self):
        status, last, said = self.check("PASS", 1)
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"), said)
        self.assertIn("before every test had run", said)

    def test_nothing_ran(self):
        status, last, said = self.check("")
        self.assertEqual((status, last), (1, "0 passed, 0 failed, 0 skipped"), said)

    def test_build_fails(self):
        script(f"{self.tree}/scripts/build", "exit 1")
        done = subprocess.run(["scripts/check"], cwd=self.tree, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/check: the last line counts the results, the lines before it show what failed, the exit status is 0 only if
nothing did; and tests/run, which runs each test."""
import os
import shutil
import subprocess
import sys
import unittest

from lab import process

MAKEFILE = """\
check:
	@mkdir -p {build}/tests; for result in {results}; do \\
		echo ":global-test-result: $$result" >{build}/tests/$$result.trs; \\
		{{ seq 100; printf '%b\\n' "$$SAYS"; echo "what $$result said"; {source}/tests/run true; }} >{build}/tests/$$result.log; \\
	done; exit {status}
check-programs:
	@echo "python3 is $$(command -v python3)"
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

    def check(self, results, status=0, *options, env=None):
        recipe = MAKEFILE.format(results=results, status=status, build="$(CURDIR)", source=process.source_dir()).replace("$", r"\$")
        script(f"{self.tree}/scripts/build", f'mkdir -p "$1"; cat >"$1/Makefile" <<END\n{recipe}END')
        done = subprocess.run(["scripts/check", *options], cwd=self.tree, capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, **(env or {})})
        lines = done.stdout.splitlines()
        return done.returncode, lines[-1] if lines else "", done.stdout + done.stderr

    def test_all_passed(self):
        status, last, said = self.check("PASS")
        self.assertEqual((status, last), (0, "1 passed, 0 failed, 0 skipped"), said)

    def test_the_interpreter_itself(self):
        """Not a script that looks for it, as pyenv's."""
        shims = process.folder()
        script(f"{shims}/python3", f'exec {sys.executable} "$@"')
        said = self.check("PASS", env={"PATH": f"{shims}:{os.environ['PATH']}"})[2]
        self.assertIn(f"python3 is {os.path.dirname(sys.executable)}/python3\n", said)

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

    def test_the_ends_of_what_failed_come_last(self):
        """Of both builds: of a long log nobody sees more."""
        status, last, said = self.check("PASS FAIL ERROR", 1, "--all")
        self.assertEqual((status, last), (1, "2 passed, 4 failed, 0 skipped"), said)
        end = said[said.index("==== the end of "):said.index(last) + len(last)].splitlines()
        self.assertLess(len(end), 200)
        self.assertEqual(end.count("what FAIL said"), 2, said)
        self.assertEqual(end.count("what ERROR said"), 2, said)
        self.assertEqual(end[-6:-1], ["failed:", *(f"    {build}/tests/{result}" for build, result in (
            ("build", "ERROR"), ("build", "FAIL"), ("build-sanitizers", "ERROR"), ("build-sanitizers", "FAIL")))])

    def test_the_list_says_of_what(self):
        for said, error in (("Traceback:\nAssertionError: 1.0 != 0\nValueError: later", "AssertionError: 1.0 != 0"),
                            (r"AssertionError: \\n found in \\t", r"AssertionError: \n found in \t"),
                            ("x\nlab.wait.TooLate: a verdict did not come", "lab.wait.TooLate: a verdict did not come"),
                            ("[  ERROR   ] --- 1 != 2\n[  FAILED  ] leg_is_late", "[  FAILED  ] leg_is_late")):
            with self.subTest(error):
                _, _, told = self.check("FAIL", 1, env={"SAYS": said})
                self.assertIn(f"\nfailed:\n    build/tests/FAIL: {error}\n0 passed", told)

    def test_what_tests_took(self):
        status, _, said = self.check("PASS SKIP")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"(?m)^check: tests took \d+ s together, \d+ s of the CPU .*:\n\d+\.\d \d+\.\d /.*/tests/(PASS|SKIP)\.log$")

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
        self.assertEqual(done.stdout.splitlines()[-3:], ["failed:", "    the build in build failed", "0 passed, 1 failed, 0 skipped"])


class Run(unittest.TestCase):
    """tests/run"""

    def run_test(self, *argv, plain=""):
        done = subprocess.run([f"{process.source_dir()}/tests/run", *argv], env={**os.environ, "T3OPS_PLAIN_TESTS": plain},
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def test_passes_the_status_on(self):
        for status in (0, 1, 77, 99):
            self.assertEqual(self.run_test("sh", "-c", f"exit {status}")[0], status)

    def test_time_of_the_test_is_the_last_line(self):
        _, said = self.run_test("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
        self.assertRegex(said, r"(?m)^took \d+ ms; .*\n0m.*s 0m.*s\n0m.*s 0m.*s\n$")
        self.assertGreater(float(said.splitlines()[-1].split("s")[0].partition("m")[2]), 0)

    def test_of_the_plain_build_alone(self):
        plain = "tests/system/test_a.py tests/b"
        for test, status in (("tests/system/test_a.py", 77), ("../src/tests/b", 77), ("tests/system/test_a.py.x", 0), ("other_tests/b", 0)):
            found, said = self.run_test("echo", test, plain=plain)
            self.assertEqual((found, said.startswith("SKIP: ")), (status, status == 77), test)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/release refuses what is not ready, and then changes nothing.  What it makes is compared in test_build.py, and by
itself at each release."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from lab import process

SOURCE = process.source_dir()
WHY_NOT = None if os.path.exists(f"{SOURCE}/.git") and shutil.which("git") else "the sources are no clone"
FILES = ("configure.ac", "NEWS", "etc/rpm/t3ops.spec", "scripts/release")


@unittest.skipIf(WHY_NOT, f"SKIP: {WHY_NOT}")
class Release(unittest.TestCase):
    def setUp(self):
        """A clone with the files that it looks at, and a version that could be released."""
        self.clone = process.folder()
        for name in FILES:
            os.makedirs(os.path.dirname(f"{self.clone}/{name}"), exist_ok=True)
            shutil.copy(f"{SOURCE}/{name}", f"{self.clone}/{name}")
        self.replace("configure.ac", r"\[t3ops\], \[[^]]*\]", "[t3ops], [9.8.7]")
        self.replace("etc/rpm/t3ops.spec", r"(?m)^Version:.*", "Version:        9.8.7")
        self.replace("NEWS", r"(?m)^\d\S* \(.*\)$", "9.8.7 (2026-11-27)")
        self.git("init", "-q")
        self.commit()

    def replace(self, name, pattern, text):
        with open(f"{self.clone}/{name}", encoding="utf-8") as f:
            old = f.read()
        new = re.sub(pattern, text, old, count=1)
        self.assertNotEqual(new, old)
        with open(f"{self.clone}/{name}", "w", encoding="utf-8") as f:
            f.write(new)

    def git(self, *words):
        return subprocess.run(["git", "-C", self.clone, "-c", "user.name=t", "-c", "user.email=t@t3ops.invalid", *words], check=True,
                              capture_output=True, text=True).stdout

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "-q", "--message=x")

    def refused(self, why, *words):
        tags = self.git("tag")
        done = subprocess.run([f"{self.clone}/scripts/release", "--checked", *words, f"{self.clone}.out"], capture_output=True,
                              text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, f"^release: {why}")
        self.assertFalse(os.path.exists(f"{self.clone}.out"))
        self.assertEqual(self.git("tag"), tags)

    def test_what_is_not_ready(self):
        self.refused("gpg has no secret key nobody@t3ops.invalid", "--key", "nobody@t3ops.invalid")
        self.replace("NEWS", r"9\.8\.7 \(.*\)", "9.8.7 (unreleased)")
        self.refused("commit or remove what git status lists first")
        self.commit()
        self.refused(r'NEWS begins with "9\.8\.7 \(unreleased\)"; expected "9\.8\.7 \(YEAR-MONTH-DAY\)"')
        self.replace("NEWS", r"\(unreleased\)", "(2026-11-27)")
        self.replace("etc/rpm/t3ops.spec", r"9\.8\.7", "9.8.6")
        self.commit()
        self.refused("etc/rpm/t3ops.spec has another version than 9.8.7")
        self.git("tag", "v9.8.7")
        self.refused("v9.8.7 is there already")

    def test_usage(self):
        for words in ((), ("--nonsense", "x"), ("--key",)):
            done = subprocess.run([f"{self.clone}/scripts/release", *words], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertTrue(done.stderr.startswith("usage: scripts/release "), done.stderr)

    def test_versions_agree(self):
        versions = []
        for name, pattern in (("configure.ac", r"\[t3ops\], \[(.*?)\]"), ("etc/rpm/t3ops.spec", r"(?m)^Version: *(\S+)$"),
                              ("NEWS", r"(?m)^(\d\S*) \(")):
            with open(f"{SOURCE}/{name}", encoding="utf-8") as f:
                versions.append(re.search(pattern, f.read()).group(1))
        self.assertEqual(len(set(versions)), 1, versions)


if __name__ == "__main__":
    if WHY_NOT:
        print(f"SKIP: scripts/release: {WHY_NOT}", file=sys.stderr)
    unittest.main()

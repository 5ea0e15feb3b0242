#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/package, as who installs t3ops runs it: lintian has nothing to say, and the packages live as they should.  Of
make check-package, for it builds t3ops once more; make check plays the same with packages of what test_build.py built."""
import os
import re
import shutil
import sys
import unittest

from lab import packages, process

WHY_NOT = packages.why_not()


@unittest.skipIf(WHY_NOT, f"SKIP: {WHY_NOT}")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = process.folder()
        cls.said = packages.say(f"{process.source_dir()}/scripts/package", cls.folder)
        cls.debs = packages.of_folder(cls.folder)

    def test_names(self):
        plugins = {name for name in self.debs if name.startswith("t3ops-plugin-")}
        self.assertEqual(set(self.debs), {"t3ops", "t3ops-dev"} | plugins)
        self.assertEqual(sorted(self.said.splitlines()), sorted(self.debs.values()))
        with open(f"{process.source_dir()}/configure.ac", encoding="utf-8") as f:
            version = re.search(r"AC_INIT\(\[t3ops\], \[(.*?)\]", f.read()).group(1)
        for path in self.debs.values():
            self.assertEqual(packages.say("dpkg-deb", "--field", path, "Version"), f"{version}-1\n")

    def test_lintian(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not installed")
        (changes,) = [name for name in os.listdir(self.folder) if name.endswith(".changes")]
        said = packages.say("lintian", "--allow-root", "--display-info", "--fail-on=error,warning,info", f"{self.folder}/{changes}")
        self.assertEqual(said, "")

    def test_life(self):
        packages.life(self, self.debs)


if __name__ == "__main__":
    if WHY_NOT:
        print(f"SKIP: Debian packages: {WHY_NOT}", file=sys.stderr)
    unittest.main()

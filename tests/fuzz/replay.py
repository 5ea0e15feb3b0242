#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every fuzz target over its seeds (and, without libFuzzer, over their prefixes)."""
import os
import subprocess
import unittest

from lab import process

CORPUS = os.path.join(process.source_dir(), "tests/fuzz/corpus")


class Replay(unittest.TestCase):
    def test_seeds(self):
        targets = sorted(os.listdir(CORPUS))
        self.assertGreaterEqual(len(targets), 5)
        for target in targets:
            with self.subTest(target=target):
                if not os.path.exists(os.path.join(process.build_dir(), "tests/fuzz", target)):
                    self.skipTest("its library is missing")
                seeds = [os.path.join(CORPUS, target, f) for f in sorted(os.listdir(os.path.join(CORPUS, target)))]
                done = subprocess.run([process.program("tests/fuzz/" + target), *seeds], capture_output=True, text=True,
                                      timeout=300, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

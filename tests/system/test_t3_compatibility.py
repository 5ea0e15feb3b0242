#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/t3-compatibility.md says what the gate sees."""
import os
import unittest

from lab import compatibility, process


class Compatibility(unittest.TestCase):
    maxDiff = None

    def test_is_up_to_date(self):
        with open(os.path.join(process.source_dir(), "docs/t3-compatibility.md"), encoding="utf-8") as f:
            written = f.read()
        self.assertEqual(written, compatibility.page(), "python3 -m lab.compatibility writes it anew")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the benchmark says of a goal: met or missed by the median, and whether another run could end otherwise."""
import os
import sys
import unittest

from lab import process

sys.path.insert(0, os.path.join(process.source_dir(), "tests", "bench"))
import bench  # noqa: E402


class Goals(unittest.TestCase):
    def test_verdict(self):
        for values, limit, more, said in (
                ([0.9, 0.93, 0.94], 0.95, False, "met"),
                ([0.95], 0.95, False, "met"),
                ([0.9, 0.93, 0.99], 0.95, False, "met within the noise, 0.93 (0.90 - 0.99)"),
                ([0.9, 0.97, 0.99], 0.95, False, "missed within the noise, 0.97 (0.90 - 0.99)"),
                ([0.96, 0.97, 0.99], 0.95, False, "missed, 0.97 (0.96 - 0.99)"),
                ([0.96], 0.95, False, "missed, 0.96"),
                ([1.0, 1.2, 1.3], 1.1, True, "met within the noise, 1.20 (1.00 - 1.30)"),
                ([1.0, 1.05, 1.09], 1.1, True, "missed, 1.05 (1.00 - 1.09)")):
            with self.subTest(values=values, more=more):
                self.assertEqual(bench.verdict(values, limit, more), said)

    def test_the_best_peer_of_the_same_round(self):
        figures = {"t3ops": [0.9, 1.8], "nginx": [1.0, 3.0], "haproxy": [2.0, 2.0], "backend": [0.1, 0.1]}
        self.assertEqual(bench.ratios("CPU-s per 100k", figures, ""), [0.9, 0.9])
        self.assertEqual(bench.goal_text("CPU-s per 100k", figures, "best", 0.85),
                         "at most 0.85 of the best: missed, 0.90 (0.90 - 0.90)")

    def test_every_goal_is_of_a_case(self):
        self.assertLessEqual({case for case, _ in bench.GOALS}, set(bench.CASES))


if __name__ == "__main__":
    unittest.main()
